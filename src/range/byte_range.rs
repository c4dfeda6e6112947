//! The request header `Range`.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use super::scan::{Scan, What, is_blank, is_blank_or_tab};
use super::{ParseError, unsatisfiable};
use crate::error::Result;

/// The range that a request header `Range` asks for (RFC 9110, section 14.1.2).
///
/// Every value can be written as a header and read back; whether it selects anything is known only
/// together with a length, see [`ByteRange::within`]. A number beyond `u64` is read as `u64::MAX`,
/// which selects the same bytes, for no length is larger.
///
/// # Examples
/// ```
/// use smalti::range::ByteRange;
///
/// let asked: ByteRange = "bytes=100-".parse()?;
/// assert_eq!(asked, ByteRange::From(100));
/// assert_eq!(asked.within(250)?, 100..250);
/// assert_eq!(ByteRange::Suffix(50).within(250)?, 200..250);
/// assert_eq!(ByteRange::FromTo { first: 0, last: 99 }.to_string(), "bytes=0-99");
/// # Ok::<(), smalti::error::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(
    clippy::exhaustive_enums,
    reason = "RFC 9110, section 14.1.2 has these three forms"
)]
pub enum ByteRange {
    /// From an offset to the end: `bytes=F-`.
    From(u64),
    /// From the first offset to the last, both included: `bytes=F-L`.
    FromTo {
        /// Offset of the first byte.
        first: u64,
        /// Offset of the last byte; one at or past the end of the data means the last byte there.
        last: u64,
    },
    /// So many bytes at the end, or all if there are fewer: `bytes=-N`.
    Suffix(u64),
}

impl ByteRange {
    /// Resolves the range in data of `len_bytes`; the result is never empty and lies in the data.
    ///
    /// # Errors
    /// `RangeNotSatisfiable` when it selects no byte: it begins at or past the end, its last byte
    /// lies before its first, or the suffix or the data is empty (RFC 9110, section 14.1.1).
    pub fn within(self, len_bytes: u64) -> Result<Range<u64>> {
        let range = match self {
            Self::From(first) => first..len_bytes,
            Self::FromTo { first, last } => first..last.saturating_add(1).min(len_bytes),
            Self::Suffix(count) => len_bytes.saturating_sub(count)..len_bytes,
        };
        if range.is_empty() {
            let message = format!("range {self} selects none of {len_bytes} bytes");
            return Err(unsatisfiable(message));
        }
        Ok(range)
    }
}

impl fmt::Display for ByteRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::From(first) => write!(f, "bytes={first}-"),
            Self::FromTo { first, last } => write!(f, "bytes={first}-{last}"),
            Self::Suffix(count) => write!(f, "bytes=-{count}"),
        }
    }
}

/// Reads the value of a header `Range`.
///
/// `bytes` may be in any case and blanks may stand around `=` and `-`, as the Images API allows; a
/// comma anywhere means more than one range.
impl TryFrom<&[u8]> for ByteRange {
    type Error = ParseError;

    fn try_from(value: &[u8]) -> Result<Self, ParseError> {
        if let Some(at) = value.iter().position(|&byte| byte == b',') {
            let what = What::SeveralRanges;
            return Err(ParseError { at, what });
        }
        let mut scan = Scan { value, at: 0 };
        scan.skip(is_blank_or_tab);
        scan.unit(<[u8]>::eq_ignore_ascii_case)?;
        scan.skip(is_blank);
        scan.byte(b'=')?;
        scan.skip(is_blank);
        let first = scan.number();
        scan.skip(is_blank);
        scan.byte(b'-')?;
        scan.skip(is_blank);
        let last = scan.number();
        let range = match (first, last) {
            (Some(first), Some(last)) => Self::FromTo { first, last },
            (Some(first), None) => Self::From(first),
            (None, Some(count)) => Self::Suffix(count),
            (None, None) => return Err(scan.unexpected("a number")),
        };
        scan.skip(is_blank_or_tab);
        scan.end()?;
        Ok(range)
    }
}

impl FromStr for ByteRange {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::try_from(text.as_bytes())
    }
}
