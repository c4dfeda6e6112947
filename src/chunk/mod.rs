//! The half of the data on disk: chunks in packs.
//!
//! It owns where a stream is cut, the bytes of packs, their appending end and their reading end.
//! It knows nothing of names: where a chunk lies is told to it, and it proves that it is there.

mod cut;
#[cfg(feature = "testing")]
pub(crate) mod doors;
mod pack;
mod packs;
mod recent;
mod scan;
mod segment;
mod write;

pub use cut::CutterKind;
pub(crate) use cut::{Cut, Cutter, Piece};
pub use pack::Verify;
pub(crate) use pack::{Pack, Place, Proved};
pub(crate) use packs::Packs;
#[cfg(feature = "testing")]
pub(crate) use scan::scan_pack;
pub(crate) use scan::{check_segment, salvage_pack, walk_back};
pub(crate) use segment::{Entry, Segment};
pub(crate) use write::{Mark, NewChunk, PackWriter};
