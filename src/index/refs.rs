//! References: how pages of a manifest come to hold what they name, and how uploads hold pages.
//!
//! A row counts the pages that name a chunk, as often as they name it, the images that name a
//! root, and the holds of uploads that run. A page takes its references when its own row is made,
//! and gives them back when that row is swept.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;

use super::kv::{Put, Table};
use super::places::{self, LiveChanges};
use super::rows::ChunkRow;
use crate::error::{Error, ErrorCode, Result};
use crate::id::{CHUNK_KEY_LEN_BYTES, ChunkId, ChunkKey, ChunkKind, PackId};
use crate::manifest::Content;

/// Domain of what public images hold.
pub(crate) const PUBLIC_DOMAIN: u32 = 0;

/// A page that an upload has built, with its place if its bytes were written by this upload.
#[derive(Debug)]
pub(crate) struct BuiltPage {
    pub(crate) id: ChunkId,
    pub(crate) level: u8,
    pub(crate) children: Vec<Content>,
    pub(crate) written: Option<Written>,
}

/// Where an upload has written a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) pack: PackId,
    pub(crate) offset: u64,
    pub(crate) len_bytes: u32,
    /// Whether a copy that is there already is damaged, so that this one takes its place.
    pub(crate) replaces: bool,
}

impl Written {
    fn row(&self, refs: u64) -> ChunkRow {
        let Self {
            pack,
            offset,
            len_bytes,
            ..
        } = *self;
        ChunkRow {
            pack: pack.0,
            offset,
            len_bytes,
            refs,
        }
    }

    /// Returns a row as it becomes: moved here if the copy that it names is damaged.
    fn mend(&self, row: ChunkRow) -> ChunkRow {
        if self.replaces {
            self.row(row.refs)
        } else {
            row
        }
    }
}

/// Where an upload puts pages: its number, and the store and domain of its data.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Target {
    pub(crate) session: u64,
    pub(crate) store: u16,
    pub(crate) domain: u32,
}

impl Target {
    /// Returns the key of a page, or of data in the domain of the upload.
    pub(crate) fn key(&self, kind: ChunkKind, id: ChunkId) -> ChunkKey {
        ChunkKey {
            store: self.store,
            domain: self.domain,
            kind,
            id,
        }
    }

    /// Returns the key of what a page of this upload names.
    pub(crate) fn child(&self, level: u8, content: Content) -> Option<ChunkKey> {
        child_key(&self.key(ChunkKind::Page, ChunkId([0; 32])), level, content)
    }
}

/// Returns the key of what a page names, by the key and level of the page.
pub(crate) fn child_key(page: &ChunkKey, level: u8, content: Content) -> Option<ChunkKey> {
    let kind = if level > 0 {
        ChunkKind::Page
    } else {
        ChunkKind::Data
    };
    match content {
        Content::Zero => None,
        Content::Own(id) => Some(ChunkKey { kind, id, ..*page }),
        Content::Public(id) => Some(ChunkKey {
            kind,
            id,
            domain: PUBLIC_DOMAIN,
            ..*page
        }),
    }
}

/// Names pages and the data under them, children first; the upload holds each page until a parent
/// takes it over.
///
/// `written` tells where the upload has written data. A row that is there already wins: then the
/// bytes of this upload are garbage of their pack.
pub(crate) fn name_pages(
    put: &mut dyn Put,
    target: Target,
    pages: &[BuiltPage],
    written: &HashMap<ChunkId, Written>,
) -> Result<()> {
    let mut naming = Naming {
        put,
        target,
        written,
        rows: BTreeMap::new(),
        holds: BTreeMap::new(),
    };
    pages.iter().try_for_each(|page| naming.page(page))?;
    naming.write()
}

struct Naming<'a> {
    put: &'a mut dyn Put,
    target: Target,
    written: &'a HashMap<ChunkId, Written>,
    /// Rows as they were and as they become; none before means that the row is new.
    rows: BTreeMap<ChunkKey, (Option<ChunkRow>, Option<ChunkRow>)>,
    holds: BTreeMap<ChunkKey, i64>,
}

impl Naming<'_> {
    fn row(&mut self, key: &ChunkKey) -> Result<&mut Option<ChunkRow>> {
        if !self.rows.contains_key(key) {
            let row = places::chunk(self.put, key)?;
            self.rows.insert(*key, (row, row));
        }
        let (_, now) = self.rows.get_mut(key).expect("it was inserted just above");
        Ok(now)
    }

    fn page(&mut self, page: &BuiltPage) -> Result<()> {
        let key = self.target.key(ChunkKind::Page, page.id);
        *self.holds.entry(key).or_insert(0) += 1;
        let before = self.row(&key)?;
        if let Some(row) = before.as_mut().filter(|row| !row.is_lost()) {
            *row = page.written.map_or(*row, |written| written.mend(*row));
            row.refs += 1;
            return page.children.iter().try_for_each(|child| match page.level {
                0 => self.mend(page, *child),
                _ => self.let_go(page, *child),
            });
        }
        let written = page.written.ok_or_else(|| vanished(&key))?;
        // A lost page held nothing of what it names, so it takes its references like a new one.
        let others = before.as_ref().map_or(0, |lost| lost.refs);
        *before = Some(written.row(others + 1));
        page.children
            .iter()
            .try_for_each(|child| self.take(page, *child))
    }

    /// A new page takes a reference to a child.
    fn take(&mut self, page: &BuiltPage, child: Content) -> Result<()> {
        let Some(key) = self.target.child(page.level, child) else {
            return Ok(());
        };
        if page.level > 0 {
            // The hold of the upload becomes the reference of the page.
            *self.holds.entry(key).or_insert(0) -= 1;
            return Ok(());
        }
        let written = self.written.get(&key.id).copied();
        let own = key.domain == self.target.domain;
        let row = self.row(&key)?;
        match (row.as_mut(), written) {
            (Some(row), Some(written)) if own => {
                *row = ChunkRow {
                    refs: row.refs + 1,
                    ..written.mend(*row)
                };
            }
            (Some(row), _) => row.refs += 1,
            (None, Some(written)) if own => *row = Some(written.row(1)),
            _ => return Err(vanished(&key)),
        }
        Ok(())
    }

    /// A page that is there already names data of which this upload has a whole copy and the index
    /// a damaged one.
    fn mend(&mut self, page: &BuiltPage, child: Content) -> Result<()> {
        let Some(key) = self.target.child(page.level, child) else {
            return Ok(());
        };
        let written = self.written.get(&key.id).copied();
        let own = key.domain == self.target.domain;
        if let Some(written) = written.filter(|written| own && written.replaces)
            && let Some(row) = self.row(&key)?
        {
            *row = written.mend(*row);
        }
        Ok(())
    }

    /// A page that is there already holds its children: the upload's own holds end.
    fn let_go(&mut self, page: &BuiltPage, child: Content) -> Result<()> {
        let Some(key) = self.target.child(page.level, child) else {
            return Ok(());
        };
        *self.holds.entry(key).or_insert(0) -= 1;
        let row = self.row(&key)?.as_mut().ok_or_else(|| vanished(&key))?;
        row.refs = row.refs.checked_sub(1).ok_or_else(|| vanished(&key))?;
        Ok(())
    }

    fn write(self) -> Result<()> {
        let mut live = LiveChanges::default();
        for (key, (before, now)) in &self.rows {
            let Some(now) = now.as_ref().filter(|now| before.as_ref() != Some(now)) else {
                continue;
            };
            let moved = before.is_none_or(|b| (b.pack, b.offset) != (now.pack, now.offset));
            if let Some(before) = before.as_ref().filter(|_| moved) {
                live.remove(key, before);
            }
            if moved {
                live.add(key, now);
            }
            places::put_chunk(self.put, key, before.as_ref(), now)?;
        }
        live.write(self.put)?;
        for (key, change) in self.holds {
            change_hold(self.put, self.target.session, &key, change)?;
        }
        Ok(())
    }
}

fn vanished(key: &ChunkKey) -> Error {
    let message = format!(
        "{:?} {} vanished while an upload leased it",
        key.kind, key.id
    );
    Error::new(ErrorCode::Internal, message)
}

fn hold_key(session: u64, key: &ChunkKey) -> [u8; 8 + CHUNK_KEY_LEN_BYTES] {
    let mut bytes = [0; 8 + CHUNK_KEY_LEN_BYTES];
    bytes[..8].copy_from_slice(&session.to_be_bytes());
    bytes[8..].copy_from_slice(&key.to_bytes());
    bytes
}

fn change_hold(put: &mut dyn Put, session: u64, key: &ChunkKey, change: i64) -> Result<()> {
    let bytes = hold_key(session, key);
    let mut count = 0;
    put.get(Table::Holds, &bytes, &mut |value| {
        count = value.try_into().map_or(0, u64::from_le_bytes);
    })?;
    let count = count
        .checked_add_signed(change)
        .ok_or_else(|| vanished(key))?;
    if count == 0 {
        put.delete(Table::Holds, &bytes)
    } else {
        put.put(Table::Holds, &bytes, &count.to_le_bytes())
    }
}

/// Adds a reference to a root that is held already.
pub(crate) fn retain_root(put: &mut dyn Put, root: &ChunkKey) -> Result<()> {
    let before = places::chunk(put, root)?.ok_or_else(|| vanished(root))?;
    let row = ChunkRow {
        refs: before.refs + 1,
        ..before
    };
    places::put_chunk(put, root, Some(&before), &row)
}

/// Ends an upload that became an image: its hold of the root becomes the image's reference.
pub(crate) fn hand_over_root(put: &mut dyn Put, session: u64, root: &ChunkKey) -> Result<()> {
    change_hold(put, session, root, -1)?;
    put.delete(Table::Sessions, &session.to_be_bytes())
}

/// Ends an upload that failed: collection gives back what it held.
pub(crate) fn release_session(put: &mut dyn Put, session: u64) -> Result<()> {
    let (from, to) = (session.to_be_bytes(), (session + 1).to_be_bytes());
    let (from, to) = (Bound::Included(&from[..]), Bound::Excluded(&to[..]));
    let held = places::collect_from(
        put,
        Table::Holds,
        from,
        to,
        usize::MAX,
        &mut |key, value| {
            let count = value.try_into().map_or(0, u64::from_le_bytes);
            Ok((
                places::chunk_key(Table::Holds, key.get(8..).unwrap_or(&[]))?,
                count,
            ))
        },
    )?;
    for (key, count) in held {
        places::release(put, &key, count)?;
        put.delete(Table::Holds, &hold_key(session, &key))?;
    }
    put.delete(Table::Sessions, &session.to_be_bytes())
}
