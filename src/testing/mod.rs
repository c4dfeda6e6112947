//! Doors for tests, benches and fuzz targets. Not part of the API: anything here may change.

mod packs;

use crate::chunk::{Cut, Cutter, CutterKind, Piece};
use crate::hash::chunk_id;
use crate::manifest;

pub use packs::{PackChunk, PackSegment, check_pack, make_pack, mend_pack_sums, pack_segments};

/// Decodes any stored record and asserts that decode, encode and decode agree; returns whether the
/// bytes are a record.
///
/// # Panics
/// When they don't agree, which is what a fuzz target looks for.
pub fn decode_record(bytes: &[u8]) -> bool {
    crate::index::decode_and_compare(bytes)
}

/// Decodes any bytes as a page of a manifest and asserts that decode and encode agree, and that
/// the piece that holds a byte is the one that counting finds; returns whether the bytes are a page.
///
/// # Panics
/// When they don't agree, which is what a fuzz target looks for.
pub fn decode_page(bytes: &[u8], offsets: &[u64]) -> bool {
    manifest::decode_and_compare(bytes, offsets)
}

/// Cuts a stream of slices, and says for each piece whether it is data, and its length.
pub fn cut(kind: CutterKind, slices: &[&[u8]], emit: &mut dyn FnMut(bool, u64)) {
    let mut cutter = Cutter::new(kind);
    let emit = &mut |cut: Cut| emit(cut.piece == Piece::Data, cut.len_bytes);
    slices.iter().for_each(|slice| cutter.feed(slice, emit));
    cutter.finish(emit);
}

/// Returns the identity of a chunk.
pub fn identity(bytes: &[u8]) -> [u8; 32] {
    *chunk_id(&[bytes]).as_bytes()
}
