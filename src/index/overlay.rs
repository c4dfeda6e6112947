//! Changes that are not in redb yet, in order, as they lie in front of it.
//!
//! One map for each table; of the changes of a key the last one counts. What a closure changed is
//! kept or taken back as a whole. What lies below is not known here: it is lent to [`Own`], key by
//! key.

use std::collections::{BTreeMap, btree_map};
use std::ops::{Bound, ControlFlow};

use super::frame::{Change, WRITE_SET_MAX_BYTES};
use crate::error::{Error, ErrorCode, Result};
use crate::index::{Order, Table};

/// Length of a group that takes no more closures, in bytes.
pub(super) const GROUP_FULL_BYTES: usize = 1 << 20;
/// Most that one closure changes, in bytes: with what the group held before, it fits a record.
const OWN_MAX_BYTES: usize = WRITE_SET_MAX_BYTES - GROUP_FULL_BYTES;

const TABLES: usize = Table::ALL.len();

/// The new value of a key, or nothing when it is deleted.
type Entry = Option<Box<[u8]>>;
type Rows = BTreeMap<Box<[u8]>, Entry>;
pub(super) type Bounds<'b> = (Bound<&'b [u8]>, Bound<&'b [u8]>);
pub(super) type Visit<'v> = dyn FnMut(&[u8], &[u8]) -> ControlFlow<()> + 'v;

/// The changes of the closures of a group.
#[derive(Debug)]
pub(super) struct Overlay {
    tables: [Rows; TABLES],
    /// Length of the write set that these changes make.
    len_bytes: usize,
    /// What the closure that runs has changed, overwritten values as well.
    own_bytes: usize,
    /// How to take that back, last change last.
    undo: Vec<Undo>,
}

#[derive(Debug)]
struct Undo {
    table: Table,
    key: Box<[u8]>,
    /// Nothing when no closure of the group had changed the key.
    before: Option<Entry>,
}

impl Overlay {
    pub(super) fn new() -> Self {
        Self {
            tables: [const { BTreeMap::new() }; TABLES],
            len_bytes: 0,
            own_bytes: 0,
            undo: Vec::new(),
        }
    }

    /// Tells whether nothing is changed.
    pub(super) fn is_empty(&self) -> bool {
        self.len_bytes == 0
    }

    /// Returns the length of the write set.
    pub(super) fn len_bytes(&self) -> usize {
        self.len_bytes
    }

    /// Tells whether a table is changed.
    pub(super) fn touches(&self, table: Table) -> bool {
        !self.tables[table as usize].is_empty()
    }

    /// Returns what a key was changed to, or nothing if it was not changed.
    pub(super) fn find(&self, table: Table, key: &[u8]) -> Option<Option<&[u8]>> {
        let entry = self.tables[table as usize].get(key)?;
        Some(entry.as_deref())
    }

    /// Changes a key; no value deletes it.
    ///
    /// # Errors
    ///
    /// `Internal` when the closure has changed more than a record of the log holds.
    pub(super) fn set(&mut self, table: Table, key: &[u8], value: Option<&[u8]>) -> Result<()> {
        let len = Change::len(key.len(), value.map_or(0, <[u8]>::len));
        self.own_bytes = self.own_bytes.saturating_add(len);
        if self.own_bytes > OWN_MAX_BYTES {
            let message = format!("write set exceeds {OWN_MAX_BYTES} bytes");
            return Err(Error::new(ErrorCode::Internal, message));
        }
        let key: Box<[u8]> = key.into();
        let before = self.replace(table, key.clone(), Some(value.map(Box::from)));
        self.undo.push(Undo { table, key, before });
        Ok(())
    }

    /// Puts an entry in the place of another, and returns that one.
    fn replace(&mut self, table: Table, key: Box<[u8]>, to: Option<Entry>) -> Option<Entry> {
        let key_len = key.len();
        let len = |entry: &Entry| Change::len(key_len, entry.as_ref().map_or(0, |v| v.len()));
        self.len_bytes += to.as_ref().map_or(0, len);
        let rows = &mut self.tables[table as usize];
        let before = match to {
            Some(entry) => rows.insert(key, entry),
            None => rows.remove(&key),
        };
        self.len_bytes -= before.as_ref().map_or(0, len);
        before
    }

    /// Keeps what the closure changed.
    pub(super) fn keep(&mut self) {
        self.undo.clear();
        self.own_bytes = 0;
    }

    /// Takes back what the closure changed.
    pub(super) fn take_back(&mut self) {
        while let Some(Undo { table, key, before }) = self.undo.pop() {
            self.replace(table, key, before);
        }
        self.own_bytes = 0;
    }

    /// Returns all changes, by table and key.
    pub(super) fn changes(&self) -> impl Iterator<Item = Change<'_>> {
        let tables = Table::ALL.into_iter().zip(&self.tables);
        tables.flat_map(|(table, rows)| {
            rows.iter().map(move |(key, entry)| match entry {
                Some(value) => Change::Put(table, key, value),
                None => Change::Delete(table, key),
            })
        })
    }

    /// Returns the changes between two bounds, to be merged with what lies below. Some key must be
    /// able to lie between them.
    pub(super) fn own(&self, table: Table, bounds: Bounds<'_>, order: Order) -> Own<'_> {
        let mut own = Own {
            range: self.tables[table as usize].range::<[u8], _>(bounds),
            order,
            next: None,
        };
        own.advance();
        own
    }
}

/// Changes between two bounds on their way into a scan.
#[derive(Debug)]
pub(super) struct Own<'o> {
    range: btree_map::Range<'o, Box<[u8]>, Entry>,
    order: Order,
    next: Option<(&'o [u8], Option<&'o [u8]>)>,
}

impl<'o> Own<'o> {
    fn advance(&mut self) {
        let next = match self.order {
            Order::Ascending => self.range.next(),
            Order::Descending => self.range.next_back(),
        };
        self.next = next.map(|(key, entry)| (&**key, entry.as_deref()));
    }

    fn is_before(&self, own: &[u8], key: &[u8]) -> bool {
        match self.order {
            Order::Ascending => own < key,
            Order::Descending => own > key,
        }
    }

    /// Lends what comes before a key.
    pub(super) fn before(&mut self, key: &[u8], f: &mut Visit<'_>) -> ControlFlow<()> {
        self.lend_while(f, |own, at| own.is_before(at, key))
    }

    /// Lends what is left.
    pub(super) fn rest(&mut self, f: &mut Visit<'_>) -> ControlFlow<()> {
        self.lend_while(f, |_, _| true)
    }

    fn lend_while(
        &mut self,
        f: &mut Visit<'_>,
        wanted: impl Fn(&Self, &[u8]) -> bool,
    ) -> ControlFlow<()> {
        while let Some((key, value)) = self.next.filter(|(key, _)| wanted(self, key)) {
            self.advance();
            if let Some(value) = value {
                f(key, value)?;
            }
        }
        ControlFlow::Continue(())
    }

    /// Returns what the key was changed to, if it is the next one; then it counts as lent.
    pub(super) fn take(&mut self, key: &[u8]) -> Option<Option<&'o [u8]>> {
        let (_, value) = self.next.filter(|(own, _)| *own == key)?;
        self.advance();
        Some(value)
    }
}

#[cfg(test)]
#[expect(
    clippy::cast_possible_truncation,
    reason = "numbers here are below 256"
)]
mod tests {
    use super::*;
    use crate::sum::sum64;

    type Model = BTreeMap<(Table, Vec<u8>), Option<Vec<u8>>>;

    fn model(overlay: &Overlay) -> Model {
        let rows = overlay.changes().map(|change| match change {
            Change::Put(table, key, value) => ((table, key.to_vec()), Some(value.to_vec())),
            Change::Delete(table, key) => ((table, key.to_vec()), None),
        });
        rows.collect()
    }

    fn place(change: Change<'_>) -> (Table, &[u8]) {
        match change {
            Change::Put(table, key, _) | Change::Delete(table, key) => (table, key),
        }
    }

    fn write_set(overlay: &Overlay) -> Vec<u8> {
        let mut set = Vec::new();
        let encoded = overlay.changes().try_for_each(|c| c.encode(&mut set));
        encoded.unwrap();
        set
    }

    #[test]
    fn what_is_kept_is_there_in_order_and_what_is_taken_back_leaves_no_trace() {
        let (mut overlay, mut kept) = (Overlay::new(), Model::new());
        let mut taken_back = 0;
        for closure in 0..600 {
            let mut rows = kept.clone();
            for i in 0..closure % 9 {
                let random = sum64(closure, &[i as u8]);
                let table = Table::ALL[random as usize % 3];
                let key = vec![(random >> 8) as u8 % 16; (random >> 16) as usize % 3];
                let value = vec![closure as u8; (random >> 24) as usize % 40];
                let value = (random >> 40).is_multiple_of(3).then_some(value);
                overlay.set(table, &key, value.as_deref()).unwrap();
                assert_eq!(overlay.find(table, &key), Some(value.as_deref()));
                rows.insert((table, key), value);
            }
            assert_eq!(model(&overlay), rows);
            if closure % 4 == 1 {
                overlay.take_back();
                taken_back += 1;
            } else {
                overlay.keep();
                kept = rows;
            }
            assert_eq!(model(&overlay), kept);
            let places: Vec<_> = overlay.changes().map(place).collect();
            assert!(places.is_sorted());
            assert_eq!(overlay.len_bytes(), write_set(&overlay).len());
            assert_eq!(overlay.is_empty(), kept.is_empty());
        }
        assert!(kept.len() > 30 && taken_back == 150, "{}", kept.len());
    }

    #[test]
    fn a_closure_is_bounded_by_itself() {
        let mut overlay = Overlay::new();
        let half = vec![0; OWN_MAX_BYTES / 2];
        overlay.set(Table::Images, &half, None).unwrap();
        overlay.keep();
        overlay.set(Table::Images, &half, None).unwrap();
        // Taking back counts from the start again.
        overlay.set(Table::Images, &half, None).unwrap_err();
        overlay.take_back();
        overlay.set(Table::Images, &half, None).unwrap();
        assert!(overlay.len_bytes() < OWN_MAX_BYTES);
    }
}
