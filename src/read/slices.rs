//! The iterator over a range.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use super::reader::{ReadMode, Reader};
use crate::base::{CachedPage, Found};
use crate::chunk::Place;
use crate::error::{Error, ErrorKind, Result};
use crate::id::{ChunkId, ChunkKey};
use crate::manifest::Content;

/// Longest slice, in bytes: what is proved before its first byte is handed out.
const SLICE_MAX_BYTES: u64 = 4 << 20;
/// How far long ranges are read ahead, in bytes.
const AHEAD_BYTES: u64 = 8 << 20;
/// Most pieces whose places are looked up at once.
const PIECES_AT_ONCE: usize = 256;

static ZEROS: [u8; 1 << 20] = [0; 1 << 20];

/// The bytes of a range, in order. Ends after the first error.
#[derive(Debug)]
pub struct Slices {
    reader: Reader,
    position: u64,
    end: u64,
    leaf: Option<Leaf>,
    /// Whether the range is long enough to be read ahead.
    long: bool,
    /// Up to where in which pack bytes were asked for ahead.
    ahead: (u64, u64),
    /// Whether slices are brought into memory before they are handed out.
    #[cfg(feature = "tokio")]
    resident: bool,
}

#[derive(Debug)]
struct Leaf {
    key: ChunkKey,
    page: Arc<CachedPage>,
    start: u64,
    /// Pieces whose places are at hand: index of the first, and the places.
    first: usize,
    found: Vec<Option<Found>>,
}

impl Slices {
    pub(super) fn new(reader: Reader, range: Range<u64>) -> Self {
        let long = range.end - range.start > SLICE_MAX_BYTES;
        Self {
            reader,
            position: range.start,
            end: range.end,
            leaf: None,
            long,
            ahead: (0, 0),
            #[cfg(feature = "tokio")]
            resident: false,
        }
    }

    /// Brings each slice into memory before it is handed out, so that its reader faults no pages
    /// from the disk.
    #[cfg(feature = "tokio")]
    pub(crate) fn resident(mut self) -> Self {
        self.resident = true;
        self
    }

    /// Returns the number of bytes that are still to come.
    pub fn remaining_bytes(&self) -> u64 {
        self.end - self.position
    }

    /// Returns the next slice; `None` at the end.
    ///
    /// # Errors
    /// `Corrupt` where stored bytes are damaged, `Unavailable` where the store fails.
    pub fn next_slice(&mut self) -> Result<Option<Bytes>> {
        if self.position >= self.end {
            return Ok(None);
        }
        let slice = self.slice_at_position();
        match &slice {
            Ok(bytes) => self.position += bytes.len() as u64,
            Err(_) => self.position = self.end,
        }
        slice.map(Some)
    }

    fn slice_at_position(&mut self) -> Result<Bytes> {
        self.seek_leaf()?;
        let leaf = self.leaf.as_ref().expect("it was found just above");
        let page = leaf.page.page();
        let index = page
            .piece_at(self.position - leaf.start)
            .expect("the leaf holds the position");
        let (content, range) = page.piece(index).expect("the index was found in this page");
        let (start, end) = (leaf.start + range.start, leaf.start + range.end);
        match content {
            Content::Zero => {
                let len = (end.min(self.end) - self.position).min(ZEROS.len() as u64);
                let len = usize::try_from(len).expect("at most the length of the zeros");
                Ok(Bytes::from_static(&ZEROS[..len]))
            }
            Content::Own(id) | Content::Public(id) => self.data_or_elsewhere(index, id, start),
        }
    }

    /// Makes the leaf that holds the position the current one.
    fn seek_leaf(&mut self) -> Result<()> {
        let holds = |leaf: &Leaf| {
            let end = leaf.start + leaf.page.page().len_bytes();
            (leaf.start..end).contains(&self.position)
        };
        if !self.leaf.as_ref().is_some_and(holds) {
            let (key, page, start) = self.reader.leaf_at(self.position)?;
            self.leaf = Some(Leaf {
                key,
                page,
                start,
                first: 0,
                found: Vec::new(),
            });
        }
        Ok(())
    }

    /// Returns data from where it was last found, or, if that is damaged, from where a copy that
    /// was stored since is.
    fn data_or_elsewhere(&mut self, index: usize, id: ChunkId, start: u64) -> Result<Bytes> {
        let error = match self.data(index, id, start) {
            Err(error) if error.kind() == ErrorKind::Corrupt => error,
            done => return done,
        };
        let before = self.found(index)?;
        let leaf = self.leaf.as_mut().expect("data is read from a leaf");
        match self
            .reader
            .base
            .elsewhere(&leaf.key, &leaf.page, index, &before)?
        {
            None => Err(error),
            Some(found) => {
                leaf.found[index - leaf.first] = Some(found);
                self.data(index, id, start)
            }
        }
    }

    /// Returns a slice that begins with the piece `index`, which starts at `start` in the image.
    fn data(&mut self, index: usize, id: ChunkId, start: u64) -> Result<Bytes> {
        let (skip, options) = (self.position - start, self.reader.options);
        let found = self.found(index)?;
        if options.mode == ReadMode::Copy || found.pack.mapped().is_none() {
            return self.copied_part(&found, &id, skip);
        }
        let from = found.place.offset + skip;
        self.read_ahead(&found, from);
        let wanted = (self.end - self.position).min(SLICE_MAX_BYTES);
        let first_end = found.place.range().end;
        let proved = found.pack.is_proved(found.place, options.verify);
        found.pack.chunk(found.place, &id, options.verify)?;
        let mut end = first_end;
        let mut next = index + 1;
        while end - from < wanted {
            let Some(neighbour) = self.neighbour(next, &found, end)? else {
                break;
            };
            end = neighbour;
            next += 1;
        }
        let end = end.min(from + wanted);
        if proved && !self.long {
            found.pack.will_need(from..end);
        }
        #[cfg(feature = "tokio")]
        if self.resident {
            found.pack.populate(from..end)?;
        }
        let place = |offset: u64| {
            usize::try_from(offset).map_err(|_| Error::corrupt("offset beyond the address space"))
        };
        let bytes = found.pack.mapped().expect("it was there just above");
        Ok(bytes.slice(place(from)?..place(end)?))
    }

    /// Proves the piece `index` if it lies in the same pack at `end`, and returns where it ends.
    fn neighbour(&mut self, index: usize, before: &Found, end: u64) -> Result<Option<u64>> {
        let leaf = self.leaf.as_ref().expect("data is read from a leaf");
        let Some((content, range)) = leaf.page.page().piece(index) else {
            return Ok(None);
        };
        if leaf.start + range.start >= self.end {
            return Ok(None);
        }
        let (Content::Own(id) | Content::Public(id)) = content else {
            return Ok(None);
        };
        let found = self.found(index)?;
        if !Arc::ptr_eq(&found.pack, &before.pack) || found.place.offset != end {
            return Ok(None);
        }
        // A damaged neighbour ends the slice; its error comes with its own bytes.
        let verify = self.reader.options.verify;
        let proved = found.pack.chunk(found.place, &id, verify).is_ok();
        Ok(proved.then(|| found.place.range().end))
    }

    /// Returns where a piece of the current leaf lies, looking up the ones behind it as well.
    fn found(&mut self, index: usize) -> Result<Found> {
        let leaf = self.leaf.as_mut().expect("data is read from a leaf");
        let at_hand = leaf.first..leaf.first + leaf.found.len();
        if !at_hand.contains(&index) {
            let page = leaf.page.page();
            let last = page
                .piece_at(self.end - 1 - leaf.start)
                .unwrap_or(page.piece_count() - 1);
            let pieces = index..(last + 1).min(index + PIECES_AT_ONCE);
            leaf.found = self.reader.base.pieces(&leaf.key, &leaf.page, pieces)?;
            leaf.first = index;
        }
        leaf.found[index - leaf.first]
            .clone()
            .ok_or_else(|| Error::corrupt("a zero run where data should be"))
    }

    /// Returns the rest of a chunk from memory of its own.
    fn copied_part(&self, found: &Found, id: &ChunkId, skip: u64) -> Result<Bytes> {
        let verify = self.reader.options.verify;
        let len = (u64::from(found.place.len_bytes) - skip).min(self.end - self.position);
        if found.pack.is_proved(found.place, verify) {
            let place = Place {
                offset: found.place.offset + skip,
                ..found.place
            };
            let mut buf = vec![0; usize::try_from(len).expect("at most one chunk")];
            found.pack.read_into(&mut buf, place.offset)?;
            return Ok(buf.into());
        }
        let bytes = found.pack.chunk_copied(found.place, id, verify)?;
        let skip = usize::try_from(skip).expect("less than one chunk");
        Ok(bytes.slice(skip..skip + usize::try_from(len).expect("at most one chunk")))
    }

    /// Asks for what a long range will need next.
    fn read_ahead(&mut self, found: &Found, from: u64) {
        if !self.long {
            return;
        }
        let pack = found.pack.id().0;
        if self.ahead.0 != pack || self.ahead.1 < from + AHEAD_BYTES / 2 {
            let rest = (self.end - self.position).min(AHEAD_BYTES);
            let start = if self.ahead.0 == pack {
                self.ahead.1.max(from)
            } else {
                from
            };
            let until = (from + rest).min(found.pack.len_bytes());
            if start < until {
                found.pack.will_need(start..until);
            }
            self.ahead = (pack, until);
        }
    }
}

impl Iterator for Slices {
    type Item = Result<Bytes>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_slice().transpose()
    }
}

impl std::iter::FusedIterator for Slices {}
