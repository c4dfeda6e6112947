//! Tests of the map as a whole: crashes, rot, full disks.

#![expect(
    clippy::cast_possible_truncation,
    reason = "sizes and random numbers here are small"
)]

mod faulty;

use std::collections::BTreeMap;
use std::ops::{Bound, ControlFlow};
use std::sync::Arc;

use super::backend::{Backend, Detach};
use super::contract::{check, dump, get, put};
use super::frame::SEGMENT_HEADER_LEN;
use super::log::segment_path;
use super::names;
use super::reserve::Reserve;
use super::{KvAccess, KvOptions, RedbKv};
use crate::disk::{Access, Disk, MemoryDisk, SyncSite};
use crate::error::{ErrorCode, Result};
use crate::index::{Durability, Kv, Order, Table};
use faulty::Faulty;

const T: Table = Table::Images;

fn options(access: KvAccess) -> KvOptions {
    KvOptions {
        cache_bytes: 4 << 20,
        reserve_bytes: 1 << 20,
        access,
        ..KvOptions::default()
    }
}

fn open(disk: &Arc<dyn Disk>, access: KvAccess) -> Result<RedbKv> {
    RedbKv::open(Arc::clone(disk), options(access), &mut |_, _| {})
}

fn create(disk: &Arc<dyn Disk>) -> RedbKv {
    open(disk, KvAccess::Create).unwrap()
}

fn memory() -> Arc<dyn Disk> {
    Arc::new(MemoryDisk::new())
}

#[test]
fn the_map_keeps_its_contract() {
    let disk = memory();
    check(&mut || create(&disk), &mut |kv| kv.close().unwrap());
}

#[test]
fn the_map_keeps_its_contract_when_it_is_dropped_and_replayed() {
    let disk = memory();
    check(&mut || create(&disk), &mut drop);
}

/// Returns a disk with the same files, as if the process had died now.
fn copy(disk: &Arc<dyn Disk>) -> Arc<dyn Disk> {
    let twin = memory();
    for (path, bytes) in files(disk) {
        twin.create(&path).unwrap().write_at(&bytes, 0).unwrap();
    }
    twin
}

fn files(disk: &Arc<dyn Disk>) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for dir in ["", "log/", "names/"] {
        for name in disk.list(dir.trim_end_matches('/')).unwrap() {
            let path = format!("{dir}{name}");
            let bytes = read_file(disk, &path);
            files.insert(path, bytes);
        }
    }
    files
}

fn read_file(disk: &Arc<dyn Disk>, path: &str) -> Vec<u8> {
    let file = disk.open(path, Access::Read).unwrap();
    let mut bytes = vec![0; file.len().unwrap() as usize];
    file.read_at(&mut bytes, 0).unwrap();
    bytes
}

fn write_file(disk: &Arc<dyn Disk>, path: &str, bytes: &[u8]) {
    let file = disk.open(path, Access::Write).unwrap();
    file.set_len(0).unwrap();
    file.write_at(bytes, 0).unwrap();
}

fn value(kv: &RedbKv, key: &[u8]) -> Option<Vec<u8>> {
    kv.read(|view| Ok(get(view, T, key))).unwrap()
}

fn code<R: std::fmt::Debug>(result: Result<R>) -> ErrorCode {
    result.unwrap_err().code()
}

/// Makes a store with `count` acknowledged records in its log, and returns the disk as a crash
/// leaves it, with where each record begins and the last ends in the log.
fn crashed(count: u8) -> (Arc<dyn Disk>, Vec<usize>) {
    let disk = memory();
    let kv = create(&disk);
    let mut starts = vec![SEGMENT_HEADER_LEN];
    for i in 0..count {
        put(&kv, T, &[i], &[i; 40]).unwrap();
        let bytes = read_file(&disk, &segment_path(1));
        starts.push(bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1);
    }
    for start in &mut starts[1..] {
        *start = start.next_multiple_of(8);
    }
    let disk = copy(&disk);
    drop(kv);
    (disk, starts)
}

#[test]
fn a_dropped_map_writes_nothing() {
    let disk = memory();
    let kv = create(&disk);
    put(&kv, T, b"a", b"1").unwrap();
    let before = files(&disk);
    drop(kv);
    assert!(before == files(&disk));
}

#[test]
fn a_crash_between_log_and_commit_loses_nothing_and_replay_is_idempotent() {
    let (disk, _) = crashed(5);
    let mut last = None;
    for _ in 0..3 {
        let kv = open(&disk, KvAccess::Write).unwrap();
        let all = dump(&kv);
        assert_eq!(all.len(), 5);
        assert!(last.is_none_or(|last| last == all));
        last = Some(all);
    }
}

#[test]
fn replay_reports_progress_and_a_checkpoint_leaves_nothing_to_replay() {
    let (disk, _) = crashed(5);
    let mut heard = Vec::new();
    let open = |heard: &mut Vec<(u64, u64)>| {
        let access = options(KvAccess::Write);
        RedbKv::open(Arc::clone(&disk), access, &mut |at, of| {
            heard.push((at, of))
        })
        .unwrap()
    };
    let kv = open(&mut heard);
    assert_eq!(heard, [(256 << 10, 256 << 10)]);
    put(&kv, T, b"more", b"1").unwrap();
    kv.checkpoint().unwrap();
    drop(kv);
    let index = read_file(&disk, "index.redb");
    assert_eq!(value(&open(&mut heard), b"more").unwrap(), b"1");
    // Only redb's own flags changed: no record was applied again.
    assert_eq!(index.len(), read_file(&disk, "index.redb").len());
}

#[test]
fn a_log_cut_at_any_byte_of_its_last_record_keeps_the_rest() {
    let (disk, starts) = crashed(4);
    let path = segment_path(1);
    let whole = read_file(&disk, &path);
    for end in starts[3]..starts[4] {
        for cut in [false, true] {
            let mut bytes = whole.clone();
            match cut {
                true => bytes.truncate(end),
                false => bytes[end..].fill(0),
            }
            if bytes[starts[3]..] == whole[starts[3]..] {
                continue;
            }
            let disk = copy(&disk);
            write_file(&disk, &path, &bytes);
            let kv = open(&disk, KvAccess::Write).unwrap();
            assert_eq!(dump(&kv).len(), 3, "cut at {end}");
            put(&kv, T, b"next", b"1").unwrap();
            let kv = open(&copy(&disk), KvAccess::Write).unwrap();
            assert_eq!(dump(&kv).len(), 4, "cut at {end}, reopened");
        }
    }
}

#[test]
fn a_flipped_bit_in_an_acknowledged_record_is_damage_and_names_the_place() {
    let (disk, starts) = crashed(4);
    let path = segment_path(1);
    let whole = read_file(&disk, &path);
    for at in starts[0]..starts[2] {
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (at % 8);
        let disk = copy(&disk);
        write_file(&disk, &path, &bytes);
        let error = open(&disk, KvAccess::Write).unwrap_err();
        let start = starts.iter().rfind(|start| **start <= at).unwrap();
        assert_eq!(error.code(), ErrorCode::Corrupt, "byte {at}: {error}");
        assert!(error.message().contains(&path), "{error}");
        assert!(
            error.message().ends_with(&format!("offset {start}")),
            "{error}"
        );
        assert_eq!(code(restore(&disk)), ErrorCode::Corrupt);
    }
}

#[test]
fn damage_before_a_checkpoint_does_not_keep_the_map_from_opening() {
    let disk = memory();
    let kv = create(&disk);
    for i in 0..4 {
        put(&kv, T, &[i], &[i; 40]).unwrap();
    }
    kv.checkpoint().unwrap();
    put(&kv, T, &[4], &[4; 40]).unwrap();
    let disk = copy(&disk);
    let mut bytes = read_file(&disk, &segment_path(1));
    bytes[SEGMENT_HEADER_LEN + 30] ^= 4;
    write_file(&disk, &segment_path(1), &bytes);
    assert_eq!(dump(&open(&disk, KvAccess::Write).unwrap()).len(), 5);
    assert_eq!(code(restore(&disk)), ErrorCode::Corrupt);
}

#[test]
fn a_damaged_segment_header_is_damage() {
    let (disk, _) = crashed(2);
    let path = segment_path(1);
    let mut bytes = read_file(&disk, &path);
    bytes[30] ^= 1;
    write_file(&disk, &path, &bytes);
    assert_eq!(code(open(&disk, KvAccess::Write)), ErrorCode::Corrupt);
    // Without records behind it, it is a segment whose making was cut short.
    bytes[SEGMENT_HEADER_LEN..].fill(0);
    for len in [bytes.len(), 4096, 30, 0] {
        let disk = copy(&disk);
        write_file(&disk, &path, &bytes[..len]);
        let kv = open(&disk, KvAccess::Write).unwrap();
        put(&kv, T, b"next", b"1").unwrap();
        assert_eq!(dump(&open(&copy(&disk), KvAccess::Write).unwrap()).len(), 1);
    }
}

#[test]
fn bytes_of_a_former_segment_are_no_records() {
    let (disk, starts) = crashed(3);
    let former = read_file(&disk, &segment_path(1));
    let kv = open(&disk, KvAccess::Write).unwrap();
    put(&kv, T, b"next", b"1").unwrap();
    let path = segment_path(2);
    let mut bytes = read_file(&disk, &path);
    let end = bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    // A later record of the former segment behind the last one of this, at its own offset and
    // directly behind.
    let stale = &former[starts[1]..starts[3]];
    for at in [end.next_multiple_of(8), starts[1], 9000 & !7] {
        if at >= end {
            bytes[at..at + stale.len()].copy_from_slice(stale);
        }
    }
    let disk = copy(&disk);
    write_file(&disk, &path, &bytes);
    assert_eq!(dump(&open(&disk, KvAccess::Write).unwrap()).len(), 4);
}

#[test]
fn records_behind_a_torn_one_are_dropped_for_good() {
    let disk = memory();
    let kv = create(&disk);
    put(&kv, T, b"a", b"1").unwrap();
    let torn = read_file(&disk, &segment_path(1));
    let start = (torn.iter().rposition(|byte| *byte != 0).unwrap() + 1).next_multiple_of(8);
    for key in [b"b", b"c"] {
        kv.write(Durability::Later, |txn| txn.put(T, key, b"1"))
            .unwrap();
    }
    let disk = copy(&disk);
    // The first unsynced record never reached the medium, the second did.
    let mut bytes = read_file(&disk, &segment_path(1));
    bytes[start] = 0;
    write_file(&disk, &segment_path(1), &bytes);
    let kv = open(&disk, KvAccess::Write).unwrap();
    assert_eq!(dump(&kv).len(), 1);
    put(&kv, T, b"d", b"1").unwrap();
    let kv = open(&copy(&disk), KvAccess::Write).unwrap();
    let keys: Vec<Vec<u8>> = dump(&kv).into_iter().map(|(_, key, _)| key).collect();
    assert_eq!(keys, [b"a", b"d"]);
}

#[test]
fn a_later_write_is_seen_at_once_and_durable_with_the_next() {
    let disk = memory();
    let kv = create(&disk);
    kv.write(Durability::Later, |txn| txn.put(T, b"a", b"1"))
        .unwrap();
    assert_eq!(value(&kv, b"a").unwrap(), b"1");
    put(&kv, T, b"b", b"1").unwrap();
    assert_eq!(dump(&open(&copy(&disk), KvAccess::Write).unwrap()).len(), 2);
}

#[test]
fn a_read_only_open_writes_nothing_and_wants_a_clean_close() {
    let disk = memory();
    let kv = create(&disk);
    put(&kv, T, b"a", b"1").unwrap();
    let unclean = copy(&disk);
    kv.close().unwrap();
    let before = files(&unclean);
    assert_eq!(
        code(open(&unclean, KvAccess::Read)),
        ErrorCode::NeedsRecovery
    );
    assert!(before == files(&unclean));

    let before = files(&disk);
    let reader = open(&disk, KvAccess::Read).unwrap();
    assert_eq!(value(&reader, b"a").unwrap(), b"1");
    assert_eq!(code(put(&reader, T, b"a", b"2")), ErrorCode::ReadOnlyEngine);
    assert_eq!(code(reader.checkpoint()), ErrorCode::ReadOnlyEngine);
    assert!(reader.stats().unwrap().index_bytes > 0);
    reader.close().unwrap();
    assert!(before == files(&disk));
}

#[test]
fn a_closed_map_says_so() {
    let disk = memory();
    let kv = create(&disk);
    put(&kv, T, b"a", b"1").unwrap();
    kv.close().unwrap();
    kv.close().unwrap();
    assert_eq!(code(put(&kv, T, b"a", b"2")), ErrorCode::Closed);
    assert_eq!(code(kv.read(|_| Ok(()))), ErrorCode::Closed);
    assert_eq!(code(kv.checkpoint()), ErrorCode::Closed);
    assert!(disk.list("log").unwrap().is_empty());
}

#[test]
fn a_failed_sync_of_the_log_poisons_and_reads_go_on() {
    let (switch, disk) = Faulty::new();
    let kv = create(&disk);
    put(&kv, T, b"a", b"1").unwrap();
    switch.fail_sync(Some(SyncSite::Log));
    assert_eq!(code(put(&kv, T, b"b", b"1")), ErrorCode::StoreUnavailable);
    switch.fail_sync(None);
    assert!(kv.health().is_err());
    assert_eq!(code(kv.health()), ErrorCode::Poisoned);
    assert_eq!(code(put(&kv, T, b"c", b"1")), ErrorCode::Poisoned);
    assert_eq!(value(&kv, b"a").unwrap(), b"1");
    assert_eq!(value(&kv, b"b"), None);
    assert_eq!(code(kv.close()), ErrorCode::Poisoned);
    assert_eq!(
        value(&open(&disk, KvAccess::Write).unwrap(), b"a").unwrap(),
        b"1"
    );
}

#[test]
fn a_failed_checkpoint_poisons_and_loses_nothing() {
    for site in [SyncSite::Index, SyncSite::Names] {
        let (switch, disk) = Faulty::new();
        let kv = create(&disk);
        put(&kv, T, b"a", b"1").unwrap();
        switch.fail_sync(Some(site));
        assert_eq!(code(kv.snapshot_names()), ErrorCode::StoreUnavailable);
        switch.fail_sync(None);
        assert_eq!(code(put(&kv, T, b"b", b"1")), ErrorCode::Poisoned);
        assert_eq!(value(&kv, b"a").unwrap(), b"1");
        let disk = copy(&disk);
        assert_eq!(
            value(&open(&disk, KvAccess::Write).unwrap(), b"a").unwrap(),
            b"1"
        );
    }
}

#[test]
fn a_panic_in_a_closure_leaves_the_map_in_order() {
    let disk = memory();
    let kv = create(&disk);
    put(&kv, T, b"a", b"1").unwrap();
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _ = kv.write(Durability::Now, |txn| -> Result<()> {
            txn.put(T, b"a", b"2")?;
            panic!("fault of the caller")
        });
    }));
    assert!(panicked.is_err());
    assert_eq!(value(&kv, b"a").unwrap(), b"1");
    put(&kv, T, b"b", b"1").unwrap();
    kv.close().unwrap();
    assert_eq!(dump(&open(&disk, KvAccess::Read).unwrap()).len(), 2);
}

#[test]
fn a_full_disk_gives_up_the_reserve_and_then_refuses_and_then_goes_on() {
    let (switch, disk) = Faulty::new();
    let mut options = options(KvAccess::Create);
    options.reserve_bytes = 4 << 20;
    let kv = RedbKv::open(Arc::clone(&disk), options, &mut |_, _| {}).unwrap();
    let big = vec![7; 300 << 10];
    put(&kv, T, b"a", &big).unwrap();
    switch.set_room(Some(0));
    put(&kv, T, b"b", &big).unwrap();
    assert!(disk.open("reserve", Access::Read).is_err());
    assert_eq!(code(kv.restore_reserve()), ErrorCode::StorageFull);
    let mut refused = 0;
    for i in 0..40 {
        match put(&kv, T, &[i], &big) {
            Ok(()) => assert_eq!(refused, 0),
            Err(error) => {
                assert_eq!(error.code(), ErrorCode::StorageFull, "{error}");
                assert_eq!(value(&kv, &[i]), None);
                refused += 1;
            }
        }
    }
    assert!(refused > 10 && kv.health().is_ok());
    let acknowledged = dump(&kv);
    let crashed = open(&copy(&disk), KvAccess::Write).unwrap();
    assert!(dump(&crashed) == acknowledged);

    switch.set_room(None);
    kv.restore_reserve().unwrap();
    put(&kv, T, b"c", &big).unwrap();
    assert!(disk.open("reserve", Access::Read).is_ok());
    let acknowledged = dump(&kv);
    let crashed = open(&copy(&disk), KvAccess::Write).unwrap();
    assert!(dump(&crashed) == acknowledged);
    kv.close().unwrap();
}

#[test]
fn a_disk_that_fills_anywhere_loses_nothing_and_writes_resume() {
    let mut poisoned = 0;
    for room in (0..6u64 << 20).step_by(170_003) {
        let (switch, disk) = Faulty::new();
        let kv = RedbKv::open(
            Arc::clone(&disk),
            KvOptions {
                checkpoint_log_bytes: 500_000,
                reserve_bytes: 100_000,
                ..options(KvAccess::Create)
            },
            &mut |_, _| {},
        )
        .unwrap();
        switch.set_room(Some(room));
        let mut model = BTreeMap::new();
        for i in 0..60u8 {
            let value = vec![i; 90_000];
            match put(&kv, T, &[i], &value) {
                Ok(()) => drop(model.insert(vec![i], value)),
                Err(error) => assert_eq!(error.code(), ErrorCode::StorageFull, "{error}"),
            }
        }
        let full = model.len() < 60;
        let check = |kv: &RedbKv, model: &BTreeMap<Vec<u8>, Vec<u8>>| {
            let all: BTreeMap<_, _> = dump(kv).into_iter().map(|(_, k, v)| (k, v)).collect();
            assert!(
                all == *model,
                "room {room}: {} of {}",
                all.len(),
                model.len()
            );
        };
        check(&kv, &model);
        check(&open(&copy(&disk), KvAccess::Write).unwrap(), &model);
        switch.set_room(None);
        poisoned += u32::from(kv.health().is_err());
        if full && kv.health().is_ok() {
            put(&kv, T, b"more", b"1").unwrap();
            model.insert(b"more".to_vec(), b"1".to_vec());
            check(&kv, &model);
            kv.close().unwrap();
            check(&open(&disk, KvAccess::Read).unwrap(), &model);
        }
    }
    assert_eq!(poisoned, 0);
}

type Names = BTreeMap<(Table, Vec<u8>), Vec<u8>>;

fn restore(disk: &Arc<dyn Disk>) -> Result<Names> {
    let mut found = Names::new();
    names::restore(disk, &mut |table, key, value| {
        let twice = found.insert((table, key.to_vec()), value.to_vec());
        assert!(twice.is_none());
        Ok(())
    })?;
    Ok(found)
}

fn names_of(kv: &RedbKv) -> Names {
    let all = dump(kv).into_iter();
    let names = all.filter(|(table, ..)| Table::NAMES.contains(table));
    names
        .map(|(table, key, value)| ((table, key), value))
        .collect()
}

/// A small generator, so that a failing run can be repeated.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        crate::sum::sum64(self.0, b"") % bound
    }
}

fn random_writes(kv: &RedbKv, random: &mut Random, count: u64) {
    for _ in 0..count {
        let durability = match random.below(3) {
            0 => Durability::Later,
            _ => Durability::Now,
        };
        let seed = random.0;
        kv.write(durability, |txn| {
            let mut random = Random(seed);
            for _ in 0..random.below(6) {
                let table = Table::ALL[random.below(11) as usize];
                let key = [random.below(30) as u8];
                match random.below(4) {
                    0 => txn.delete(table, &key)?,
                    _ => txn.put(table, &key, &vec![seed as u8; random.below(2000) as usize])?,
                }
            }
            Ok(())
        })
        .unwrap();
        random.below(2);
    }
}

#[test]
fn names_are_restored_from_snapshot_and_log_after_random_writes() {
    for seed in 0..12 {
        let mut random = Random(seed << 32);
        let disk = memory();
        let mut kv = create(&disk);
        for round in 0..8 {
            let count = random.below(60);
            random_writes(&kv, &mut random, count);
            match random.below(5) {
                0 => kv.checkpoint().unwrap(),
                1 => kv.snapshot_names().unwrap(),
                2 => {
                    kv.close().unwrap();
                    kv = create(&disk);
                }
                3 => kv = open(&disk, KvAccess::Write).unwrap(),
                _ => {}
            }
            if kv.stats().unwrap().log_bytes + kv.stats().unwrap().names_bytes == 0 {
                assert!(dump(&kv).is_empty());
                continue;
            }
            assert!(
                restore(&disk).unwrap() == names_of(&kv),
                "seed {seed}, round {round}"
            );
        }
    }
}

#[test]
fn a_lost_index_is_built_again_with_all_names() {
    let disk = memory();
    let kv = create(&disk);
    random_writes(&kv, &mut Random(5), 50);
    kv.snapshot_names().unwrap();
    random_writes(&kv, &mut Random(6), 50);
    let names = names_of(&kv);
    let disk = copy(&disk);
    assert_eq!(code(rebuild(&disk)), ErrorCode::Duplicate);
    disk.remove("index.redb").unwrap();
    assert_eq!(code(open(&disk, KvAccess::Create)), ErrorCode::Corrupt);
    assert_eq!(code(open(&disk, KvAccess::Write)), ErrorCode::Corrupt);
    let kv = rebuild(&disk).unwrap();
    assert!(names_of(&kv) == names);
    assert_eq!(dump(&kv).len(), names.len() + 1);
    put(&kv, T, b"next", b"1").unwrap();
    let kv = open(&copy(&disk), KvAccess::Write).unwrap();
    assert_eq!(names_of(&kv).len(), names.len() + 1);
    assert!(restore(&disk).unwrap() == names_of(&kv));
}

fn rebuild(disk: &Arc<dyn Disk>) -> Result<RedbKv> {
    let options = options(KvAccess::Create);
    RedbKv::rebuild(Arc::clone(disk), options, &mut |txn| {
        txn.put(Table::Sessions, b"rebuilding", b"packs")
    })
}

#[test]
fn a_damaged_snapshot_of_names_is_never_taken_for_whole() {
    let disk = memory();
    let kv = create(&disk);
    for i in 0..3 {
        put(&kv, T, &[i], &[i; 10]).unwrap();
    }
    kv.close().unwrap();
    let path = "names/0000000000000003.names";
    let whole = read_file(&disk, path);
    assert_eq!(restore(&disk).unwrap().len(), 3);
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (at % 8);
        write_file(&disk, path, &bytes);
        assert_eq!(code(restore(&disk)), ErrorCode::Corrupt, "byte {at}");
        write_file(&disk, path, &whole[..at]);
        assert_eq!(code(restore(&disk)), ErrorCode::Corrupt, "cut at {at}");
    }
}

#[test]
fn the_log_is_cut_when_checkpoint_and_snapshot_cover_it() {
    let disk = memory();
    let kv = RedbKv::open(
        Arc::clone(&disk),
        KvOptions {
            cache_bytes: 32 << 20,
            ..options(KvAccess::Create)
        },
        &mut |_, _| {},
    )
    .unwrap();
    let value = vec![3; 2 << 20];
    for i in 0..70u8 {
        put(&kv, T, &[i % 4], &value).unwrap();
    }
    let stats = kv.stats().unwrap();
    assert!(stats.log_bytes < 100 << 20, "{stats:?}");
    assert!(stats.names_bytes > 8 << 20, "{stats:?}");
    assert!(restore(&disk).unwrap() == names_of(&kv));
    let first = disk.list("log").unwrap().remove(0);
    assert_ne!(first, "0000000000000001.log");
    kv.close().unwrap();
    assert_eq!(dump(&open(&disk, KvAccess::Read).unwrap()).len(), 4);
}

#[test]
fn a_value_that_rots_in_the_index_is_found_at_its_read() {
    let disk = memory();
    let kv = create(&disk);
    put(&kv, T, b"good", b"value").unwrap();
    put(&kv, T, &[0xab; 50], b"value").unwrap();
    kv.close().unwrap();
    damage(&disk, &[0xab; 50]);
    let kv = open(&disk, KvAccess::Write).unwrap();
    let error = kv
        .read(|view| view.get(T, &[0xab; 50], &mut |_| panic!("lent a damaged value")))
        .unwrap_err();
    assert_eq!(error.code(), ErrorCode::Corrupt);
    let shown = format!(
        "index table images: value of key {}.. is damaged",
        "ab".repeat(20)
    );
    assert_eq!(error.message(), shown);
    assert_eq!(value(&kv, b"good").unwrap(), b"value");
    assert_eq!(code(kv.snapshot_names()), ErrorCode::Corrupt);
}

/// Changes a stored value behind the map's back.
fn damage(disk: &Arc<dyn Disk>, key: &[u8]) {
    let file = disk.open("index.redb", Access::Write).unwrap();
    let reserve = Arc::new(Reserve::new(Arc::clone(disk), 0));
    let backend = Backend::new(file, reserve, Detach::default());
    let db = redb::Database::builder()
        .create_with_backend(backend)
        .unwrap();
    let mut txn = db.begin_write().unwrap();
    txn.set_quick_repair(true);
    {
        use redb::ReadableTable;
        let name = redb::TableDefinition::<&[u8], &[u8]>::new(T.name());
        let mut table = txn.open_table(name).unwrap();
        let mut stored = table.get(key).unwrap().unwrap().value().to_vec();
        stored[2] ^= 1;
        table.insert(key, stored.as_slice()).unwrap();
    }
    txn.commit().unwrap();
    db.close().unwrap();
}

#[test]
fn a_damaged_index_page_is_an_error_and_no_panic() {
    let disk = memory();
    let kv = create(&disk);
    random_writes(&kv, &mut Random(9), 100);
    kv.close().unwrap();
    let whole = read_file(&disk, "index.redb");
    let mut random = Random(1);
    let mut found = 0;
    for _ in 0..300 {
        let mut bytes = whole.clone();
        let at = random.below(bytes.len() as u64) as usize;
        bytes[at] ^= 1 << random.below(8);
        write_file(&disk, "index.redb", &bytes);
        let read = open(&disk, KvAccess::Read).and_then(|kv| {
            kv.read(|view| {
                let all = Bound::Unbounded;
                Table::ALL.into_iter().try_for_each(|table| {
                    let each = &mut |_: &[u8], _: &[u8]| ControlFlow::Continue(());
                    view.scan(table, all, all, Order::Ascending, each)
                })
            })
        });
        found += u32::from(read.is_err());
    }
    assert!(found > 10, "{found}");
}
