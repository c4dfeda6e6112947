//! The iterator over a range.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use super::reader::{Opened, ReadMode};
use crate::base::{CachedPage, Found};
use crate::chunk::{Pack, Place};
use crate::error::{Error, Result};
use crate::id::{ChunkId, ChunkKey};
use crate::manifest::Content;

/// Longest slice, in bytes: what is proved before its first byte is handed out.
const SLICE_MAX_BYTES: u64 = 4 << 20;
/// How far long ranges are read ahead, in bytes.
const AHEAD_BYTES: u64 = 16 << 20;
/// Most pieces whose places are looked up at once.
const PIECES_AT_ONCE: usize = 256;

static ZEROS: [u8; 1 << 20] = [0; 1 << 20];

/// The bytes of a range, in order. Ends after the first error.
#[derive(Debug)]
pub struct Slices {
    opened: Arc<Opened>,
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
    pub(super) fn new(opened: Arc<Opened>, range: Range<u64>) -> Self {
        let long = range.end - range.start > SLICE_MAX_BYTES;
        Self {
            opened,
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
            let (key, page, start) = self.opened.leaf_at(self.position)?;
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
            Err(error) if error.is_unreadable() => error,
            done => return done,
        };
        self.look_up(index)?;
        let base = &self.opened.base;
        let leaf = self.leaf.as_mut().expect("data is read from a leaf");
        let before = leaf.found(index)?;
        match base.elsewhere(&leaf.key, &leaf.page, index, before)? {
            None => Err(error),
            Some(found) => {
                leaf.found[index - leaf.first] = Some(found);
                self.data(index, id, start)
            }
        }
    }

    /// Returns a slice that begins with the piece `index`, which starts at `start` in the image.
    fn data(&mut self, index: usize, id: ChunkId, start: u64) -> Result<Bytes> {
        self.look_up(index)?;
        let (skip, options) = (self.position - start, self.opened.options);
        let leaf = self.leaf.as_ref().expect("data is read from a leaf");
        let found = leaf.found(index)?;
        let pack = &found.pack;
        let Some(bytes) = pack.mapped().filter(|_| options.mode == ReadMode::Map) else {
            return self.copied_part(found, &id, skip);
        };
        let from = found.place.offset + skip;
        let rest = self.end - self.position;
        let wanted = from + rest.min(SLICE_MAX_BYTES);
        if self.long {
            self.ahead = read_ahead(self.ahead, pack, from, rest);
        }
        let mut run = leaf.run(index, wanted);
        let is_proved = |chunk: &Found| pack.is_proved(chunk.place, options.verify);
        let last = run.last().and_then(Option::as_ref).unwrap_or(found);
        let run_end = last.place.range().end;
        if !run.iter().flatten().all(is_proved) {
            if pack.bring(found.place.offset..run_end).is_err() {
                // The medium fails somewhere in the run: what is whole before that is handed out.
                run = &run[..1];
                pack.bring(found.place.range())?;
            }
        } else if !self.long {
            pack.will_need(from..run_end.min(wanted));
        }
        let mut end = from;
        for (at, chunk) in run.iter().flatten().enumerate() {
            match pack.check(chunk.place, &leaf.id(index + at)?, options.verify) {
                Ok(()) => end = chunk.place.range().end.min(wanted),
                Err(error) if at == 0 => return Err(error),
                // The next slice begins with it.
                Err(_) => break,
            }
        }
        #[cfg(feature = "tokio")]
        if self.resident {
            pack.populate(from..end)?;
        }
        let place = |offset: u64| {
            usize::try_from(offset).map_err(|_| Error::corrupt("offset beyond the address space"))
        };
        Ok(bytes.slice(place(from)?..place(end)?))
    }

    /// Looks up where a piece of the current leaf lies, and the ones behind it as well.
    fn look_up(&mut self, index: usize) -> Result<()> {
        let leaf = self.leaf.as_mut().expect("data is read from a leaf");
        let at_hand = leaf.first..leaf.first + leaf.found.len();
        if !at_hand.contains(&index) {
            let page = leaf.page.page();
            let last = page
                .piece_at(self.end - 1 - leaf.start)
                .unwrap_or(page.piece_count() - 1);
            let pieces = index..(last + 1).min(index + PIECES_AT_ONCE);
            leaf.found = self.opened.base.pieces(&leaf.key, &leaf.page, pieces)?;
            leaf.first = index;
        }
        Ok(())
    }

    /// Returns the rest of a chunk from memory of its own.
    fn copied_part(&self, found: &Found, id: &ChunkId, skip: u64) -> Result<Bytes> {
        let verify = self.opened.options.verify;
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
}

impl Leaf {
    /// Returns where a piece lies that was looked up.
    fn found(&self, index: usize) -> Result<&Found> {
        let found = index
            .checked_sub(self.first)
            .and_then(|at| self.found.get(at)?.as_ref());
        found.ok_or_else(|| Error::corrupt("a zero run where data should be"))
    }

    /// Returns the identity of a piece of data.
    fn id(&self, index: usize) -> Result<ChunkId> {
        match self.page.page().piece(index) {
            Some((Content::Own(id) | Content::Public(id), _)) => Ok(id),
            _ => Err(Error::corrupt("a zero run where data should be")),
        }
    }

    /// Returns the piece `index` and those behind it that lie back to back in the same pack, as
    /// far as they were looked up and begin before `until` in the pack.
    fn run(&self, index: usize, until: u64) -> &[Option<Found>] {
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

/// Asks for what a long range will need next; returns up to where in which pack was asked.
fn read_ahead(asked: (u64, u64), pack: &Pack, from: u64, rest: u64) -> (u64, u64) {
    let number = pack.id().0;
    let start = match asked {
        (pack, until) if pack == number => until.max(from),
        _ => from,
    };
    let limit = (from + rest).min(pack.len_bytes());
    let until = limit.min(from + AHEAD_BYTES);
    if start >= until || (until < limit && until - start < SLICE_MAX_BYTES) {
        return (number, start);
    }
    pack.will_need(start..until);
    (number, until)
}

impl Iterator for Slices {
    type Item = Result<Bytes>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_slice().transpose()
    }
}

impl std::iter::FusedIterator for Slices {}
