//! Names out of snapshots and log, without the index.

use std::sync::Arc;

use super::{
    Names, Random, T, code, copy, create, memory, open, options, random_writes, read_file, restore,
    write_file,
};
use crate::disk::Disk;
use crate::error::{ErrorCode, Result};
use crate::index::contract::{dump, put};
use crate::index::{KvAccess, KvOptions, RedbKv, Table};

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

pub(super) fn names_of(kv: &RedbKv) -> Names {
    let all = dump(kv).into_iter();
    let names = all.filter(|(table, ..)| Table::NAMES.contains(table));
    names
        .map(|(table, key, value)| ((table, key), value))
        .collect()
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
