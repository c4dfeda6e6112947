//! Copying the live chunks of a pack to another one.

use std::sync::Arc;

use bytes::Bytes;

use super::moving::Moving;
use super::run::GcReport;
use crate::base::Base;
use crate::chunk::{Entry, Mark, NewChunk, Pack, PackWriter, Place, Segment, Verify, walk_back};
use crate::error::Result;
use crate::id::{ChunkKey, PackId};
use crate::index::places::{self, LiveChanges};
use crate::index::rows::{ChunkRow, PackFate};
use crate::index::{Durability, Kv};
use crate::ingest::{OpenPacks, PackBounds};
use crate::store::PackState;

/// Bytes that one step copies at most, beyond the chunk that reaches it.
const STEP_BYTES: u64 = 16 << 20;

/// What compaction stands on.
#[derive(Debug)]
pub(super) struct Ground<'a> {
    pub(super) base: &'a Arc<Base>,
    pub(super) open_packs: &'a OpenPacks,
    pub(super) bounds: PackBounds,
}

/// A pack whose live chunks are being copied.
#[derive(Debug)]
pub(super) struct Compaction {
    store: u16,
    pack: Arc<Pack>,
    /// Segments that are still to be copied, the next one last.
    segments: Vec<Segment>,
}

/// A live chunk with its bytes.
#[derive(Debug)]
pub(super) struct Live {
    pub(super) key: ChunkKey,
    pub(super) row: ChunkRow,
    pub(super) bytes: Bytes,
}

/// A live chunk that lies in another pack by now, and the row that says where it was.
#[derive(Debug)]
pub(super) struct Moved {
    pub(super) key: ChunkKey,
    pub(super) from: ChunkRow,
    /// Offset in the other pack.
    pub(super) offset: u64,
}

impl Compaction {
    /// Reads what a sealed pack holds.
    pub(super) fn begin(base: &Base, store: u16, pack: PackId) -> Result<Self> {
        let open = base.packs.get(store, pack, PackState::Sealed, 0)?;
        let mut segments = Vec::new();
        walk_back(open.source(), pack, None, &mut |segment| {
            segments.push(segment);
            Ok(())
        })?;
        Ok(Self {
            store,
            pack: open,
            segments,
        })
    }

    /// Copies a few segments; `false` when the pack is done. Where packs are sealed with their
    /// uploads, chunks go to `moving`, which is sealed and named when it is full.
    pub(super) fn step(
        &mut self,
        ground: &Ground<'_>,
        moving: &mut Option<Moving>,
        report: &mut GcReport,
    ) -> Result<bool> {
        let Some(segment) = self.segments.pop() else {
            return Ok(false);
        };
        let places: Vec<(u64, Entry)> = segment.places().collect();
        let mut rest = &places[..];
        while !rest.is_empty() {
            let live = self.live(ground.base, segment.domain, &mut rest, report)?;
            if live.is_empty() {
                continue;
            }
            match ground.base.packs.store(self.store)?.seals_uploads() {
                true => self.move_to(ground, moving, segment.domain, live, report)?,
                false => self.copy(ground, segment.domain, &live, report)?,
            }
        }
        Ok(!self.segments.is_empty())
    }

    /// Reads the live ones of the next chunks of a segment, proved; damaged ones stay behind.
    fn live(
        &self,
        base: &Base,
        domain: u32,
        rest: &mut &[(u64, Entry)],
        report: &mut GcReport,
    ) -> Result<Vec<Live>> {
        let (mut live, mut bytes_read) = (Vec::new(), 0);
        while let Some(((offset, entry), tail)) = rest.split_first() {
            if bytes_read >= STEP_BYTES {
                break;
            }
            *rest = tail;
            let key = ChunkKey {
                store: self.store,
                domain,
                kind: entry.kind,
                id: entry.id,
            };
            let row = base.kv.read(|get| places::chunk(get, &key))?;
            let here = |row: &ChunkRow| (row.pack, row.offset) == (self.pack.id().0, *offset);
            let Some(row) = row.filter(here) else {
                continue;
            };
            let place = Place {
                offset: *offset,
                len_bytes: entry.len_bytes,
            };
            match self.pack.chunk(place, &entry.id, Verify::Always) {
                Ok(bytes) => {
                    bytes_read += u64::from(entry.len_bytes);
                    live.push(Live { key, row, bytes });
                }
                Err(error) if error.is_unreadable() => {
                    report.damaged.push(error.message().to_owned());
                }
                Err(error) => return Err(error),
            }
        }
        Ok(live)
    }

    fn move_to(
        &self,
        ground: &Ground<'_>,
        moving: &mut Option<Moving>,
        domain: u32,
        live: Vec<Live>,
        report: &mut GcReport,
    ) -> Result<()> {
        if let Some(other) = moving.take_if(|moving| moving.store() != self.store) {
            other.seal(report)?;
        }
        let mut into = match moving.take() {
            Some(into) => into,
            None => Moving::begin(ground.base, ground.open_packs, self.store)?,
        };
        into.take(domain, live)?;
        if into.is_full(&ground.bounds) {
            return into.seal(report);
        }
        *moving = Some(into);
        Ok(())
    }

    fn copy(
        &self,
        ground: &Ground<'_>,
        domain: u32,
        live: &[Live],
        report: &mut GcReport,
    ) -> Result<()> {
        let mut writer = ground.open_packs.borrow(ground.base, self.store)?;
        let named = writer.mark();
        match self.copy_into(ground, &mut writer, domain, live) {
            Ok(PackFate::Open) => ground.open_packs.give_back(writer),
            Ok(_) => ground.base.packs.reopen(self.store, writer.pack()),
            Err(error) => {
                ground
                    .open_packs
                    .give_back_as_it_was(ground.base, writer, named);
                return Err(error);
            }
        }
        report.copied_chunks += live.len() as u64;
        report.copied_bytes += live.iter().map(|live| live.bytes.len() as u64).sum::<u64>();
        Ok(())
    }

    /// Writes chunks to another pack, makes them durable, and lets the index name them there.
    fn copy_into(
        &self,
        ground: &Ground<'_>,
        writer: &mut PackWriter,
        domain: u32,
        live: &[Live],
    ) -> Result<PackFate> {
        writer.set_domain(domain)?;
        let chunks = live.iter().map(|live| NewChunk {
            kind: live.key.kind,
            id: live.key.id,
            parts: vec![&live.bytes],
        });
        let first = writer.append(&chunks.collect::<Vec<_>>())?;
        let (len_bytes, fate) = if writer.len_bytes() >= ground.bounds.max_bytes {
            (ground.base.trust(writer.seal())?, PackFate::Sealed)
        } else {
            ground.base.trust(writer.sync())?;
            (writer.mark().end, PackFate::Open)
        };
        let mut offset = first;
        let moved = live.iter().map(|live| {
            let at = offset;
            offset += live.bytes.len() as u64;
            Moved {
                key: live.key,
                from: live.row,
                offset: at,
            }
        });
        let moved: Vec<Moved> = moved.collect();
        let written = (writer.mark(), len_bytes, fate);
        name_moved(ground.base, self.store, writer.pack(), written, &moved)?;
        Ok(fate)
    }
}

/// Lets the index name chunks in the pack to which they were copied, and which is durable up to a
/// mark.
pub(super) fn name_moved(
    base: &Base,
    store: u16,
    pack: PackId,
    (mark, len_bytes, fate): (Mark, u64, PackFate),
    moved: &[Moved],
) -> Result<()> {
    let written_at = base.now().as_micros();
    base.kv.write(Durability::Later, |put| {
        let mut row = places::known_pack(put, store, pack)?;
        (row.len_bytes, row.fate, row.written_at) = (len_bytes, fate, written_at);
        row.chunk_bytes = mark.chunk_bytes;
        places::put_pack(put, store, pack, &row)?;
        let mut changes = LiveChanges::default();
        for Moved { key, from, offset } in moved {
            // References may have changed since the chunk was read, its place may not.
            let now = places::chunk(put, key)?;
            let same = |row: &ChunkRow| (row.pack, row.offset) == (from.pack, from.offset);
            let Some(before) = now.filter(same) else {
                continue;
            };
            let moved = ChunkRow {
                pack: pack.0,
                offset: *offset,
                ..before
            };
            changes.remove(key, &before);
            changes.add(key, &moved);
            places::put_chunk(put, key, Some(&before), &moved)?;
        }
        changes.write(put)
    })
}
