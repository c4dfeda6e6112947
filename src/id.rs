//! Identities: of images, projects, packs and chunks. Each exists only when it is valid.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use crate::error::{Error, ErrorCode, Result};
use crate::limits::NAME_MAX_CHARS;

/// The id of an image: 32 hexadecimal digits in groups of 8-4-4-4-12.
///
/// Equality, order and hash ignore ASCII case; the text is shown as it was given.
#[derive(Clone, Copy)]
pub struct ImageId {
    bytes: [u8; 16],
    /// One bit for each digit, first digit lowest: set where a letter was upper-case.
    upper: u32,
}

impl ImageId {
    /// Makes an id from 16 bytes, shown in lower case.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self { bytes, upper: 0 }
    }

    /// Returns the 16 bytes that the digits stand for, first digit highest.
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.bytes
    }

    /// Returns which letters are upper-case, for the stored record.
    pub(crate) fn case_bits(self) -> u32 {
        self.upper
    }

    /// Puts the stored parts together again; bits that stand on no letter are dropped.
    pub(crate) fn from_parts(bytes: [u8; 16], case_bits: u32) -> Self {
        // Hardly any id has upper-case letters.
        if case_bits == 0 {
            return Self::from_bytes(bytes);
        }
        let letters = (0..32)
            .filter(|&i| nibble(&bytes, i) > 9)
            .fold(0, |bits, i| bits | 1 << i);
        Self {
            bytes,
            upper: case_bits & letters,
        }
    }
}

impl ImageId {
    /// Makes the letters of a text upper-case that were so.
    fn put_upper(self, text: &mut [u8; 36]) {
        let digits = text.iter_mut().filter(|digit| **digit != b'-');
        for (index, digit) in digits.enumerate() {
            if self.upper >> index & 1 == 1 {
                digit.make_ascii_uppercase();
            }
        }
    }
}

fn nibble(bytes: &[u8; 16], index: usize) -> u8 {
    if index.is_multiple_of(2) {
        bytes[index / 2] >> 4
    } else {
        bytes[index / 2] & 0xf
    }
}

impl FromStr for ImageId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let bad = || {
            let shown: String = text.chars().take(64).collect();
            let message = format!("image id {shown:?} is not of the form 8-4-4-4-12 hex digits");
            Error::new(ErrorCode::SchemaViolation, message)
        };
        if text.len() != 36 {
            return Err(bad());
        }
        let (mut bytes, mut upper, mut digit) = ([0u8; 16], 0u32, 0usize);
        for (at, byte) in text.bytes().enumerate() {
            if matches!(at, 8 | 13 | 18 | 23) {
                if byte != b'-' {
                    return Err(bad());
                }
                continue;
            }
            let value = match byte {
                b'0'..=b'9' => byte - b'0',
                b'a'..=b'f' => byte - b'a' + 10,
                b'A'..=b'F' => {
                    upper |= 1 << digit;
                    byte - b'A' + 10
                }
                _ => return Err(bad()),
            };
            bytes[digit / 2] = bytes[digit / 2] << 4 | value;
            digit += 1;
        }
        Ok(Self { bytes, upper })
    }
}

impl fmt::Display for ImageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [b'-'; 36];
        for (index, byte) in self.bytes.iter().enumerate() {
            // Two digits each, and a dash after the bytes 4, 6, 8 and 10.
            let at = index * 2 + (index.clamp(2, 10) / 2).saturating_sub(1);
            text[at..at + 2].copy_from_slice(&digits(*byte));
        }
        if self.upper != 0 {
            self.put_upper(&mut text);
        }
        write_ascii(&text, f)
    }
}

fn digits(byte: u8) -> [u8; 2] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    [byte >> 4, byte & 0xf].map(|nibble| DIGITS[usize::from(nibble)])
}

/// Writes bytes as hexadecimal digits in lower case.
pub(crate) fn write_hex(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for part in bytes.chunks(64) {
        let mut text = [0; 128];
        for (pair, byte) in text.chunks_exact_mut(2).zip(part) {
            pair.copy_from_slice(&digits(*byte));
        }
        write_ascii(&text[..part.len() * 2], f)?;
    }
    Ok(())
}

fn write_ascii(text: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str(std::str::from_utf8(text).map_err(|_| fmt::Error)?)
}

impl fmt::Debug for ImageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl PartialEq for ImageId {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for ImageId {}

impl PartialOrd for ImageId {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ImageId {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.bytes.cmp(&other.bytes)
    }
}

impl Hash for ImageId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.bytes.hash(state);
    }
}

/// The id of a project (tenant): an opaque string of 1 to 255 characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProjectId(Arc<str>);

impl ProjectId {
    /// Takes a string as project id.
    ///
    /// # Errors
    /// `SchemaViolation` when it is empty or longer than 255 characters.
    pub fn new(text: impl Into<String>) -> Result<Self> {
        text.into().parse()
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Copies the text once, where [`ProjectId::new`] would copy a borrowed one twice.
impl FromStr for ProjectId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        // No text has more characters than bytes.
        let bounds = 1..=NAME_MAX_CHARS;
        if !bounds.contains(&text.len()) && !bounds.contains(&text.chars().count()) {
            let chars = text.chars().count();
            let message =
                format!("project id is {chars} characters, bounds 1 and {NAME_MAX_CHARS}");
            return Err(Error::new(ErrorCode::SchemaViolation, message));
        }
        Ok(Self(text.into()))
    }
}

impl fmt::Display for ProjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The number of a pack in its store. Numbers are never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PackId(pub(crate) u64);

impl fmt::Display for PackId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// The identity of a chunk: the unkeyed BLAKE3 of its bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ChunkId(pub(crate) [u8; 32]);

impl Hash for ChunkId {
    /// Feeds eight of the bytes: an identity is a hash itself, and equal in these only by chance.
    fn hash<H: Hasher>(&self, state: &mut H) {
        let [a, b, c, d, e, f, g, h, ..] = self.0;
        state.write_u64(u64::from_le_bytes([a, b, c, d, e, f, g, h]));
    }
}

impl ChunkId {
    /// Returns the 32 bytes of the hash.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for ChunkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ChunkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Ids are serialized as the text that `Display` shows.
macro_rules! serialized_as_text {
    ($($id:ident)*) => {$(
        impl Serialize for $id {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
    )*};
}

serialized_as_text! { ImageId ProjectId PackId ChunkId }

/// What a chunk holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum ChunkKind {
    /// Bytes of images.
    Data = 0,
    /// A page of a manifest.
    Page = 1,
}

/// What a chunk is known by: its store, its dedup domain, its kind and its identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ChunkKey {
    pub(crate) store: u16,
    pub(crate) domain: u32,
    pub(crate) kind: ChunkKind,
    pub(crate) id: ChunkId,
}

/// Length of a stored [`ChunkKey`] in bytes.
pub(crate) const CHUNK_KEY_LEN_BYTES: usize = 39;

impl ChunkKey {
    /// Returns the stored form, in an order that keeps domains together.
    pub(crate) fn to_bytes(self) -> [u8; CHUNK_KEY_LEN_BYTES] {
        let mut bytes = [0; CHUNK_KEY_LEN_BYTES];
        bytes[..2].copy_from_slice(&self.store.to_be_bytes());
        bytes[2..6].copy_from_slice(&self.domain.to_be_bytes());
        bytes[6] = self.kind as u8;
        bytes[7..].copy_from_slice(&self.id.0);
        bytes
    }

    /// Reads the stored form.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; CHUNK_KEY_LEN_BYTES] = bytes.try_into().ok()?;
        let kind = match bytes[6] {
            0 => ChunkKind::Data,
            1 => ChunkKind::Page,
            _ => return None,
        };
        let mut id = [0; 32];
        id.copy_from_slice(&bytes[7..]);
        let store = u16::from_be_bytes([bytes[0], bytes[1]]);
        let domain = u32::from_be_bytes([bytes[2], bytes[3], bytes[4], bytes[5]]);
        Some(Self {
            store,
            domain,
            kind,
            id: ChunkId(id),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn image_ids_keep_their_case_and_compare_without_it() {
        let given = "0AbCdeF0-1234-5678-9aBC-DEF012345678";
        let id: ImageId = given.parse().expect("valid");
        assert_eq!(id.to_string(), given);
        let lower: ImageId = given.to_lowercase().parse().expect("valid");
        assert_eq!(id, lower);
        assert_eq!(
            ImageId::from_parts(*id.as_bytes(), id.case_bits()).to_string(),
            given
        );
        assert_eq!(
            ImageId::from_parts([0; 16], u32::MAX).to_string(),
            "0".repeat(8) + "-0000-0000-0000-" + &"0".repeat(12)
        );
    }

    #[test]
    fn what_is_no_image_id_is_refused() {
        for text in [
            "",
            "0",
            "0abcdef0-1234-5678-9abc-def01234567",
            "0abcdef0-1234-5678-9abc-def012345678 ",
            "0abcdef0_1234-5678-9abc-def012345678",
            "0abcdeg0-1234-5678-9abc-def012345678",
            "0abcdef0-1234-5678-9abc-def01234567\n",
        ] {
            assert_eq!(
                text.parse::<ImageId>().map_err(|e| e.code()),
                Err(ErrorCode::SchemaViolation),
                "{text:?}"
            );
        }
    }

    #[test]
    fn project_ids_have_1_to_255_characters() {
        assert!(ProjectId::new("").is_err());
        assert!(ProjectId::new("\u{e9}".repeat(255)).is_ok());
        assert!(ProjectId::new("a".repeat(256)).is_err());
    }
}
