//! An embeddable image store for Rust servers.

pub mod chunk;
pub mod clock;
pub mod disk;
pub mod error;
pub mod hash;
pub mod id;
mod index;
mod ingest;
pub mod limits;
mod sum;
#[cfg(feature = "testing")]
#[doc(hidden)]
pub mod testing;
