//! Cuts on block borders, by the content of single blocks.
//!
//! Each 4 KiB block is tested for zeros; where a cut may fall, it is hashed as well, and the
//! chunk ends behind the block when the hash lies under a bound. Chunks of data have 4 to 64
//! blocks unless zeros or the end of the stream cut them short.

use crate::limits::{BLOCK_LEN_BYTES, CHUNK_AVG_BYTES, CHUNK_MAX_BYTES, CHUNK_MIN_BYTES};

use super::{Cut, Piece, is_zero};

const BLOCK: u64 = BLOCK_LEN_BYTES as u64;
const MIN: u64 = CHUNK_MIN_BYTES as u64;
const MAX: u64 = CHUNK_MAX_BYTES as u64;

/// A block whose hash is below this ends its chunk.
///
/// With probability p = 0.0763164 (1 in 13.10) per block and q = 1 - p, a chunk of random data has
/// `4 + q + q^2 + ... + q^60` blocks in the mean: 16, which is 64 KiB. One in 117 reaches 64.
const CUT_BELOW: u64 = 0x1389_7853_d08a_8c00;

const _: () = assert!(MIN == 4 * BLOCK && MAX == 64 * BLOCK);
const _: () = assert!(CHUNK_AVG_BYTES == 16 * BLOCK_LEN_BYTES);

/// Cuts by the content of 4 KiB blocks.
#[derive(Debug)]
pub(crate) struct BlockCutter {
    piece: Piece,
    /// Length of the open piece: whole blocks only.
    len_bytes: u64,
    partial: Partial,
}

impl BlockCutter {
    pub(super) fn new() -> Self {
        Self {
            piece: Piece::Zero,
            len_bytes: 0,
            partial: Partial::new(),
        }
    }

    pub(super) fn feed(&mut self, slice: &[u8], emit: &mut dyn FnMut(Cut)) {
        let rest = self.top_up(slice, emit);
        let (blocks, rest) = rest.as_chunks::<BLOCK_LEN_BYTES>();
        for block in blocks {
            if is_zero(block) {
                self.take_zeros(BLOCK, emit);
            } else {
                self.take_block(|| block_hash(block), emit);
            }
        }
        self.partial.update(rest);
    }

    pub(super) fn skip_zeros(&mut self, len_bytes: u64, emit: &mut dyn FnMut(Cut)) {
        const ZEROS: [u8; BLOCK_LEN_BYTES] = [0; BLOCK_LEN_BYTES];
        let missing = match self.partial.filled as u64 {
            0 => 0,
            filled => (BLOCK - filled).min(len_bytes),
        };
        self.feed(prefix(&ZEROS, missing), emit);
        let left = len_bytes - missing;
        if left >= BLOCK {
            self.take_zeros(left - left % BLOCK, emit);
        }
        self.feed(prefix(&ZEROS, left % BLOCK), emit);
    }

    pub(super) fn finish(mut self, emit: &mut dyn FnMut(Cut)) {
        let tail = self.partial.filled as u64;
        if tail > 0 {
            let piece = match self.partial.is_zero {
                true => Piece::Zero,
                false => Piece::Data,
            };
            self.turn_to(piece, emit);
            self.len_bytes += tail;
        }
        self.end_piece(emit);
    }

    /// Completes a block begun by an earlier slice; returns what is left of this one.
    fn top_up<'a>(&mut self, slice: &'a [u8], emit: &mut dyn FnMut(Cut)) -> &'a [u8] {
        if self.partial.filled == 0 {
            return slice;
        }
        let missing = BLOCK_LEN_BYTES - self.partial.filled;
        let (head, rest) = slice.split_at(missing.min(slice.len()));
        self.partial.update(head);
        if self.partial.filled == BLOCK_LEN_BYTES {
            let block = std::mem::replace(&mut self.partial, Partial::new());
            if block.is_zero {
                self.take_zeros(BLOCK, emit);
            } else {
                self.take_block(|| finish_hash(block.lanes), emit);
            }
        }
        rest
    }

    #[inline]
    fn take_block(&mut self, hash: impl FnOnce() -> u64, emit: &mut dyn FnMut(Cut)) {
        self.turn_to(Piece::Data, emit);
        self.len_bytes += BLOCK;
        let ends = self.len_bytes >= MAX || (self.len_bytes >= MIN && hash() < CUT_BELOW);
        if ends {
            self.end_piece(emit);
        }
    }

    fn take_zeros(&mut self, len_bytes: u64, emit: &mut dyn FnMut(Cut)) {
        self.turn_to(Piece::Zero, emit);
        self.len_bytes += len_bytes;
    }

    #[inline]
    fn turn_to(&mut self, piece: Piece, emit: &mut dyn FnMut(Cut)) {
        if self.piece != piece {
            self.end_piece(emit);
            self.piece = piece;
        }
    }

    fn end_piece(&mut self, emit: &mut dyn FnMut(Cut)) {
        let Self {
            piece, len_bytes, ..
        } = *self;
        if len_bytes > 0 {
            emit(Cut { piece, len_bytes });
        }
        self.len_bytes = 0;
    }
}

fn prefix(zeros: &[u8; BLOCK_LEN_BYTES], len_bytes: u64) -> &[u8] {
    let len = usize::try_from(len_bytes).map_or(BLOCK_LEN_BYTES, |len| len.min(BLOCK_LEN_BYTES));
    &zeros[..len]
}

const STRIPE: usize = 64;
type Lanes = [u64; 4];

const LANES: Lanes = [
    0x2d35_8dcc_aa6c_78a5,
    0x8bb8_4b93_962e_acc9,
    0x4b33_a62e_d433_d4a3,
    0x4d5a_2da5_1de1_aa47,
];
const KEYS: Lanes = [
    0x9e37_79b9_7f4a_7c15,
    0xd1b5_4a32_d192_ed03,
    0xabc9_8388_fb8f_ac03,
    0x8cb9_2ba7_2f3d_8dd7,
];

/// A block that came in more than one slice: its hash so far.
#[derive(Debug)]
struct Partial {
    lanes: Lanes,
    stripe: [u8; STRIPE],
    filled: usize,
    is_zero: bool,
}

impl Partial {
    fn new() -> Self {
        Self {
            lanes: LANES,
            stripe: [0; STRIPE],
            filled: 0,
            is_zero: true,
        }
    }

    /// Takes bytes that lie within the block.
    fn update(&mut self, mut bytes: &[u8]) {
        self.is_zero = self.is_zero && is_zero(bytes);
        let at = self.filled % STRIPE;
        self.filled += bytes.len();
        if at > 0 {
            let (head, rest) = bytes.split_at((STRIPE - at).min(bytes.len()));
            self.stripe[at..at + head.len()].copy_from_slice(head);
            if at + head.len() < STRIPE {
                return;
            }
            absorb(&mut self.lanes, &self.stripe);
            bytes = rest;
        }
        let (stripes, rest) = bytes.as_chunks::<STRIPE>();
        for stripe in stripes {
            absorb(&mut self.lanes, stripe);
        }
        self.stripe[..rest.len()].copy_from_slice(rest);
    }
}

/// Hashes one block: four chains of multiplications that the processor runs side by side.
fn block_hash(block: &[u8; BLOCK_LEN_BYTES]) -> u64 {
    let mut lanes = LANES;
    for stripe in block.as_chunks::<STRIPE>().0 {
        absorb(&mut lanes, stripe);
    }
    finish_hash(lanes)
}

#[inline(always)]
fn absorb(lanes: &mut Lanes, stripe: &[u8; STRIPE]) {
    let (words, _) = stripe.as_chunks::<8>();
    for (index, lane) in lanes.iter_mut().enumerate() {
        let first = u64::from_le_bytes(words[2 * index]);
        let second = u64::from_le_bytes(words[2 * index + 1]);
        *lane = fold(*lane ^ first, second ^ KEYS[index]);
    }
}

fn finish_hash(lanes: Lanes) -> u64 {
    let halves = fold(lanes[0] ^ KEYS[3], lanes[1] ^ KEYS[2]);
    fold(halves ^ lanes[2], lanes[3] ^ KEYS[0])
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the two halves are taken apart"
)]
#[inline(always)]
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    (product as u64) ^ ((product >> 64) as u64)
}
