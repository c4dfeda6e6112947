//! The cache: whole copies of images in the engine's own directory, in front of stores that are far
//! or slow, and the queue of images that are to be cached.
//!
//! A copy is data as any other: cut, deduplicated, proved when it is read, and collected when
//! nothing refers to it. It comes by the path of uploads and is held against the digest of its image,
//! and it is there when it is complete, or not at all. Nobody is charged for it. Who may ask for
//! what is settled above.
//!
//! Source: Glance, `glance/image_cache/__init__.py`.

mod fill;
mod fills;
mod keep;
mod queue;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::base::{Base, Offload};
use crate::clock::Timestamp;
use crate::error::{Error, ErrorCode, Result, shown};
use crate::id::{ChunkId, ImageId};
use crate::index::{Durability, Kv, Put, cached};
use crate::ingest::Ingest;

use fills::Fills;
pub use queue::QueueRun;

/// Copies that are made at a time on threads of the cache; others wait.
const RUNNING_FILLS: usize = 2;

/// An image in the cache.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CachedImage {
    /// The image.
    pub image_id: ImageId,
    /// Whole reads that the copy has served.
    pub hits: u64,
    /// When it served last, or was made.
    pub last_accessed: Timestamp,
    /// When it was made.
    pub last_modified: Timestamp,
    /// Length of the image, in bytes; what it shares with others is not taken off.
    pub size_bytes: u64,
}

/// What is in the cache, and what waits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CacheState {
    /// Images in the cache, by id.
    pub cached: Vec<CachedImage>,
    /// Images that wait to be cached, in order of entry.
    pub queued: Vec<ImageId>,
}

/// What a prune has removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pruned {
    /// Copies.
    pub copy_count: u64,
    /// The sum of their lengths, in bytes.
    pub size_bytes: u64,
}

/// What a clean has removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cleaned {
    /// Copies that could not be read.
    pub copy_count: u64,
    /// Copies in the making that had come to a standstill.
    pub stalled_count: u64,
}

/// What is cleared (Glance: the header `x-image-cache-clear-target`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(clippy::exhaustive_enums, reason = "the set of the API")]
pub enum ClearTarget {
    /// Copies and queue.
    #[default]
    Both,
    /// Copies only.
    Cache,
    /// The queue only.
    Queue,
}

impl ClearTarget {
    /// Returns the word that a caller sends; none for both.
    pub fn word(self) -> Option<&'static str> {
        match self {
            Self::Both => None,
            Self::Cache => Some("cache"),
            Self::Queue => Some("queue"),
        }
    }
}

impl FromStr for ClearTarget {
    type Err = Error;

    /// Reads `cache` or `queue` in any case; nothing stands for both.
    fn from_str(text: &str) -> Result<Self> {
        match text.to_ascii_lowercase().as_str() {
            "" => Ok(Self::Both),
            "cache" => Ok(Self::Cache),
            "queue" => Ok(Self::Queue),
            _ => {
                let shown = shown(text);
                let message = format!("clear target {shown:?} is not one of cache, queue");
                Err(Error::new(ErrorCode::InvalidCacheTarget, message))
            }
        }
    }
}

/// The cache of an engine.
pub(crate) struct Cache {
    ingest: Arc<Ingest>,
    fills: Arc<Fills>,
    /// A few, so that copies do not take the machine from everybody else.
    threads: Offload,
    max_bytes: u64,
    stall_time_s: u64,
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache")
            .field("max_bytes", &self.max_bytes)
            .finish_non_exhaustive()
    }
}

impl Cache {
    pub(crate) fn new(ingest: Arc<Ingest>, max_bytes: u64, stall_time_s: u64) -> Self {
        Self {
            ingest,
            fills: Arc::default(),
            threads: Offload::for_long_jobs(RUNNING_FILLS),
            max_bytes,
            stall_time_s,
        }
    }

    fn base(&self) -> &Arc<Base> {
        &self.ingest.base
    }

    /// Returns what is in the cache, and what waits.
    pub(crate) fn state(&self) -> Result<CacheState> {
        self.base().kv.read(|get| {
            let all = cached::all(get)?.into_iter();
            let cached = all.map(|(image_id, cached)| CachedImage {
                image_id,
                hits: cached.hits,
                last_accessed: cached.last_accessed,
                last_modified: cached.last_modified,
                size_bytes: cached.data.len_bytes,
            });
            Ok(CacheState {
                cached: cached.collect(),
                queued: cached::queue(get)?,
            })
        })
    }

    /// Counts a whole read of a copy, which goes on where that cannot be written down.
    pub(crate) fn hit(&self, image: &ImageId, root: ChunkId) {
        let now = self.base().now();
        let count = |put: &mut dyn Put| cached::hit(put, image, root, now);
        if let Err(error) = self.base().kv.write(Durability::Later, count) {
            tracing::warn!(%image, %error, "a hit of the cache is not counted");
        }
    }

    /// Removes a copy that could not be read, soon.
    pub(crate) fn drop_unreadable(self: &Arc<Self>, image: ImageId, root: ChunkId) {
        let cache = Arc::clone(self);
        let job = move || {
            if let Err(error) = cache.remove_root(&image, root) {
                tracing::warn!(%image, %error, "a cached copy that cannot be read stays");
            }
        };
        // Not among those that fill, which may all wait for a store.
        self.base().offload.threads().submit(Box::new(job));
    }

    /// Gives up copies that are being made of an image.
    pub(crate) fn give_up(&self, image: &ImageId) {
        self.fills.give_up(image);
    }

    /// Gives up all copies that are being made.
    pub(crate) fn give_up_all(&self) {
        self.fills.give_up_where(|_| true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_of_clear_is_read_in_any_case_and_nothing_else_is_one() {
        for (text, expected) in [
            ("", Some(ClearTarget::Both)),
            ("cache", Some(ClearTarget::Cache)),
            ("QuEuE", Some(ClearTarget::Queue)),
            ("both", None),
            (" cache", None),
        ] {
            let found = text.parse::<ClearTarget>();
            assert_eq!(found.as_ref().ok(), expected.as_ref(), "{text:?}");
            if let Err(error) = found {
                assert_eq!(error.code(), ErrorCode::InvalidCacheTarget);
            }
        }
    }
}
