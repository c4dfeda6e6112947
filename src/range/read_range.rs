//! What a read takes for a range: a header's, or one of Rust.

use std::ops::{Bound, Range, RangeBounds};

use super::{ByteRange, unsatisfiable};
use crate::error::Result;

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
