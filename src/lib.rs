//! An embeddable image store for Rust servers.

mod chunk;
pub mod clock;
pub mod disk;
pub mod error;
mod hash;
pub mod id;
mod index;
pub mod limits;
mod manifest;
pub mod store;
mod sum;
