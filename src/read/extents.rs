//! Where an image holds data and where zeros.

use std::ops::Range;
use std::sync::Arc;

use super::reader::Reader;
use crate::base::CachedPage;
use crate::error::Result;
use crate::manifest::Content;

/// What a stretch of an image holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "bytes are stored or they are not")]
pub enum ExtentKind {
    /// Stored bytes; some of them may be zero.
    Data,
    /// Zeros, of which nothing is stored.
    Zero,
}

/// A stretch of an image.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "a kind and a place, for ever")]
pub struct Extent {
    /// What it holds.
    pub kind: ExtentKind,
    /// Its bytes, counted from the start of the image.
    pub range: Range<u64>,
}

/// The extents of an image, in order and without gaps; neighbours differ in kind.
#[derive(Debug)]
pub struct Extents {
    reader: Reader,
    position: u64,
}

impl Extents {
    pub(super) fn new(reader: Reader) -> Self {
        Self {
            reader,
            position: 0,
        }
    }

    /// Returns the leaf at the position, from another copy of the image where this one fails.
    fn leaf(&self) -> Result<(Arc<CachedPage>, u64)> {
        let mut opened = Arc::clone(&self.reader.opened);
        loop {
            let error = match opened.leaf_at(self.position) {
                Ok((_, leaf, start)) => return Ok((leaf, start)),
                Err(error) => error,
            };
            opened = opened.elsewhere(&error).ok_or(error)?;
        }
    }

    fn next_extent(&mut self) -> Result<Option<Extent>> {
        let start = self.position;
        let mut kind = None;
        while self.position < self.reader.len_bytes() {
            let (leaf, leaf_start) = self.leaf()?;
            let page = leaf.page();
            let first = page
                .piece_at(self.position - leaf_start)
                .unwrap_or(page.piece_count());
            for index in first..page.piece_count() {
                let Some((content, range)) = page.piece(index) else {
                    break;
                };
                let found = match content {
                    Content::Zero => ExtentKind::Zero,
                    Content::Own(_) | Content::Public(_) => ExtentKind::Data,
                };
                match *kind.get_or_insert(found) {
                    kind if kind == found => self.position = leaf_start + range.end,
                    kind => {
                        return Ok(Some(Extent {
                            kind,
                            range: start..self.position,
                        }));
                    }
                }
            }
        }
        Ok(kind.map(|kind| Extent {
            kind,
            range: start..self.position,
        }))
    }
}

impl Iterator for Extents {
    type Item = Result<Extent>;

    fn next(&mut self) -> Option<Self::Item> {
        let extent = self.next_extent();
        if extent.is_err() {
            self.position = self.reader.len_bytes();
        }
        extent.transpose()
    }
}

impl std::iter::FusedIterator for Extents {}
