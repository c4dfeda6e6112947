//! Packs: any bytes, or the bytes of a pack with changes, with sums that are right again or not.

use arbitrary::Arbitrary;
use smalti::testing::{make_pack, mend_pack_sums};

use crate::bytes::Change;

/// Number that all packs here have; they may say otherwise.
pub const PACK: u64 = 7;
const BLOCK: usize = 4096;

/// What is taken as a pack.
#[derive(Arbitrary, Debug)]
pub enum Input {
    /// Any bytes, mended or not.
    Raw(Vec<u8>, bool),
    /// A pack.
    Pack {
        /// Keys its sums.
        salt: u8,
        /// Domain, then for each chunk whether it is a page, and its length.
        segments: Vec<(u32, Vec<(bool, u16)>)>,
        /// Whether it has a footer.
        sealed: bool,
        /// What is changed at the end of a block, where trailers are.
        tails: Vec<(u8, u8, u64)>,
        /// What is changed elsewhere.
        changes: Vec<Change>,
        /// Bytes behind the pack.
        behind: Vec<u8>,
        /// Whether sums are made right again.
        mended: bool,
    },
}

impl Input {
    /// Returns the bytes of the pack.
    pub fn pack(&self) -> Vec<u8> {
        let (mut bytes, mended) = match self {
            Self::Raw(bytes, mended) => (bytes.clone(), *mended),
            Self::Pack {
                salt,
                segments,
                sealed,
                tails,
                changes,
                behind,
                mended,
            } => {
                let mut bytes = make_pack(PACK, [*salt; 32], &shorten(segments), *sealed);
                tails.iter().for_each(|tail| set_tail(&mut bytes, *tail));
                changes.iter().for_each(|change| change.apply(&mut bytes));
                bytes.extend_from_slice(behind);
                (bytes, *mended)
            }
        };
        if mended {
            mend_pack_sums(&mut bytes);
        }
        bytes
    }
}

/// A segment of a pack to be made.
type Made = (u32, Vec<(bool, Vec<u8>)>);

/// Keeps packs short: speed finds more than length.
fn shorten(segments: &[(u32, Vec<(bool, u16)>)]) -> Vec<Made> {
    let segments = segments.iter().filter(|(_, chunks)| !chunks.is_empty());
    let short = segments.take(5).map(|(domain, chunks)| {
        let chunk = |(is_page, len): &(bool, u16)| {
            let len = 1 + usize::from(*len) % 1200;
            (*is_page, vec![len as u8; len])
        };
        (*domain, chunks.iter().take(150).map(chunk).collect())
    });
    short.collect()
}

/// Sets a word of the last 64 bytes of a block.
fn set_tail(bytes: &mut [u8], (block, word, value): (u8, u8, u64)) {
    let blocks = bytes.len() / BLOCK;
    if blocks > 0 {
        let end = (usize::from(block) % blocks + 1) * BLOCK;
        let at = end - 64 + usize::from(word % 15) * 4;
        bytes[at..at + 4].copy_from_slice(&(value as u32).to_le_bytes());
    }
}
