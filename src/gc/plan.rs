//! What a collection would do.

use super::GcOptions;
use crate::base::Base;
use crate::error::Result;
use crate::id::{ChunkKey, ChunkKind, PackId};
use crate::index::rows::{PackFate, PackRow};
use crate::index::{Get, Kv, Table, places};
use serde::Serialize;

/// What a collection would do now, from one snapshot of the index. Printing it is the dry run;
/// nothing is changed by making one.
///
/// References that are given back free more chunks than a snapshot shows, so a run frees at least
/// this much.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct GcPlan {
    /// References of deleted images and failed uploads to be given back.
    pub release_count: u64,
    /// Chunks and manifest pages that nothing refers to.
    pub unreferenced_chunks: u64,
    /// Bytes of these.
    pub unreferenced_bytes: u64,
    /// Packs whose live chunks would be copied.
    pub compact_packs: Vec<PackId>,
    /// Bytes that would be copied.
    pub copy_bytes: u64,
    /// Packs that would be unlinked without a copy.
    pub unlink_packs: Vec<PackId>,
    /// Bytes that would leave the disk, less those copied.
    pub free_bytes: u64,
}

impl GcPlan {
    pub(super) fn make(base: &Base, options: &GcOptions) -> Result<Self> {
        base.kv.read(|get| {
            let mut plan = Self {
                release_count: count(get, Table::Releases)?,
                unreferenced_chunks: 0,
                unreferenced_bytes: 0,
                compact_packs: Vec::new(),
                copy_bytes: 0,
                unlink_packs: Vec::new(),
                free_bytes: 0,
            };
            let mut packs = places::packs(get)?;
            plan.count_unreferenced(get, &mut packs)?;
            // What an upload needs is left alone by a run, too.
            packs.retain(|(store, pack, _)| !base.leases.is_pack_held(*store, *pack));
            for (_, pack, row) in packs {
                plan.add_pack(pack, &row, options);
            }
            Ok(plan)
        })
    }

    fn count_unreferenced(
        &mut self,
        get: &dyn Get,
        packs: &mut [(u16, PackId, PackRow)],
    ) -> Result<()> {
        let mut count = |key: ChunkKey| {
            let Some(chunk) = places::chunk(get, &key)? else {
                return Ok(());
            };
            self.unreferenced_chunks += 1;
            self.unreferenced_bytes += u64::from(chunk.len_bytes);
            let place = (key.store, PackId(chunk.pack));
            if let Ok(index) = packs.binary_search_by_key(&place, |(store, id, _)| (*store, *id)) {
                let row = &mut packs[index].2;
                row.live_chunks = row.live_chunks.saturating_sub(1);
                let of_kind = match key.kind {
                    ChunkKind::Data => &mut row.live_bytes,
                    ChunkKind::Page => &mut row.page_bytes,
                };
                *of_kind = of_kind.saturating_sub(u64::from(chunk.len_bytes));
            }
            Ok(())
        };
        let table = Table::Unreferenced;
        places::collect(get, table, usize::MAX, &mut |key, _| {
            count(places::chunk_key(table, key)?)
        })?;
        Ok(())
    }

    fn add_pack(&mut self, pack: PackId, row: &PackRow, options: &GcOptions) {
        match row.fate {
            _ if row.live_chunks == 0 || row.fate == PackFate::Dead => {
                self.unlink_packs.push(pack);
                self.free_bytes += row.len_bytes;
            }
            _ if is_worth_a_copy(row, options) => {
                self.compact_packs.push(pack);
                self.copy_bytes += row.named_bytes();
                self.free_bytes += row.garbage_bytes();
            }
            _ => {}
        }
    }
}

/// Tells whether a pack holds so much garbage that its live chunks are copied out of it.
pub(super) fn is_worth_a_copy(row: &PackRow, options: &GcOptions) -> bool {
    #[expect(clippy::cast_precision_loss, reason = "a ratio of lengths of packs")]
    let ratio = row.garbage_bytes() as f64 / row.chunk_bytes.max(1) as f64;
    row.garbage_bytes() > 0 && ratio >= options.min_garbage_ratio && options.min_garbage_ratio < 1.0
}

fn count(get: &dyn Get, table: Table) -> Result<u64> {
    Ok(places::collect(get, table, usize::MAX, &mut |_, _| Ok(()))?.len() as u64)
}
