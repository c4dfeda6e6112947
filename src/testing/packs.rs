//! Packs as bytes.

use crate::chunk::{Segment, doors};
use crate::error::Result;
use crate::id::{ChunkKind, PackId};

/// A segment of a pack.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a door for tests")]
pub struct PackSegment {
    /// Offset of its first byte.
    pub start: u64,
    /// Offset behind its last byte.
    pub end: u64,
    /// Its chunks, in the order in which they lie.
    pub chunks: Vec<PackChunk>,
}

/// A chunk of a pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a door for tests")]
pub struct PackChunk {
    /// Whether it is a page of a manifest.
    pub is_page: bool,
    /// Offset of its first byte.
    pub offset: u64,
    /// Length in bytes.
    pub len_bytes: u32,
}

/// Returns the segments of a pack, and whether it is sealed.
///
/// # Errors
/// `Corrupt` as a scan of the pack says.
pub fn pack_segments(bytes: &[u8], pack: u64) -> Result<(Vec<PackSegment>, bool)> {
    let (segments, sealed) = doors::segments(bytes, PackId(pack))?;
    Ok((segments.iter().map(segment).collect(), sealed))
}

fn segment(segment: &Segment) -> PackSegment {
    let chunks = segment.places().map(|(offset, entry)| PackChunk {
        is_page: entry.kind == ChunkKind::Page,
        offset,
        len_bytes: entry.len_bytes,
    });
    PackSegment {
        start: segment.start,
        end: segment.end,
        chunks: chunks.collect(),
    }
}

/// Takes any bytes as a pack and asserts that all ways of reading it are bounded and agree;
/// returns the number of its segments.
///
/// # Panics
/// When they don't agree, which is what a fuzz target looks for.
pub fn check_pack(bytes: &[u8], pack: u64) -> usize {
    doors::check_pack(bytes, PackId(pack))
}

/// A segment to be made: its domain, and for each of its chunks whether it is a page, and its bytes.
pub type NewSegment = (u32, Vec<(bool, Vec<u8>)>);

/// Makes the bytes of a pack: for each segment its domain, and for each of its chunks whether it is
/// a page and its bytes.
pub fn make_pack(pack: u64, salt: [u8; 32], segments: &[NewSegment], sealed: bool) -> Vec<u8> {
    let kind = |is_page| match is_page {
        true => ChunkKind::Page,
        false => ChunkKind::Data,
    };
    let segments = segments.iter().map(|(domain, chunks)| {
        let chunks = chunks
            .iter()
            .map(|(page, bytes)| (kind(*page), bytes.clone()));
        (*domain, chunks.collect())
    });
    let segments: Vec<_> = segments.collect();
    doors::make_pack(PackId(pack), salt, &segments, sealed)
}

/// Makes the sums of a damaged pack right, so that what stands behind them is reached.
pub fn mend_pack_sums(bytes: &mut [u8]) {
    doors::mend_sums(bytes);
}
