//! Sets of slots: ascending words of 64 bits, those that hold nothing left out.
//!
//! A slot is the place of an image in the lists: the number of its scope (all that is public, or its
//! owner) above 32 bits of its own. So the images of a scope are neighbours, and sets of them are
//! short.

use std::cmp::Ordering;
use std::ops::RangeInclusive;

/// Bits of a slot below the number of the word that it is in.
const WORD_BITS: u32 = 6;

/// A set of slots.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Slots {
    /// Number of a word and its bits, ascending by number; no word is empty.
    words: Vec<(u64, u64)>,
}

impl Slots {
    /// Makes a set of slots in any order.
    pub(super) fn of(slots: impl IntoIterator<Item = u64>) -> Self {
        let mut all: Vec<u64> = slots.into_iter().collect();
        all.sort_unstable();
        let mut set = Self::default();
        for slot in all {
            set.push_word(slot >> WORD_BITS, 1 << (slot & 63));
        }
        set
    }

    /// Makes a set of words in any order.
    pub(super) fn of_words(mut words: Vec<(u64, u64)>) -> Self {
        words.sort_unstable_by_key(|word| word.0);
        let mut set = Self::default();
        for (number, bits) in words {
            set.push_word(number, bits);
        }
        set
    }

    /// Adds bits of a word that does not lie before the last one.
    pub(super) fn push_word(&mut self, number: u64, bits: u64) {
        match self.words.last_mut() {
            _ if bits == 0 => {}
            Some((last, into)) if *last == number => *into |= bits,
            _ => self.words.push((number, bits)),
        }
    }

    /// Tells whether the set holds nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// Returns a span that holds all slots of the set.
    pub(super) fn span(&self) -> RangeInclusive<u64> {
        let first = self.words.first().map_or(0, |word| word.0 << WORD_BITS);
        let last = self.words.last().map_or(0, |word| word.0 << WORD_BITS | 63);
        first..=last
    }

    /// Returns how many slots the set holds.
    pub(super) fn len(&self) -> u64 {
        let ones = |(_, bits): &(u64, u64)| u64::from(bits.count_ones());
        self.words.iter().map(ones).sum()
    }

    /// Tells whether the set holds a slot.
    pub(super) fn contains(&self, slot: u64) -> bool {
        let found = self
            .words
            .binary_search_by_key(&(slot >> WORD_BITS), |word| word.0);
        found.is_ok_and(|at| self.words[at].1 >> (slot & 63) & 1 == 1)
    }

    /// Returns the words, ascending: number, and bits that are not 0.
    pub(super) fn words(&self) -> &[(u64, u64)] {
        &self.words
    }

    /// Keeps the slots of the scopes that pass a test. A word has one scope.
    pub(super) fn retain_scopes(&mut self, test: impl Fn(u32) -> bool) {
        let scope = |number: u64| u32::try_from(number >> 26).unwrap_or_default();
        self.words.retain(|(number, _)| test(scope(*number)));
    }

    /// Returns the scopes that slots of the set are in, each with these.
    pub(super) fn scopes(&self) -> impl Iterator<Item = (u32, Self)> + '_ {
        let scope = |number: u64| u32::try_from(number >> 26).unwrap_or_default();
        let runs = self
            .words
            .chunk_by(move |(a, _), (b, _)| scope(*a) == scope(*b));
        runs.map(move |words| {
            let words = words.to_vec();
            (scope(words[0].0), Self { words })
        })
    }

    /// Returns the slots, ascending.
    pub(super) fn iter(&self) -> impl Iterator<Item = u64> + '_ {
        self.words.iter().flat_map(|&(number, bits)| {
            ones(bits).map(move |bit| number << WORD_BITS | u64::from(bit))
        })
    }

    /// Returns what both sets hold.
    pub(super) fn and(&self, other: &Self) -> Self {
        self.merge(other, |ours, theirs| ours & theirs)
    }

    /// Returns what either set holds.
    pub(super) fn or(&self, other: &Self) -> Self {
        self.merge(other, |ours, theirs| ours | theirs)
    }

    /// Returns what this set holds and the other does not.
    pub(super) fn without(&self, other: &Self) -> Self {
        self.merge(other, |ours, theirs| ours & !theirs)
    }

    fn merge(&self, other: &Self, join: impl Fn(u64, u64) -> u64) -> Self {
        let (mut ours, mut theirs) = (&self.words[..], &other.words[..]);
        let mut joined = Self::default();
        loop {
            let (number, bits) = match (ours.first(), theirs.first()) {
                (None, None) => return joined,
                (Some(a), b) if b.is_none_or(|b| a.0 < b.0) => {
                    ours = &ours[1..];
                    (a.0, join(a.1, 0))
                }
                (Some(a), Some(b)) if a.0.cmp(&b.0) == Ordering::Equal => {
                    (ours, theirs) = (&ours[1..], &theirs[1..]);
                    (a.0, join(a.1, b.1))
                }
                (_, Some(b)) => {
                    theirs = &theirs[1..];
                    (b.0, join(0, b.1))
                }
                (Some(_), None) => return joined,
            };
            joined.push_word(number, bits);
        }
    }
}

/// Returns the places of the bits of a word that are set, ascending.
pub(super) fn ones(word: u64) -> impl Iterator<Item = u16> {
    let mut left = word;
    std::iter::from_fn(move || {
        (left != 0).then(|| {
            let bit = left.trailing_zeros();
            left &= left - 1;
            // At most 63.
            u16::try_from(bit).unwrap_or_default()
        })
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Slots of some owners, some of them close together.
    fn some(seed: u64) -> BTreeSet<u64> {
        let mut word = seed;
        let next = || {
            word = word.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(11);
            (word >> 33 & 3) << 32 | word >> 40 & 0x1ff
        };
        std::iter::repeat_with(next).take(150).collect()
    }

    #[test]
    fn sets_behave_like_sets() {
        for seed in 0..50 {
            let (a, b) = (some(seed), some(seed + 1000));
            let (x, y) = (Slots::of(a.iter().copied()), Slots::of(b.iter().copied()));
            assert_eq!(x.iter().collect::<BTreeSet<_>>(), a);
            assert_eq!(x.len(), a.len() as u64);
            let set = |set: Slots| set.iter().collect::<BTreeSet<_>>();
            assert_eq!(set(x.and(&y)), &a & &b);
            let both = [x.words(), y.words()].concat();
            assert_eq!(set(Slots::of_words(both)), &a | &b);
            assert_eq!(set(x.without(&y)), &a - &b);
            assert_eq!(set(x.or(&y)), &a | &b);
            assert!(a.iter().all(|&slot| x.contains(slot)));
            assert!((0..0x200).all(|slot| x.contains(slot) == a.contains(&slot)));
            assert!(x.without(&x).is_empty());
        }
    }
}
