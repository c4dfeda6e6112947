//! The header `Content-Range`, of answers and of requests.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use super::scan::Scan;
use super::{ParseError, unsatisfiable};
use crate::error::Result;

/// The value of a header `Content-Range` (RFC 9110, section 14.4).
///
/// An answer states with it which part it carries, or how long the data is when nothing could be
/// selected. The Images API also takes it in a request, in place of `Range`; then
/// [`ContentRange::within`] resolves it. Numbers beyond `u64` are read as `u64::MAX`.
///
/// # Examples
/// ```
/// use smalti::range::ContentRange;
///
/// let asked: ContentRange = "bytes 0-4/*".parse()?;
/// assert_eq!(asked.within(10)?, 0..5);
/// assert_eq!(ContentRange::Unsatisfied { complete: 10 }.to_string(), "bytes */10");
/// # Ok::<(), smalti::error::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(
    clippy::exhaustive_enums,
    reason = "RFC 9110, section 14.4 has these two forms"
)]
pub enum ContentRange {
    /// A part: `bytes F-L/S` or, with unknown length, `bytes F-L/*`.
    Part {
        /// Offset of the first byte.
        first: u64,
        /// Offset of the last byte, included.
        last: u64,
        /// Length of the whole data in bytes, if it is stated.
        complete: Option<u64>,
    },
    /// No part: `bytes */S`, the header of an answer 416.
    Unsatisfied {
        /// Length of the whole data in bytes.
        complete: u64,
    },
}

impl ContentRange {
    /// Resolves the part in data of `len_bytes`; the result is never empty and lies in the data.
    ///
    /// Unlike a [`ByteRange`](super::ByteRange) it is never cut to the data. The length that it
    /// states need not be that of the data.
    ///
    /// # Errors
    /// `RangeNotSatisfiable` when it names no part, when its last byte lies before its first or at
    /// or past the stated length, or when it does not lie in the data.
    pub fn within(self, len_bytes: u64) -> Result<Range<u64>> {
        match self {
            Self::Part {
                first,
                last,
                complete,
            } if first <= last && last < len_bytes && complete.is_none_or(|len| last < len) => {
                Ok(first..last + 1)
            }
            _ => {
                let message = format!("range {self} is no part of {len_bytes} bytes");
                Err(unsatisfiable(message))
            }
        }
    }
}

impl fmt::Display for ContentRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Part {
                first,
                last,
                complete: Some(complete),
            } => write!(f, "bytes {first}-{last}/{complete}"),
            Self::Part { first, last, .. } => write!(f, "bytes {first}-{last}/*"),
            Self::Unsatisfied { complete } => write!(f, "bytes */{complete}"),
        }
    }
}

/// Reads the value of a header `Content-Range`: lower case, with exactly one blank.
impl TryFrom<&[u8]> for ContentRange {
    type Error = ParseError;

    fn try_from(value: &[u8]) -> Result<Self, ParseError> {
        let mut scan = Scan { value, at: 0 };
        scan.unit(|a, b| a == b)?;
        scan.byte(b' ')?;
        let range = if scan.byte(b'*').is_ok() {
            scan.byte(b'/')?;
            let complete = scan.some_number()?;
            Self::Unsatisfied { complete }
        } else {
            let first = scan.some_number()?;
            scan.byte(b'-')?;
            let last = scan.some_number()?;
            scan.byte(b'/')?;
            let complete = match scan.byte(b'*') {
                Ok(()) => None,
                Err(_) => Some(scan.some_number()?),
            };
            Self::Part {
                first,
                last,
                complete,
            }
        };
        scan.end()?;
        Ok(range)
    }
}

impl FromStr for ContentRange {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::try_from(text.as_bytes())
    }
}
