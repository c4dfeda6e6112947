//! Digests: of whole images, for their records, and of chunks, for their identity.
//!
//! The only room that names digest crates. It hashes what it is given, on the caller's thread; the
//! MD5 of several streams goes faster side by side than one after the other.

mod algorithm;
mod chunk;
mod stream;
mod wide;

pub use algorithm::Algorithm;
pub(crate) use chunk::{chunk_id, keyed_sum};
pub use stream::{Digest, Hasher};
pub(crate) use wide::WIDTH;
