//! The reading end of a pack in a bucket: through the cache, and ahead of whoever reads in order.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

use super::Shared;
use super::cache::{BLOCK_LEN_BYTES, Object};
use super::live::Reading;
use crate::error::{Error, Result};
use crate::store::PackSource;

/// How far is read ahead of whoever reads in order, in blocks.
const AHEAD_BLOCKS: u64 = 32;
/// Blocks in a row after which somebody is taken for one who reads in order.
const ROW_BLOCKS: u64 = 2;

/// A pack that was seen to be in the bucket.
#[derive(Debug)]
pub(super) struct ObjectSource {
    pub(super) shared: Arc<Shared>,
    pub(super) object: Object,
    pub(super) trail: Mutex<Trail>,
    pub(super) _reading: Reading,
}

/// Where the last reads were.
#[derive(Debug, Default)]
pub(super) struct Trail {
    /// Behind the block that was read last.
    next: u64,
    /// How many blocks were read in a row.
    row: u64,
    /// Up to where blocks were asked for.
    asked: u64,
}

impl Trail {
    /// Takes note of a read; returns the blocks that are worth to be asked for.
    fn step(&mut self, first: u64, last: u64) -> Range<u64> {
        let is_same = first + 1 == self.next && last < self.next;
        if is_same {
            return 0..0;
        }
        let follows = first == self.next || first + 1 == self.next;
        self.row = match follows {
            true => self.row + (last + 1).saturating_sub(self.next),
            false => 0,
        };
        if !follows {
            self.asked = last + 1;
        }
        self.next = last + 1;
        self.asked = self.asked.max(self.next);
        if self.row < ROW_BLOCKS || self.asked - self.next > AHEAD_BLOCKS / 2 {
            return 0..0;
        }
        let from = self.asked;
        self.asked = self.next + AHEAD_BLOCKS;
        from..self.asked
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
        let mut trail = self.trail.lock().unwrap_or_else(PoisonError::into_inner);
        let ahead = trail.step(blocks.start, blocks.end - 1);
        drop(trail);
        let cache = &self.shared.cache;
        if blocks.end - blocks.start > 1 {
            cache.want(&self.object, blocks.clone());
        }
        if !ahead.is_empty() {
            cache.want(&self.object, ahead);
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
            self.shared.cache.want(&self.object, blocks);
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
        let mut trail = Trail::default();
        let mut asked = Vec::new();
        for block in 5..60 {
            asked.push(trail.step(block, block));
            // Several chunks of one block.
            assert_eq!(trail.step(block, block), 0..0);
        }
        let ahead: Vec<_> = asked.into_iter().filter(|it| !it.is_empty()).collect();
        assert_eq!(ahead[0], 8..40);
        assert!(ahead.windows(2).all(|two| two[0].end == two[1].start));
        assert!(ahead.last().expect("some").end >= 60);

        let mut trail = Trail::default();
        for block in [50, 3, 7, 8, 90, 12, 11, 10, 9] {
            assert_eq!(trail.step(block, block), 0..0, "{block}");
        }
    }
}
