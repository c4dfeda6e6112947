//! Crashes, and what the log makes good after them.

use std::sync::Arc;

use super::{
    T, code, copy, create, files, memory, open, options, read_file, restore, value, write_file,
};
use crate::disk::Disk;
use crate::error::ErrorCode;
use crate::index::contract::{dump, put};
use crate::index::frame::{SEGMENT_HEADER_LEN, WITNESS_LEN};
use crate::index::log::segment_path;
use crate::index::{Durability, Kv, KvAccess, RedbKv};

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
        *start = start.next_multiple_of(8) - WITNESS_LEN;
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
fn rot_of_the_last_record_is_damage_where_the_disk_kept_its_witness() {
    let (disk, starts) = crashed(4);
    let path = segment_path(1);
    let whole = read_file(&disk, &path);
    let (start, end) = (starts[3], starts[4]);
    for at in start..end {
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (at % 8);
        let disk = copy(&disk);
        write_file(&disk, &path, &bytes);
        let error = open(&disk, KvAccess::Write).unwrap_err();
        assert_eq!(error.code(), ErrorCode::Corrupt, "byte {at}: {error}");
        assert!(
            error.message().ends_with(&format!("offset {start}")),
            "{error}"
        );
        assert_eq!(code(restore(&disk)), ErrorCode::Corrupt);
    }
}

#[test]
fn a_witness_in_any_state_changes_nothing_for_whole_records() {
    let (disk, starts) = crashed(4);
    let path = segment_path(1);
    let whole = read_file(&disk, &path);
    for at in starts[4]..starts[4] + WITNESS_LEN {
        for rest in [false, true] {
            let mut bytes = whole.clone();
            match rest {
                true => bytes[at..].fill(0),
                false => bytes[at] ^= 1 << (at % 8),
            }
            let disk = copy(&disk);
            write_file(&disk, &path, &bytes);
            let kv = open(&disk, KvAccess::Write).unwrap();
            assert_eq!(dump(&kv).len(), 4, "byte {at}");
        }
    }
}

#[test]
fn a_record_that_is_not_synced_has_no_witness() {
    let disk = memory();
    let kv = create(&disk);
    put(&kv, T, b"a", b"1").unwrap();
    kv.write(Durability::Later, |txn| txn.put(T, b"b", b"1"))
        .unwrap();
    let disk = copy(&disk);
    let mut bytes = read_file(&disk, &segment_path(1));
    let last = bytes.iter().rposition(|byte| *byte != 0).unwrap();
    bytes[last] ^= 1;
    write_file(&disk, &segment_path(1), &bytes);
    assert_eq!(dump(&open(&disk, KvAccess::Write).unwrap()).len(), 1);
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
    let start = start - WITNESS_LEN;
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
