//! An embeddable image store for Rust servers.
//!
//! One process opens one directory and stores images of virtual machines in it: cut by content and
//! stored once, proved when they are read, served by byte range as slices of memory maps, under the
//! rules of the Images API v2. What was acknowledged survives a crash.
//!
//! - [`Engine`] is the open store. Maintenance hangs off it: [`Engine::collect`],
//!   [`Engine::verify`], [`Engine::stats`].
//! - [`Images`] is what one [`Caller`] may do: [`create`](Images::create), [`show`](Images::show),
//!   [`update`](Images::update), [`list`](Images::list), [`upload`](Images::upload),
//!   [`open`](Images::open), [`delete`](Images::delete), and its [`Members`] and [`Tags`].
//! - [`Patch`] and [`ListQuery`] are read from requests or made step by step; who may do what is
//!   the default of the API, [`Rules`] from policy files, or a [`Policy`] of the host.
//! - [`Upload`] takes bytes, by [`std::io::Write`] or [`Upload::read_from`]; [`Reader`] gives any
//!   range of them: [`Reader::slices`].
//! - [`Error`] carries a coarse [`ErrorKind`], a stable [`ErrorCode`] and an HTTP status.
//!
//! # Examples
//! ```
//! use smalti::{Caller, ContainerFormat, DiskFormat, Engine, NewImage, Settings};
//!
//! # let dir = std::env::temp_dir().join(format!("smalti-front-page-{}", std::process::id()));
//! let settings = Settings {
//!     reserve_len_bytes: 0,
//!     ..Settings::default()
//! };
//! let engine = Engine::builder(&dir).settings(settings).open()?;
//! let images = engine.images(&Caller::project("a"));
//! let new = NewImage::named("zeros")
//!     .disk_format(DiskFormat::Raw)
//!     .container_format(ContainerFormat::Bare);
//! let image = images.create(new)?;
//! let mut upload = images.upload(image.id())?;
//! upload.read_from(&mut &b"boot"[..])?;
//! upload.skip(1 << 20)?;
//! let image = upload.finish()?;
//! assert_eq!(image.size(), Some(4 + (1 << 20)));
//!
//! let reader = images.open(image.id())?.expect("it holds data");
//! let mut first = [0; 4];
//! reader.read_at(&mut first, 0)?;
//! assert_eq!(&first, b"boot");
//! assert!(engine.stats()?.pack_bytes < 64 << 10, "zeros are not stored");
//! engine.close(std::time::Duration::from_secs(1))?;
//! # std::fs::remove_dir_all(&dir).map_err(|e| smalti::Error::io("remove", e))?;
//! # Ok::<(), smalti::Error>(())
//! ```
//!
//! # Features
//! None is on by default, and each only adds.
//! - `tokio`: `asyncio`, the same calls for tasks; no runtime is needed.
//! - `http`: `http`, the Images API v2 as a router for servers of axum, and a server.
//! - `signature`: verification of signatures over data by X.509 certificates, in [`signature`].
//! - `web-download`: downloads over HTTP and HTTPS, in [`fetch`].
//! - `s3`: `store::remote`, packs as objects of a bucket.
//! - `testing`: [`disk`]'s simulated disk, the contract suite of [`store`].
//!
//! # Where to look
//! The names that a host needs are at the root, the rest in the rooms: [`range`] for HTTP byte
//! ranges, [`query`] and [`patch`] for requests, [`wire`] for JSON documents, [`policy`] for who may
//! do what, [`inspect`] for formats of disks, [`fetch`] for downloads, [`signature`] for who verifies data, [`gc`] and
//! [`check`] for maintenance, [`store`] and
//! [`disk`] for places of its own. In the repository, `docs/` has architecture, format, semantics
//! and decisions.

#[cfg(feature = "tokio")]
pub mod asyncio;
mod base;
pub mod cache;
pub mod check;
pub mod chunk;
pub mod clock;
pub mod disk;
pub mod engine;
pub mod error;
pub mod fetch;
pub mod gc;
pub mod hash;
#[cfg(feature = "http")]
pub mod http;
pub mod id;
pub mod image;
pub mod import;
mod index;
pub mod ingest;
pub mod inspect;
mod json;
mod lease;
pub mod limits;
mod manifest;
pub mod patch;
pub mod policy;
pub mod query;
pub mod quota;
pub mod range;
pub mod read;
pub mod signature;
pub mod store;
mod sum;
pub mod task;
#[cfg(feature = "testing")]
#[doc(hidden)]
pub mod testing;
pub mod wire;

pub use base::{Random, SystemRandom};
pub use bytes::Bytes;
pub use check::{Damage, RebuildReport, VerifyReport};
pub use chunk::{CutterKind, Verify};
pub use clock::{Clock, SystemClock, Timestamp};
pub use engine::{Builder, Dedup, Engine, Images, Members, Page, Recovery, Settings, Stats, Tags};
pub use error::{Error, ErrorCode, ErrorKind, Result};
pub use gc::{GcOptions, GcPlan, GcReport};
pub use hash::Algorithm;
pub use id::{ImageId, ProjectId};
pub use image::{
    ContainerFormat, Digest, DiskFormat, Image, Limits, Member, MemberStatus, NewImage, Patch,
    Status, TextMap, TextSet, Visibility,
};
pub use ingest::{Upload, UploadOptions};
pub use policy::{Caller, Policy, Rules};
pub use query::ListQuery;
pub use range::ByteRange;
pub use read::{Extent, ExtentKind, ReadMode, ReadOptions, Reader, Slices};
pub use store::{NamedStore, StoreInfo};

/// Runs the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

/// Runs the examples of the page on embedding.
#[cfg(all(doctest, feature = "http"))]
#[doc = include_str!("../docs/embedding.md")]
struct Embedding;
