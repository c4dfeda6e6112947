//! Readers and snapshots that are at work while the index is opened anew, because the disk was
//! full.

use std::sync::Arc;
use std::sync::mpsc::channel;

use super::faulty::Faulty;
use super::names::names_of;
use super::{T, code, copy, create, open, restore, value};
use crate::disk::{Disk, SyncSite};
use crate::error::{Error, ErrorCode, Result};
use crate::index::contract::{dump, get, put};
use crate::index::{Durability, Kv, KvAccess, RedbKv};

const COUNT: u16 = 3000;

/// Makes a map with so many pages that a read needs more than one, none of them in memory.
fn filled() -> (Faulty, Arc<dyn Disk>, RedbKv) {
    let (switch, disk) = Faulty::new();
    let kv = create(&disk);
    kv.write(Durability::Now, |txn| {
        (0..COUNT).try_for_each(|i| txn.put(T, &i.to_be_bytes(), &[7; 100]))
    })
    .unwrap();
    kv.close().unwrap();
    let kv = open(&disk, KvAccess::Write).unwrap();
    (switch, disk, kv)
}

/// Meets a full disk within redb, which takes no more calls after that.
fn meet_full_disk(switch: &Faulty, kv: &RedbKv) {
    switch.set_room(Some(0));
    let refused = put(kv, T, b"large", &vec![1; 40 << 20]);
    assert_eq!(code(refused), ErrorCode::StorageFull);
    switch.set_room(None);
}

#[test]
fn a_read_that_outlives_a_full_disk_is_answered_from_one_snapshot() {
    let (switch, _disk, kv) = filled();
    let mut runs = 0;
    let read = kv.read(|view| {
        runs += 1;
        let first = get(view, T, &0u16.to_be_bytes());
        if runs == 1 {
            meet_full_disk(&switch, &kv);
            put(&kv, T, &0u16.to_be_bytes(), b"changed").unwrap();
        }
        let mut count = 0;
        for i in 0..COUNT {
            view.get(T, &i.to_be_bytes(), &mut |_| count += 1)?;
        }
        Ok((first, count))
    });
    assert_eq!(read.unwrap(), (Some(b"changed".to_vec()), u64::from(COUNT)));
    assert_eq!(runs, 2);
    kv.health().unwrap();
}

#[test]
fn an_error_that_a_reader_swallows_is_no_answer() {
    let (switch, _disk, kv) = filled();
    let mut runs = 0;
    let found = kv.read(|view| {
        runs += 1;
        if runs == 1 {
            meet_full_disk(&switch, &kv);
        }
        Ok(view
            .get(T, &9u16.to_be_bytes(), &mut |_| {})
            .unwrap_or(false))
    });
    assert!(found.unwrap());
}

#[test]
fn a_read_waits_for_a_writer_that_met_a_full_disk() {
    let (switch, _disk, kv) = filled();
    let kv = &kv;
    let (begin, began) = channel();
    let (tell, told) = channel();
    let (go, gone) = channel();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let mut runs = 0;
            let read = kv.read(|view| {
                runs += 1;
                if runs == 1 {
                    begin.send(()).unwrap();
                    gone.recv().unwrap();
                }
                let mut count = 0;
                for i in 0..COUNT {
                    let read = view.get(T, &i.to_be_bytes(), &mut |_| count += 1);
                    if read.is_err() {
                        tell.send(()).unwrap();
                    }
                    read?;
                }
                Ok(count)
            });
            assert_eq!((read.unwrap(), runs), (COUNT, 2));
        });
        began.recv().unwrap();
        // The writer has met the full disk and closed what was open.
        switch.on_open("index.redb", move || {
            go.send(()).unwrap();
            told.recv().unwrap();
        });
        meet_full_disk(&switch, kv);
    });
    kv.health().unwrap();
}

#[test]
fn a_write_below_which_redb_ended_runs_again_and_counts_once() {
    let (switch, disk, kv) = filled();
    let (kv, switch) = (&kv, &switch);
    let mut runs = 0;
    let written = kv.write(Durability::Now, |txn| {
        runs += 1;
        txn.put(T, format!("run {runs}").as_bytes(), b"1")?;
        if runs == 1 {
            switch.fail_read("index.redb", Some(0));
            let met = std::thread::scope(|scope| {
                let read = || kv.read(|view| view.get(T, &0u16.to_be_bytes(), &mut |_| {}));
                scope.spawn(read).join().unwrap()
            });
            assert_eq!(code(met), ErrorCode::StoreUnavailable);
        }
        let mut count = 0;
        for i in 0..COUNT {
            txn.get(T, &i.to_be_bytes(), &mut |_| count += 1)?;
        }
        Ok(count)
    });
    assert_eq!((written.unwrap(), runs), (COUNT, 2));
    kv.health().unwrap();
    let all = dump(kv);
    assert_eq!(all.len(), usize::from(COUNT) + 1);
    assert_eq!(value(kv, b"run 2").unwrap(), b"1");
    assert!(dump(&open(&copy(&disk), KvAccess::Write).unwrap()) == all);
}

#[test]
fn a_snapshot_of_the_names_that_outlives_a_full_disk_is_taken_again() {
    let (switch, disk, kv) = filled();
    let kv = Arc::new(kv);
    let (twin, again) = (Arc::downgrade(&kv), switch.clone());
    switch.on_create("names/", move || {
        let kv = twin.upgrade().unwrap();
        meet_full_disk(&again, &kv);
        put(&*kv, T, b"later", b"1").unwrap();
    });
    kv.snapshot_names().unwrap();
    kv.health().unwrap();
    assert_eq!(disk.list("names").unwrap(), ["0000000000000002.names"]);
    assert!(restore(&disk).unwrap() == names_of(&kv));
    put(&*kv, T, b"next", b"1").unwrap();
}

#[test]
fn an_index_that_finds_no_room_to_be_opened_anew_is_opened_later() {
    let (switch, disk, kv) = filled();
    switch.fail_open(Some(std::io::ErrorKind::StorageFull));
    meet_full_disk(&switch, &kv);
    assert_eq!(code(kv.read(|_| Ok(()))), ErrorCode::StorageFull);
    assert_eq!(code(put(&kv, T, b"a", b"1")), ErrorCode::StorageFull);
    assert_eq!(code(kv.stats()), ErrorCode::StorageFull);
    kv.health().unwrap();
    switch.fail_open(None);
    assert_eq!(value(&kv, &5u16.to_be_bytes()).unwrap(), [7; 100]);
    put(&kv, T, b"a", b"1").unwrap();
    let all = dump(&kv);
    assert_eq!(all.len(), usize::from(COUNT) + 1);
    assert!(dump(&open(&copy(&disk), KvAccess::Write).unwrap()) == all);
    kv.close().unwrap();
}

#[test]
fn a_page_that_cannot_be_read_once_ends_one_read_and_no_other() {
    let (switch, disk, kv) = filled();
    kv.close().unwrap();
    let mut failed = 0;
    for (access, after) in (0..8).flat_map(|n| [(KvAccess::Read, n), (KvAccess::Write, n)]) {
        let kv = open(&disk, access).unwrap();
        switch.fail_read("index.redb", Some(after));
        let mut codes = Vec::new();
        for i in (0..COUNT).step_by(100) {
            let read = kv.read(|view| view.get(T, &i.to_be_bytes(), &mut |_| {}));
            codes.extend(read.err().map(|error| error.code()));
        }
        let expected = [ErrorCode::StoreUnavailable];
        assert!(
            expected.starts_with(&codes),
            "{codes:?}, {access:?}, read {after}"
        );
        failed += codes.len();
        assert_eq!(dump(&kv).len(), usize::from(COUNT));
        kv.close().unwrap();
    }
    assert!(failed > 8, "{failed}");
}

#[test]
fn a_reader_of_an_index_that_takes_no_more_writes_is_told_so() {
    let (switch, _disk, kv) = filled();
    let mut runs = 0;
    let read: Result<()> = kv.read(|_| {
        runs += 1;
        put(&kv, T, b"a", b"1").unwrap();
        switch.fail_sync(Some(SyncSite::Index));
        assert!(kv.checkpoint().is_err());
        Err(Error::new(ErrorCode::Internal, "of the reader"))
    });
    assert_eq!((code(read), runs), (ErrorCode::Internal, 1));
    assert_eq!(code(kv.health()), ErrorCode::Poisoned);
}
