//! FastCDC behind the face of the block cutter.
//!
//! The algorithm wants the whole reach of a cut (256 KiB) in one piece. What lies across two
//! slices is copied into a buffer of that size; everything else is cut where it lies.

use fastcdc::v2020::{MASKS, cut};

use crate::limits::{CHUNK_AVG_BYTES, CHUNK_MAX_BYTES, CHUNK_MIN_BYTES};

use super::{Cut, is_zero};

/// Masks of normalisation level 1 for an average of 2^16.
const MASK_SMALL: u64 = MASKS[17];
const MASK_LARGE: u64 = MASKS[15];

const _: () = assert!(CHUNK_AVG_BYTES == 1 << 16);

/// Cuts by a rolling hash, at any byte.
#[derive(Debug)]
pub(crate) struct GearCutter {
    /// Bytes behind the last cut; never more than one largest chunk.
    held: Vec<u8>,
    /// Whole chunks of zeros that were cut and not yet said.
    zero_bytes: u64,
}

impl GearCutter {
    pub(super) fn new() -> Self {
        Self {
            held: Vec::new(),
            zero_bytes: 0,
        }
    }

    pub(super) fn feed(&mut self, mut slice: &[u8], emit: &mut dyn FnMut(Cut)) {
        loop {
            if self.held.is_empty() {
                slice = self.cut_in_place(slice, emit);
            }
            let kept = self.held.len();
            let missing = CHUNK_MAX_BYTES - kept;
            if slice.len() < missing {
                self.hold(slice);
                return;
            }
            self.hold(&slice[..missing]);
            let len = cut_len(&self.held);
            self.take(is_zero(&self.held[..len]), len, emit);
            // The bytes just added are cut where they lie as soon as none before them is left.
            self.held.truncate(kept);
            self.held.drain(..len.min(kept));
            slice = &slice[len.saturating_sub(kept)..];
        }
    }

    pub(super) fn skip_zeros(&mut self, len_bytes: u64, emit: &mut dyn FnMut(Cut)) {
        const ZEROS: [u8; 1 << 14] = [0; 1 << 14];
        let mut left = len_bytes;
        while left > 0 {
            if is_zero(&self.held) {
                left = self.skip_chunks(left);
            }
            let part = usize::try_from(left).map_or(ZEROS.len(), |left| left.min(ZEROS.len()));
            self.feed(&ZEROS[..part], emit);
            left -= part as u64;
        }
    }

    pub(super) fn finish(mut self, emit: &mut dyn FnMut(Cut)) {
        let held = std::mem::take(&mut self.held);
        let mut rest = &held[..];
        while !rest.is_empty() {
            let (chunk, after) = rest.split_at(cut_len(rest));
            self.take(is_zero(chunk), chunk.len(), emit);
            rest = after;
        }
        self.say_zeros(emit);
    }

    fn cut_in_place<'a>(&mut self, mut slice: &'a [u8], emit: &mut dyn FnMut(Cut)) -> &'a [u8] {
        while slice.len() >= CHUNK_MAX_BYTES {
            let (chunk, rest) = slice.split_at(cut_len(slice));
            self.take(is_zero(chunk), chunk.len(), emit);
            slice = rest;
        }
        slice
    }

    /// With only zeros held, takes whole chunks out of `held` and `left` more zeros by arithmetic,
    /// while a cut still sees its full reach; returns how many are left to feed.
    fn skip_chunks(&mut self, left: u64) -> u64 {
        let max = CHUNK_MAX_BYTES as u64;
        let total = left.saturating_add(self.held.len() as u64);
        if total < max {
            return left;
        }
        self.held.clear();
        self.held.resize(CHUNK_MAX_BYTES, 0);
        let chunk = cut_len(&self.held) as u64;
        self.held.clear();
        let cut_bytes = ((total - max) / chunk + 1) * chunk;
        self.zero_bytes += cut_bytes;
        total - cut_bytes
    }

    fn hold(&mut self, bytes: &[u8]) {
        if self.held.capacity() < CHUNK_MAX_BYTES && !bytes.is_empty() {
            self.held.reserve_exact(CHUNK_MAX_BYTES - self.held.len());
        }
        self.held.extend_from_slice(bytes);
    }

    fn take(&mut self, zero: bool, len: usize, emit: &mut dyn FnMut(Cut)) {
        if zero {
            self.zero_bytes += len as u64;
        } else {
            self.say_zeros(emit);
            emit(Cut::data(len as u64));
        }
    }

    fn say_zeros(&mut self, emit: &mut dyn FnMut(Cut)) {
        let len_bytes = std::mem::take(&mut self.zero_bytes);
        if len_bytes > 0 {
            emit(Cut::zero(len_bytes));
        }
    }
}

/// Returns the length of the first chunk of `bytes`, which are the reach of a cut or the end of
/// the stream; at least 1 unless `bytes` is empty.
fn cut_len(bytes: &[u8]) -> usize {
    let (min, avg, max) = (CHUNK_MIN_BYTES, CHUNK_AVG_BYTES, CHUNK_MAX_BYTES);
    let (small, large) = (MASK_SMALL, MASK_LARGE);
    cut(bytes, min, avg, max, small, large, small << 1, large << 1).1
}
