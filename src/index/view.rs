//! What is seen of redb: one snapshot, or one write transaction.
//!
//! Tables are opened when they are first touched. Values carry their sum behind them; it is
//! checked and taken off here, so no caller ever sees a value that rotted.

use std::cell::{Cell, OnceCell};
use std::ops::{Bound, ControlFlow};

use redb::{ReadOnlyTable, ReadTransaction, ReadableTable, TableDefinition, WriteTransaction};

use super::fault::guarded;
use super::frame::{Change, read_u64, value_sum};
use super::overlay::{Bounds, Visit};
use crate::error::{Error, ErrorCode, Result};
use crate::index::{Get, Order, Put, Table};

const SUM_LEN: usize = 8;
const TABLES: usize = Table::ALL.len();

type Bytes = &'static [u8];
/// What takes a key and its value with the sum behind it.
type VisitStored<'v> = dyn FnMut(&[u8], &[u8]) -> Result<ControlFlow<()>> + 'v;
type Definition = TableDefinition<'static, Bytes, Bytes>;

pub(super) fn definition(table: Table) -> Definition {
    TableDefinition::new(table.name())
}

/// What has tables: a snapshot, or a write transaction.
trait Tables {
    type Opened: ReadableTable<Bytes, Bytes>;

    /// Returns the table, or nothing while nobody has written to it.
    fn table(&self, table: Table) -> Result<Option<&Self::Opened>>;

    /// Hears what reading came to.
    fn heard<T>(&self, result: Result<T>) -> Result<T> {
        result
    }
}

impl<V: Tables> Get for V {
    fn get(&self, table: Table, key: &[u8], f: &mut dyn FnMut(&[u8])) -> Result<bool> {
        match self.table(table)? {
            Some(opened) => self.heard(get(opened, table, key, f)),
            None => Ok(false),
        }
    }

    fn scan(
        &self,
        table: Table,
        from: Bound<&[u8]>,
        to: Bound<&[u8]>,
        order: Order,
        f: &mut Visit<'_>,
    ) -> Result<()> {
        match self.table(table)? {
            Some(opened) => {
                let f = &mut |key: &[u8], stored: &[u8]| Ok(f(key, checked(table, key, stored)?));
                self.heard(scan(opened, (from, to), order, f))
            }
            None => Ok(()),
        }
    }
}

/// One snapshot.
pub(super) struct ReadView {
    txn: ReadTransaction,
    tables: [OnceCell<Option<ReadOnlyTable<Bytes, Bytes>>>; TABLES],
    failed: Cell<bool>,
    cut_off: Cell<bool>,
}

impl ReadView {
    pub(super) fn new(txn: ReadTransaction) -> Self {
        Self {
            txn,
            tables: [const { OnceCell::new() }; TABLES],
            failed: Cell::new(false),
            cut_off: Cell::new(false),
        }
    }

    /// Lends what redb stores between two bounds, with the sum of each value behind it.
    pub(super) fn scan_stored(
        &self,
        table: Table,
        bounds: Bounds<'_>,
        order: Order,
        f: &mut VisitStored<'_>,
    ) -> Result<()> {
        match self.table(table)? {
            Some(opened) => self.heard(scan(opened, bounds, order, f)),
            None => Ok(()),
        }
    }

    /// Tells whether any call failed.
    pub(super) fn has_failed(&self) -> bool {
        self.failed.get()
    }

    /// Tells whether the database was closed, or failed, below this snapshot: then nothing that it
    /// answered counts.
    pub(super) fn is_cut_off(&self) -> bool {
        self.cut_off.get()
    }
}

impl Tables for ReadView {
    type Opened = ReadOnlyTable<Bytes, Bytes>;

    fn table(&self, table: Table) -> Result<Option<&Self::Opened>> {
        let cell = &self.tables[table as usize];
        if cell.get().is_none() {
            let opened = guarded("open table", || {
                match self.txn.open_table(definition(table)) {
                    Ok(opened) => Ok(Some(opened)),
                    Err(redb::TableError::TableDoesNotExist(_)) => Ok(None),
                    Err(error) => Err(error),
                }
            });
            let _ = cell.set(self.heard(opened)?);
        }
        Ok(cell.get().and_then(Option::as_ref))
    }

    fn heard<T>(&self, result: Result<T>) -> Result<T> {
        if let Err(error) = &result {
            self.failed.set(true);
            if matches!(error.code(), ErrorCode::Closed | ErrorCode::Poisoned) {
                self.cut_off.set(true);
            }
        }
        result
    }
}

/// One write transaction. What is changed here is in no log.
pub(super) struct WriteView<'t> {
    txn: &'t WriteTransaction,
    tables: [OnceCell<redb::Table<'t, Bytes, Bytes>>; TABLES],
    scratch: Vec<u8>,
}

impl<'t> WriteView<'t> {
    pub(super) fn new(txn: &'t WriteTransaction) -> Self {
        Self {
            txn,
            tables: [const { OnceCell::new() }; TABLES],
            scratch: Vec::new(),
        }
    }

    /// Makes sure that the table is there.
    pub(super) fn open(&self, table: Table) -> Result<()> {
        let cell = &self.tables[table as usize];
        if cell.get().is_none() {
            let opened = guarded("open table", || self.txn.open_table(definition(table)));
            let _ = cell.set(opened?);
        }
        Ok(())
    }

    /// Applies a change.
    pub(super) fn apply(&mut self, change: Change<'_>) -> Result<()> {
        let table = match change {
            Change::Put(table, ..) | Change::Delete(table, _) => table,
        };
        self.open(table)?;
        let Some(opened) = self.tables[table as usize].get_mut() else {
            return Err(unopened());
        };
        match change {
            Change::Put(_, key, value) => {
                self.scratch.clear();
                self.scratch.extend_from_slice(value);
                self.scratch
                    .extend(value_sum(table, key, value).to_le_bytes());
                guarded("put", || {
                    opened.insert(key, self.scratch.as_slice()).map(drop)
                })
            }
            Change::Delete(_, key) => guarded("delete", || opened.remove(key).map(drop)),
        }
    }
}

fn unopened() -> Error {
    Error::new(ErrorCode::Internal, "table is not open")
}

impl<'t> Tables for WriteView<'t> {
    type Opened = redb::Table<'t, Bytes, Bytes>;

    fn table(&self, table: Table) -> Result<Option<&Self::Opened>> {
        self.open(table)?;
        Ok(self.tables[table as usize].get())
    }
}

impl Put for WriteView<'_> {
    fn put(&mut self, table: Table, key: &[u8], value: &[u8]) -> Result<()> {
        self.apply(Change::Put(table, key, value))
    }

    fn delete(&mut self, table: Table, key: &[u8]) -> Result<()> {
        self.apply(Change::Delete(table, key))
    }
}

fn get(
    opened: &impl ReadableTable<Bytes, Bytes>,
    table: Table,
    key: &[u8],
    f: &mut dyn FnMut(&[u8]),
) -> Result<bool> {
    match guarded("get", || opened.get(key))? {
        Some(stored) => {
            f(checked(table, key, bytes_of("get", &stored)?)?);
            Ok(true)
        }
        None => Ok(false),
    }
}

fn scan(
    opened: &impl ReadableTable<Bytes, Bytes>,
    bounds: Bounds<'_>,
    order: Order,
    f: &mut VisitStored<'_>,
) -> Result<()> {
    if is_empty(bounds) {
        return Ok(());
    }
    let mut range = guarded("scan", || opened.range::<&[u8]>(bounds))?;
    loop {
        let pair = guarded("scan", || {
            let pair = match order {
                Order::Ascending => range.next(),
                Order::Descending => range.next_back(),
            };
            pair.transpose()
        })?;
        let Some((key, value)) = pair else {
            return Ok(());
        };
        let key = bytes_of("scan", &key)?;
        if f(key, bytes_of("scan", &value)?)?.is_break() {
            return Ok(());
        }
    }
}

/// Returns what redb holds for us; where it lies is read from the page only now.
fn bytes_of<'g>(deed: &str, held: &'g redb::AccessGuard<'_, Bytes>) -> Result<&'g [u8]> {
    guarded(deed, || Ok::<_, redb::Error>(held.value()))
}

/// Tells whether no key can lie between two bounds; an engine below may not like such a range.
pub(super) fn is_empty(bounds: Bounds<'_>) -> bool {
    match bounds {
        (Bound::Included(from), Bound::Included(to)) => from > to,
        (Bound::Included(from), Bound::Excluded(to))
        | (Bound::Excluded(from), Bound::Included(to) | Bound::Excluded(to)) => from >= to,
        (Bound::Unbounded, _) | (_, Bound::Unbounded) => false,
    }
}

/// Returns a stored value without its sum, if the sum is right.
pub(super) fn checked<'v>(table: Table, key: &[u8], stored: &'v [u8]) -> Result<&'v [u8]> {
    let whole = stored
        .len()
        .checked_sub(SUM_LEN)
        .and_then(|len| stored.split_at_checked(len))
        .filter(|(value, sum)| value_sum(table, key, value) == read_u64(sum, 0));
    match whole {
        Some((value, _)) => Ok(value),
        None => Err(damaged(table, key)),
    }
}

#[cold]
fn damaged(table: Table, key: &[u8]) -> Error {
    let shown: String = key
        .iter()
        .take(20)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let dots = if key.len() > 20 { ".." } else { "" };
    Error::corrupt(format!(
        "index table {}: value of key {shown}{dots} is damaged",
        table.name()
    ))
}
