//! Bytes out: slices of packs for ranges of an image.
//!
//! A reader pins the root of its manifest, so that it reads to the end whatever is deleted and
//! collected meanwhile. It knows neither names nor policy: it is made for an image that a caller
//! was allowed to open.

mod ahead;
mod extents;
mod leaf;
mod pump;
mod reader;
mod slices;

pub use extents::{Extent, ExtentKind, Extents};
pub(crate) use reader::{OnUnreadable, Opening};
pub use reader::{ReadMode, ReadOptions, Reader};
pub use slices::Slices;
