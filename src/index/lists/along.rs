//! Rows whose keys begin alike, in either direction, behind one of them.

use std::ops::{Bound, ControlFlow};

use crate::error::{Error, Result};
use crate::index::{Get, Order, Table, try_scan};
use crate::query::Direction;

/// Which rows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Along<'a> {
    pub(super) table: Table,
    pub(super) prefix: &'a [u8],
    pub(super) direction: Direction,
    /// The key behind which they begin, if not at the first.
    pub(super) behind: Option<&'a [u8]>,
}

impl Along<'_> {
    /// Lends the rows, in order, until `f` breaks or fails.
    pub(super) fn each(
        &self,
        get: &dyn Get,
        f: &mut dyn FnMut(&[u8], &[u8]) -> Result<ControlFlow<()>>,
    ) -> Result<()> {
        let end = successor(self.prefix);
        let begin = Bound::Included(self.prefix);
        let end = end.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        let behind = self.behind.map(Bound::Excluded);
        let (bounds, order) = match self.direction {
            Direction::Ascending => ((behind.unwrap_or(begin), end), Order::Ascending),
            Direction::Descending => ((begin, behind.unwrap_or(end)), Order::Descending),
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

/// Reads the value of a row that holds a slot.
pub(super) fn slot_of(table: Table, value: &[u8]) -> Result<u64> {
    let slot = value.try_into().map(u64::from_be_bytes);
    let name = table.name();
    slot.map_err(|_| Error::corrupt(format!("table {name}: a slot is not 8 bytes")))
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
}
