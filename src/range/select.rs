//! What a download sends, from two headers and a length.

use std::ops::Range;

use super::{ByteRange, ContentRange};
use crate::error::Result;

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
