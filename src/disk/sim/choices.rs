//! What reaches the medium of all that was not synced: nothing, everything, or by lot.

use std::fmt;
use std::ops::Range;

/// The length of the smallest piece of a file that reaches the medium whole or not at all.
pub const SECTOR_LEN_BYTES: usize = 512;

/// A way to decide, small enough to print and to replay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Choice {
    /// Only what was synced.
    NoneUnsynced,
    /// Everything: a clean prefix of the log.
    AllUnsynced,
    /// By lot from this seed.
    Random(u64),
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoneUnsynced => write!(f, "none"),
            Self::AllUnsynced => write!(f, "all"),
            Self::Random(seed) => write!(f, "random({seed:#x})"),
        }
    }
}

/// The decisions for one crash image, in a fixed order.
#[derive(Debug)]
pub struct Choices {
    choice: Choice,
    state: u64,
    /// Of 256 changes, how many reach the medium.
    density: u64,
    digest: u64,
}

/// What becomes of one write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fate {
    Absent,
    Whole,
    /// Some sectors, as ranges within the written bytes, and the length of the file.
    Torn(Vec<Range<usize>>, Length),
}

/// What becomes of the length of a file by a torn write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Length {
    /// As before the write; bytes behind it are lost.
    Kept,
    /// As far as sectors arrived.
    Written,
    /// As if the write were whole; what did not arrive is zero.
    Full,
}

impl Choices {
    /// Makes the choice to keep only what was synced.
    pub fn none_unsynced() -> Self {
        Self::new(Choice::NoneUnsynced)
    }

    /// Makes the choice to keep everything.
    pub fn all_unsynced() -> Self {
        Self::new(Choice::AllUnsynced)
    }

    /// Makes choices by lot; equal seeds choose equally.
    pub fn random(seed: u64) -> Self {
        Self::new(Choice::Random(seed))
    }

    /// Makes choices of a kind.
    pub fn new(choice: Choice) -> Self {
        let mut choices = Self {
            choice,
            state: 0,
            density: 0,
            digest: 0,
        };
        if let Choice::Random(seed) = choice {
            choices.state = seed;
            choices.density = [16, 64, 128, 192, 240][choices.below(5)];
        }
        choices
    }

    /// Returns a number that tells apart what was decided so far.
    pub fn digest(&self) -> u64 {
        self.digest
    }

    /// Decides whether a change of a name or of a length is there.
    pub(super) fn present(&mut self) -> bool {
        let present = match self.choice {
            Choice::NoneUnsynced => false,
            Choice::AllUnsynced => true,
            Choice::Random(_) => self.next() % 256 < self.density,
        };
        self.note(u64::from(present));
        present
    }

    /// Decides what becomes of a write of `len` bytes at `offset`.
    pub(super) fn write(&mut self, offset: usize, len: usize) -> Fate {
        let fate = match self.choice {
            Choice::NoneUnsynced => Fate::Absent,
            Choice::AllUnsynced => Fate::Whole,
            Choice::Random(_) => self.lot(offset, len),
        };
        self.note_fate(&fate);
        fate
    }

    fn lot(&mut self, offset: usize, len: usize) -> Fate {
        if self.next().is_multiple_of(3) {
            self.torn(offset, len)
        } else if self.next() % 256 < self.density {
            Fate::Whole
        } else {
            Fate::Absent
        }
    }

    fn torn(&mut self, offset: usize, len: usize) -> Fate {
        let sectors = sectors(offset, len);
        let count = sectors.len();
        let kept: Vec<Range<usize>> = match self.below(4) {
            0 => Vec::new(),
            1 => {
                let count = self.below(sectors.len() + 1);
                sectors.into_iter().take(count).collect()
            }
            _ => {
                let mut bits = 0;
                let each = sectors.into_iter().enumerate();
                each.filter(|(number, _)| {
                    if number % 64 == 0 {
                        bits = self.next();
                    }
                    bits >> (number % 64) & 1 == 1
                })
                .map(|(_, sector)| sector)
                .collect()
            }
        };
        let length = [Length::Kept, Length::Written, Length::Full][self.below(3)];
        match (kept.len(), length) {
            (0, Length::Kept | Length::Written) => Fate::Absent,
            (kept, Length::Written | Length::Full) if kept == count => Fate::Whole,
            _ => Fate::Torn(kept, length),
        }
    }

    fn below(&mut self, bound: usize) -> usize {
        let bound = bound as u64;
        usize::try_from(self.next() % bound).unwrap_or_default()
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.state)
    }

    fn note(&mut self, value: u64) {
        self.digest = mix(self.digest ^ value.wrapping_add(0x9e37_79b9_7f4a_7c15));
    }

    fn note_fate(&mut self, fate: &Fate) {
        match fate {
            Fate::Absent => self.note(0),
            Fate::Whole => self.note(1),
            Fate::Torn(sectors, length) => {
                self.note(2 + *length as u64);
                for sector in sectors {
                    self.note(sector.start as u64);
                }
            }
        }
    }
}

/// The output step of splitmix64.
pub(super) fn mix(mut value: u64) -> u64 {
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// Splits a write into its pieces of sectors, as ranges within its bytes.
fn sectors(offset: usize, len: usize) -> Vec<Range<usize>> {
    let mut pieces = Vec::with_capacity(len / SECTOR_LEN_BYTES + 2);
    let mut start = 0;
    while start < len {
        let room = SECTOR_LEN_BYTES - (offset + start) % SECTOR_LEN_BYTES;
        let end = len.min(start + room);
        pieces.push(start..end);
        start = end;
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_tear_only_on_sectors_of_the_file() {
        assert_eq!(sectors(500, 600), [0..12, 12..524, 524..600]);
        assert_eq!(sectors(512, 1024), [0..512, 512..1024]);
        assert_eq!(sectors(10, 510), [0..502, 502..510]);
        assert_eq!(sectors(0, 0), Vec::<Range<usize>>::new());
    }

    #[test]
    fn equal_seeds_choose_equally_and_others_do_not() {
        let draw = |seed| {
            let mut choices = Choices::random(seed);
            let fates: Vec<Fate> = (0..50).map(|_| choices.write(0, 4096)).collect();
            (fates, choices.digest())
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
    }

    #[test]
    fn every_fate_is_drawn() {
        let (mut absent, mut whole, mut gap, mut empty) = (0, 0, 0, 0);
        for seed in 0..200 {
            match Choices::random(seed).write(0, 2048) {
                Fate::Absent => absent += 1,
                Fate::Whole => whole += 1,
                Fate::Torn(sectors, _) if sectors.is_empty() => empty += 1,
                Fate::Torn(sectors, _) if sectors[0].start > 0 => gap += 1,
                Fate::Torn(..) => {}
            }
        }
        assert!(absent > 20 && whole > 20 && gap > 5 && empty > 5);
    }
}
