//! The cutters: where one chunk ends and the next begins.
//!
//! Pure functions of the bytes, however these are sliced. Their constants are part of the format;
//! a cutter that cuts elsewhere is another [`CutterKind`]. No bytes are kept or moved on: a cutter
//! says lengths, the caller knows the bytes.

mod blocks;
mod gear;

use self::blocks::BlockCutter;
use self::gear::GearCutter;

/// The way a stream is cut into chunks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum CutterKind {
    /// Cuts by content on borders of 4 KiB blocks, and wherever zeros begin or end: for images of
    /// disks. Chunks stay aligned for mapping, and data that moved by whole blocks is found.
    #[default]
    Blocks,
    /// Cuts by content at any byte (FastCDC, 2020): for formats that pack files back to back.
    FastCdc,
}

impl CutterKind {
    /// Returns the number that stands for this kind and its version in stored records.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Blocks => 1,
            Self::FastCdc => 2,
        }
    }
}

/// What a piece of a stream consists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Piece {
    /// Bytes that are stored as one chunk of at most 256 KiB.
    Data,
    /// Zero bytes, as many as there are.
    Zero,
}

/// One piece of the stream, in stream order: together they cover it without a gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cut {
    pub(crate) piece: Piece,
    pub(crate) len_bytes: u64,
}

impl Cut {
    fn data(len_bytes: u64) -> Self {
        let piece = Piece::Data;
        Self { piece, len_bytes }
    }

    fn zero(len_bytes: u64) -> Self {
        let piece = Piece::Zero;
        Self { piece, len_bytes }
    }
}

/// A cutter over one stream. A cut is said as soon as it is certain: it lies at most one largest
/// chunk and one block behind the bytes fed, zero runs aside.
#[derive(Debug)]
pub(crate) enum Cutter {
    Blocks(BlockCutter),
    FastCdc(GearCutter),
}

impl Cutter {
    /// Makes the cutter of a kind for a new stream.
    pub(crate) fn new(kind: CutterKind) -> Self {
        match kind {
            CutterKind::Blocks => Self::Blocks(BlockCutter::new()),
            CutterKind::FastCdc => Self::FastCdc(GearCutter::new()),
        }
    }

    /// Takes the next bytes of the stream.
    pub(crate) fn feed(&mut self, slice: &[u8], emit: &mut dyn FnMut(Cut)) {
        match self {
            Self::Blocks(cutter) => cutter.feed(slice, emit),
            Self::FastCdc(cutter) => cutter.feed(slice, emit),
        }
    }

    /// Takes `len_bytes` zeros as the next bytes of the stream: the same cuts as from feeding
    /// them, at a cost that does not grow with the length.
    pub(crate) fn skip_zeros(&mut self, len_bytes: u64, emit: &mut dyn FnMut(Cut)) {
        match self {
            Self::Blocks(cutter) => cutter.skip_zeros(len_bytes, emit),
            Self::FastCdc(cutter) => cutter.skip_zeros(len_bytes, emit),
        }
    }

    /// Ends the stream and says what is left.
    pub(crate) fn finish(self, emit: &mut dyn FnMut(Cut)) {
        match self {
            Self::Blocks(cutter) => cutter.finish(emit),
            Self::FastCdc(cutter) => cutter.finish(emit),
        }
    }
}

/// Tells whether all bytes are zero; stops at the first stripe that is not.
fn is_zero(bytes: &[u8]) -> bool {
    let (stripes, rest) = bytes.as_chunks::<64>();
    let zero_stripe = |stripe: &[u8; 64]| stripe.iter().fold(0, |or, byte| or | byte) == 0;
    stripes.iter().all(zero_stripe) && rest.iter().all(|&byte| byte == 0)
}

#[cfg(test)]
mod tests;
