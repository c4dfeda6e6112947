//! Which bytes of a pack were asked for lately.
//!
//! A hint to read ahead costs a system call that walks all pages of its range, as much as the rest
//! of a hot read. What was hinted a moment ago is in memory still, so it is not hinted again.

use std::ops::Range;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::limits::BLOCK_LEN_BYTES;

/// One bit for each block that was asked for since the tick began.
#[derive(Debug, Default)]
pub(super) struct Recent {
    tick: AtomicU64,
    blocks: OnceLock<Box<[AtomicU64]>>,
}

impl Recent {
    /// Tells whether part of a range was not yet asked for during this tick, and notes it all.
    /// `len_bytes` is the length of the pack.
    pub(super) fn is_news(&self, range: &Range<u64>, len_bytes: u64, tick: u64) -> bool {
        let words = self.blocks.get_or_init(|| {
            let blocks = len_bytes.div_ceil(BLOCK_LEN_BYTES as u64);
            (0..blocks.div_ceil(64))
                .map(|_| AtomicU64::new(0))
                .collect()
        });
        if self.tick.load(Ordering::Relaxed) != tick {
            self.tick.store(tick, Ordering::Relaxed);
            words
                .iter()
                .for_each(|word| word.store(0, Ordering::Relaxed));
        }
        let block = BLOCK_LEN_BYTES as u64;
        let (first, end) = (range.start / block, range.end.div_ceil(block));
        let mut news = false;
        for index in first / 64..end.div_ceil(64) {
            let from = first.saturating_sub(index * 64);
            let until = (end - index * 64).min(64);
            let mask = (u64::MAX << from) & (u64::MAX >> (64 - until));
            let word = usize::try_from(index).ok().and_then(|at| words.get(at));
            news |= word.is_none_or(|word| {
                let missing = word.load(Ordering::Relaxed) & mask != mask;
                if missing {
                    word.fetch_or(mask, Ordering::Relaxed);
                }
                missing
            });
        }
        news
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_not_asked_for_in_this_tick_is_news() {
        const BLOCK: u64 = BLOCK_LEN_BYTES as u64;
        let recent = Recent::default();
        let is_news = |range: Range<u64>, tick| {
            let bytes = range.start * BLOCK..range.end * BLOCK;
            recent.is_news(&bytes, 200 * BLOCK, tick)
        };
        for (range, tick, expected) in [
            (10..70, 1, true),
            (10..70, 1, false),
            (63..65, 1, false),
            (9..11, 1, true),
            (69..71, 1, true),
            (0..128, 1, true),
            (0..128, 1, false),
            (64..128, 1, false),
            (127..200, 1, true),
            (199..200, 1, false),
            (199..200, 2, true),
            (0..128, 2, true),
            (199..201, 2, true),
            (255..257, 2, true),
            (255..257, 2, true),
        ] {
            assert_eq!(
                is_news(range.clone(), tick),
                expected,
                "{range:?} in {tick}"
            );
        }
        assert!(!recent.is_news(&(BLOCK + 5..BLOCK + 6), 200 * BLOCK, 2));
    }
}
