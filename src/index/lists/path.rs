//! The rows that stand in the order of a key: those of an order, or, by time of creation within one
//! scope, those of its view, which hold the records as well.

use std::ops::RangeInclusive;

use super::along::{Along, slot_of};
use super::bound::Bound;
use super::candidates::Candidates;
use super::facts::Fact;
use super::row::Row;
use super::rows::{self, Part, Sorted, TAIL_LEN};
use super::view::{self, Hit};
use crate::error::Result;
use crate::id::ImageId;
use crate::image::Image;
use crate::index::Table;
use crate::query::Direction;

/// Rows in the order of a key.
#[derive(Debug)]
pub(super) struct Path {
    sorted: Sorted,
    part: Part,
    table: Table,
    pub(super) prefix: Vec<u8>,
}

impl Path {
    /// Returns the rows of a key that hold all of `from`.
    pub(super) fn new(sorted: Sorted, from: &Candidates) -> Self {
        match (sorted, from.scope()) {
            (Sorted::Created, Some(scope)) => Self {
                sorted,
                part: from.part,
                table: Table::Views,
                prefix: rows::view_prefix(from.part, scope),
            },
            _ => Self::bare(sorted, from.part),
        }
    }

    /// Returns the rows of a key that hold no records.
    pub(super) fn bare(sorted: Sorted, part: Part) -> Self {
        Self {
            sorted,
            part,
            table: Table::Orders,
            prefix: rows::order_prefix(part, sorted),
        }
    }

    /// Returns the number that the rows are in order of, if it is one.
    pub(super) fn fact(&self) -> Option<Fact> {
        self.sorted.fact()
    }

    /// Returns the key of an image.
    pub(super) fn key(&self, image: &Image) -> Vec<u8> {
        let mut key = self.prefix.clone();
        rows::extend_order_key(&mut key, self.sorted, image);
        key
    }

    /// Returns how much of a key stands behind the value that it orders by.
    pub(super) fn tail_len(&self) -> usize {
        match self.sorted {
            Sorted::Created => 16,
            _ => TAIL_LEN,
        }
    }

    /// Returns the rows of all whose number passes the bounds on it.
    pub(super) fn along(&self, bounds: &[Bound], direction: Direction) -> Along {
        let rows = Along::new(self.table, &self.prefix, direction);
        let bounds = bounds.iter();
        let ranges = bounds.filter(|bound| Some(bound.fact) == self.fact());
        let ranges = ranges.filter_map(Bound::range);
        ranges.fold(rows, |rows, range| self.narrow(rows, range))
    }

    fn narrow(&self, rows: Along, range: &RangeInclusive<u64>) -> Along {
        let key = |code: &u64| [&self.prefix[..], &code.to_be_bytes()].concat();
        rows.within(&key(range.start()), &key(range.end()))
    }

    /// Tells whether a bound holds for all that [`Path::along`] returns.
    pub(super) fn holds(&self, bound: &Bound) -> bool {
        Some(bound.fact) == self.fact() && bound.range().is_some()
    }

    /// Returns the slot of a row.
    pub(super) fn slot(&self, value: &[u8]) -> Result<u64> {
        slot_of(self.table, value)
    }

    /// Returns the image of a row, whose record it holds, or whose key tells where that is.
    pub(super) fn hit(&self, key: &[u8], value: &[u8], slot: u64) -> Result<Hit> {
        Ok(match (self.table, self.sorted) {
            (Table::Views, _) => Hit::Row(Row::new(value)?),
            (_, Sorted::Id) => match key.last_chunk() {
                Some(id) => Hit::Id(ImageId::from_bytes(*id)),
                None => Hit::Slot(slot),
            },
            _ => Hit::Place(view::place(self.part, slot, key)),
        })
    }
}
