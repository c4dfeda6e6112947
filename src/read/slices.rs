//! The iterator over a range.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use super::ahead::Ahead;
use super::leaf::Walk;
use super::reader::{Opened, ReadMode, ReadOptions};
use crate::base::Found;
use crate::chunk::{Pack, Place, Verify};
use crate::error::{Error, Result};
use crate::id::ChunkId;
use crate::manifest::Content;

/// Longest slice, in bytes: what is proved before its first byte is handed out.
const SLICE_MAX_BYTES: u64 = 4 << 20;
/// Longest slice of those that are handed out where nothing may block, in bytes.
#[cfg(feature = "tokio")]
const AT_HAND_MAX_BYTES: u64 = 1 << 20;
/// How far apart it is asked whether a slice is in memory, in bytes.
#[cfg(feature = "tokio")]
const PROBE_BYTES: usize = 128 << 10;
/// How far hints reach ahead of long ranges, in bytes.
const HINT_BYTES: u64 = 16 << 20;
/// How far beyond a slice other threads read and prove, in bytes.
const AHEAD_BYTES: u64 = 4 << 20;

static ZEROS: [u8; 1 << 20] = [0; 1 << 20];

/// The bytes of a range, in order. Ends after the first error.
#[derive(Debug)]
pub struct Slices {
    walk: Walk,
    position: u64,
    end: u64,
    /// Whether the range is long enough to be read ahead.
    long: bool,
    /// Up to where in which pack hints were given.
    hinted: (u64, u64),
    /// What other threads do for this one.
    ahead: Option<Ahead>,
    /// Whether slices are brought into memory before they are handed out.
    #[cfg(feature = "tokio")]
    resident: bool,
    /// Whether the next slice is known to be in memory.
    #[cfg(feature = "tokio")]
    at_hand: bool,
}

impl Slices {
    pub(super) fn new(opened: Arc<Opened>, range: Range<u64>) -> Self {
        let long = range.end - range.start > SLICE_MAX_BYTES;
        Self {
            walk: Walk::new(opened, range.end),
            position: range.start,
            end: range.end,
            long,
            hinted: (0, 0),
            ahead: None,
            #[cfg(feature = "tokio")]
            resident: false,
            #[cfg(feature = "tokio")]
            at_hand: false,
        }
    }

    /// Brings each slice into memory before it is handed out, so that its reader faults no pages
    /// from the disk.
    #[cfg(feature = "tokio")]
    pub(crate) fn resident(mut self) -> Self {
        self.resident = true;
        self
    }

    /// Tells whether the next slice waits for no disk and is proved already, so that it may be
    /// taken where nothing may block.
    #[cfg(feature = "tokio")]
    pub(crate) fn is_at_hand(&mut self) -> bool {
        // What goes wrong is met again by who takes the slice.
        self.at_hand = self.look_at_hand().unwrap_or(false);
        self.at_hand
    }

    #[cfg(feature = "tokio")]
    fn look_at_hand(&mut self) -> Result<bool> {
        if self.position >= self.end || !self.walk.opened.is_leaf_at_hand(self.position) {
            return Ok(self.position >= self.end);
        }
        let index = self.walk.seek(self.position)?;
        let leaf = self.walk.leaf();
        let piece = leaf.page.page().piece(index);
        let (content, range) = piece.expect("the index was found in this page");
        let skip = self.position - (leaf.start + range.start);
        if content == Content::Zero {
            return Ok(true);
        }
        self.walk.look_up(index)?;
        let (leaf, verify) = (self.walk.leaf(), self.walk.opened.options.verify);
        let first = leaf.found(index)?;
        let from = first.place.offset + skip;
        let wanted = from + (self.end - self.position).min(self.slice_max());
        let run = leaf.run(index, wanted);
        let is_proved = |chunk: &Found| chunk.pack.is_proved(chunk.place, verify);
        let end = end_of(run, first).min(wanted);
        let mut probes = (from..end).step_by(PROBE_BYTES).chain([end - 1]);
        Ok(run.iter().flatten().all(is_proved) && probes.all(|at| first.pack.is_cached(at)))
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
        let slice = self.slice_of_any_copy();
        #[cfg(feature = "tokio")]
        {
            self.at_hand = false;
        }
        match &slice {
            Ok(bytes) => self.position += bytes.len() as u64,
            Err(_) => self.position = self.end,
        }
        slice.map(Some)
    }

    /// Returns the slice at the position, from another copy of the image where this one fails.
    fn slice_of_any_copy(&mut self) -> Result<Bytes> {
        loop {
            let error = match self.slice_at_position() {
                Err(error) => error,
                done => return done,
            };
            let Some(other) = self.walk.opened.elsewhere(&error) else {
                return Err(error);
            };
            self.walk = Walk::new(other, self.end);
            (self.hinted, self.ahead) = ((0, 0), None);
        }
    }

    fn slice_at_position(&mut self) -> Result<Bytes> {
        let index = self.walk.seek(self.position)?;
        let leaf = self.walk.leaf();
        let piece = leaf.page.page().piece(index);
        let (content, range) = piece.expect("the index was found in this page");
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

    /// Returns data from where it was last found, or, if that is damaged, from where a copy that
    /// was stored since is.
    fn data_or_elsewhere(&mut self, index: usize, id: ChunkId, start: u64) -> Result<Bytes> {
        match self.data(index, id, start) {
            Err(error) if error.is_unreadable() => {
                if self.walk.look_elsewhere(index)? {
                    return self.data(index, id, start);
                }
                Err(error)
            }
            done => done,
        }
    }

    /// Returns a slice that begins with the piece `index`, which starts at `start` in the image.
    fn data(&mut self, index: usize, id: ChunkId, start: u64) -> Result<Bytes> {
        self.walk.look_up(index)?;
        if self.long {
            self.look_ahead(index)?;
        }
        let (skip, options) = (self.position - start, self.walk.opened.options);
        let leaf = self.walk.leaf();
        let found = leaf.found(index)?;
        let pack = &found.pack;
        let Some(bytes) = pack.mapped().filter(|_| options.mode == ReadMode::Map) else {
            return self.copied_part(found, &id, skip);
        };
        let from = found.place.offset + skip;
        let wanted = from + (self.end - self.position).min(self.slice_max());
        let mut run = leaf.run(index, wanted);
        let is_proved = |chunk: &Found| pack.is_proved(chunk.place, options.verify);
        let run_end = end_of(run, found);
        if !run.iter().flatten().all(is_proved) {
            if pack.bring(found.place.offset..run_end).is_err() {
                // The medium fails somewhere in the run: what is whole before that is handed out.
                run = &run[..1];
                pack.bring(found.place.range())?;
            }
        } else if !self.long && !self.is_known_at_hand() {
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
        if self.resident && !self.at_hand {
            pack.populate(from..end)?;
        }
        let place = |offset: u64| {
            usize::try_from(offset).map_err(|_| Error::corrupt("offset beyond the address space"))
        };
        Ok(bytes.slice(place(from)?..place(end)?))
    }

    /// Lets other threads read and prove what a long range needs, where that is to be done.
    fn look_ahead(&mut self, index: usize) -> Result<()> {
        let leaf = self.walk.leaf();
        let found = leaf.found(index)?;
        let ReadOptions { verify, mode } = self.walk.opened.options;
        if found.pack.mapped().is_none() || mode != ReadMode::Map {
            return Ok(());
        }
        if verify == Verify::Always || self.is_resident() {
            let rest = self.end - self.position;
            self.hinted = read_ahead(self.hinted, &found.pack, found.place.offset, rest);
            return Ok(());
        }
        let run = leaf.run(index, found.place.offset + SLICE_MAX_BYTES);
        let range = found.place.offset..end_of(run, found);
        let is_proved = |chunk: &Found| chunk.pack.is_proved(chunk.place, verify);
        let opened = &self.walk.opened;
        if self.ahead.is_none() {
            let is_cached = found.pack.is_cached(range.end - 1);
            if is_cached && run.iter().flatten().all(is_proved) {
                return Ok(());
            }
            let walk = Walk::new(Arc::clone(opened), self.end);
            self.ahead = Some(Ahead::new(walk, self.position, is_cached));
        }
        let Some(ahead) = &mut self.ahead else {
            return Ok(());
        };
        let until = self.position + SLICE_MAX_BYTES + AHEAD_BYTES;
        let goes_on = ahead.advance(until);
        ahead.wait(found.pack.id(), &range);
        if !goes_on {
            self.ahead = None;
        }
        Ok(())
    }

    /// Tells whether slices are brought into memory for an asynchronous caller, on a thread that
    /// must not wait for another of its kind.
    fn is_resident(&self) -> bool {
        #[cfg(feature = "tokio")]
        return self.resident;
        #[cfg(not(feature = "tokio"))]
        false
    }

    /// Tells whether the next slice was just found to be in memory.
    fn is_known_at_hand(&self) -> bool {
        #[cfg(feature = "tokio")]
        return self.at_hand;
        #[cfg(not(feature = "tokio"))]
        false
    }

    /// Returns the length of the longest slice, in bytes.
    fn slice_max(&self) -> u64 {
        #[cfg(feature = "tokio")]
        if self.resident {
            return AT_HAND_MAX_BYTES;
        }
        SLICE_MAX_BYTES
    }

    /// Returns the rest of a chunk from memory of its own.
    fn copied_part(&self, found: &Found, id: &ChunkId, skip: u64) -> Result<Bytes> {
        let verify = self.walk.opened.options.verify;
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

/// Returns where in its pack a run ends.
fn end_of(run: &[Option<Found>], first: &Found) -> u64 {
    let last = run.last().and_then(Option::as_ref).unwrap_or(first);
    last.place.range().end
}

/// Asks for what a long range will need next; returns up to where in which pack was asked.
fn read_ahead(asked: (u64, u64), pack: &Pack, from: u64, rest: u64) -> (u64, u64) {
    let number = pack.id().0;
    let start = match asked {
        (pack, until) if pack == number => until.max(from),
        _ => from,
    };
    let limit = (from + rest).min(pack.len_bytes());
    let until = limit.min(from + HINT_BYTES);
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
