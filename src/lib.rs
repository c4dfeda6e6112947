//! An embeddable image store for Rust servers.

pub mod clock;
pub mod disk;
pub mod error;
pub mod id;
mod index;
pub mod limits;
pub mod range;
mod sum;
