//! Writes of many threads that end together.

use std::any::Any;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use super::faulty::Faulty;
use super::{T, code, copy, create, memory, open, options, value};
use crate::disk::sim::{Choices, SimDisk};
use crate::disk::{Disk, SyncSite};
use crate::error::{Error, ErrorCode, Result};
use crate::index::contract::{dump, get, put};
use crate::index::{Durability, Kv, KvAccess, KvOptions, Put, RedbKv, Table};

/// What a thread's write came to, its panic included.
type Came<R> = Result<Result<R>, Box<dyn Any + Send>>;

/// Writes from `count` threads at once: the first one's closure waits until all others queue.
fn together<R: Send>(
    kv: &RedbKv,
    count: usize,
    durability: impl Fn(usize) -> Durability + Sync,
    write: impl Fn(usize, &mut dyn Put) -> Result<R> + Sync,
) -> Vec<Came<R>> {
    let (begin, began) = channel();
    let (durability, write) = (&durability, &write);
    thread::scope(|scope| {
        let first = scope.spawn(move || {
            kv.write(durability(0), |txn| {
                begin.send(()).unwrap();
                while kv.queue.len() < count - 1 {
                    thread::yield_now();
                }
                write(0, txn)
            })
        });
        began.recv().unwrap();
        let run = |i| scope.spawn(move || kv.write(durability(i), |txn| write(i, txn)));
        let others: Vec<_> = (1..count).map(run).collect();
        let all = [first].into_iter().chain(others);
        all.map(thread::ScopedJoinHandle::join).collect()
    })
}

fn now(_: usize) -> Durability {
    Durability::Now
}

fn later(_: usize) -> Durability {
    Durability::Later
}

fn last_seq(kv: &RedbKv) -> u64 {
    kv.lock_writer().as_ref().unwrap().log.last_seq()
}

fn put_own(i: usize, txn: &mut dyn Put) -> Result<()> {
    txn.put(T, &[i as u8], &[i as u8; 30])
}

#[test]
fn writes_that_queue_share_one_record_and_one_sync() {
    let (switch, disk) = Faulty::new();
    let kv = create(&disk);
    put(&kv, T, b"before", b"1").unwrap();
    let (seq, syncs) = (last_seq(&kv), switch.log_syncs());
    for came in together(&kv, 20, now, put_own) {
        came.unwrap().unwrap();
    }
    assert_eq!(last_seq(&kv), seq + 1);
    assert_eq!(switch.log_syncs(), syncs + 1);
    let all = dump(&kv);
    assert_eq!(all.len(), 21);
    assert!(dump(&open(&copy(&disk), KvAccess::Write).unwrap()) == all);
}

#[test]
fn a_group_is_synced_if_one_of_it_wants_that() {
    let (switch, disk) = Faulty::new();
    let kv = create(&disk);
    put(&kv, T, b"before", b"1").unwrap();
    let syncs = switch.log_syncs();
    for came in together(&kv, 6, later, put_own) {
        came.unwrap().unwrap();
    }
    assert_eq!(switch.log_syncs(), syncs);
    let one = |i| [Durability::Later, Durability::Now][usize::from(i == 3)];
    for came in together(&kv, 6, one, |i, txn| put_own(i + 10, txn)) {
        came.unwrap().unwrap();
    }
    assert_eq!(switch.log_syncs(), syncs + 1);
    assert_eq!(dump(&kv).len(), 13);
}

#[test]
fn a_closure_sees_what_those_before_it_changed_and_readers_do_not() {
    let disk = memory();
    let kv = create(&disk);
    put(&kv, T, b"sum", &[0]).unwrap();
    let came = together(&kv, 16, now, |_, txn| {
        let read = thread::scope(|scope| scope.spawn(|| value(&kv, b"sum")).join());
        assert_eq!(read.unwrap().unwrap(), [0]);
        let sum = get(txn, T, b"sum").unwrap()[0] + 1;
        txn.put(T, b"sum", &[sum])?;
        txn.put(T, &[sum], b"seen")?;
        if sum > 1 {
            assert_eq!(get(txn, T, &[sum - 1]).unwrap(), b"seen");
            txn.delete(T, &[sum - 1])?;
        }
        Ok(sum)
    });
    let mut sums: Vec<u8> = came.into_iter().map(|c| c.unwrap().unwrap()).collect();
    sums.sort_unstable();
    assert_eq!(sums, (1..=16).collect::<Vec<u8>>());
    let expected = [
        (T, vec![16], b"seen".to_vec()),
        (T, b"sum".to_vec(), vec![16]),
    ];
    assert_eq!(dump(&kv), expected);
    assert_eq!(last_seq(&kv), 2);
}

#[test]
fn a_closure_that_fails_or_panics_harms_no_other() {
    let disk = memory();
    let kv = create(&disk);
    for i in 0..24 {
        put(&kv, T, &[i], b"before").unwrap();
    }
    let came = together(&kv, 24, now, |i, txn| {
        let mine = [i as u8];
        match i % 4 {
            0 => txn.put(T, &mine, b"after").map(|()| i),
            1 => {
                // What others changed, and what they will.
                for key in 0..24 {
                    txn.put(T, &[key], b"wrong")?;
                    txn.put(Table::Meta, &[key], b"wrong")?;
                }
                Err(Error::new(ErrorCode::InvalidState, "no"))
            }
            2 => {
                (0..24).try_for_each(|key| txn.delete(T, &[key]))?;
                panic!("fault of the caller")
            }
            _ => txn.delete(T, &mine).map(|()| i),
        }
    });
    for (i, came) in came.into_iter().enumerate() {
        match i % 4 {
            1 => assert_eq!(code(came.unwrap()), ErrorCode::InvalidState),
            2 => assert_eq!(
                came.unwrap_err().downcast_ref::<&str>(),
                Some(&"fault of the caller")
            ),
            _ => assert_eq!(came.unwrap().unwrap(), i),
        }
        let expected = [Some("after"), Some("before"), Some("before"), None][i % 4];
        let expected = expected.map(|value| value.as_bytes().to_vec());
        assert_eq!(value(&kv, &[i as u8]), expected, "{i}");
    }
    assert_eq!(last_seq(&kv), 25);
    let all = dump(&kv);
    assert_eq!(all.len(), 18);
    assert!(dump(&open(&copy(&disk), KvAccess::Write).unwrap()) == all);
}

#[test]
fn a_full_disk_fails_all_of_a_group_and_leaves_nothing() {
    for room in [0, 300 << 10, 1 << 20] {
        let (switch, disk) = Faulty::new();
        let kv = RedbKv::open(
            Arc::clone(&disk),
            KvOptions {
                reserve_bytes: 0,
                ..options(KvAccess::Create)
            },
            &mut |_, _| {},
        )
        .unwrap();
        put(&kv, T, b"before", b"1").unwrap();
        let (all, seq) = (dump(&kv), last_seq(&kv));
        switch.set_room(Some(room));
        let came = together(&kv, 5, now, |i, txn| match i {
            // One that wants little, and whose answer comes from what the others changed.
            4 => Ok(get(txn, T, &[0]).is_some()),
            _ => txn.put(T, &[i as u8], &vec![7; 500 << 10]).map(|()| true),
        });
        let failed: Vec<ErrorCode> = came
            .into_iter()
            .filter_map(|came| came.unwrap().err().map(|error| error.code()))
            .collect();
        assert!(
            failed.iter().all(|code| *code == ErrorCode::StorageFull),
            "{failed:?}"
        );
        println!("room {room}: {} of 5 failed", failed.len());
        // Where there was room for one of the two groups, the other one failed whole.
        assert!(failed.len() >= 2, "room {room}: {failed:?}");
        kv.health().unwrap();
        let left = dump(&kv);
        assert!(room > 0 || left == all && last_seq(&kv) == seq);
        assert!(dump(&open(&copy(&disk), KvAccess::Write).unwrap()) == left);
        switch.set_room(None);
        for came in together(&kv, 3, now, put_own) {
            came.unwrap().unwrap();
        }
        kv.close().unwrap();
    }
}

#[test]
fn a_full_disk_gives_up_the_reserve_for_a_group() {
    let (switch, disk) = Faulty::new();
    let kv = create(&disk);
    put(&kv, T, b"before", b"1").unwrap();
    switch.set_room(Some(0));
    for came in together(&kv, 3, now, |i, txn| {
        txn.put(T, &[i as u8], &vec![7; 100 << 10])
    }) {
        came.unwrap().unwrap();
    }
    assert_eq!(code(kv.restore_reserve()), ErrorCode::StorageFull);
    assert_eq!(dump(&kv).len(), 4);
}

#[test]
fn a_failed_sync_is_told_to_all_of_a_group() {
    let (switch, disk) = Faulty::new();
    let options = KvOptions {
        // A checkpoint is due with each write.
        checkpoint_log_bytes: 1,
        ..options(KvAccess::Create)
    };
    let kv = RedbKv::open(Arc::clone(&disk), options, &mut |_, _| {}).unwrap();
    put(&kv, T, b"before", b"1").unwrap();
    let (all, syncs) = (dump(&kv), switch.log_syncs());
    switch.fail_sync(Some(SyncSite::Log));
    for came in together(&kv, 9, now, |i, txn| match i {
        7 => Err(Error::new(ErrorCode::Duplicate, "seen in the group")),
        _ => put_own(i, txn),
    }) {
        // The duplicate as well: what it saw is gone.
        assert_eq!(code(came.unwrap()), ErrorCode::StoreUnavailable);
    }
    switch.fail_sync(None);
    assert_eq!(code(kv.health()), ErrorCode::Poisoned);
    assert_eq!(dump(&kv), all);
    // A second sync would lie: the system reports a failure once.
    assert_eq!(switch.log_syncs(), syncs + 1);
    assert_eq!(code(put(&kv, T, b"a", b"1")), ErrorCode::Poisoned);
    // Whole or not at all; here the bytes had reached the disk.
    assert_eq!(dump(&open(&copy(&disk), KvAccess::Write).unwrap()).len(), 9);
}

#[test]
fn a_group_of_a_map_that_somebody_poisoned_is_not_committed() {
    let disk = memory();
    let kv = create(&disk);
    let came = together(&kv, 5, now, |i, txn| {
        if i > 0 && kv.health().is_ok() {
            kv.poison(Error::new(ErrorCode::StoreUnavailable, "of a pack"));
        }
        put_own(i, txn)
    });
    for came in came {
        assert_eq!(code(came.unwrap()), ErrorCode::Poisoned);
    }
    assert_eq!(dump(&kv), []);
    assert_eq!(dump(&open(&copy(&disk), KvAccess::Write).unwrap()), []);
}

#[test]
fn a_group_ends_before_it_grows_long() {
    let disk = memory();
    let kv = create(&disk);
    for came in together(&kv, 12, now, |i, txn| {
        txn.put(T, &[i as u8], &vec![7; 300 << 10])
    }) {
        came.unwrap().unwrap();
    }
    // Four of them are longer than 1 MiB.
    assert_eq!(last_seq(&kv), 3);
    assert_eq!(dump(&kv).len(), 12);
}

#[test]
fn a_write_set_that_no_record_holds_is_refused_alone() {
    let disk = memory();
    let kv = create(&disk);
    let long = vec![7; 32 << 20];
    let came = together(&kv, 3, now, |i, txn| {
        if i == 1 {
            // Whatever the closure makes of that.
            let put = (0..8).try_for_each(|_| txn.put(T, b"long", &long));
            assert_eq!(code(put), ErrorCode::Internal);
        }
        put_own(i, txn)
    });
    for (i, came) in came.into_iter().enumerate() {
        match i {
            1 => assert_eq!(code(came.unwrap()), ErrorCode::Internal),
            _ => came.unwrap().unwrap(),
        }
    }
    kv.health().unwrap();
    assert_eq!(dump(&kv).len(), 2);
}

#[test]
fn a_write_without_changes_waits_only_for_changes_that_it_met() {
    let (switch, disk) = Faulty::new();
    let kv = create(&disk);
    put(&kv, T, b"before", b"1").unwrap();
    let (seq, syncs) = (last_seq(&kv), switch.log_syncs());
    for came in together(&kv, 8, now, |_, txn| Ok(get(txn, T, b"before"))) {
        assert_eq!(came.unwrap().unwrap().unwrap(), b"1");
    }
    assert_eq!((last_seq(&kv), switch.log_syncs()), (seq, syncs));
    // No snapshot of theirs is left behind.
    assert!(kv.lock_writer().as_ref().unwrap().group.is_none());
}

#[test]
fn checkpoints_snapshots_and_a_close_come_between_the_writes_of_many() {
    let disk = memory();
    let kv = RedbKv::open(
        Arc::clone(&disk),
        KvOptions {
            checkpoint_log_bytes: 20_000,
            ..options(KvAccess::Create)
        },
        &mut |_, _| {},
    )
    .unwrap();
    let done = AtomicBool::new(false);
    let written = thread::scope(|scope| {
        let run = |thread: u8| {
            let (kv, done) = (&kv, &done);
            scope.spawn(move || {
                for i in 0..u32::MAX {
                    let key = [&[thread][..], &i.to_be_bytes()].concat();
                    match put(kv, T, &key, &[7; 100]) {
                        Ok(()) => {}
                        Err(error) if error.code() == ErrorCode::Closed => return i,
                        Err(error) => panic!("{error:?}"),
                    }
                    if i == 200 {
                        done.store(true, Ordering::Relaxed);
                    }
                }
                0
            })
        };
        let threads: Vec<_> = (0..12).map(run).collect();
        while !done.load(Ordering::Relaxed) {
            kv.checkpoint().unwrap();
            kv.snapshot_names().unwrap();
            kv.stats().unwrap();
        }
        kv.close().unwrap();
        let written = threads.into_iter().map(|t| t.join().unwrap());
        written.collect::<Vec<u32>>()
    });
    let kv = open(&disk, KvAccess::Read).unwrap();
    let sum: u32 = written.iter().sum();
    assert_eq!(dump(&kv).len(), sum as usize, "{written:?}");
    assert!(sum > 200);
}

const THREADS: usize = 64;
const WRITES: usize = 200;

/// The two keys that a write sets.
fn keys(thread: usize, write: usize) -> [(Table, [u8; 3]); 2] {
    let key = [thread as u8, (write / 256) as u8, write as u8];
    [(T, key), (Table::Packs, key)]
}

#[test]
fn many_threads_share_syncs_and_lose_nothing_at_any_cut() {
    let sim = SimDisk::new();
    let (switch, disk) = Faulty::over(Arc::new(sim.clone()));
    let kv = create(&disk);
    switch.slow_log(Duration::from_micros(300));
    let (syncs, start) = (switch.log_syncs(), sim.op_count());
    // When each write was acknowledged, in changes to the disk.
    let acks = Mutex::new(vec![Vec::new(); THREADS]);
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (kv, acks, sim) = (&kv, &acks, &sim);
            scope.spawn(move || {
                for write in 0..WRITES {
                    kv.write(Durability::Now, |txn| {
                        let mut keys = keys(thread, write).into_iter();
                        keys.try_for_each(|(table, key)| txn.put(table, &key, &key))
                    })
                    .unwrap();
                    let at = sim.op_count();
                    acks.lock().unwrap()[thread].push(at);
                }
            });
        }
    });
    let syncs = switch.log_syncs() - syncs;
    println!("{} writes, {syncs} syncs", THREADS * WRITES);
    assert!(syncs * 8 < (THREADS * WRITES) as u64, "{syncs} syncs");
    let (acks, end) = (acks.into_inner().unwrap(), sim.op_count());
    for i in 0..=16 {
        let at = start + (end - start) * i / 16;
        for mut choices in [Choices::none_unsynced(), Choices::random(i as u64)] {
            let image: Arc<dyn Disk> = Arc::new(sim.crash_image(at, &mut choices));
            expect_acknowledged(&open(&image, KvAccess::Write).unwrap(), &acks, at);
        }
    }
    assert_eq!(sim.violations(), Vec::<String>::new());
}

/// Looks for all that was acknowledged by then: each thread's writes in order, each whole.
fn expect_acknowledged(kv: &RedbKv, acks: &[Vec<usize>], at: usize) {
    let mut there = [[0; 2]; THREADS];
    for (table, key, value) in dump(kv) {
        assert_eq!(key, value);
        there[usize::from(key[0])][usize::from(table == Table::Packs)] += 1;
    }
    for (thread, acks) in acks.iter().enumerate() {
        let acked = acks.iter().filter(|ack| **ack <= at).count();
        let [one, other] = there[thread];
        assert_eq!(one, other, "a write of thread {thread} is there in part");
        assert!(
            (acked..=acked + 1).contains(&one),
            "thread {thread}: {acked} writes acknowledged, {one} there"
        );
        for write in 0..one {
            let (table, key) = keys(thread, write)[0];
            let found = kv.read(|view| Ok(get(view, table, &key))).unwrap();
            assert_eq!(found.unwrap(), key);
        }
    }
}
