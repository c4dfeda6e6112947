//! Calls that fail: syncs, full disks, closures that panic.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::faulty::Faulty;
use super::{T, code, copy, create, memory, open, options, value};
use crate::disk::{Access, SyncSite};
use crate::error::{ErrorCode, Result};
use crate::index::contract::{dump, put};
use crate::index::{Durability, Kv, KvAccess, KvOptions, RedbKv};

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
