//! Giving references back, and removing the rows of chunks that nothing refers to.

use std::collections::BTreeMap;
use std::ops::Bound;

use super::run::GcReport;
use crate::base::Base;
use crate::error::{Error, Result};
use crate::id::{ChunkKey, ChunkKind};
use crate::index::places::{self, LiveChanges};
use crate::index::refs::child_key;
use crate::index::rows::ReleaseRow;
use crate::index::{Durability, Kv, Put, Table, codec};

/// Rows that one step changes at most; look-ups wait that long.
const ROWS_AT_ONCE: usize = 2048;

/// Gives back the oldest references in the queue; `false` when there are none.
pub(super) fn release(base: &Base, report: &mut GcReport) -> Result<bool> {
    let released = base.kv.write(Durability::Later, |put| {
        let items = places::collect(put, Table::Releases, ROWS_AT_ONCE, &mut |key, value| {
            Ok((key.to_vec(), codec::decode::<ReleaseRow>(value)?))
        })?;
        let mut counts = BTreeMap::new();
        for (number, row) in &items {
            let key = places::chunk_key(Table::Releases, &row.key)?;
            *counts.entry(key).or_insert(0u64) += row.count;
            put.delete(Table::Releases, number)?;
        }
        for (key, count) in counts {
            give_back(put, &key, count)?;
        }
        Ok(items.len() as u64)
    })?;
    report.released_references += released;
    Ok(released > 0)
}

fn give_back(put: &mut dyn Put, key: &ChunkKey, count: u64) -> Result<()> {
    let contradiction = |what: &str| {
        Error::corrupt(format!(
            "{:?} {} {what}, {count} are to be given back",
            key.kind, key.id
        ))
    };
    let before = places::chunk(put, key)?.ok_or_else(|| contradiction("has no row"))?;
    let mut row = before;
    row.refs = before
        .refs
        .checked_sub(count)
        .ok_or_else(|| contradiction(&format!("has {} references", before.refs)))?;
    places::put_chunk(put, key, Some(&before), &row)
}

/// A walk over the chunks that nothing refers to.
#[derive(Debug, Default)]
pub(super) struct Sweeper {
    /// The last key looked at.
    cursor: Option<ChunkKey>,
}

impl Sweeper {
    /// Removes the rows of the next few chunks; `false` when the walk is over.
    pub(super) fn step(&mut self, base: &Base, report: &mut GcReport) -> Result<bool> {
        let cursor = self.cursor.map(|key| key.to_bytes());
        let from = cursor
            .as_ref()
            .map_or(Bound::Unbounded, |key| Bound::Excluded(&key[..]));
        let keys = base.kv.read(|get| {
            let (table, to) = (Table::Unreferenced, Bound::Unbounded);
            places::collect_from(get, table, from, to, ROWS_AT_ONCE, &mut |key, _| {
                places::chunk_key(table, key)
            })
        })?;
        let mut dying = Vec::new();
        let mut rows = 0;
        for key in keys {
            if rows >= ROWS_AT_ONCE {
                break;
            }
            self.cursor = Some(key);
            match children(base, &key) {
                Ok(children) => {
                    rows += 1 + children.len();
                    dying.push((key, children));
                }
                // It holds nothing.
                Err(_) if is_lost(base, &key)? => {
                    rows += 1;
                    dying.push((key, BTreeMap::new()));
                }
                Err(error) if error.is_unreadable() => {
                    tracing::error!(page = %key.id, %error, "a damaged page keeps its chunks");
                    report.damaged.push(error.message().to_owned());
                    rows += 1;
                }
                Err(error) => return Err(error),
            }
        }
        remove(base, &dying, report)?;
        Ok(rows > 0)
    }
}

fn is_lost(base: &Base, key: &ChunkKey) -> Result<bool> {
    let row = base.kv.read(|get| places::chunk(get, key))?;
    Ok(row.is_some_and(|row| row.is_lost()))
}

/// Returns what a page names, and how often; nothing for data.
fn children(base: &Base, key: &ChunkKey) -> Result<BTreeMap<ChunkKey, u64>> {
    let mut counts = BTreeMap::new();
    if key.kind == ChunkKind::Page {
        let page = base.page_from_pack(key)?;
        let named = page
            .pieces()
            .filter_map(|p| child_key(key, page.level(), p.content));
        named.for_each(|child| *counts.entry(child).or_insert(0) += 1);
    }
    Ok(counts)
}

/// Removes rows in one transaction, unless somebody has come to need them.
fn remove(
    base: &Base,
    dying: &[(ChunkKey, BTreeMap<ChunkKey, u64>)],
    report: &mut GcReport,
) -> Result<()> {
    let sweep = base.leases.sweep();
    let (chunks, bytes, leased) = base.kv.write(Durability::Later, |put| {
        let (mut chunks, mut bytes, mut leased) = (0u64, 0u64, 0u64);
        let mut live = LiveChanges::default();
        for (key, children) in dying {
            let Some(row) = places::chunk(put, key)?.filter(|row| row.refs == 0) else {
                continue;
            };
            if sweep.is_leased(key) {
                leased += 1;
                continue;
            }
            places::delete_chunk(put, key)?;
            live.remove(key, &row);
            chunks += 1;
            bytes += u64::from(row.len_bytes);
            for (child, count) in children {
                give_back(put, child, *count)?;
            }
        }
        live.write(put)?;
        Ok((chunks, bytes, leased))
    })?;
    report.swept_chunks += chunks;
    report.swept_bytes += bytes;
    report.leased_chunks += leased;
    Ok(())
}
