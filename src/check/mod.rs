//! Checking what is stored against what should be, and making the index anew from packs.
//!
//! It reads everything and changes nothing; damage is found, named, and traced to the images that
//! it touches.

mod counts;
mod image;
mod packs;
mod rebuild;

use serde::Serialize;
use std::fmt;

use crate::id::{ChunkId, ImageId, PackId};

pub(crate) use image::check_image;
pub(crate) use packs::check_all;
pub use rebuild::RebuildReport;
pub(crate) use rebuild::rebuild;

/// Something stored that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Damage {
    /// The pack that is damaged; none where the index is.
    pub pack: Option<PackId>,
    /// Where in the pack, in bytes.
    pub offset: Option<u64>,
    /// The chunk that cannot be read, where it is known.
    pub chunk: Option<ChunkId>,
    /// What was found, and what was expected.
    pub what: String,
    /// The images that need what is damaged, as far as their manifests can be read.
    pub images: Vec<ImageId>,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        for (index, image) in self.images.iter().enumerate() {
            write!(
                f,
                "{}{image}",
                if index == 0 {
                    "; needed by image "
                } else {
                    ", "
                }
            )?;
        }
        Ok(())
    }
}

impl Damage {
    /// Damage of the index.
    fn of_index(what: impl Into<String>) -> Self {
        let what = what.into();
        Self {
            pack: None,
            offset: None,
            chunk: None,
            what,
            images: Vec::new(),
        }
    }

    /// Damage of a pack at a place.
    fn of_pack(pack: PackId, offset: impl Into<Option<u64>>, what: impl Into<String>) -> Self {
        let (offset, what) = (offset.into(), what.into());
        Self {
            pack: Some(pack),
            offset,
            chunk: None,
            what,
            images: Vec::new(),
        }
    }
}

/// How far a check is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct VerifyProgress {
    /// Bytes of packs read so far.
    pub done_bytes: u64,
    /// Bytes of packs to read.
    pub total_bytes: u64,
}

/// What a check has read, and what it has found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct VerifyReport {
    /// Images whose manifests were looked at.
    pub image_count: u64,
    /// Packs read.
    pub pack_count: u64,
    /// Chunks proved by their identity, garbage included.
    pub chunk_count: u64,
    /// Bytes of these.
    pub chunk_bytes: u64,
    /// Everything that is not as it should be, in the order in which it was found.
    pub damage: Vec<Damage>,
}

impl VerifyReport {
    /// Tells whether everything is as it should be.
    pub fn is_clean(&self) -> bool {
        self.damage.is_empty()
    }
}
