//! The store over objects in memory, sound and faulty.

mod faulty;

use std::io::IoSlice;
use std::sync::Arc;
use std::time::{Duration, Instant};

use object_store::ObjectStoreExt;
use object_store::memory::InMemory;

use self::faulty::{Deed, Fault, Faulty};
use super::{ObjectOptions, ObjectPacks};
use crate::disk::{Access, Disk, MemoryDisk};
use crate::error::{ErrorCode, ErrorKind, Result};
use crate::id::PackId;
use crate::store::{PackState, Store, contract};

const PART: u64 = 64 << 10;
const PACK: PackId = PackId(7);

fn options() -> ObjectOptions {
    ObjectOptions {
        prefix: "some/images".into(),
        part_len_bytes: PART,
        cache_len_bytes: 8 << 20,
        ..ObjectOptions::default()
    }
}

fn over(objects: &Arc<Faulty>, disk: &MemoryDisk) -> ObjectPacks {
    let disk = Arc::new(disk.clone());
    ObjectPacks::on_disk(Arc::clone(objects), disk, options()).expect("make")
}

/// Bytes in which no two blocks, parts or cells are the same.
fn bytes(len: u64) -> Vec<u8> {
    let byte = |at: u64| (at % 253 + at / 65_521).to_le_bytes()[0];
    (0..len).map(byte).collect()
}

fn seal(store: &ObjectPacks, pack: PackId, len: u64) -> Result<()> {
    let mut sink = store.create(pack)?;
    for part in bytes(len).chunks(50_000) {
        sink.append(&[IoSlice::new(part)])?;
    }
    sink.seal()
}

fn read_all(store: &ObjectPacks, pack: PackId) -> Result<Vec<u8>> {
    let source = store.open(pack, PackState::Sealed)?;
    Ok(source.read(0..source.len_bytes()?)?.to_vec())
}

#[test]
fn the_store_over_objects_in_memory_keeps_the_contract() {
    for requests_max in [1, 8] {
        let options = ObjectOptions {
            requests_max,
            ..options()
        };
        let disk = Arc::new(MemoryDisk::new());
        let store = ObjectPacks::on_disk(Arc::new(InMemory::new()), disk, options);
        contract::check(&store.expect("make")).expect("no failure");
    }
}

#[test]
fn names_of_objects_begin_with_the_prefix() {
    let (objects, disk) = (Arc::new(Faulty::default()), MemoryDisk::new());
    let store = over(&objects, &disk);
    store.claim("me", false).expect("claim");
    seal(&store, PACK, 10).expect("seal");
    for name in ["OWNER", "packs/0000000000000007.pack"] {
        let path = format!("some/images/{name}").into();
        let found = store.shared.bucket.tasks.wait({
            let objects = Arc::clone(&objects);
            async move { objects.head(&path).await.map(drop) }
        });
        found.expect("runs").expect(name);
    }
}

#[test]
fn bounds_of_options_are_kept() {
    let cases = [
        (
            "part_len_bytes",
            ObjectOptions {
                part_len_bytes: 1,
                ..options()
            },
        ),
        (
            "requests_max",
            ObjectOptions {
                requests_max: 0,
                ..options()
            },
        ),
        (
            "prefix",
            ObjectOptions {
                prefix: "a//b".into(),
                ..options()
            },
        ),
    ];
    for (what, options) in cases {
        let disk = Arc::new(MemoryDisk::new());
        let made = ObjectPacks::on_disk(Arc::new(InMemory::new()), disk, options);
        let refused = made.expect_err(what);
        assert_eq!(refused.code(), ErrorCode::InvalidSettings);
        assert!(refused.message().contains(what), "{refused}");
    }
}

#[test]
fn one_directory_serves_one_store() {
    let (objects, disk) = (Arc::new(Faulty::default()), MemoryDisk::new());
    let store = over(&objects, &disk);
    let second = ObjectPacks::on_disk(objects, Arc::new(disk), options());
    assert_eq!(second.expect_err("in use").code(), ErrorCode::Locked);
    drop(store);
}

#[test]
fn every_fault_on_the_way_up_is_an_error_or_harmless() {
    // Deed, fault, how long the pack is, whether it is sealed all the same.
    let cases = [
        (Deed::Put, Fault::Refused, 10, false),
        (Deed::Put, Fault::AnswerLost, 10, true),
        (Deed::Begin, Fault::Refused, 3 * PART, false),
        (Deed::Part, Fault::Refused, 3 * PART, false),
        (Deed::Part, Fault::Cut, 3 * PART, false),
        (Deed::Complete, Fault::Refused, 3 * PART, false),
        (Deed::Complete, Fault::AnswerLost, 3 * PART, true),
    ];
    for (deed, fault, len, is_sealed) in cases {
        let (objects, disk) = (Arc::new(Faulty::default()), MemoryDisk::new());
        let store = over(&objects, &disk);
        store.claim("me", false).expect("claim");
        objects.plan(deed, fault);
        let sealed = seal(&store, PACK, len);
        let what = format!("{deed:?} {fault:?}");
        assert_eq!(objects.met(), 1, "{what}");
        match sealed {
            Ok(()) => assert_eq!(read_all(&store, PACK).expect(&what), bytes(len)),
            Err(error) => {
                assert_eq!(error.code(), ErrorCode::StoreUnavailable, "{what}: {error}");
                assert!(error.is_retryable(), "{what}");
            }
        }
        assert_eq!(
            store.list().expect("list").contains(&PACK),
            is_sealed,
            "{what}"
        );
        store.delete(PACK).expect("delete");
        assert_eq!(objects.left(), (0, 0), "{what}");
    }
}

#[test]
fn every_fault_on_the_way_down_is_an_error_or_harmless() {
    // Fault, how often, whether the bytes come all the same.
    let cases = [
        (Fault::Refused, 1, Ok(())),
        (Fault::Cut, 2, Ok(())),
        (Fault::Truncated, 2, Ok(())),
        (Fault::Refused, 9, Err(ErrorCode::StoreUnavailable)),
        (Fault::Cut, 9, Err(ErrorCode::StoreUnavailable)),
        (Fault::Truncated, 9, Err(ErrorCode::StoreUnavailable)),
        (Fault::Missing, 9, Err(ErrorCode::NotFound)),
        // Of every request: what is fetched ahead may be fetched again.
        (Fault::Other, 9, Err(ErrorCode::Corrupt)),
    ];
    let len = (2 << 20) + 777;
    for (fault, times, outcome) in cases {
        let (objects, disk) = (Arc::new(Faulty::default()), MemoryDisk::new());
        let store = over(&objects, &disk);
        seal(&store, PACK, len).expect("seal");
        let source = store.open(PACK, PackState::Sealed).expect("open");
        for _ in 0..times {
            objects.plan(Deed::Get, fault);
        }
        let wanted = &bytes(len)[5..];
        let mut found = vec![0; wanted.len()];
        let read = source.read_into(&mut found, 5);
        let what = format!("{fault:?} {times} times");
        assert!(read.is_err() || found == wanted, "{what}: other bytes");
        assert_eq!(read.map_err(|e| e.code()), outcome, "{what}");
        objects.clear();
        source.read_into(&mut found, 5).expect("all is well again");
        assert!(found == wanted, "{what}");
    }
}

#[test]
fn a_slow_answer_is_waited_for_by_all_who_want_it() {
    let (objects, disk) = (Arc::new(Faulty::default()), MemoryDisk::new());
    let store = over(&objects, &disk);
    seal(&store, PACK, 1 << 20).expect("seal");
    let source = store.open(PACK, PackState::Sealed).expect("open");
    objects.plan(Deed::Get, Fault::Slow);
    std::thread::scope(|scope| {
        let read = || source.read(1000..70_000).expect("read");
        let reads: Vec<_> = (0..8).map(|_| scope.spawn(read)).collect();
        for read in reads {
            assert!(read.join().expect("ends") == bytes(1 << 20)[1000..70_000]);
        }
    });
    assert_eq!(objects.count(Deed::Get), 1);
}

#[test]
fn what_was_read_is_read_again_without_the_store() {
    let (objects, disk) = (Arc::new(Faulty::default()), MemoryDisk::new());
    let store = over(&objects, &disk);
    let len = (3 << 20) + 5;
    seal(&store, PACK, len).expect("seal");
    assert!(read_all(&store, PACK).expect("read") == bytes(len));
    let gets = objects.count(Deed::Get);
    let until = |wanted: usize| {
        while disk.list("cache").expect("list").len() < wanted {
            std::thread::yield_now();
        }
    };
    until(4);
    drop(store);
    let store = over(&objects, &disk);
    assert!(read_all(&store, PACK).expect("read") == bytes(len));
    assert_eq!(objects.count(Deed::Get), gets);
    drop(store);
    // A damaged block, a torn one, and one that began to be written.
    let names = disk.list("cache").expect("list");
    let open = |at: usize| disk.open(&format!("cache/{}", names[at]), Access::Write);
    open(0).expect("open").write_at(b"?", 5000).expect("write");
    open(1).expect("open").set_len(4100).expect("cut");
    disk.create("cache/x.block.new").expect("make");
    let store = over(&objects, &disk);
    assert!(read_all(&store, PACK).expect("read") == bytes(len));
    assert_eq!(objects.count(Deed::Get), gets + 2);
    store.delete(PACK).expect("delete");
    drop(store);
}

#[test]
fn a_long_read_in_order_leaves_files_to_others_and_fetches_nothing_twice() {
    const BLOCKS: u64 = 132;
    let (objects, disk) = (Arc::new(Faulty::default()), MemoryDisk::new());
    let local = Arc::new(disk.clone());
    let roomy = ObjectOptions {
        cache_len_bytes: 1 << 30,
        part_len_bytes: 8 << 20,
        ..options()
    };
    let store = ObjectPacks::on_disk(Arc::clone(&objects), local, roomy).expect("make");
    let len = BLOCKS << 20;
    seal(&store, PACK, len).expect("seal");
    let source = store.open(PACK, PackState::Sealed).expect("open");
    let read = |blocks: std::ops::Range<u64>| {
        let mut buf = vec![0; 64 << 10];
        for offset in (blocks.start << 20..blocks.end << 20).step_by(buf.len()) {
            source.read_into(&mut buf, offset).expect("read");
            let first = (offset % 253 + offset / 65_521).to_le_bytes()[0];
            assert_eq!(buf[0], first, "{offset}");
        }
    };
    let files = || {
        let names = disk.list("cache").expect("list");
        names.iter().filter(|name| name.ends_with(".block")).count()
    };
    // Far enough that it is one who reads all; up to 32 blocks are read ahead, and lie unread.
    read(0..40);
    assert!(files() < 36, "{} of 40 blocks", files());
    // Others drive them out of memory; they are read from files then.
    let others = (0..40).chain(80..BLOCKS).rev();
    others.for_each(|block| read(block..block + 1));
    let until = Instant::now() + Duration::from_secs(60);
    let is_filed = |block: u64| {
        let end = format!("-{block:08x}.block");
        let names = disk.list("cache").expect("list");
        names.iter().any(|name| name.ends_with(&end))
    };
    while !(40..50).all(is_filed) {
        assert!(Instant::now() < until, "what was not read is in no file");
        std::thread::yield_now();
    }
    let gets = objects.count(Deed::Get);
    (40..50).rev().for_each(|block| read(block..block + 1));
    assert_eq!(objects.count(Deed::Get), gets);
    read(50..BLOCKS);
    assert!(objects.count(Deed::Get) - gets <= 10);
    drop(store);
}

#[test]
fn the_cache_keeps_its_bound() {
    let (objects, disk) = (Arc::new(Faulty::default()), MemoryDisk::new());
    let store = over(&objects, &disk);
    for number in 0..6 {
        seal(&store, PackId(number), 4 << 20).expect("seal");
    }
    for number in 0..6 {
        let pack = PackId(number);
        assert!(read_all(&store, pack).expect("read") == bytes(4 << 20));
        assert!(disk.list("cache").expect("list").len() <= 8 + 4);
    }
}

#[test]
fn a_pack_that_is_read_is_deleted_when_its_last_reader_goes() {
    let (objects, disk) = (Arc::new(Faulty::default()), MemoryDisk::new());
    let store = over(&objects, &disk);
    seal(&store, PACK, 3 << 20).expect("seal");
    let readers = [(); 2].map(|()| store.open(PACK, PackState::Sealed).expect("open"));
    store.delete(PACK).expect("delete");
    let gone = store.open(PACK, PackState::Sealed).map(drop);
    assert_eq!(gone.map_err(|e| e.kind()), Err(ErrorKind::NotFound));
    assert!(store.list().expect("list").is_empty());
    let [first, last] = readers;
    drop(first);
    assert!(last.read(0..3 << 20).expect("read") == bytes(3 << 20));
    assert_eq!(objects.left(), (1, 0));
    drop(last);
    while objects.left() != (0, 0) {
        std::thread::yield_now();
    }
}

#[test]
fn what_a_crash_left_is_given_up_at_the_next_claim() {
    for len in [10, PART - 1, PART, 5 * PART + 1] {
        let (objects, disk) = (Arc::new(Faulty::default()), MemoryDisk::new());
        let store = over(&objects, &disk);
        store.claim("me", false).expect("claim");
        let mut sink = store.create(PACK).expect("make");
        sink.append(&[IoSlice::new(&bytes(len))]).expect("append");
        let begun = usize::from(len >= PART);
        assert_eq!(objects.left().1, begun, "{len}");
        // A claim while it grows leaves it alone.
        store.claim("me", true).expect("claim");
        assert_eq!(objects.left().1, begun, "{len}");
        drop(sink);
        drop(store);
        let store = over(&objects, &disk);
        store.claim("me", true).expect("claim");
        assert_eq!(objects.left(), (0, 0), "{len}");
        assert!(disk.list("spool").expect("list").is_empty());
    }
}

#[test]
fn an_upload_that_cannot_be_given_up_is_remembered() {
    let (objects, disk) = (Arc::new(Faulty::default()), MemoryDisk::new());
    let store = over(&objects, &disk);
    let mut sink = store.create(PACK).expect("make");
    sink.append(&[IoSlice::new(&bytes(PART))]).expect("append");
    drop(sink);
    objects.plan(Deed::Abort, Fault::Refused);
    store.claim("me", false).expect("claim");
    assert_eq!(objects.left().1, 1);
    store.claim("me", true).expect("claim");
    assert_eq!(objects.left().1, 0);
}
