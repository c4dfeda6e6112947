//! Walking the leaves of a manifest, with the places of their pieces at hand.

use std::sync::Arc;

use super::reader::Opened;
use crate::base::{CachedPage, Found};
use crate::error::{Error, Result};
use crate::id::{ChunkId, ChunkKey};
use crate::manifest::Content;

/// Most pieces whose places are looked up at once.
const PIECES_AT_ONCE: usize = 256;

/// The way along the pieces of an image, up to where somebody reads.
#[derive(Debug)]
pub(super) struct Walk {
    pub(super) opened: Arc<Opened>,
    /// Where in the image it ends.
    pub(super) end: u64,
    leaf: Option<Leaf>,
}

/// A leaf, and where its pieces lie as far as that is known.
#[derive(Debug)]
pub(super) struct Leaf {
    pub(super) key: ChunkKey,
    pub(super) page: Arc<CachedPage>,
    /// Where in the image it starts.
    pub(super) start: u64,
    /// Pieces whose places are at hand: index of the first, and the places.
    first: usize,
    found: Vec<Option<Found>>,
}

impl Walk {
    pub(super) fn new(opened: Arc<Opened>, end: u64) -> Self {
        Self {
            opened,
            end,
            leaf: None,
        }
    }

    /// Makes the leaf that holds a byte of the image the current one; returns the index of the
    /// piece that holds it.
    pub(super) fn seek(&mut self, position: u64) -> Result<usize> {
        let holds = |leaf: &Leaf| {
            let end = leaf.start + leaf.page.page().len_bytes();
            (leaf.start..end).contains(&position)
        };
        if !self.leaf.as_ref().is_some_and(holds) {
            let (key, page, start) = self.opened.leaf_at(position)?;
            self.leaf = Some(Leaf {
                key,
                page,
                start,
                first: 0,
                found: Vec::new(),
            });
        }
        let leaf = self.leaf();
        let index = leaf.page.page().piece_at(position - leaf.start);
        Ok(index.expect("the leaf holds the position"))
    }

    /// Returns the leaf that was sought last.
    pub(super) fn leaf(&self) -> &Leaf {
        self.leaf.as_ref().expect("one was sought before")
    }

    /// Looks up where a piece of the leaf lies, and the ones behind it as well.
    pub(super) fn look_up(&mut self, index: usize) -> Result<()> {
        let leaf = self.leaf.as_mut().expect("one was sought before");
        let at_hand = leaf.first..leaf.first + leaf.found.len();
        if !at_hand.contains(&index) {
            let page = leaf.page.page();
            let last = page
                .piece_at(self.end - 1 - leaf.start)
                .unwrap_or(page.piece_count() - 1);
            let pieces = index..(last + 1).min(index + PIECES_AT_ONCE);
            let base = &self.opened.base;
            let one = index..index + 1;
            leaf.found = match base.pieces(&leaf.key, &leaf.page, pieces) {
                // One of those behind it is lost or out of reach, which is no matter yet.
                Err(error) if error.is_unreadable() => base.pieces(&leaf.key, &leaf.page, one)?,
                found => found?,
            };
            leaf.first = index;
        }
        Ok(())
    }

    /// Looks a piece up again whose bytes are not as they should be; `false` if it lies nowhere
    /// else.
    pub(super) fn look_elsewhere(&mut self, index: usize) -> Result<bool> {
        self.look_up(index)?;
        let base = &self.opened.base;
        let leaf = self.leaf.as_mut().expect("one was sought before");
        let before = leaf.found(index)?;
        let Some(found) = base.elsewhere(&leaf.key, &leaf.page, index, before)? else {
            return Ok(false);
        };
        leaf.found[index - leaf.first] = Some(found);
        Ok(true)
    }
}

impl Leaf {
    /// Returns where a piece lies that was looked up.
    pub(super) fn found(&self, index: usize) -> Result<&Found> {
        let found = index
            .checked_sub(self.first)
            .and_then(|at| self.found.get(at)?.as_ref());
        found.ok_or_else(|| Error::corrupt("a zero run where data should be"))
    }

    /// Returns the identity of a piece of data.
    pub(super) fn id(&self, index: usize) -> Result<ChunkId> {
        match self.page.page().piece(index) {
            Some((Content::Own(id) | Content::Public(id), _)) => Ok(id),
            _ => Err(Error::corrupt("a zero run where data should be")),
        }
    }

    /// Returns the piece `index` and those behind it that lie back to back in the same pack, as
    /// far as they were looked up and begin before `until` in the pack.
    pub(super) fn run(&self, index: usize, until: u64) -> &[Option<Found>] {
        let behind = &self.found[index - self.first..];
        let touches = |pair: &&[Option<Found>]| match pair {
            [Some(one), Some(next)] => {
                let end = one.place.range().end;
                next.place.offset == end && end < until && Arc::ptr_eq(&one.pack, &next.pack)
            }
            _ => false,
        };
        let more = behind.windows(2).take_while(touches).count();
        &behind[..=more]
    }
}
