//! Doors for tests, benches and fuzz targets. Not part of the API: anything here may change.

use crate::chunk::{Cut, Cutter, CutterKind, Piece};
use crate::hash::chunk_id;

/// Decodes any stored record and asserts that decode, encode and decode agree; returns whether the
/// bytes are a record.
///
/// # Panics
/// When they don't agree, which is what a fuzz target looks for.
pub fn decode_record(bytes: &[u8]) -> bool {
    crate::index::decode_and_compare(bytes)
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

/// A cutter that is fed as the bytes come.
#[derive(Debug)]
pub struct StreamCutter(Cutter);

impl StreamCutter {
    /// Makes it for a new stream.
    pub fn new(kind: CutterKind) -> Self {
        Self(Cutter::new(kind))
    }

    /// Takes the next bytes, and says for each piece that is certain whether it is data, and its
    /// length.
    pub fn feed(&mut self, slice: &[u8], emit: &mut dyn FnMut(bool, u64)) {
        let emit = &mut |cut: Cut| emit(cut.piece == Piece::Data, cut.len_bytes);
        self.0.feed(slice, emit);
    }

    /// Ends the stream and says what is left.
    pub fn finish(self, emit: &mut dyn FnMut(bool, u64)) {
        let emit = &mut |cut: Cut| emit(cut.piece == Piece::Data, cut.len_bytes);
        self.0.finish(emit);
    }
}
