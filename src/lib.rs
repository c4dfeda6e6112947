//! An embeddable image store for Rust servers.

#[cfg(feature = "tokio")]
pub mod asyncio;
mod base;
pub mod check;
pub mod chunk;
pub mod clock;
pub mod disk;
pub mod engine;
pub mod error;
pub mod gc;
pub mod hash;
pub mod id;
pub mod image;
mod index;
pub mod ingest;
mod lease;
pub mod limits;
mod manifest;
pub mod policy;
pub mod range;
pub mod read;
pub mod store;
mod sum;
#[cfg(feature = "testing")]
#[doc(hidden)]
pub mod testing;

pub use base::{Random, SystemRandom};
pub use bytes::Bytes;
pub use engine::{Engine, Images, Settings};
pub use error::{Error, ErrorCode, ErrorKind, Result};
pub use id::ImageId;
pub use image::{ContainerFormat, DiskFormat, Image, NewImage, Status, Visibility};
pub use policy::Caller;
pub use range::ByteRange;
