//! The suite that every store passes: ours, and those of others.

use std::io::IoSlice;

use super::{PackState, Store};
use crate::error::{Error, ErrorCode, ErrorKind, Result};
use crate::id::PackId;

/// Length of a pack that no store takes in one piece, in bytes.
const LONG_BYTES: usize = (20 << 20) + 12_345;

/// Runs the whole suite on an empty store.
///
/// # Errors
/// What the store failed with.
///
/// # Panics
/// Where the store does not keep the contract.
pub fn check(store: &dyn Store) -> Result<()> {
    a_store_has_one_owner(store)?;
    if store.seals_uploads() {
        what_is_sealed_is_read_back(store, PackId(1))?;
        a_number_is_sealed_once(store, PackId(2))?;
        what_is_not_sealed_is_not_there(store, PackId(3))?;
        a_pack_is_cut_back_before_it_is_sealed(store, PackId(6))?;
    } else {
        what_is_appended_is_read_back(store, PackId(1))?;
        a_number_is_used_once(store, PackId(2))?;
        resume_cuts_off_what_is_behind(store, PackId(3))?;
    }
    a_deleted_pack_is_read_to_the_end(store, PackId(4))?;
    missing_packs_are_not_found(store, PackId(5));
    assert!(
        store.list()?.windows(2).all(|pair| pair[0] < pair[1]),
        "packs are listed in order"
    );
    Ok(())
}

fn a_store_has_one_owner(store: &dyn Store) -> Result<()> {
    let lost = store.claim("a", true).expect_err("it was never taken");
    assert_eq!(lost.code(), ErrorCode::StoreUnavailable);
    store.claim("a", false)?;
    store.claim("a", false)?;
    store.claim("a", true)?;
    for known in [false, true] {
        let other = store.claim("b", known).expect_err("it has an owner");
        assert_eq!(other.kind(), ErrorKind::Conflict);
    }
    Ok(())
}

fn what_is_appended_is_read_back(store: &dyn Store, pack: PackId) -> Result<()> {
    let mut sink = store.create(pack)?;
    sink.append(&[IoSlice::new(b"ab"), IoSlice::new(b""), IoSlice::new(b"cde")])?;
    sink.sync()?;
    let open = store.open(pack, PackState::Open)?;
    assert_eq!(open.read(1..4)?, &b"bcd"[..]);
    sink.append(&[IoSlice::new(b"fg")])?;
    assert_eq!(sink.len_bytes(), 7);
    sink.seal()?;
    let sealed = store.open(pack, PackState::Sealed)?;
    assert_eq!(
        (sealed.len_bytes()?, &sealed.read(0..7)?[..]),
        (7, &b"abcdefg"[..])
    );
    if let Some(map) = sealed.map() {
        map.will_need(0..7);
        map.populate(0..7).map_err(|e| Error::io("populate", e))?;
        assert_eq!(map.bytes(), &b"abcdefg"[..]);
    }
    let past = sealed.read(3..8).expect_err("the pack ends before");
    assert_eq!(past.kind(), ErrorKind::Corrupt);
    assert!(store.list()?.contains(&pack));
    Ok(())
}

fn a_number_is_used_once(store: &dyn Store, pack: PackId) -> Result<()> {
    store.create(pack)?.append(&[IoSlice::new(b"x")])?;
    let again = store.create(pack).expect_err("the number is used");
    assert_eq!(again.code(), ErrorCode::Duplicate);
    assert_eq!(store.open(pack, PackState::Open)?.read(0..1)?, &b"x"[..]);
    Ok(())
}

fn resume_cuts_off_what_is_behind(store: &dyn Store, pack: PackId) -> Result<()> {
    store.create(pack)?.append(&[IoSlice::new(b"0123456789")])?;
    let mut sink = store.resume(pack, 4)?;
    assert_eq!(sink.len_bytes(), 4);
    sink.append(&[IoSlice::new(b"xyz")])?;
    sink.cut_back(6)?;
    sink.append(&[IoSlice::new(b"!")])?;
    sink.sync()?;
    assert_eq!(
        store.open(pack, PackState::Open)?.read(0..7)?,
        &b"0123xy!"[..]
    );
    let short = store.resume(pack, 8).expect_err("the pack is shorter");
    assert_eq!(short.kind(), ErrorKind::Corrupt);
    Ok(())
}

fn what_is_sealed_is_read_back(store: &dyn Store, pack: PackId) -> Result<()> {
    let mut sink = store.create(pack)?;
    let long: Vec<u8> = (0..=250).cycle().take(LONG_BYTES).collect();
    let (head, tail) = long.split_at(70_001);
    sink.append(&[IoSlice::new(head), IoSlice::new(b"")])?;
    for part in tail.chunks(333_333) {
        sink.append(&[IoSlice::new(&part[..9]), IoSlice::new(&part[9..])])?;
    }
    let len = LONG_BYTES as u64;
    assert_eq!(sink.len_bytes(), len);
    sink.seal()?;
    let source = store.open(pack, PackState::Sealed)?;
    assert_eq!(source.len_bytes()?, len);
    let mib = 1 << 20;
    for (start, end) in [
        (0, 1),
        (0, LONG_BYTES),
        (mib - 1, mib + 1),
        (mib, 2 * mib),
        (LONG_BYTES - 1, LONG_BYTES),
        (LONG_BYTES, LONG_BYTES),
    ] {
        for _ in 0..2 {
            let found = source.read(start as u64..end as u64)?;
            assert!(found == long[start..end], "{start} to {end}");
        }
        source.forget(start as u64..end as u64);
    }
    source.will_need(0..len + 1);
    let past = source.read(len - 1..len + 1);
    let past = past.expect_err("the pack ends before");
    assert_eq!(past.kind(), ErrorKind::Corrupt);
    assert!(store.list()?.contains(&pack));
    Ok(())
}

fn a_number_is_sealed_once(store: &dyn Store, pack: PackId) -> Result<()> {
    let mut sink = store.create(pack)?;
    sink.append(&[IoSlice::new(b"x")])?;
    let meanwhile = store.create(pack).expect_err("it is on its way");
    assert_eq!(meanwhile.code(), ErrorCode::Duplicate);
    sink.seal()?;
    for refused in [
        sink.append(&[IoSlice::new(b"y")]),
        sink.cut_back(0),
        sink.seal(),
    ] {
        assert_eq!(refused.map_err(|e| e.kind()), Err(ErrorKind::Conflict));
    }
    drop(sink);
    let again = store.create(pack).expect_err("the number is used");
    assert_eq!(again.code(), ErrorCode::Duplicate);
    let resumed = store.resume(pack, 1).expect_err("it is sealed");
    assert_eq!(resumed.kind(), ErrorKind::Conflict);
    assert_eq!(store.open(pack, PackState::Sealed)?.read(0..1)?, &b"x"[..]);
    Ok(())
}

fn what_is_not_sealed_is_not_there(store: &dyn Store, pack: PackId) -> Result<()> {
    let mut sink = store.create(pack)?;
    sink.append(&[IoSlice::new(&vec![7; LONG_BYTES])])?;
    let sync = sink.sync().expect_err("it is durable when it is sealed");
    assert_eq!(sync.kind(), ErrorKind::Conflict);
    let absent = |store: &dyn Store| -> Result<()> {
        missing_packs_are_not_found(store, pack);
        assert!(!store.list()?.contains(&pack));
        Ok(())
    };
    absent(store)?;
    drop(sink);
    absent(store)?;
    store.delete(pack)?;
    absent(store)
}

fn a_pack_is_cut_back_before_it_is_sealed(store: &dyn Store, pack: PackId) -> Result<()> {
    let mut sink = store.create(pack)?;
    sink.append(&[IoSlice::new(b"0123456789")])?;
    sink.append(&[IoSlice::new(&vec![7; LONG_BYTES])])?;
    sink.cut_back(10)?;
    sink.cut_back(4)?;
    sink.append(&[IoSlice::new(&vec![8; LONG_BYTES])])?;
    sink.seal()?;
    let source = store.open(pack, PackState::Sealed)?;
    let len = 4 + LONG_BYTES as u64;
    assert_eq!(source.len_bytes()?, len);
    assert_eq!(source.read(0..8)?, &b"0123\x08\x08\x08\x08"[..]);
    assert_eq!(source.read(len - 4..len)?, &[8; 4][..]);
    Ok(())
}

fn a_deleted_pack_is_read_to_the_end(store: &dyn Store, pack: PackId) -> Result<()> {
    let mut sink = store.create(pack)?;
    sink.append(&[IoSlice::new(b"last words")])?;
    sink.seal()?;
    let source = store.open(pack, PackState::Sealed)?;
    store.delete(pack)?;
    store.delete(pack)?;
    assert_eq!(source.read(0..10)?, &b"last words"[..]);
    assert!(!store.list()?.contains(&pack));
    Ok(())
}

fn missing_packs_are_not_found(store: &dyn Store, pack: PackId) {
    let open = store
        .open(pack, PackState::Open)
        .map(drop)
        .map_err(|e| e.kind());
    assert_eq!(open, Err(ErrorKind::NotFound));
    let resume = store.resume(pack, 0).map(drop).map_err(|e| e.kind());
    assert_eq!(resume, Err(ErrorKind::NotFound));
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::disk::{MemoryDisk, RealDisk};
    use crate::store::LocalStore;

    #[test]
    fn the_store_on_a_real_directory_keeps_the_contract() {
        let dir = tempfile::tempdir().expect("make a directory");
        let store = LocalStore::new(Arc::new(RealDisk::new(dir.path())), "packs").expect("make");
        check(&store).expect("no failure");
    }

    #[test]
    fn the_store_in_memory_keeps_the_contract() {
        let store = LocalStore::new(Arc::new(MemoryDisk::new()), "packs").expect("make");
        check(&store).expect("no failure");
    }
}
