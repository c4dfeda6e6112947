//! The documents of the cache.

use serde::{Serialize, Serializer};

use crate::clock::Timestamp;
use crate::id::ImageId;

/// The document of the cache: what is in it, and what waits, in order of entry.
#[derive(Debug, Clone, Serialize)]
#[must_use]
pub struct CacheDocument {
    cached_images: Vec<CachedItem>,
    queued_images: Vec<ImageId>,
}

/// An image in the cache, as its document shows it.
#[derive(Debug, Clone, Serialize)]
#[expect(clippy::exhaustive_structs, reason = "the members of the API")]
pub struct CachedItem {
    /// The image.
    pub image_id: ImageId,
    /// Whole reads that the copy has served.
    pub hits: u64,
    /// When it served last, or was made; shown in seconds since the epoch, with a fraction.
    #[serde(serialize_with = "seconds")]
    pub last_accessed: Timestamp,
    /// When it was made; shown in seconds since the epoch, with a fraction.
    #[serde(serialize_with = "seconds")]
    pub last_modified: Timestamp,
    /// Its length in bytes.
    pub size: u64,
}

fn seconds<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    let micros = time.as_micros();
    // Whole microseconds are exact in a double until the year 2255.
    #[expect(
        clippy::cast_precision_loss,
        reason = "a time after 2255 may lose some"
    )]
    let seconds = micros as f64 / 1e6;
    serializer.serialize_f64(seconds)
}

impl CacheDocument {
    /// Makes the document of what is in the cache and of what waits.
    pub fn new(
        cached: impl IntoIterator<Item = CachedItem>,
        queued: impl IntoIterator<Item = ImageId>,
    ) -> Self {
        Self {
            cached_images: cached.into_iter().collect(),
            queued_images: queued.into_iter().collect(),
        }
    }
}

/// The document of what a prune has removed.
#[derive(Debug, Clone, Copy, Serialize)]
#[must_use]
pub struct PrunedDocument {
    total_files_pruned: u64,
    total_bytes_pruned: u64,
}

impl PrunedDocument {
    /// Makes the document of a number of copies, and of the sum of their lengths in bytes.
    pub fn new(copy_count: u64, size_bytes: u64) -> Self {
        Self {
            total_files_pruned: copy_count,
            total_bytes_pruned: size_bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cache_is_shown_with_times_in_fractions_of_seconds() {
        let id = ImageId::from_bytes([0x11; 16]);
        let item = CachedItem {
            image_id: id,
            hits: 3,
            last_accessed: Timestamp::from_micros(1_700_000_000_123_456),
            last_modified: Timestamp::from_micros(1_700_000_000_000_000),
            size: 10,
        };
        let shown = serde_json::to_string(&CacheDocument::new([item], [id])).unwrap();
        let text = "11111111-1111-1111-1111-111111111111";
        let expected = format!(
            "{{\"cached_images\":[{{\"image_id\":\"{text}\",\"hits\":3,\
             \"last_accessed\":1700000000.123456,\"last_modified\":1700000000.0,\"size\":10}}],\
             \"queued_images\":[\"{text}\"]}}"
        );
        assert_eq!(shown, expected);
        let pruned = serde_json::to_string(&PrunedDocument::new(2, 5)).unwrap();
        assert_eq!(
            pruned,
            "{\"total_files_pruned\":2,\"total_bytes_pruned\":5}"
        );
    }
}
