//! The half of the data on disk: chunks in packs.
//!
//! It owns the bytes of packs, their appending end and their reading end. It knows nothing of
//! names: where a chunk lies is told to it by others, and it proves that the chunk is there.

mod pack;
mod packs;
mod scan;
mod segment;
mod write;

pub(crate) use pack::{Pack, Place, Verify};
pub(crate) use packs::Packs;
pub(crate) use scan::{scan_pack, walk_back};
pub(crate) use segment::{Entry, Segment};
pub(crate) use write::{NewChunk, PackWriter};
