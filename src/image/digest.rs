//! A digest of an image's bytes, whatever the algorithm.

use std::borrow::Cow;
use std::fmt;
use std::num::NonZeroU8;
use std::str::FromStr;

use crate::error::{Error, ErrorCode, Result};
use crate::id::write_hex;

/// Longest digest, in bytes; its 128 digits are the limit of `os_hash_value`.
const MAX_BYTES: usize = 64;

/// A digest of the bytes of an image: 1 to 64 bytes, shown in lower-case hex.
// Of words, so that it moves in words: each image that is read moves two of them.
#[repr(C, align(8))]
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest {
    /// Zero from `len` on, so that derived equality is right.
    bytes: [u8; MAX_BYTES],
    len: NonZeroU8,
}

impl Digest {
    /// Takes the bytes of a digest.
    ///
    /// # Errors
    /// `SchemaViolation` when there are none or more than 64.
    pub fn from_bytes(given: &[u8]) -> Result<Self> {
        let bad = || {
            let message = format!("digest is {} bytes, bounds 1 and {MAX_BYTES}", given.len());
            Error::new(ErrorCode::SchemaViolation, message)
        };
        let mut bytes = [0; MAX_BYTES];
        let place = bytes.get_mut(..given.len()).ok_or_else(bad)?;
        place.copy_from_slice(given);
        let len = u8::try_from(given.len()).ok().and_then(NonZeroU8::new);
        let len = len.ok_or_else(bad)?;
        Ok(Self { bytes, len })
    }

    /// Returns the bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len.get())]
    }
}

/// Reads hex digits of either case, two for each byte.
impl FromStr for Digest {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let bad = || {
            let shown: String = text.chars().take(2 * MAX_BYTES).collect();
            let message = format!("digest {shown:?} is not 2 to 128 hex digits");
            Error::new(ErrorCode::SchemaViolation, message)
        };
        let digit = |byte: u8| {
            char::from(byte)
                .to_digit(16)
                .and_then(|d| u8::try_from(d).ok())
        };
        let pairs = text.as_bytes().chunks(2);
        let bytes: Option<Vec<u8>> = pairs
            .take(MAX_BYTES + 1)
            .map(|pair| match pair {
                [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
                _ => None,
            })
            .collect();
        Self::from_bytes(&bytes.ok_or_else(bad)?).map_err(|_| bad())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(self.as_bytes(), f)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Returns the name of an algorithm, without a copy where it is one that the engine itself computes.
pub(crate) fn hash_name(name: &str) -> Cow<'static, str> {
    macro_rules! known {
        ($($known:literal)*) => {
            match name {
                $($known => Cow::Borrowed($known),)*
                other => Cow::Owned(other.to_owned()),
            }
        };
    }
    known! {
        "sha512" "sha256" "sha384" "sha224" "sha1" "sha3_224" "sha3_256" "sha3_384" "sha3_512"
        "blake2b" "blake2s" "md5"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_algorithms_stay_what_they_are() {
        for name in ["sha512", "md5", "blake2b", "", "sha5122", "SHA512", "crc32"] {
            let is_borrowed = matches!(hash_name(name), Cow::Borrowed(_));
            assert_eq!(is_borrowed, ["sha512", "md5", "blake2b"].contains(&name));
            assert_eq!(hash_name(name), name);
        }
    }

    #[test]
    fn digests_show_lower_case_hex_and_read_either() {
        let empty_md5 = "d41d8cd98f00b204e9800998ecf8427e"; // RFC 1321, A.5
        let digest: Digest = empty_md5.to_uppercase().parse().unwrap();
        assert_eq!(digest.to_string(), empty_md5);
        assert_eq!(digest.as_bytes().len(), 16);
        assert_eq!(Digest::from_bytes(digest.as_bytes()).unwrap(), digest);
    }

    #[test]
    fn what_is_no_digest_is_refused() {
        let long = "a".repeat(130);
        for text in ["", "a", "abc", "zz", "0x", "\u{e9}", long.as_str()] {
            assert!(text.parse::<Digest>().is_err(), "{text:?}");
        }
        assert!(Digest::from_bytes(&[]).is_err());
        assert!(Digest::from_bytes(&[0; 64]).is_ok());
        assert!(Digest::from_bytes(&[0; 65]).is_err());
    }
}
