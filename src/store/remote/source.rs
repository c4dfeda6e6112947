//! The reading end of a pack in a bucket: through the cache, and ahead of whoever reads in order.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

use super::Shared;
use super::cache::{BLOCK_LEN_BYTES, Keep, Object, RUN_BLOCKS};
use super::live::Reading;
use crate::error::{Error, Result};
use crate::store::PackSource;

/// How far is read ahead of whoever reads in order, in blocks: as far as was read, up to this.
const AHEAD_BLOCKS: u64 = 32;
/// Blocks in a row after which somebody is taken for one who reads in order.
const ROW_BLOCKS: u64 = 2;
/// Blocks in a row after which somebody is taken for one who reads all of it, once.
const SCAN_BLOCKS: u64 = 16;
/// How many reads in order are told apart in one pack. One reader takes two: data, and the pages of
/// the manifest between them.
const TRAILS: usize = 8;

/// A pack that was seen to be in the bucket.
#[derive(Debug)]
pub(super) struct ObjectSource {
    pub(super) shared: Arc<Shared>,
    pub(super) object: Object,
    pub(super) trails: Mutex<Trails>,
    pub(super) _reading: Reading,
}

/// Where the last reads were, by those who read in order; the latest stands last.
#[derive(Debug, Default)]
pub(super) struct Trails(Vec<Trail>);

/// Where one who reads in order is.
#[derive(Debug)]
struct Trail {
    /// Behind the block that was read last.
    next: u64,
    /// How many blocks were read in a row.
    row: u64,
    /// Up to where blocks were asked for.
    asked: u64,
}

impl Trails {
    /// Takes note of a read; returns the blocks that are worth to be asked for, and where to keep
    /// them.
    fn step(&mut self, first: u64, last: u64) -> (Range<u64>, Keep) {
        let known = self.0.iter().position(|trail| trail.leads_to(first));
        let mut trail = match known {
            Some(at) => self.0.remove(at),
            None => Trail {
                next: last + 1,
                row: 0,
                asked: last + 1,
            },
        };
        let ahead = (trail.step(last), trail.keep());
        if self.0.len() == TRAILS {
            self.0.remove(0);
        }
        self.0.push(trail);
        ahead
    }
}

impl Trail {
    /// Tells whether a read goes on, or stays in the same block.
    fn leads_to(&self, first: u64) -> bool {
        first == self.next || first + 1 == self.next
    }

    /// Takes note of a read that goes on; returns the blocks that are worth to be asked for.
    fn step(&mut self, last: u64) -> Range<u64> {
        if last < self.next {
            return 0..0;
        }
        self.row += last + 1 - self.next;
        self.next = last + 1;
        self.asked = self.asked.max(self.next);
        let far = (self.row * 2).clamp(RUN_BLOCKS, AHEAD_BLOCKS);
        if self.row < ROW_BLOCKS || self.asked - self.next > far / 2 {
            return 0..0;
        }
        let from = self.asked;
        self.asked = (self.next + far).next_multiple_of(RUN_BLOCKS);
        from..self.asked
    }

    /// Returns where what is read ahead is kept.
    fn keep(&self) -> Keep {
        match self.row < SCAN_BLOCKS {
            true => Keep::InFile,
            false => Keep::UntilRead,
        }
    }
}

impl ObjectSource {
    /// Returns the blocks that hold a range, which the pack must have.
    fn blocks(&self, range: &Range<u64>) -> Result<Range<u64>> {
        let len = self.object.len_bytes;
        if range.start > range.end || range.end > len {
            let (pack, Range { start, end }) = (self.object.pack, range);
            let message =
                format!("pack {pack}, offset {start}, up to {end}: the pack ends at {len}");
            return Err(Error::corrupt(message));
        }
        Ok(range.start / BLOCK_LEN_BYTES..range.end.div_ceil(BLOCK_LEN_BYTES))
    }

    /// Asks for what a read needs and for what will probably be read next.
    fn look_ahead(&self, blocks: &Range<u64>) {
        let mut trails = self.trails.lock().unwrap_or_else(PoisonError::into_inner);
        let (ahead, keep) = trails.step(blocks.start, blocks.end - 1);
        drop(trails);
        let cache = &self.shared.cache;
        if blocks.end - blocks.start > 1 {
            cache.want(&self.object, blocks.clone(), Keep::InFile);
        }
        if !ahead.is_empty() {
            cache.want(&self.object, ahead, keep);
        }
    }

    fn part(&self, block: u64, range: &Range<u64>) -> Result<Bytes> {
        let start = block * BLOCK_LEN_BYTES;
        let place = |at: u64| {
            usize::try_from(at.clamp(start, start + BLOCK_LEN_BYTES) - start)
                .expect("a block fits into memory")
        };
        let part = place(range.start)..place(range.end);
        self.shared.cache.part(&self.object, block, part)
    }
}

impl PackSource for ObjectSource {
    fn len_bytes(&self) -> Result<u64> {
        Ok(self.object.len_bytes)
    }

    fn read_into(&self, buf: &mut [u8], offset: u64) -> Result<()> {
        let range = offset..offset.saturating_add(buf.len() as u64);
        let blocks = self.blocks(&range)?;
        if buf.is_empty() {
            return Ok(());
        }
        self.look_ahead(&blocks);
        let mut rest = buf;
        for block in blocks {
            let part = self.part(block, &range)?;
            let (now, behind) = rest.split_at_mut(part.len());
            now.copy_from_slice(&part);
            rest = behind;
        }
        Ok(())
    }

    fn will_need(&self, range: Range<u64>) {
        let end = range.end.min(self.object.len_bytes);
        if let Ok(blocks) = self.blocks(&(range.start.min(end)..end)) {
            self.shared.cache.want(&self.object, blocks, Keep::InFile);
        }
    }

    fn is_cached(&self, offset: u64) -> bool {
        let block = offset / BLOCK_LEN_BYTES;
        self.shared.cache.is_here(&self.object, block)
    }

    fn forget(&self, range: Range<u64>) {
        let end = range.end.min(self.object.len_bytes);
        if let Ok(blocks) = self.blocks(&(range.start.min(end)..end)) {
            self.shared.cache.forget(&self.object, blocks);
        }
    }

    fn read(&self, range: Range<u64>) -> Result<Bytes> {
        let blocks = self.blocks(&range)?;
        if !range.is_empty() && blocks.end - blocks.start == 1 {
            self.look_ahead(&blocks);
            return self.part(blocks.start, &range);
        }
        let len = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
        let mut buf = vec![0; len];
        self.read_into(&mut buf, range.start)?;
        Ok(buf.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_reads_in_order_is_read_ahead_of_and_nobody_else() {
        let mut trails = Trails::default();
        let mut asked = Vec::new();
        for block in 5..60 {
            asked.push(trails.step(block, block).0);
            // Several chunks of one block.
            assert_eq!(trails.step(block, block).0, 0..0);
        }
        let ahead: Vec<_> = asked.into_iter().filter(|it| !it.is_empty()).collect();
        assert_eq!(ahead[0], 8..16);
        assert!(ahead.iter().all(|ahead| ahead.end % RUN_BLOCKS == 0));
        assert!(ahead.windows(2).all(|two| two[0].end == two[1].start));
        assert!(ahead.last().expect("some").end >= 60);

        let mut trails = Trails::default();
        for block in [50, 3, 7, 8, 90, 13, 12, 11, 10] {
            assert_eq!(trails.step(block, block).0, 0..0, "{block}");
        }
    }

    #[test]
    fn readers_in_order_do_not_disturb_each_other() {
        let mut trails = Trails::default();
        let starts = [0, 1000, 2000, 3000];
        let mut asked = [0; 4];
        for step in 0..200 {
            for (reader, start) in starts.into_iter().enumerate() {
                let (ahead, keep) = trails.step(start + step, start + step);
                asked[reader] += ahead.end - ahead.start;
                let long = step >= SCAN_BLOCKS;
                assert_eq!(keep == Keep::UntilRead, long, "{step}");
            }
            // Pages of a manifest in between, here and there.
            trails.step(5000 + step * 7 % 100, 5000 + step * 7 % 100);
        }
        assert!(
            asked.iter().all(|asked| (197..240).contains(asked)),
            "{asked:?}"
        );
    }
}
