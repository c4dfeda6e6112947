//! An embeddable image store for Rust servers.

pub mod clock;
pub mod disk;
pub mod error;
pub mod id;
pub mod image;
mod index;
pub mod limits;
pub mod policy;
mod sum;
#[cfg(feature = "testing")]
#[doc(hidden)]
pub mod testing;
