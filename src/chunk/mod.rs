//! Chunks: how a stream of bytes is cut into pieces that find each other again.

mod cut;

pub use cut::CutterKind;
pub(crate) use cut::{Cut, Cutter, Piece};
