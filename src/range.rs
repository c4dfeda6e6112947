//! Byte ranges: what was asked for, and what that is in data of a known length.
//!
//! It owns the request headers `Range` and `Content-Range`, the ranges that a read takes, and the
//! answer header `Content-Range`. Asking and resolving are two steps with two types: a header is
//! parsed into a [`ByteRange`] without knowing the length, and [`ByteRange::within`] turns that
//! into a `std::ops::Range<u64>` that lies in the data. It refuses more than one range in a header.
//!
//! Sources: RFC 9110, section 14, and the Images API, "Download binary image data". Where they
//! differ the Images API holds: a malformed header is an error (416), while the RFC ignores it.

use std::error::Error as StdError;
use std::fmt;
use std::ops::{Bound, Range, RangeBounds};
use std::str::FromStr;

use crate::error::{Error, ErrorCode, Result};

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
    /// Unlike a [`ByteRange`] it is never cut to the data. The length that it states need not be
    /// that of the data.
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

/// The part of an image that a read is asked for.
///
/// A [`ByteRange`] means what HTTP means: it is cut to the data and must select at least one byte.
/// The ranges of Rust mean what they mean for a slice: they must lie in the data as they stand,
/// and may be empty. So `..` reads an empty image, while `ByteRange::From(0)` is an error there.
///
/// # Examples
/// ```
/// use smalti::range::{ByteRange, ReadRange};
///
/// assert_eq!((2..4).within(10)?, 2..4);
/// assert_eq!((10..).within(10)?, 10..10);
/// assert_eq!((..).within(0)?, 0..0);
/// assert!((5..11).within(10).is_err());
/// assert_eq!(ByteRange::FromTo { first: 5, last: 10 }.within(10)?, 5..10);
/// # Ok::<(), smalti::error::Error>(())
/// ```
pub trait ReadRange: sealed::Sealed {
    /// Resolves the range in data of `len_bytes`; the result lies in the data.
    ///
    /// # Errors
    /// `RangeNotSatisfiable` when the range does not lie in the data; for a [`ByteRange`] see
    /// [`ByteRange::within`].
    fn within(self, len_bytes: u64) -> Result<Range<u64>>;
}

mod sealed {
    /// Keeps the promise of `ReadRange` in this file.
    pub trait Sealed {}
}

impl sealed::Sealed for ByteRange {}

impl ReadRange for ByteRange {
    fn within(self, len_bytes: u64) -> Result<Range<u64>> {
        Self::within(self, len_bytes)
    }
}

impl<R: RangeBounds<u64>> sealed::Sealed for R {}

impl<R: RangeBounds<u64>> ReadRange for R {
    fn within(self, len_bytes: u64) -> Result<Range<u64>> {
        // `None` stands for an offset past `u64::MAX`, which no data has.
        let start = match self.start_bound() {
            Bound::Included(&start) => Some(start),
            Bound::Excluded(&before) => before.checked_add(1),
            Bound::Unbounded => Some(0),
        };
        let end = match self.end_bound() {
            Bound::Included(&last) => last.checked_add(1),
            Bound::Excluded(&end) => Some(end),
            Bound::Unbounded => Some(len_bytes),
        };
        match (start, end) {
            (Some(start), Some(end)) if start <= end && end <= len_bytes => Ok(start..end),
            _ => {
                let (start, end) = (self.start_bound(), self.end_bound());
                let message = format!("range {start:?} to {end:?} is no part of {len_bytes} bytes");
                Err(unsatisfiable(message))
            }
        }
    }
}

/// What a download answers with.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "the Images API has these three answers"
)]
pub enum Selection {
    /// The image has no data: 204 without a body.
    NoData,
    /// All data: 200.
    Whole {
        /// Length of the data in bytes; it may be 0.
        len_bytes: u64,
    },
    /// Part of the data: 206. A part that was asked for is a part even if it is all.
    Part {
        /// Offsets of the bytes; never empty, and in the data.
        range: Range<u64>,
        /// Length of the whole data in bytes.
        len_bytes: u64,
    },
}

impl Selection {
    /// Returns the HTTP status of the answer.
    pub fn http_status(&self) -> u16 {
        match self {
            Self::NoData => 204,
            Self::Whole { .. } => 200,
            Self::Part { .. } => 206,
        }
    }

    /// Returns the offsets of the bytes to send; empty when there are none.
    pub fn range(&self) -> Range<u64> {
        match self {
            Self::NoData => 0..0,
            Self::Whole { len_bytes } => 0..*len_bytes,
            Self::Part { range, .. } => range.clone(),
        }
    }

    /// Returns the header `Content-Range` of the answer, which only a part has.
    pub fn content_range(&self) -> Option<ContentRange> {
        match self {
            Self::Part { range, len_bytes } => Some(ContentRange::Part {
                first: range.start,
                last: range.end.saturating_sub(1),
                complete: Some(*len_bytes),
            }),
            _ => None,
        }
    }
}

/// Chooses what a download sends, from the length of the data and the values of two headers.
///
/// `size` is the length of the data in bytes, `None` for an image without data; then the headers
/// are not looked at. The value of `Content-Range` counts only where there is no `Range`. A header
/// that is there with an empty value is malformed, not absent.
///
/// # Errors
/// `MultiRange` when `Range` asks for more than one range. `RangeNotSatisfiable` when the header is
/// malformed or selects nothing; the answer then carries [`ContentRange::Unsatisfied`].
///
/// # Examples
/// ```
/// use smalti::range::{Selection, select};
///
/// let chosen = select(Some(10), Some(b"bytes=-4"), None)?;
/// assert_eq!(chosen, Selection::Part { range: 6..10, len_bytes: 10 });
/// assert_eq!(chosen.http_status(), 206);
/// assert_eq!(chosen.content_range().map(|r| r.to_string()).as_deref(), Some("bytes 6-9/10"));
/// assert_eq!(select(None, Some(b"bytes=-4"), None)?, Selection::NoData);
/// # Ok::<(), smalti::error::Error>(())
/// ```
pub fn select(
    size: Option<u64>,
    range: Option<&[u8]>,
    content_range: Option<&[u8]>,
) -> Result<Selection> {
    let Some(len_bytes) = size else {
        return Ok(Selection::NoData);
    };
    let range = match (range, content_range) {
        (Some(value), _) => ByteRange::try_from(value)?.within(len_bytes)?,
        (None, Some(value)) => ContentRange::try_from(value)?.within(len_bytes)?,
        (None, None) => return Ok(Selection::Whole { len_bytes }),
    };
    Ok(Selection::Part { range, len_bytes })
}

/// Why a header is no range, and where.
///
/// It becomes an [`Error`] with the code `MultiRange` for more than one range, otherwise
/// `RangeNotSatisfiable`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParseError {
    at: usize,
    what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    SeveralRanges,
    Expected(&'static str),
}

impl ParseError {
    /// Returns the offset in the value, in bytes, at which it departs from the form.
    pub fn at(&self) -> usize {
        self.at
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.what {
            What::SeveralRanges => {
                write!(f, "range has a comma at byte {}, limit 1 range", self.at)
            }
            What::Expected(form) => write!(f, "range lacks {form} at byte {}", self.at),
        }
    }
}

impl StdError for ParseError {}

impl From<ParseError> for Error {
    fn from(error: ParseError) -> Self {
        let code = match error.what {
            What::SeveralRanges => ErrorCode::MultiRange,
            What::Expected(_) => ErrorCode::RangeNotSatisfiable,
        };
        Self::new(code, error.to_string()).with_source(error)
    }
}

fn unsatisfiable(message: String) -> Error {
    Error::new(ErrorCode::RangeNotSatisfiable, message)
}

/// A place in the value of a header.
struct Scan<'a> {
    value: &'a [u8],
    at: usize,
}

impl Scan<'_> {
    fn unexpected(&self, form: &'static str) -> ParseError {
        let what = What::Expected(form);
        ParseError { at: self.at, what }
    }

    fn skip(&mut self, wanted: fn(u8) -> bool) {
        while self.value.get(self.at).is_some_and(|&byte| wanted(byte)) {
            self.at += 1;
        }
    }

    fn unit(&mut self, same: fn(&[u8], &[u8]) -> bool) -> Result<(), ParseError> {
        let unit = b"bytes";
        match self.value.get(self.at..self.at + unit.len()) {
            Some(found) if same(found, unit) => self.at += unit.len(),
            _ => return Err(self.unexpected("the unit `bytes`")),
        }
        Ok(())
    }

    fn byte(&mut self, wanted: u8) -> Result<(), ParseError> {
        if self.value.get(self.at) != Some(&wanted) {
            return Err(self.unexpected(match wanted {
                b'=' => "`=`",
                b'-' => "`-`",
                b'/' => "`/`",
                b'*' => "`*`",
                _ => "a blank",
            }));
        }
        self.at += 1;
        Ok(())
    }

    /// Reads ASCII digits, of any count; the value ends at `u64::MAX`.
    fn number(&mut self) -> Option<u64> {
        let start = self.at;
        self.skip(|byte| byte.is_ascii_digit());
        let digits = self.value.get(start..self.at)?;
        let digits = digits.iter().map(|byte| u64::from(byte - b'0'));
        digits.fold(None, |number, digit| {
            let number = number.unwrap_or(0u64).saturating_mul(10);
            Some(number.saturating_add(digit))
        })
    }

    fn some_number(&mut self) -> Result<u64, ParseError> {
        let missing = self.unexpected("a number");
        self.number().ok_or(missing)
    }

    fn end(&self) -> Result<(), ParseError> {
        if self.at < self.value.len() {
            return Err(self.unexpected("its end"));
        }
        Ok(())
    }
}

/// Between the parts of a range only blanks may stand; a tab is malformed there.
fn is_blank(byte: u8) -> bool {
    byte == b' '
}

/// Around the value of any header (RFC 9110, section 5.6.3).
fn is_blank_or_tab(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(result: Result<Range<u64>>, expected: Option<Range<u64>>) {
        match (result, expected) {
            (Ok(range), expected) => assert_eq!(Some(range), expected),
            (Err(error), None) => assert_eq!(error.code(), ErrorCode::RangeNotSatisfiable),
            (Err(error), Some(expected)) => panic!("{error}, expected {expected:?}"),
        }
    }

    #[test]
    fn ranges_at_the_end_of_all_numbers_neither_overflow_nor_lose_a_byte() {
        let max = u64::MAX;
        let from_to = |first, last| ByteRange::FromTo { first, last };
        for (asked, len, expected) in [
            (ByteRange::From(max), max, None),
            (ByteRange::From(max - 1), max, Some(max - 1..max)),
            (from_to(0, max), max, Some(0..max)),
            (from_to(max - 1, max - 1), max, Some(max - 1..max)),
            (from_to(max, max), max, None),
            (ByteRange::Suffix(max), max, Some(0..max)),
            (ByteRange::Suffix(0), max, None),
            (ByteRange::Suffix(1), 0, None),
            (ByteRange::From(0), 0, None),
        ] {
            check(asked.within(len), expected);
        }
        let part = |last, complete| ContentRange::Part {
            first: 0,
            last,
            complete,
        };
        check(part(max, None).within(max), None);
        check(part(max - 1, Some(max)).within(max), Some(0..max));
        check(part(max - 1, Some(max - 1)).within(max), None);
        check(ContentRange::Unsatisfied { complete: 1 }.within(1), None);
    }

    #[test]
    fn ranges_of_rust_hold_as_for_a_slice() {
        check((0..0).within(0), Some(0..0));
        check((7..7).within(10), Some(7..7));
        check((10..10).within(10), Some(10..10));
        check((11..11).within(10), None);
        check((..).within(0), Some(0..0));
        check((..=9).within(10), Some(0..10));
        check((0..=10).within(10), None);
        check((..4).within(10), Some(0..4));
        check((11..).within(10), None);
        check((0..=u64::MAX).within(u64::MAX), None);
        let (start, end) = (5, 3);
        check((start..end).within(10), None);
        check(
            (Bound::Excluded(u64::MAX), Bound::Unbounded).within(10),
            None,
        );
    }

    #[test]
    fn parse_errors_name_the_offset_and_what_is_missing() {
        for (value, message) in [
            ("", "range lacks the unit `bytes` at byte 0"),
            (" items=0-4", "range lacks the unit `bytes` at byte 1"),
            ("bytes 0-4", "range lacks `=` at byte 6"),
            ("bytes=\t0-4", "range lacks `-` at byte 6"),
            ("bytes=-", "range lacks a number at byte 7"),
            ("bytes=0-4/10", "range lacks its end at byte 9"),
            (
                "bytes=0-1,3-4",
                "range has a comma at byte 9, limit 1 range",
            ),
        ] {
            let error = value.parse::<ByteRange>().map_err(|e| e.to_string());
            assert_eq!(error, Err(message.to_owned()), "{value:?}");
        }
        for (value, message) in [
            ("bytes=0-4/10", "range lacks a blank at byte 5"),
            ("bytes  0-4/10", "range lacks a number at byte 6"),
            ("bytes */*", "range lacks a number at byte 8"),
            ("bytes 0-4/", "range lacks a number at byte 10"),
            ("bytes 0-4/10 ", "range lacks its end at byte 12"),
        ] {
            let error = value.parse::<ContentRange>().map_err(|e| e.to_string());
            assert_eq!(error, Err(message.to_owned()), "{value:?}");
        }
    }

    #[test]
    fn a_range_that_selects_nothing_is_named_with_the_size() {
        let error = select(Some(10), Some(b"bytes = 10 -"), None).expect_err("past the end");
        assert_eq!(error.message(), "range bytes=10- selects none of 10 bytes");
        let error = select(Some(10), None, Some(b"bytes 0-14/20")).expect_err("past the end");
        assert_eq!(
            error.message(),
            "range bytes 0-14/20 is no part of 10 bytes"
        );
    }
}
