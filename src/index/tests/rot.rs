//! Rot of the index file.

use std::ops::{Bound, ControlFlow};
use std::sync::Arc;

use super::{Random, T, code, create, memory, open, random_writes, read_file, value, write_file};
use crate::disk::{Access, Disk};
use crate::error::ErrorCode;
use crate::index::backend::{Backend, Detach};
use crate::index::contract::put;
use crate::index::reserve::Reserve;
use crate::index::{Durability, Get, Kv, KvAccess, Order, Table};

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

#[test]
fn a_rotten_value_that_a_write_replaces_or_deletes_is_of_no_matter_to_it() {
    let disk = memory();
    let kv = create(&disk);
    for key in [b"a", b"b", b"c"] {
        put(&kv, T, key, b"value").unwrap();
    }
    kv.close().unwrap();
    damage(&disk, b"b");
    let kv = open(&disk, KvAccess::Write).unwrap();
    let keys = |view: &dyn Get| {
        let (mut keys, all) = (Vec::new(), Bound::Unbounded);
        let found = view.scan(T, all, all, Order::Ascending, &mut |key, _| {
            keys.push(key[0]);
            ControlFlow::Continue(())
        });
        found.map(|()| keys)
    };
    kv.write(Durability::Now, |txn| {
        assert_eq!(code(keys(txn)), ErrorCode::Corrupt);
        txn.delete(T, b"b")?;
        assert_eq!(keys(txn)?, b"ac");
        txn.put(T, b"b", b"new")?;
        assert_eq!(keys(txn)?, b"abc");
        Ok(())
    })
    .unwrap();
    assert_eq!(value(&kv, b"b").unwrap(), b"new");
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
