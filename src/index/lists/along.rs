//! Rows whose keys begin alike, in either direction, between two of them.

use std::ops::{Bound, ControlFlow};

use crate::error::{Error, Result};
use crate::index::{Get, Order, Table, try_scan};
use crate::query::Direction;

/// Which rows.
#[derive(Debug, Clone)]
pub(super) struct Along {
    table: Table,
    direction: Direction,
    /// The least key that may be among them.
    from: Vec<u8>,
    /// The least key behind them, if there is one.
    to: Option<Vec<u8>>,
}

impl Along {
    /// Takes the rows whose keys begin with a prefix.
    pub(super) fn new(table: Table, prefix: &[u8], direction: Direction) -> Self {
        Self {
            table,
            direction,
            from: prefix.to_vec(),
            to: successor(prefix),
        }
    }

    /// Leaves out the rows before the first key that begins with one prefix, and those behind the
    /// last that begins with another.
    pub(super) fn within(self, first: &[u8], last: &[u8]) -> Self {
        let to = match (self.to, successor(last)) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        Self {
            from: self.from.max(first.to_vec()),
            to,
            ..self
        }
    }

    /// Leaves out what comes before a key, and the key.
    pub(super) fn behind(mut self, key: Option<&[u8]>) -> Self {
        match (self.direction, key) {
            (_, None) => {}
            (Direction::Ascending, Some(key)) => {
                // The next key there may be.
                let next = [key, &[0]].concat();
                self.from = self.from.max(next);
            }
            (Direction::Descending, Some(key)) => {
                let before = |to: &Vec<u8>| to.as_slice() <= key;
                self.to = self.to.filter(before).or_else(|| Some(key.to_vec()));
            }
        }
        self
    }

    /// Lends the rows, in order, until `f` breaks or fails.
    pub(super) fn each(
        &self,
        get: &dyn Get,
        f: &mut dyn FnMut(&[u8], &[u8]) -> Result<ControlFlow<()>>,
    ) -> Result<()> {
        let to = self.to.as_deref();
        let bounds = (
            Bound::Included(&self.from[..]),
            to.map_or(Bound::Unbounded, Bound::Excluded),
        );
        let order = match self.direction {
            Direction::Ascending => Order::Ascending,
            Direction::Descending => Order::Descending,
        };
        try_scan(get, self.table, bounds, order, f)
    }
}

/// Returns the least key behind all that begin with a prefix; none if there is no such key.
fn successor(prefix: &[u8]) -> Option<Vec<u8>> {
    let len = prefix.iter().rposition(|byte| *byte < u8::MAX)? + 1;
    let mut key = prefix[..len].to_vec();
    key[len - 1] += 1;
    Some(key)
}

/// Reads the slot that the value of a row begins with.
pub(super) fn slot_of(table: Table, value: &[u8]) -> Result<u64> {
    let slot = value.first_chunk().map(|slot| u64::from_be_bytes(*slot));
    let name = table.name();
    slot.ok_or_else(|| Error::corrupt(format!("table {name}: a row has no slot")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn behind_a_prefix_is_the_least_key_that_does_not_begin_with_it() {
        for (prefix, behind) in [
            (&b"a"[..], Some(&b"b"[..])),
            (b"a\xff", Some(b"b")),
            (b"a\x00", Some(b"a\x01")),
            (b"\xff\xff", None),
            (b"", None),
        ] {
            assert_eq!(successor(prefix).as_deref(), behind, "{prefix:?}");
        }
    }

    #[test]
    fn limits_only_ever_narrow() {
        let rows = |direction| Along::new(Table::Orders, b"p", direction).within(b"pb", b"pd");
        let ends = |rows: Along| (rows.from, rows.to);
        let up = |key: &[u8]| ends(rows(Direction::Ascending).behind(Some(key)));
        let down = |key: &[u8]| ends(rows(Direction::Descending).behind(Some(key)));
        let pair = |from: &[u8], to: &[u8]| (from.to_vec(), Some(to.to_vec()));
        assert_eq!(ends(rows(Direction::Ascending)), pair(b"pb", b"pe"));
        assert_eq!(up(b"pa"), pair(b"pb", b"pe"));
        assert_eq!(up(b"pcx"), pair(b"pcx\0", b"pe"));
        assert_eq!(down(b"pz"), pair(b"pb", b"pe"));
        assert_eq!(down(b"pcx"), pair(b"pb", b"pcx"));
    }
}
