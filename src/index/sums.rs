//! The checksums of the pages of the index file, and where both lie.
//!
//! redb looks at its own checksums only when it repairs. So the file is laid out in groups: a
//! block of 512 sums, then the 512 pages that they are of. A sum is written to the file before the
//! sync that makes its page durable; until then neither is named by a durable root, because redb
//! writes no page anew that one names. So a crash may tear both, and nobody reads them. The page
//! of redb's header is written in place and guards itself: it has no sum.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::io;

use crate::disk::DiskFile;
use crate::sum::sum64;

/// Length of a page in bytes.
pub(super) const PAGE: usize = 4096;
const PAGE_LEN: u64 = PAGE as u64;
/// Sums in a block.
const SUMS: usize = PAGE / 8;
/// Blocks of a group.
const GROUP: u64 = SUMS as u64 + 1;
/// Stands for the sum of a page that was never written, and holds zeros.
const UNWRITTEN: u64 = 0;

/// Returns where a page lies in the file.
pub(super) fn place(page: u64) -> u64 {
    (page / SUMS as u64 * GROUP + 1 + page % SUMS as u64) * PAGE_LEN
}

/// Returns the length of the file for a length that redb asks for.
pub(super) fn stored_len(len: u64) -> u64 {
    len + len.div_ceil(SUMS as u64 * PAGE_LEN) * PAGE_LEN
}

/// Returns the length that redb sees of a file.
pub(super) fn seen_len(stored: u64) -> u64 {
    stored - (stored.div_ceil(GROUP * PAGE_LEN) * PAGE_LEN).min(stored)
}

/// The sums that are at hand, and those that the file does not have yet.
#[derive(Debug, Default)]
pub(super) struct Sums {
    blocks: BTreeMap<u64, Box<[u64; SUMS]>>,
    dirty: BTreeSet<u64>,
}

impl Sums {
    fn block(&mut self, file: &dyn DiskFile, block: u64) -> io::Result<&mut [u64; SUMS]> {
        match self.blocks.entry(block) {
            Entry::Occupied(sums) => Ok(sums.into_mut()),
            Entry::Vacant(room) => Ok(room.insert(load(file, block)?)),
        }
    }

    fn sum(&mut self, file: &dyn DiskFile, page: u64) -> io::Result<&mut u64> {
        let index = usize::try_from(page % SUMS as u64).map_err(io::Error::other)?;
        Ok(&mut self.block(file, page / SUMS as u64)?[index])
    }

    /// Notes what a page holds from now on.
    pub(super) fn set(&mut self, file: &dyn DiskFile, page: u64, bytes: &[u8]) -> io::Result<()> {
        *self.sum(file, page)? = sum_of(page, bytes);
        self.dirty.insert(page / SUMS as u64);
        Ok(())
    }

    /// Tells whether a page holds what was last written to it.
    pub(super) fn is_whole(
        &mut self,
        file: &dyn DiskFile,
        page: u64,
        bytes: &[u8],
    ) -> io::Result<bool> {
        let found = *self.sum(file, page)?;
        Ok(match found {
            UNWRITTEN => bytes.iter().all(|&byte| byte == 0),
            sum => sum == sum_of(page, bytes),
        })
    }

    /// Forgets the pages from `first` on, which are cut off.
    pub(super) fn cut(&mut self, file: &dyn DiskFile, first: u64) -> io::Result<()> {
        let block = first / SUMS as u64;
        self.blocks.retain(|&at, _| at <= block);
        self.dirty.retain(|&at| at <= block);
        let kept = usize::try_from(first % SUMS as u64).map_err(io::Error::other)?;
        if kept == 0 {
            self.blocks.remove(&block);
            self.dirty.remove(&block);
            return Ok(());
        }
        self.block(file, block)?[kept..].fill(UNWRITTEN);
        self.dirty.insert(block);
        Ok(())
    }

    /// Writes the sums that the file does not have.
    pub(super) fn write(
        &mut self,
        put: &mut dyn FnMut(&[u8], u64) -> io::Result<()>,
    ) -> io::Result<()> {
        while let Some(&block) = self.dirty.first() {
            let mut bytes = [0; PAGE];
            let sums = self.blocks.get(&block).ok_or(io::ErrorKind::Other)?;
            for (sum, bytes) in sums.iter().zip(bytes.chunks_exact_mut(8)) {
                bytes.copy_from_slice(&sum.to_le_bytes());
            }
            put(&bytes, block * GROUP * PAGE_LEN)?;
            self.dirty.remove(&block);
        }
        Ok(())
    }
}

fn load(file: &dyn DiskFile, block: u64) -> io::Result<Box<[u64; SUMS]>> {
    let (mut bytes, at) = ([0; PAGE], block * GROUP * PAGE_LEN);
    if at < file.len()? {
        file.read_at(&mut bytes, at)?;
    }
    let mut sums = Box::new([UNWRITTEN; SUMS]);
    for (sum, bytes) in sums.iter_mut().zip(bytes.chunks_exact(8)) {
        *sum = u64::from_le_bytes(bytes.try_into().unwrap_or_default());
    }
    Ok(sums)
}

fn sum_of(page: u64, bytes: &[u8]) -> u64 {
    // A sum that happens to be the mark of unwritten pages is another number.
    sum64(page, bytes).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_and_places_leave_room_for_sums() {
        for pages in [0, 1, 2, 511, 512, 513, 1024, 1025, 1 << 20] {
            let len = pages * PAGE_LEN;
            assert_eq!(seen_len(stored_len(len)), len, "{pages} pages");
            if pages > 0 {
                assert_eq!(
                    place(pages - 1) + PAGE_LEN,
                    stored_len(len),
                    "{pages} pages"
                );
            }
        }
        assert_eq!(
            (place(0), place(511), place(512)),
            (4096, 512 * 4096, 514 * 4096)
        );
    }
}
