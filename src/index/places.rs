//! Operations on rows about bytes, inside the transactions of others.

use std::collections::BTreeMap;
use std::ops::{Bound, ControlFlow};

use super::codec::{decode, encode};
use super::kv::{Get, Order, Put, Table, try_scan};
use super::rows::{ChunkRow, PackFate, PackRow, ReleaseRow, SessionRow};
use crate::error::{Error, ErrorCode, Result};
use crate::id::{ChunkKey, ChunkKind, PackId};

/// Counters of the engine, in the table of marks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counter {
    /// Number of the next pack, of all stores.
    NextPack,
    /// Number of the next upload.
    NextSession,
    /// Number of the next dedup domain.
    NextDomain,
    /// Number of the next entry of the queue of releases.
    NextRelease,
    /// Images that hold data.
    ImageCount,
    /// Bytes of all images, zero runs and repetitions included.
    LogicalBytes,
    /// Bytes of all images that lie in zero runs.
    ZeroBytes,
}

impl Counter {
    fn key(self) -> &'static [u8] {
        match self {
            Self::NextPack => b"next_pack",
            Self::NextSession => b"next_session",
            Self::NextDomain => b"next_domain",
            Self::NextRelease => b"next_release",
            Self::ImageCount => b"image_count",
            Self::LogicalBytes => b"logical_bytes",
            Self::ZeroBytes => b"zero_bytes",
        }
    }
}

/// Returns the value of a counter; 0 where it was never set.
pub(crate) fn counter(get: &dyn Get, counter: Counter) -> Result<u64> {
    let mut found = Ok(0);
    get.get(Table::Meta, counter.key(), &mut |bytes| {
        let word: Result<[u8; 8], _> = bytes.try_into();
        found = word.map(u64::from_le_bytes).map_err(|_| {
            let name = String::from_utf8_lossy(counter.key());
            Error::corrupt(format!(
                "counter {name} is {} bytes, expected 8",
                bytes.len()
            ))
        });
    })?;
    found
}

/// Sets a counter.
pub(crate) fn set_counter(put: &mut dyn Put, counter: Counter, value: u64) -> Result<()> {
    put.put(Table::Meta, counter.key(), &value.to_le_bytes())
}

/// Returns a fresh number: the counter before it is moved on by one.
pub(crate) fn next(put: &mut dyn Put, which: Counter, first: u64) -> Result<u64> {
    let number = counter(put, which)?.max(first);
    set_counter(put, which, number + 1)?;
    Ok(number)
}

/// Adds to a counter, or takes away.
pub(crate) fn add(put: &mut dyn Put, which: Counter, by: i64) -> Result<()> {
    let value = counter(put, which)?.checked_add_signed(by).ok_or_else(|| {
        let name = String::from_utf8_lossy(which.key());
        Error::corrupt(format!("counter {name} would fall below 0 by {by}"))
    })?;
    set_counter(put, which, value)
}

/// Returns the row of a chunk.
pub(crate) fn chunk(get: &dyn Get, key: &ChunkKey) -> Result<Option<ChunkRow>> {
    let mut found = Ok(None);
    get.get(Table::Chunks, &key.to_bytes(), &mut |bytes| {
        found = decode(bytes).map(Some)
    })?;
    found
}

/// Sets the row of a chunk, and keeps the table of unreferenced chunks true to it.
pub(crate) fn put_chunk(
    put: &mut dyn Put,
    key: &ChunkKey,
    before: Option<&ChunkRow>,
    row: &ChunkRow,
) -> Result<()> {
    let bytes = key.to_bytes();
    put.put(Table::Chunks, &bytes, &encode(row)?)?;
    let was_unreferenced = before.is_some_and(|before| before.refs == 0);
    match (was_unreferenced, row.refs == 0) {
        (false, true) => put.put(Table::Unreferenced, &bytes, b""),
        (true, false) => put.delete(Table::Unreferenced, &bytes),
        _ => Ok(()),
    }
}

/// Removes the row of a chunk that nothing refers to.
pub(crate) fn delete_chunk(put: &mut dyn Put, key: &ChunkKey) -> Result<()> {
    let bytes = key.to_bytes();
    put.delete(Table::Chunks, &bytes)?;
    put.delete(Table::Unreferenced, &bytes)
}

fn pack_key(store: u16, pack: PackId) -> [u8; 10] {
    let mut key = [0; 10];
    key[..2].copy_from_slice(&store.to_be_bytes());
    key[2..].copy_from_slice(&pack.0.to_be_bytes());
    key
}

fn pack_of_key(table: Table, key: &[u8]) -> Result<(u16, PackId)> {
    let bytes: &[u8; 10] = key.try_into().map_err(|_| {
        let name = table.name();
        Error::corrupt(format!(
            "table {name}: a key is {} bytes, expected 10",
            key.len()
        ))
    })?;
    let (store, pack) = bytes.split_at(2);
    let mut word = [0; 8];
    word.copy_from_slice(pack);
    Ok((
        u16::from_be_bytes([store[0], store[1]]),
        PackId(u64::from_be_bytes(word)),
    ))
}

/// Returns the row of a pack.
pub(crate) fn pack(get: &dyn Get, store: u16, pack: PackId) -> Result<Option<PackRow>> {
    let mut found = Ok(None);
    get.get(Table::Packs, &pack_key(store, pack), &mut |bytes| {
        found = decode(bytes).map(Some)
    })?;
    found
}

/// Returns the row of a pack that must be there.
pub(crate) fn known_pack(get: &dyn Get, store: u16, id: PackId) -> Result<PackRow> {
    pack(get, store, id)?.ok_or_else(|| {
        Error::corrupt(format!(
            "the index has no row of pack {id} of store {store}"
        ))
    })
}

/// Sets the row of a pack, and keeps the table of active packs true to it.
pub(crate) fn put_pack(put: &mut dyn Put, store: u16, pack: PackId, row: &PackRow) -> Result<()> {
    let key = pack_key(store, pack);
    put.put(Table::Packs, &key, &encode(row)?)?;
    match row.fate {
        PackFate::Open | PackFate::Dead => put.put(Table::ActivePacks, &key, b""),
        PackFate::Sealed => put.delete(Table::ActivePacks, &key),
    }
}

/// Removes the row of a pack that was unlinked.
pub(crate) fn delete_pack(put: &mut dyn Put, store: u16, pack: PackId) -> Result<()> {
    let key = pack_key(store, pack);
    put.delete(Table::Packs, &key)?;
    put.delete(Table::ActivePacks, &key)
}

/// Returns all packs with their rows, in order of store and number.
pub(crate) fn packs(get: &dyn Get) -> Result<Vec<(u16, PackId, PackRow)>> {
    collect(get, Table::Packs, usize::MAX, &mut |key, value| {
        let (store, pack) = pack_of_key(Table::Packs, key)?;
        Ok((store, pack, decode(value)?))
    })
}

/// Returns the packs that are open or dead.
pub(crate) fn active_packs(get: &dyn Get) -> Result<Vec<(u16, PackId)>> {
    collect(get, Table::ActivePacks, usize::MAX, &mut |key, _| {
        pack_of_key(Table::ActivePacks, key)
    })
}

/// Returns up to `limit` entries of a table, decoded, in order.
pub(crate) fn collect<T>(
    get: &dyn Get,
    table: Table,
    limit: usize,
    read: &mut dyn FnMut(&[u8], &[u8]) -> Result<T>,
) -> Result<Vec<T>> {
    collect_from(get, table, Bound::Unbounded, Bound::Unbounded, limit, read)
}

/// Returns up to `limit` entries of a table between two keys, decoded, in order.
pub(crate) fn collect_from<T>(
    get: &dyn Get,
    table: Table,
    from: Bound<&[u8]>,
    to: Bound<&[u8]>,
    limit: usize,
    read: &mut dyn FnMut(&[u8], &[u8]) -> Result<T>,
) -> Result<Vec<T>> {
    let mut found = Vec::new();
    try_scan(
        get,
        table,
        (from, to),
        Order::Ascending,
        &mut |key, value| {
            if found.len() == limit {
                return Ok(ControlFlow::Break(()));
            }
            found.push(read(key, value)?);
            Ok(ControlFlow::Continue(()))
        },
    )?;
    Ok(found)
}

/// Reads a key of a chunk in a table of the index.
pub(crate) fn chunk_key(table: Table, bytes: &[u8]) -> Result<ChunkKey> {
    ChunkKey::from_bytes(bytes).ok_or_else(|| {
        let name = table.name();
        Error::corrupt(format!(
            "table {name}: a key of {} bytes names no chunk",
            bytes.len()
        ))
    })
}

/// Sets the row of an upload that begins.
pub(crate) fn put_session(put: &mut dyn Put, session: u64, row: &SessionRow) -> Result<()> {
    put.put(Table::Sessions, &session.to_be_bytes(), &encode(row)?)
}

/// Returns the row of an upload that runs.
pub(crate) fn session(get: &dyn Get, session: u64) -> Result<Option<SessionRow>> {
    let mut found = Ok(None);
    get.get(Table::Sessions, &session.to_be_bytes(), &mut |bytes| {
        found = decode(bytes).map(Some);
    })?;
    found
}

/// Returns all uploads that run.
pub(crate) fn sessions(get: &dyn Get) -> Result<Vec<(u64, SessionRow)>> {
    collect(get, Table::Sessions, usize::MAX, &mut |key, value| {
        let bytes: [u8; 8] = key.try_into().map_err(|_| {
            Error::corrupt(format!(
                "table sessions: a key is {} bytes, expected 8",
                key.len()
            ))
        })?;
        Ok((u64::from_be_bytes(bytes), decode(value)?))
    })
}

/// Puts references into the queue of those that collection gives back.
pub(crate) fn release(put: &mut dyn Put, key: &ChunkKey, count: u64) -> Result<()> {
    let number = next(put, Counter::NextRelease, 0)?;
    let row = ReleaseRow {
        key: key.to_bytes(),
        count,
    };
    put.put(Table::Releases, &number.to_be_bytes(), &encode(&row)?)
}

/// Changes of what is live in packs, gathered in one transaction and written at its end.
#[derive(Debug, Default)]
pub(crate) struct LiveChanges(BTreeMap<(u16, PackId), Live>);

#[derive(Debug, Default)]
struct Live {
    data_bytes: i64,
    page_bytes: i64,
    chunks: i64,
}

impl LiveChanges {
    /// Counts a chunk that was named.
    pub(crate) fn add(&mut self, key: &ChunkKey, row: &ChunkRow) {
        self.change(key, row, 1);
    }

    /// Counts a chunk that is named no more.
    pub(crate) fn remove(&mut self, key: &ChunkKey, row: &ChunkRow) {
        self.change(key, row, -1);
    }

    fn change(&mut self, key: &ChunkKey, row: &ChunkRow, by: i64) {
        if row.is_lost() {
            return;
        }
        let live = self.0.entry((key.store, PackId(row.pack))).or_default();
        let bytes = by * i64::from(row.len_bytes);
        match key.kind {
            ChunkKind::Data => live.data_bytes += bytes,
            ChunkKind::Page => live.page_bytes += bytes,
        }
        live.chunks += by;
    }

    /// Writes the changes into the rows of the packs.
    pub(crate) fn write(self, put: &mut dyn Put) -> Result<()> {
        for ((store, id), live) in self.0 {
            let mut row = known_pack(put, store, id)?;
            if row.fate == PackFate::Dead && live.chunks > 0 {
                let message = format!("pack {id} is dead and would be named");
                return Err(Error::new(ErrorCode::Internal, message));
            }
            let below = || Error::corrupt(format!("pack {id} would hold less than nothing"));
            let sum = |have: u64, by: i64| have.checked_add_signed(by).ok_or_else(below);
            row.live_bytes = sum(row.live_bytes, live.data_bytes)?;
            row.page_bytes = sum(row.page_bytes, live.page_bytes)?;
            row.live_chunks = sum(row.live_chunks, live.chunks)?;
            put_pack(put, store, id, &row)?;
        }
        Ok(())
    }
}
