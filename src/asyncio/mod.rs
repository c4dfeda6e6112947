//! The asynchronous face: the calls of [`Images`](crate::engine::Images) for tasks, which must not
//! block (feature `tokio`).
//!
//! The core blocks: the index, the disk, and page faults under maps. This room waits, and decides
//! nothing. Its rule is that a thread that polls never hashes, syncs, writes, or waits for a disk
//! that holds image bytes:
//!
//! | call | runs |
//! |---|---|
//! | [`show`](AsyncImages::show) | where it is polled: one look-up, cheaper than a hop to another thread |
//! | [`list`](AsyncImages::list) of at most 100 images without filters, in order of creation | where it is polled, as long as that turns out quick, else as all others |
//! | bytes to be read that are in memory and proved | where they are polled |
//! | [`open`](AsyncImages::open) | where it is polled if the first page of the manifest is in memory, else as all others |
//! | all others, and every other byte that is read or written | on threads of the engine's own |
//!
//! # The threads
//!
//! They are the engine's own and bounded: 32, or four for each core. They start when they are
//! needed and end after a second without work. The blocking threads of the runtime are not used, so
//! that a crowd of uploads cannot take those from the host, nor the host ours; and so that nothing
//! here needs a runtime: the futures run on any executor, current-thread or not, and may be dropped
//! outside of it. Only traits of `tokio` show: `AsyncRead` and `AsyncSeek`.
//!
//! No call holds a thread while it waits for its caller. Bytes that come slowly are gathered by the
//! future, and a thread is asked to take them when there is a mebibyte; a download that is read
//! slowly is at rest once the next slices are at hand. So a thousand slow clients cost memory, at
//! most about 2 MiB each beside what the upload itself needs, and no threads.
//!
//! A hop to a thread and back costs some 10 to 20 microseconds. Downloads pay it for each mebibyte
//! or so, ahead of their reader, small ranges pay it once, and what is at hand pays nothing. That
//! bytes are in memory is asked of the operating system each 128 KiB: what is missing between is
//! waited for.
//!
//! # Cancellation
//!
//! A future does nothing before its first poll. Dropping it later leaves its call done or not done,
//! never half done: what a thread has begun it ends, what it has not begun is not done at all. Each
//! call says what that means for it. Whatever is dropped, the blocking part of the clean-up runs on
//! the engine's threads, and nothing of the call is left soon after.
//!
//! # Examples
//! ```
//! use smalti::{Caller, ContainerFormat, DiskFormat, Engine, NewImage};
//! use tokio::io::AsyncReadExt;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let engine = Engine::in_memory()?;
//! let images = engine.images(&Caller::project("a")).asyncio();
//! let new = NewImage::named("debian")
//!     .disk_format(DiskFormat::Raw)
//!     .container_format(ContainerFormat::Bare);
//! let image = images.create(new).await?;
//! let image = images.upload_from(image.id(), &b"not much of a system"[..], Default::default()).await?;
//! assert_eq!(image.size(), Some(20));
//!
//! let mut reader = images.open(image.id()).await?.expect("it holds data");
//! let mut text = String::new();
//! reader.read_to_string(&mut text).await?;
//! assert_eq!(text, "not much of a system");
//! # Ok(())
//! # }
//! ```

mod call;
mod images;
mod pieces;
mod reader;
mod slices;
mod upload;

pub use images::AsyncImages;
pub use reader::AsyncReader;
pub use slices::AsyncSlices;
