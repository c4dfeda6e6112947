//! Numbers of a store of objects, and their bounds.

use super::invalid;
use crate::error::Result;
use crate::limits::{GIB, KIB, MIB};

/// Shortest and longest part, in bytes.
const PART_BOUNDS: (u64, u64) = (64 * KIB, GIB);
/// Fewest and most requests at a time.
const REQUEST_BOUNDS: (usize, usize) = (1, 256);

/// Bounds of a store of objects.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "written with `..ObjectOptions::default()`"
)]
pub struct ObjectOptions {
    /// What names of objects begin with, as path without slashes at its ends; empty for the whole
    /// bucket. Default empty.
    pub prefix: String,
    /// Length of the parts in which packs are sent while they grow, in bytes, 64 KiB to 1 GiB; a
    /// shorter pack is sent as a whole. S3 takes none below 5 MiB. Default 8 MiB.
    pub part_len_bytes: u64,
    /// Parts that are under way at a time, and as many ranges, 1 to 256. Each part takes its length
    /// of memory. Default 8.
    pub requests_max: usize,
    /// Longest cache in the local directory, in bytes; 0 for none. A long read in order leaves no
    /// more than its beginning in it: for whole images there is the image cache. Default 4 GiB.
    pub cache_len_bytes: u64,
}

impl Default for ObjectOptions {
    fn default() -> Self {
        Self {
            prefix: String::new(),
            part_len_bytes: 8 * MIB,
            requests_max: 8,
            cache_len_bytes: 4 * GIB,
        }
    }
}

impl ObjectOptions {
    /// Tests that all is within bounds.
    pub(super) fn check(&self) -> Result<()> {
        let (least, most) = PART_BOUNDS;
        let len = self.part_len_bytes;
        if !(least..=most).contains(&len) {
            return Err(invalid(format!(
                "part_len_bytes is {len}, bounds {least} and {most}"
            )));
        }
        let (least, most) = REQUEST_BOUNDS;
        let max = self.requests_max;
        if !(least..=most).contains(&max) {
            return Err(invalid(format!(
                "requests_max is {max}, bounds {least} and {most}"
            )));
        }
        Ok(())
    }
}
