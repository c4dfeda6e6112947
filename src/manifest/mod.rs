//! Manifests: the ordered pieces of one image's bytes, as a tree of content-addressed pages.
//!
//! Counted in bytes, never in blocks: an image of zeros is one zero run, an empty image no piece.
//! Pieces name chunks, never places. Pages end where the content says so, hence versions of an
//! image share most pages. This room is pure: it neither reads pages nor writes them.
//! The bytes of a page are described in `docs/format.md`, "Manifest pages".

mod build;
#[cfg(feature = "testing")]
mod doors;
mod page;

use std::ops::Range;

use crate::id::ChunkId;

pub(crate) use build::{NewPage, TreeBuilder};
#[cfg(feature = "testing")]
pub(crate) use doors::decode_and_compare;
pub(crate) use page::{decode, encode};

/// Fewest pieces of a page that ends by content.
pub(crate) const PAGE_MIN_PIECES: usize = 64;
/// Most pieces of a page.
pub(crate) const PAGE_MAX_PIECES: usize = 1024;
/// Longest page in bytes: each piece takes at most 10 bytes of length and 32 of identity.
pub(crate) const PAGE_MAX_BYTES: usize = 8 + PAGE_MAX_PIECES * 42;
/// Most levels of a tree; ten would hold 2^60 pieces.
pub(crate) const MAX_LEVEL: u8 = 12;

/// What a piece of an image is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Content {
    /// A run of zero bytes; nothing is stored.
    Zero,
    /// A chunk or page of the domain of the page.
    Own(ChunkId),
    /// A chunk or page of the public domain.
    Public(ChunkId),
}

/// A stretch of an image's bytes, or of a subtree of pages above level 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Piece {
    pub(crate) content: Content,
    pub(crate) len_bytes: u64,
}

/// A decoded page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Page {
    level: u8,
    contents: Vec<Content>,
    /// Where each piece ends, counted from the start of the page; ascending.
    ends: Vec<u64>,
}

impl Page {
    /// Returns the height of the page above the pieces of data: 0 for a leaf.
    pub(crate) fn level(&self) -> u8 {
        self.level
    }

    /// Returns the number of bytes of the image that the page covers.
    pub(crate) fn len_bytes(&self) -> u64 {
        self.ends.last().copied().unwrap_or(0)
    }

    /// Returns the number of pieces.
    pub(crate) fn piece_count(&self) -> usize {
        self.contents.len()
    }

    /// Returns what a piece is, and the bytes that it covers, counted from the start of the page.
    pub(crate) fn piece(&self, index: usize) -> Option<(Content, Range<u64>)> {
        let content = *self.contents.get(index)?;
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        Some((content, start..self.ends[index]))
    }

    /// Returns all pieces in order.
    pub(crate) fn pieces(&self) -> impl Iterator<Item = Piece> + '_ {
        (0..self.contents.len()).filter_map(|index| {
            let (content, range) = self.piece(index)?;
            Some(Piece {
                content,
                len_bytes: range.end - range.start,
            })
        })
    }

    /// Returns the piece that holds a byte, counted from the start of the page.
    pub(crate) fn piece_at(&self, offset: u64) -> Option<usize> {
        let index = self.ends.partition_point(|&end| end <= offset);
        (index < self.contents.len()).then_some(index)
    }

    /// Returns an estimate of the memory that the page takes, in bytes.
    pub(crate) fn memory_bytes(&self) -> usize {
        size_of::<Self>() + self.contents.len() * (size_of::<Content>() + 8)
    }
}
