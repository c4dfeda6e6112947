//! Digests: of whole images, for their records, and of chunks, for their identity.
//!
//! The only room that names digest crates. It hashes what it is given, on the caller's thread.

mod algorithm;
mod chunk;
mod stream;

pub use algorithm::Algorithm;
pub(crate) use chunk::{chunk_id, keyed_sum};
pub use stream::{Digest, Hasher};
