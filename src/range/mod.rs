//! Byte ranges: what was asked for, and what that is in data of a known length.
//!
//! It owns the request headers `Range` and `Content-Range`, the ranges that a read takes, and the
//! answer header `Content-Range`. Asking and resolving are two steps with two types: a header is
//! parsed into a [`ByteRange`] without knowing the length, and [`ByteRange::within`] turns that
//! into a `std::ops::Range<u64>` that lies in the data. It refuses more than one range in a header.
//!
//! Sources: RFC 9110, section 14, and the Images API, "Download binary image data". Where they
//! differ the Images API holds: a malformed header is an error (416), while the RFC ignores it.

mod byte_range;
mod content_range;
mod read_range;
mod scan;
mod select;
#[cfg(test)]
mod tests;

pub use byte_range::ByteRange;
pub use content_range::ContentRange;
pub use read_range::ReadRange;
pub use scan::ParseError;
pub use select::{Selection, select};

use crate::error::{Error, ErrorCode};

fn unsatisfiable(message: String) -> Error {
    Error::new(ErrorCode::RangeNotSatisfiable, message)
}
