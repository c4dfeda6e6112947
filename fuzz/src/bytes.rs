//! Changes to bytes that were right, so that what lies behind magic numbers and sums is reached.

use arbitrary::Arbitrary;

/// One change.
#[derive(Arbitrary, Debug)]
pub enum Change {
    /// A byte takes a value.
    Set(u16, u8),
    /// Bits of a byte flip.
    Flip(u16, u8),
    /// Eight bytes take a number.
    Number(u16, u64),
    /// What is behind a place goes.
    Cut(u16),
    /// Bytes come in between.
    Insert(u16, Vec<u8>),
    /// Bytes go.
    Remove(u16, u8),
    /// A stretch is copied over another one.
    Copy(u16, u16, u8),
}

impl Change {
    /// Makes the change, wherever its places fall.
    pub fn apply(&self, bytes: &mut Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        let len = bytes.len();
        let at = |place: u16| usize::from(place) % len;
        match self {
            Self::Set(place, value) => bytes[at(*place)] = *value,
            Self::Flip(place, bits) => bytes[at(*place)] ^= bits,
            Self::Number(place, number) => {
                let room = &mut bytes[at(*place)..];
                let count = room.len().min(8);
                room[..count].copy_from_slice(&number.to_le_bytes()[..count]);
            }
            Self::Cut(place) => bytes.truncate(at(*place)),
            Self::Insert(place, new) => {
                let place = at(*place);
                bytes.splice(place..place, new.iter().copied());
            }
            Self::Remove(place, count) => {
                let place = at(*place);
                bytes.drain(place..(place + usize::from(*count)).min(len));
            }
            Self::Copy(from, to, count) => {
                let (from, to) = (at(*from), at(*to));
                let count = usize::from(*count).min(len - from.max(to));
                bytes.copy_within(from..from + count, to);
            }
        }
    }
}

/// Signatures of formats of disks, and where they stand.
const MAGIC: &[(usize, &[u8])] = &[
    (0, b"QFI\xfb"),
    (0, b"conectix"),
    (0, b"vhdxfile"),
    (0, b"KDMV"),
    (0, b"QED\0"),
    (0, b"LUKS\xba\xbe"),
    (64, b"\x7f\x10\xda\xbe"),
    (510, b"\x55\xaa"),
    (32_769, b"CD001"),
];

/// Writes a signature of a format over bytes, as far as there are any.
pub fn put_magic(bytes: &mut [u8], which: u8) {
    let (at, magic) = MAGIC[usize::from(which) % MAGIC.len()];
    let room = bytes.get_mut(at..).unwrap_or_default();
    let count = room.len().min(magic.len());
    room[..count].copy_from_slice(&magic[..count]);
}

/// Appends a number as records store it.
pub fn put_number(bytes: &mut Vec<u8>, number: u64) {
    match number {
        0..=250 => bytes.push(number as u8),
        251..=0xffff => {
            bytes.push(251);
            bytes.extend_from_slice(&(number as u16).to_le_bytes());
        }
        0x1_0000..=0xffff_ffff => {
            bytes.push(252);
            bytes.extend_from_slice(&(number as u32).to_le_bytes());
        }
        _ => {
            bytes.push(253);
            bytes.extend_from_slice(&number.to_le_bytes());
        }
    }
}

/// Appends bytes with their length before them, as records store them.
pub fn put_bytes(bytes: &mut Vec<u8>, new: &[u8]) {
    put_number(bytes, new.len() as u64);
    bytes.extend_from_slice(new);
}
