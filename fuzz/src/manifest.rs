//! Pages of manifests: any bytes, or the bytes of a page with changes.

use arbitrary::Arbitrary;

use crate::bytes::Change;

/// What is taken as a page.
#[derive(Arbitrary, Debug)]
pub enum Bytes {
    /// Any bytes.
    Raw(Vec<u8>),
    /// A page.
    Page {
        /// Its height.
        level: u8,
        /// How many pieces it says that it has, where that is not their number.
        count: Option<u32>,
        /// Tag, length, first byte of the identity.
        pieces: Vec<(u8, u64, u8)>,
        /// What is changed then.
        changes: Vec<Change>,
    },
}

/// A page, and places to look up in it.
#[derive(Arbitrary, Debug)]
pub struct Input {
    bytes: Bytes,
    /// Places in the page.
    pub offsets: Vec<u64>,
}

impl Input {
    /// Returns the bytes of the page.
    pub fn page(&self) -> Vec<u8> {
        match &self.bytes {
            Bytes::Raw(bytes) => bytes.clone(),
            Bytes::Page {
                level,
                count,
                pieces,
                changes,
            } => {
                let count = count.unwrap_or(pieces.len() as u32);
                let mut bytes = [b"sp\x01", &[*level][..], &count.to_le_bytes()].concat();
                for (tag, len_bytes, id) in pieces {
                    put_piece(&mut bytes, *tag, *len_bytes, *id);
                }
                changes.iter().for_each(|change| change.apply(&mut bytes));
                bytes
            }
        }
    }
}

fn put_piece(bytes: &mut Vec<u8>, tag: u8, len_bytes: u64, id: u8) {
    // Half of the tags are those that there are.
    let tag = if tag & 0x80 == 0 { tag % 3 } else { tag & 3 };
    let mut head = (len_bytes << 2) | u64::from(tag);
    while head >= 0x80 {
        bytes.push(head as u8 | 0x80);
        head >>= 7;
    }
    bytes.push(head as u8);
    if tag != 0 {
        bytes.extend_from_slice(&[id; 32]);
    }
}
