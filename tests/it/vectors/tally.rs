//! How outcomes were come by.

use std::cell::Cell;

/// How many outcomes were answers of an operation itself, how many what the judge says, and how
/// many those of a server where it is switched off.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) called: Cell<u64>,
    pub(super) judged: Cell<u64>,
    pub(super) off: Cell<u64>,
}

impl Tally {
    /// Returns the three.
    pub(super) fn counts(&self) -> [u64; 3] {
        [&self.called, &self.judged, &self.off].map(Cell::get)
    }
}

pub(super) fn count(cell: &Cell<u64>) {
    cell.set(cell.get() + 1);
}
