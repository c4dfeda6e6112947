//! The suite that every [`Kv`] passes, whatever it stands on.

use std::collections::BTreeMap;
use std::ops::{Bound, ControlFlow};

use crate::error::{Error, ErrorCode, Result};
use crate::index::{Durability, Get, Kv, Order, Put, Table};

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
    a_write_scans_its_own_changes_over_what_was_there(&kv);
    a_write_that_failed_leaves_nothing_to_later_ones(&kv);
    concurrent_writes_are_serial(&kv);
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
    let rows: Rows = (0..40u8).map(|i| (i * 2, vec![i * 2])).collect();
    kv.write(Durability::Now, |txn| {
        txn.delete(table, b"same key")?;
        rows.iter().try_for_each(|(k, v)| txn.put(table, &[*k], v))
    })
    .unwrap();
    kv.read(|view| {
        check_scans(view, table, &rows);
        Ok(())
    })
    .unwrap();
}

/// Keys and values of a table.
type Rows = BTreeMap<u8, Vec<u8>>;

/// Scans between all kinds of bounds, in both orders, up to the end and up to a break.
fn check_scans(view: &dyn Get, table: Table, rows: &Rows) {
    let ends: Vec<Vec<u8>> = (0..=81u8).step_by(3).map(|i| vec![i]).collect();
    let bounds: Vec<Bound<&[u8]>> = ends
        .iter()
        .flat_map(|end| [Bound::Included(&end[..]), Bound::Excluded(&end[..])])
        .chain([Bound::Unbounded])
        .collect();
    for from in &bounds {
        for to in &bounds {
            let inside = |key: u8| {
                let low = match from {
                    Bound::Included(from) => [key][..] >= **from,
                    Bound::Excluded(from) => [key][..] > **from,
                    Bound::Unbounded => true,
                };
                low && match to {
                    Bound::Included(to) => [key][..] <= **to,
                    Bound::Excluded(to) => [key][..] < **to,
                    Bound::Unbounded => true,
                }
            };
            let expected = rows.iter().filter(|(key, _)| inside(**key));
            let mut expected: Vec<(u8, Vec<u8>)> = expected.map(|(k, v)| (*k, v.clone())).collect();
            for order in [Order::Ascending, Order::Descending] {
                for most in [usize::MAX, 3, 1] {
                    let found = scan(view, table, (*from, *to), order, most);
                    let most = most.min(expected.len());
                    assert_eq!(found, expected[..most], "{from:?} to {to:?}, {order:?}");
                }
                expected.reverse();
            }
        }
    }
}

/// Scans until the end, or until it has seen so many rows.
fn scan(
    view: &dyn Get,
    table: Table,
    (from, to): (Bound<&[u8]>, Bound<&[u8]>),
    order: Order,
    most: usize,
) -> Vec<(u8, Vec<u8>)> {
    let mut rows = Vec::new();
    view.scan(table, from, to, order, &mut |key, value| {
        rows.push((key[0], value.to_vec()));
        match rows.len() == most {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    })
    .unwrap();
    rows
}

fn a_write_scans_its_own_changes_over_what_was_there(kv: &impl Kv) {
    let table = Table::Releases;
    let before = rows_of(kv, table);
    assert!(before.len() > 30);
    let change = |txn: &mut dyn Put, rows: &mut Rows, key: u8, value: Option<u8>| match value {
        Some(value) => {
            rows.insert(key, vec![value, key]);
            txn.put(table, &[key], &[value, key])
        }
        None => {
            rows.remove(&key);
            txn.delete(table, &[key])
        }
    };
    let write = |txn: &mut dyn Put| {
        let mut rows = before.clone();
        // In turn: over a row, where none is, a deleted row, none deleted, and changes of changes.
        for key in (0..90).step_by(4) {
            change(txn, &mut rows, key, Some(1))?;
        }
        check_scans(txn, table, &rows);
        for key in (0..90).step_by(7) {
            change(txn, &mut rows, key, None)?;
        }
        check_scans(txn, table, &rows);
        for key in (1..90).step_by(5) {
            change(txn, &mut rows, key, Some(2))?;
        }
        check_scans(txn, table, &rows);
        for key in before.keys() {
            change(txn, &mut rows, *key, None)?;
        }
        check_scans(txn, table, &rows);
        Ok(rows)
    };
    let refused: Result<()> = kv.write(Durability::Now, |txn| {
        write(txn)?;
        Err(Error::new(ErrorCode::InvalidState, "no"))
    });
    assert_eq!(refused.unwrap_err().code(), ErrorCode::InvalidState);
    assert_eq!(rows_of(kv, table), before);
    let after = kv.write(Durability::Now, write).unwrap();
    assert_eq!(rows_of(kv, table), after);
    assert!(!after.is_empty() && after != before);
}

fn rows_of(kv: &impl Kv, table: Table) -> Rows {
    let all = (Bound::Unbounded, Bound::Unbounded);
    let rows = kv.read(|view| Ok(scan(view, table, all, Order::Ascending, usize::MAX)));
    rows.unwrap().into_iter().collect()
}

fn a_write_that_failed_leaves_nothing_to_later_ones(kv: &impl Kv) {
    put(kv, T, b"kept", b"1").unwrap();
    let all = dump(kv);
    let failed: Result<()> = kv.write(Durability::Later, |txn| {
        txn.put(T, b"kept", b"2")?;
        txn.delete(T, b"kept")?;
        txn.put(T, b"gone", b"2")?;
        Err(Error::new(ErrorCode::Duplicate, "no"))
    });
    assert_eq!(failed.unwrap_err().code(), ErrorCode::Duplicate);
    let seen = kv.write(Durability::Now, |txn| {
        Ok((get(txn, T, b"kept"), get(txn, T, b"gone")))
    });
    assert_eq!(seen.unwrap(), (Some(b"1".to_vec()), None));
    assert_eq!(dump(kv), all);
}

fn concurrent_writes_are_serial(kv: &impl Kv) {
    const EACH: u64 = 50;
    // Eight threads, every other one in no hurry.
    let threads = [Durability::Now, Durability::Later].repeat(4);
    let add = |txn: &mut dyn Put| {
        let before = get(txn, Table::Meta, b"sum").map_or(0, |value| {
            u64::from_le_bytes(value.try_into().expect("eight bytes"))
        });
        let after = before + 1;
        txn.put(Table::Meta, b"sum", &after.to_le_bytes())?;
        txn.put(T, &after.to_be_bytes(), b"of the sum")?;
        Ok(after)
    };
    let mut sums = std::thread::scope(|scope| {
        let run = |durability| {
            scope.spawn(move || {
                let run = |i: u64| match i % 5 {
                    // A failed one between them leaves no gap.
                    4 => kv.write(durability, |txn| {
                        add(txn)?;
                        Err(Error::new(ErrorCode::InvalidState, "no"))
                    }),
                    _ => kv.write(durability, add),
                };
                (0..EACH).filter_map(|i| run(i).ok()).collect::<Vec<u64>>()
            })
        };
        let running: Vec<_> = threads.iter().map(|durability| run(*durability)).collect();
        let sums = running.into_iter().flat_map(|t| t.join().unwrap());
        sums.collect::<Vec<u64>>()
    });
    sums.sort_unstable();
    let count = threads.len() as u64 * EACH * 4 / 5;
    assert_eq!(sums, (1..=count).collect::<Vec<u64>>());
    for sum in sums {
        assert_eq!(read(kv, T, &sum.to_be_bytes()).unwrap(), b"of the sum");
    }
}

fn values_of_every_size_come_back(kv: &impl Kv) {
    for len in [0, 1, 7, 8, 9, 4095, 4096, 70_000, 3 << 20] {
        let value: Vec<u8> = (0..=250u8).cycle().take(len).collect();
        let key = format!("size {len}");
        put(kv, Table::Sessions, key.as_bytes(), &value).unwrap();
        assert_eq!(read(kv, Table::Sessions, key.as_bytes()).unwrap(), value);
    }
}
