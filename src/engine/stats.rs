//! Figures of an engine.

use crate::base::Base;
use crate::error::Result;
use crate::index::Kv;
use crate::index::places::{self, Counter};
use crate::index::rows::PackFate;
use serde::Serialize;

/// Figures of an engine, from one snapshot of its index. All bytes; sums are exact when nothing
/// waits for collection: what a deleted image held alone still counts as unique until then.
///
/// `logical = zero + shared + unique`, and what lies in packs is `unique + pages + garbage` and
/// what describes it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Stats {
    /// Images that hold data.
    pub image_count: u64,
    /// Bytes of all images, as their readers see them.
    pub logical_bytes: u64,
    /// Of these, bytes in runs of zeros, of which nothing is stored.
    pub zero_bytes: u64,
    /// Of these, bytes that are stored because another stretch holds the same.
    pub shared_bytes: u64,
    /// Bytes of data that are stored and named, each once.
    pub unique_bytes: u64,
    /// Chunks and manifest pages that are stored and named; each has one row in the index, of at
    /// most 72 bytes.
    pub chunk_count: u64,
    /// Bytes of manifest pages.
    pub page_bytes: u64,
    /// Bytes of chunks in packs that nothing names; collection gives them back.
    pub garbage_bytes: u64,
    /// Bytes of headers, descriptors, padding and footers in packs.
    pub descriptor_bytes: u64,
    /// Bytes of all packs.
    pub pack_bytes: u64,
    /// Packs, sealed and open.
    pub pack_count: u64,
    /// Packs that may still grow.
    pub open_pack_count: u64,
    /// Bytes of packs that are unlinked while readers still hold them; they return when these end.
    pub mapped_deleted_bytes: u64,
    /// Bytes of the index file.
    pub index_bytes: u64,
    /// Bytes of the log in front of the index.
    pub log_bytes: u64,
    /// Bytes of the snapshot of names.
    pub names_bytes: u64,
}

impl Stats {
    pub(super) fn of(base: &Base) -> Result<Self> {
        let mut stats = base.kv.read(|get| {
            let mut stats = Self {
                image_count: places::counter(get, Counter::ImageCount)?,
                logical_bytes: places::counter(get, Counter::LogicalBytes)?,
                zero_bytes: places::counter(get, Counter::ZeroBytes)?,
                ..Self::default()
            };
            for (_, _, row) in places::packs(get)? {
                stats.pack_count += 1;
                stats.open_pack_count += u64::from(row.fate == PackFate::Open);
                stats.pack_bytes += row.len_bytes;
                stats.unique_bytes += row.live_bytes;
                stats.chunk_count += row.live_chunks;
                stats.page_bytes += row.page_bytes;
                stats.garbage_bytes += row.garbage_bytes();
                stats.descriptor_bytes += row.len_bytes.saturating_sub(row.chunk_bytes);
            }
            Ok(stats)
        })?;
        let named = stats.zero_bytes + stats.unique_bytes;
        stats.shared_bytes = stats.logical_bytes.saturating_sub(named);
        stats.mapped_deleted_bytes = base.packs.removed_bytes();
        let files = base.kv.stats()?;
        stats.index_bytes = files.index_bytes;
        stats.log_bytes = files.log_bytes;
        stats.names_bytes = files.names_bytes;
        Ok(stats)
    }
}
