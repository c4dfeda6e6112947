//! The suite that every [`Kv`] passes, whatever it stands on.

use std::ops::{Bound, ControlFlow};

use crate::error::{Error, ErrorCode, Result};
use crate::index::{Durability, Get, Kv, Order, Table};

const T: Table = Table::Images;

/// Runs the suite; `open` opens an empty map at first, and what was closed after that.
pub(super) fn check<K: Kv>(open: &mut dyn FnMut() -> K, close: &mut dyn FnMut(K)) {
    let kv = open();
    writes_are_read_back(&kv);
    a_write_reads_its_own_changes(&kv);
    a_failed_write_leaves_nothing(&kv);
    deleting_a_missing_key_is_no_error(&kv);
    tables_do_not_mix(&kv);
    a_read_is_one_snapshot(&kv);
    scans_keep_bounds_and_order(&kv);
    values_of_every_size_come_back(&kv);
    let before = dump(&kv);
    close(kv);
    let kv = open();
    assert_eq!(dump(&kv), before, "reopened");
    close(kv);
}

/// Returns everything that is stored.
pub(super) fn dump(kv: &impl Kv) -> Vec<(Table, Vec<u8>, Vec<u8>)> {
    let mut all = Vec::new();
    kv.read(|view| {
        all.clear();
        for table in Table::ALL {
            let unbounded = Bound::Unbounded;
            view.scan(
                table,
                unbounded,
                unbounded,
                Order::Ascending,
                &mut |k, v| {
                    all.push((table, k.to_vec(), v.to_vec()));
                    ControlFlow::Continue(())
                },
            )?;
        }
        Ok(())
    })
    .unwrap();
    all
}

/// Reads one value.
pub(super) fn get(view: &dyn Get, table: Table, key: &[u8]) -> Option<Vec<u8>> {
    let mut found = None;
    let there = view.get(table, key, &mut |value| found = Some(value.to_vec()));
    assert_eq!(there.unwrap(), found.is_some());
    found
}

/// Writes one value.
pub(super) fn put(kv: &impl Kv, table: Table, key: &[u8], value: &[u8]) -> Result<()> {
    kv.write(Durability::Now, |txn| txn.put(table, key, value))
}

fn read(kv: &impl Kv, table: Table, key: &[u8]) -> Option<Vec<u8>> {
    kv.read(|view| Ok(get(view, table, key))).unwrap()
}

fn writes_are_read_back(kv: &impl Kv) {
    for durability in [Durability::Now, Durability::Later] {
        let seen = kv
            .write(durability, |txn| {
                txn.put(T, b"a", b"1")?;
                txn.put(T, b"", b"empty key")?;
                txn.put(T, b"empty value", b"")?;
                txn.delete(T, b"a")?;
                txn.put(T, b"a", b"2")?;
                Ok(7)
            })
            .unwrap();
        assert_eq!(seen, 7);
        assert_eq!(read(kv, T, b"a").unwrap(), b"2");
        assert_eq!(read(kv, T, b"").unwrap(), b"empty key");
        assert_eq!(read(kv, T, b"empty value").unwrap(), b"");
        assert_eq!(read(kv, T, b"b"), None);
    }
}

fn a_write_reads_its_own_changes(kv: &impl Kv) {
    kv.write(Durability::Now, |txn| {
        txn.put(T, b"own", b"1")?;
        assert_eq!(get(txn, T, b"own").unwrap(), b"1");
        let mut keys = Vec::new();
        let from = Bound::Included(&b"own"[..]);
        txn.scan(T, from, from, Order::Ascending, &mut |key, _| {
            keys.push(key.to_vec());
            ControlFlow::Continue(())
        })?;
        assert_eq!(keys, [b"own"]);
        txn.delete(T, b"own")?;
        assert_eq!(get(txn, T, b"own"), None);
        Ok(())
    })
    .unwrap();
}

fn a_failed_write_leaves_nothing(kv: &impl Kv) {
    let before = dump(kv);
    let failed: Result<()> = kv.write(Durability::Now, |txn| {
        txn.put(T, b"a", b"changed")?;
        txn.put(Table::Meta, b"new", b"value")?;
        txn.delete(T, b"")?;
        Err(Error::new(ErrorCode::InvalidState, "no"))
    });
    assert_eq!(failed.unwrap_err().code(), ErrorCode::InvalidState);
    assert_eq!(dump(kv), before);
    put(kv, T, b"a", b"3").unwrap();
}

fn deleting_a_missing_key_is_no_error(kv: &impl Kv) {
    kv.write(Durability::Now, |txn| txn.delete(T, b"missing"))
        .unwrap();
    kv.write(Durability::Now, |_| Ok(())).unwrap();
}

fn tables_do_not_mix(kv: &impl Kv) {
    kv.write(Durability::Now, |txn| {
        Table::ALL
            .into_iter()
            .try_for_each(|table| txn.put(table, b"same key", table.name().as_bytes()))
    })
    .unwrap();
    for table in Table::ALL {
        let value = read(kv, table, b"same key");
        assert_eq!(value.unwrap(), table.name().as_bytes());
    }
}

fn a_read_is_one_snapshot(kv: &impl Kv) {
    put(kv, T, b"snapshot", b"old").unwrap();
    kv.read(|view| {
        put(kv, T, b"snapshot", b"new").unwrap();
        put(kv, Table::Packs, b"snapshot", b"new").unwrap();
        assert_eq!(get(view, T, b"snapshot").unwrap(), b"old");
        assert_eq!(get(view, Table::Packs, b"snapshot"), None);
        Ok(())
    })
    .unwrap();
    assert_eq!(read(kv, T, b"snapshot").unwrap(), b"new");
}

fn scans_keep_bounds_and_order(kv: &impl Kv) {
    let table = Table::Releases;
    let keys: Vec<[u8; 1]> = (0..40u8).map(|i| [i * 2]).collect();
    kv.write(Durability::Now, |txn| {
        txn.delete(table, b"same key")?;
        keys.iter().try_for_each(|key| txn.put(table, key, key))
    })
    .unwrap();
    let ends: Vec<Vec<u8>> = (0..=81u8).step_by(3).map(|i| vec![i]).collect();
    let bounds: Vec<Bound<&[u8]>> = ends
        .iter()
        .flat_map(|end| [Bound::Included(&end[..]), Bound::Excluded(&end[..])])
        .chain([Bound::Unbounded])
        .collect();
    for from in &bounds {
        for to in &bounds {
            let inside = |key: &&[u8; 1]| {
                let low = match from {
                    Bound::Included(from) => &key[..] >= *from,
                    Bound::Excluded(from) => &key[..] > *from,
                    Bound::Unbounded => true,
                };
                low && match to {
                    Bound::Included(to) => &key[..] <= *to,
                    Bound::Excluded(to) => &key[..] < *to,
                    Bound::Unbounded => true,
                }
            };
            let mut expected: Vec<[u8; 1]> = keys.iter().filter(inside).copied().collect();
            assert_eq!(scan(kv, table, (*from, *to), Order::Ascending), expected);
            expected.reverse();
            assert_eq!(scan(kv, table, (*from, *to), Order::Descending), expected);
        }
    }
    let mut seen = 0;
    kv.read(|view| {
        let all = Bound::Unbounded;
        view.scan(table, all, all, Order::Ascending, &mut |_, _| {
            seen += 1;
            match seen {
                3 => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            }
        })
    })
    .unwrap();
    assert_eq!(seen, 3);
}

fn scan(
    kv: &impl Kv,
    table: Table,
    (from, to): (Bound<&[u8]>, Bound<&[u8]>),
    order: Order,
) -> Vec<[u8; 1]> {
    let mut keys = Vec::new();
    kv.read(|view| {
        view.scan(table, from, to, order, &mut |key, value| {
            assert_eq!(key, value);
            keys.push([key[0]]);
            ControlFlow::Continue(())
        })
    })
    .unwrap();
    keys
}

fn values_of_every_size_come_back(kv: &impl Kv) {
    for len in [0, 1, 7, 8, 9, 4095, 4096, 70_000, 3 << 20] {
        let value: Vec<u8> = (0..=250u8).cycle().take(len).collect();
        let key = format!("size {len}");
        put(kv, Table::Sessions, key.as_bytes(), &value).unwrap();
        assert_eq!(read(kv, Table::Sessions, key.as_bytes()).unwrap(), value);
    }
}
