//! Facts: the numbers of images in columns, so that a bound on one of them is tested for a million
//! images in a few thousand rows, and images are ordered by them without reading records.
//!
//! A row holds one number of 128 neighbouring slots, as differences from the smallest in as few
//! bytes as they take. What has no row is 0.

use std::ops::{Bound as End, ControlFlow};

use super::bound::Bound;
use super::slots::{Slots, ones};
use crate::error::{Error, Result};
use crate::index::{Get, Order, Put, Table, try_scan};

/// Bits of a slot within its row.
const ROW_BITS: u32 = 7;
/// Slots of a row.
pub(super) const ROW: usize = 1 << ROW_BITS;
const KEY_LEN: usize = 9;

/// What is kept of each image. Numbers are part of the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub(super) enum Fact {
    CreatedAt = 0,
    UpdatedAt = 1,
    Size = 2,
    VirtualSize = 3,
    MinRam = 4,
    MinDisk = 5,
}

impl Fact {
    /// Every fact, by number.
    pub(super) const ALL: [Self; 6] = [
        Self::CreatedAt,
        Self::UpdatedAt,
        Self::Size,
        Self::VirtualSize,
        Self::MinRam,
        Self::MinDisk,
    ];
}

/// Sets a number of a slot; 0 is the same as none.
pub(super) fn set(put: &mut dyn Put, fact: Fact, slot: u64, code: u64) -> Result<()> {
    let key = key(fact, slot >> ROW_BITS);
    let mut row = read(put, &key)?;
    row[place(slot)] = code;
    match encode(&row) {
        Some(bytes) => put.put(Table::Facts, &key, &bytes),
        None => put.delete(Table::Facts, &key),
    }
}

/// Returns a number of a slot.
pub(super) fn get(get: &dyn Get, fact: Fact, slot: u64) -> Result<u64> {
    let mut code = Ok(0);
    get.get(Table::Facts, &key(fact, slot >> ROW_BITS), &mut |bytes| {
        code = Stored::new(bytes).and_then(|row| row.code(place(slot)))
    })?;
    code
}

/// Lends slot and number of each slot of a set, ascending.
pub(super) fn each(
    get: &dyn Get,
    fact: Fact,
    set: &Slots,
    mut f: impl FnMut(u64, u64),
) -> Result<()> {
    let column = Column {
        get,
        fact,
        skips: &|_| false,
    };
    column.each_word(set, &mut |number, bits, codes| {
        for bit in ones(bits) {
            f(number << 6 | u64::from(bit), codes[usize::from(bit)]);
        }
    })
}

/// Returns the slots of a set whose number passes.
pub(super) fn filter(get: &dyn Get, bound: &Bound, set: &Slots) -> Result<Slots> {
    let mut passed = Slots::default();
    let column = Column {
        get,
        fact: bound.fact,
        skips: &|row| bound.excludes(row.base, row.most()),
    };
    column.each_word(set, &mut |number, bits, codes| {
        let mut left = 0;
        for (bit, code) in codes.iter().enumerate() {
            left |= u64::from(bound.passes(*code)) << bit;
        }
        passed.push_word(number, bits & left);
    })?;
    Ok(passed)
}

/// Reads numbers of slots one by one; the row of the last one is kept.
pub(super) struct Probe {
    pub(super) bound: Bound,
    row: Option<u64>,
    /// The stored form of the row, empty for one of zeros.
    bytes: Vec<u8>,
}

impl Probe {
    pub(super) fn new(bound: Bound) -> Self {
        Self {
            bound,
            row: None,
            bytes: Vec::new(),
        }
    }

    /// Tells whether the number of a slot passes.
    pub(super) fn passes(&mut self, get: &dyn Get, slot: u64) -> Result<bool> {
        let row = slot >> ROW_BITS;
        if self.row != Some(row) {
            self.row = None;
            self.bytes.clear();
            let key = key(self.bound.fact, row);
            let bytes = &mut self.bytes;
            get.get(Table::Facts, &key, &mut |found| {
                bytes.extend_from_slice(found);
            })?;
            self.row = Some(row);
        }
        let code = match self.bytes.is_empty() {
            true => 0,
            false => Stored::new(&self.bytes)?.code(place(slot))?,
        };
        Ok(self.bound.passes(code))
    }
}

/// The rows of one number.
struct Column<'a> {
    get: &'a dyn Get,
    fact: Fact,
    /// Tells which rows are passed over.
    skips: &'a dyn Fn(&Stored<'_>) -> bool,
}

/// What takes a word of a set, its number and its bits, with the numbers of its 64 slots.
type TakeWord<'f> = dyn FnMut(u64, u64, &[u64; 64]) + 'f;

impl Column<'_> {
    /// Lends each word of a set whose row is not passed over.
    fn each_word(&self, set: &Slots, f: &mut TakeWord<'_>) -> Result<()> {
        for run in runs(set) {
            let mut words = run.iter().peekable();
            let mut take = |number: u64, row: &[u64; ROW]| {
                let halves = row.as_chunks::<64>().0;
                while words.next_if(|(word, _)| word >> 1 < number).is_some() {}
                while let Some((word, bits)) = words.next_if(|(word, _)| word >> 1 == number) {
                    f(*word, *bits, &halves[usize::from(word & 1 == 1)]);
                }
            };
            self.scan(run, &mut take)?;
        }
        Ok(())
    }

    /// Returns a row, unless it is passed over.
    fn row(&self, number: u64) -> Result<Option<[u64; ROW]>> {
        let mut row = Ok(Some([0; ROW]));
        let key = key(self.fact, number);
        self.get.get(Table::Facts, &key, &mut |bytes| {
            row = Stored::new(bytes).and_then(|row| match (self.skips)(&row) {
                true => Ok(None),
                false => row.decode().map(Some),
            });
        })?;
        row
    }

    /// Lends the rows of a run, and zeros where there is none.
    fn scan(&self, run: &[(u64, u64)], each: &mut dyn FnMut(u64, &[u64; ROW])) -> Result<()> {
        let (Some((first, _)), Some((last, _))) = (run.first(), run.last()) else {
            return Ok(());
        };
        const NONE: [u64; ROW] = [0; ROW];
        let (from, to) = (first >> 1, last >> 1);
        if from == to {
            if let Some(row) = self.row(from)? {
                each(from, &row);
            }
            return Ok(());
        }
        let (mut next, ends) = (from, (key(self.fact, from), key(self.fact, to)));
        let bounds = (End::Included(&ends.0[..]), End::Included(&ends.1[..]));
        let mut take = |key: &[u8], bytes: &[u8]| {
            let (number, row) = (number_of(key)?, Stored::new(bytes)?);
            (next..number).for_each(|number| each(number, &NONE));
            next = number + 1;
            if !(self.skips)(&row) {
                each(number, &row.decode()?);
            }
            Ok(ControlFlow::Continue(()))
        };
        try_scan(self.get, Table::Facts, bounds, Order::Ascending, &mut take)?;
        (next..=to).for_each(|number| each(number, &NONE));
        Ok(())
    }
}

/// Cuts the words of a set into runs that are read in one scan each: of one scope, without wide
/// gaps.
fn runs(set: &Slots) -> impl Iterator<Item = &[(u64, u64)]> {
    const GAP: u64 = 4;
    set.words()
        .chunk_by(|(a, _), (b, _)| b - a <= GAP && a >> 26 == b >> 26)
}

/// Returns the sum of the numbers of a row, as far as 64 bits go.
pub(super) fn sum(bytes: &[u8]) -> Result<u64> {
    let row = decode(bytes)?;
    Ok(row.iter().fold(0, |sum, code| sum.wrapping_add(*code)))
}

fn place(slot: u64) -> usize {
    // Seven bits.
    usize::try_from(slot & (ROW as u64 - 1)).unwrap_or_default()
}

/// The key of a row: fact, scope, and the upper bits of the rest, four bytes each.
fn key(fact: Fact, row: u64) -> [u8; KEY_LEN] {
    let mut key = [fact as u8; KEY_LEN];
    let scope_and_rest = (row >> 25) << 32 | row & 0x1ff_ffff;
    key[1..].copy_from_slice(&scope_and_rest.to_be_bytes());
    key
}

fn number_of(key: &[u8]) -> Result<u64> {
    let bytes = key
        .last_chunk()
        .ok_or_else(|| Error::corrupt("table facts: a key is too short"))?;
    let both = u64::from_be_bytes(*bytes);
    Ok((both >> 32) << 25 | both & 0x1ff_ffff)
}

fn read(get: &dyn Get, key: &[u8]) -> Result<[u64; ROW]> {
    let mut row = Ok([0; ROW]);
    get.get(Table::Facts, key, &mut |bytes| row = decode(bytes))?;
    row
}

/// Returns the stored form of a row, or nothing for one of zeros: width in bytes, smallest number
/// but 0, and for each slot 0 or one more than the difference.
fn encode(row: &[u64; ROW]) -> Option<Vec<u8>> {
    let base = row.iter().copied().filter(|code| *code != 0).min()?;
    let most = row.iter().copied().max().map_or(0, |most| most - base + 1);
    let width = (64 - most.leading_zeros() as usize).div_ceil(8);
    let mut bytes = Vec::with_capacity(9 + ROW * width);
    bytes.push(u8::try_from(width).unwrap_or_default());
    bytes.extend(base.to_le_bytes());
    for code in row {
        let stored = code.checked_sub(base).map_or(0, |above| above + 1);
        bytes.extend(&stored.to_le_bytes()[..width]);
    }
    Some(bytes)
}

/// The stored form of a row, its length tested.
struct Stored<'a> {
    width: usize,
    base: u64,
    codes: &'a [u8],
}

impl<'a> Stored<'a> {
    fn new(bytes: &'a [u8]) -> Result<Self> {
        let found = bytes.split_first_chunk::<9>();
        let (&[width, ref base @ ..], codes) = found.ok_or_else(|| damaged(bytes.len()))?;
        let (width, base) = (usize::from(width), u64::from_le_bytes(*base));
        if !(1..=8).contains(&width) || codes.len() != ROW * width {
            return Err(damaged(bytes.len()));
        }
        Ok(Self { width, base, codes })
    }

    /// Returns a number that none of the row is above.
    fn most(&self) -> u64 {
        let widest = u64::MAX >> (64 - 8 * self.width);
        self.base.saturating_add(widest - 1)
    }

    /// Returns all numbers: whole words that overlap are read, which costs a fraction of as many
    /// copies of a few bytes.
    fn decode(&self) -> Result<[u64; ROW]> {
        let Self { width, base, codes } = *self;
        let mut padded = [0; ROW * 8 + 8];
        padded[..codes.len()].copy_from_slice(codes);
        let mask = u64::MAX >> (64 - 8 * width);
        let (mut row, mut most) = ([0; ROW], 0);
        for (at, code) in row.iter_mut().enumerate() {
            let word = padded[at * width..].first_chunk().copied();
            let stored = u64::from_le_bytes(word.unwrap_or_default()) & mask;
            most = most.max(stored);
            // One more than the difference, and 0 stays 0.
            *code = match stored {
                0 => 0,
                _ => base.wrapping_add(stored - 1),
            };
        }
        match base.checked_add(most.saturating_sub(1)) {
            Some(_) => Ok(row),
            None => Err(damaged(9 + codes.len())),
        }
    }

    /// Returns the number at one place.
    fn code(&self, place: usize) -> Result<u64> {
        let mut word = [0; 8];
        let at = place * self.width;
        word[..self.width].copy_from_slice(&self.codes[at..at + self.width]);
        match u64::from_le_bytes(word).checked_sub(1) {
            None => Ok(0),
            Some(above) => {
                let sum = self.base.checked_add(above);
                sum.ok_or_else(|| damaged(9 + self.codes.len()))
            }
        }
    }
}

/// Reads the stored form of a row.
fn decode(bytes: &[u8]) -> Result<[u64; ROW]> {
    Stored::new(bytes)?.decode()
}

#[cold]
fn damaged(len: usize) -> Error {
    Error::corrupt(format!("table facts: {len} bytes are no row"))
}
