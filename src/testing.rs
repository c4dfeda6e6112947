//! Doors for the benches of this crate: nothing here is part of the public interface.

use crate::chunk::{Cut, Cutter, CutterKind, Piece};
use crate::hash::chunk_id;

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
