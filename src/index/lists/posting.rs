//! Postings: for each value of each field, which slots have it.
//!
//! A posting is cut into blocks of 4,096 slots, a row each, so that the commonest value of a
//! million images is read in a few hundred rows, and a change writes one of them. `docs/format.md`
//! has the bytes.

use std::ops::{Bound, ControlFlow, RangeInclusive};

use super::slots::{Slots, ones};
use crate::error::{Error, Result};
use crate::index::{Get, Order, Put, Table, try_scan};
use crate::sum::sum64;

/// Bits of a slot within its block.
const BLOCK_BITS: u32 = 12;
const WORDS: usize = 64;
const BLOCK_LEN: usize = 7;
/// Longest value that stands in a key as it is.
const VALUE_MAX: usize = 64;
/// Up to so many slots a block lists them, two bytes each; more are bits.
const FEW_MAX: usize = 24;

/// What is posted. Numbers are part of the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub(super) enum Field {
    /// Every image; its value is nothing.
    All = 0,
    Visibility = 1,
    Status = 2,
    DiskFormat = 3,
    ContainerFormat = 4,
    Name = 5,
    /// Protected images; its value is nothing.
    Protected = 6,
    Checksum = 7,
    HashAlgo = 8,
    HashValue = 9,
    Tag = 10,
    /// Custom properties; the value is name and value.
    Property = 11,
    /// The owner of public images.
    Owner = 12,
}

/// The name of a posting: the start of the keys of its blocks.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Posting {
    prefix: Vec<u8>,
    /// Whether other values may share the keys, so that what is found must be looked at.
    pub(super) is_rough: bool,
}

impl Posting {
    /// Names the posting of a value in a part of the lists.
    pub(super) fn of(part: u8, field: Field, value: Option<&[u8]>) -> Self {
        let mut prefix = Vec::with_capacity(3 + VALUE_MAX + BLOCK_LEN);
        prefix.extend([part, field as u8]);
        let is_rough = match value {
            None => {
                prefix.push(0);
                false
            }
            Some(value) if value.len() <= VALUE_MAX => {
                prefix.push(u8::try_from(value.len() + 1).unwrap_or(u8::MAX));
                prefix.extend(value);
                false
            }
            Some(value) => {
                prefix.push(u8::MAX);
                prefix.extend(&value[..16]);
                prefix.extend(sum64(0x6c69_7374, value).to_be_bytes());
                prefix.extend(sum64(0x7365_6564, value).to_be_bytes());
                true
            }
        };
        Self { prefix, is_rough }
    }

    /// Names the posting of a text; none is a value of its own.
    pub(super) fn text(part: u8, field: Field, text: Option<&str>) -> Self {
        Self::of(part, field, text.map(str::as_bytes))
    }

    /// Names the posting of a custom property.
    pub(super) fn property(part: u8, name: &str, value: &str) -> Self {
        let mut both = Vec::with_capacity(2 + name.len() + value.len());
        let len = u16::try_from(name.len()).unwrap_or(u16::MAX);
        both.extend(len.to_be_bytes());
        both.extend(name.as_bytes());
        both.extend(value.as_bytes());
        Self::of(part, Field::Property, Some(&both))
    }

    fn key(&self, block: u64) -> Vec<u8> {
        let mut key = self.prefix.clone();
        key.extend(&block_key(block));
        key
    }

    /// Adds a slot.
    pub(super) fn add(&self, put: &mut dyn Put, slot: u64) -> Result<()> {
        self.change(put, slot, |word, bit| word | bit)
    }

    /// Takes a slot away.
    pub(super) fn remove(&self, put: &mut dyn Put, slot: u64) -> Result<()> {
        self.change(put, slot, |word, bit| word & !bit)
    }

    fn change(&self, put: &mut dyn Put, slot: u64, change: fn(u64, u64) -> u64) -> Result<()> {
        let key = self.key(slot >> BLOCK_BITS);
        let mut words = Ok([0; WORDS]);
        put.get(Table::Postings, &key, &mut |bytes| words = decode(bytes))?;
        let mut words = words?;
        let word = &mut words[word_of(slot)];
        *word = change(*word, 1 << (slot & 63));
        match encode(&words) {
            Some(bytes) => put.put(Table::Postings, &key, &bytes),
            None => put.delete(Table::Postings, &key),
        }
    }

    /// Tells whether the posting holds no slot at all.
    pub(super) fn is_empty(&self, get: &dyn Get) -> Result<bool> {
        let (from, to) = (self.key(0), self.key(u64::MAX >> BLOCK_BITS));
        let bounds = (Bound::Included(&from[..]), Bound::Included(&to[..]));
        let mut is_empty = true;
        // Blocks without slots have no rows.
        try_scan(
            get,
            Table::Postings,
            bounds,
            Order::Ascending,
            &mut |_, _| {
                is_empty = false;
                Ok(ControlFlow::Break(()))
            },
        )?;
        Ok(is_empty)
    }

    /// Tells whether the posting holds a slot.
    pub(super) fn holds(&self, get: &dyn Get, slot: u64) -> Result<bool> {
        Ok(!self.within(get, &Slots::of([slot]))?.is_empty())
    }

    /// Returns the slots of the posting that lie in a span of slots.
    pub(super) fn load(&self, get: &dyn Get, span: &RangeInclusive<u64>) -> Result<Slots> {
        let mut found = Slots::default();
        self.scan(get, span, &mut |first, words| {
            for (at, bits) in words.iter().enumerate() {
                found.push_word(first + at as u64, *bits);
            }
        })?;
        Ok(found)
    }

    /// Returns the slots of a set that the posting holds. Where the set lies in few blocks, only
    /// these are read.
    pub(super) fn within(&self, get: &dyn Get, set: &Slots) -> Result<Slots> {
        const FEW_BLOCKS: usize = 12;
        let mut blocks: Vec<u64> = Vec::new();
        for &(word, _) in set.words() {
            let block = word >> (BLOCK_BITS - 6);
            if blocks.last() != Some(&block) {
                if blocks.len() == FEW_BLOCKS {
                    return Ok(self.load(get, &set.span())?.and(set));
                }
                blocks.push(block);
            }
        }
        let mut found = Slots::default();
        for block in blocks {
            let mut words = Ok([0; WORDS]);
            get.get(Table::Postings, &self.key(block), &mut |bytes| {
                words = decode(bytes);
            })?;
            for (at, bits) in words?.iter().enumerate() {
                found.push_word((block << (BLOCK_BITS - 6)) + at as u64, *bits);
            }
        }
        Ok(found.and(set))
    }

    fn scan(
        &self,
        get: &dyn Get,
        span: &RangeInclusive<u64>,
        each: &mut dyn FnMut(u64, &[u64; WORDS]),
    ) -> Result<()> {
        let (from, to) = (
            self.key(span.start() >> BLOCK_BITS),
            self.key(span.end() >> BLOCK_BITS),
        );
        let bounds = (Bound::Included(&from[..]), Bound::Included(&to[..]));
        try_scan(
            get,
            Table::Postings,
            bounds,
            Order::Ascending,
            &mut |key, bytes| {
                each(block_of(key)? << (BLOCK_BITS - 6), &decode(bytes)?);
                Ok(ControlFlow::Continue(()))
            },
        )
    }
}

/// Returns how many slots a block holds.
pub(super) fn count(bytes: &[u8]) -> Result<u64> {
    let ones = |word: &u64| u64::from(word.count_ones());
    Ok(decode(bytes)?.iter().map(ones).sum())
}

fn word_of(slot: u64) -> usize {
    // Six bits.
    usize::try_from(slot >> 6 & 63).unwrap_or_default()
}

/// The number of a block in order of its bytes: 4 of the scope, 3 of the rest.
fn block_key(block: u64) -> [u8; BLOCK_LEN] {
    let scope_and_rest = (block >> 20) << 24 | block & 0xf_ffff;
    let [_, bytes @ ..] = scope_and_rest.to_be_bytes();
    bytes
}

fn block_of(key: &[u8]) -> Result<u64> {
    let bytes = key
        .last_chunk::<BLOCK_LEN>()
        .ok_or_else(|| Error::corrupt("table postings: a key is too short"))?;
    let mut whole = [0; 8];
    whole[1..].copy_from_slice(bytes);
    let both = u64::from_be_bytes(whole);
    Ok((both >> 24) << 20 | both & 0xf_ffff)
}

/// Returns the stored form of a block, or nothing for an empty one.
fn encode(words: &[u64; WORDS]) -> Option<Vec<u8>> {
    let count: u32 = words.iter().map(|word| word.count_ones()).sum();
    if count == 0 {
        return None;
    }
    if count as usize <= FEW_MAX {
        let mut bytes = vec![0];
        for (at, &word) in (0..64_u16).zip(words) {
            bytes.extend(ones(word).flat_map(|bit| (at << 6 | bit).to_le_bytes()));
        }
        return Some(bytes);
    }
    let mut bytes = vec![1; 9];
    let mut present = 0_u64;
    for (at, word) in words.iter().enumerate().filter(|(_, word)| **word != 0) {
        present |= 1 << at;
        bytes.extend(word.to_le_bytes());
    }
    bytes[1..9].copy_from_slice(&present.to_le_bytes());
    Some(bytes)
}

/// Reads the stored form of a block.
fn decode(bytes: &[u8]) -> Result<[u64; WORDS]> {
    let mut words = [0; WORDS];
    match bytes {
        [0, few @ ..] if few.len().is_multiple_of(2) && few.len() <= 2 * FEW_MAX => {
            for pair in few.as_chunks::<2>().0 {
                let at = u16::from_le_bytes(*pair);
                let word = words
                    .get_mut(usize::from(at >> 6))
                    .ok_or_else(|| damaged(bytes))?;
                *word |= 1 << (at & 63);
            }
        }
        [1, rest @ ..] => {
            let (present, rest) = rest.split_first_chunk().ok_or_else(|| damaged(bytes))?;
            let mut present = u64::from_le_bytes(*present);
            let (stored, none) = rest.as_chunks::<8>();
            if !none.is_empty() || stored.len() != present.count_ones() as usize {
                return Err(damaged(bytes));
            }
            for word in stored {
                words[present.trailing_zeros() as usize] = u64::from_le_bytes(*word);
                present &= present - 1;
            }
        }
        _ => return Err(damaged(bytes)),
    }
    Ok(words)
}

fn damaged(bytes: &[u8]) -> Error {
    let len = bytes.len();
    Error::corrupt(format!("table postings: {len} bytes are no block"))
}
