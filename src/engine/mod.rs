//! The facade: an engine over one directory, and what callers do with images.

mod builder;
mod cache;
mod care;
mod copies;
pub(crate) mod data;
mod format;
mod images;
mod imports;
mod list;
mod members;
mod operator;
mod page;
mod rights;
mod settings;
mod stats;
mod stores;
mod tags;
mod update;

use std::fmt;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use crate::base::Base;
use crate::cache::Cache;
use crate::error::{Error, ErrorCode, Result};
use crate::gc::Collector;
use crate::image::LocationSource;
use crate::import::Importer;
use crate::ingest::Ingest;
use crate::policy::{Caller, Policy};
use crate::quota::Quota;

pub use builder::{Builder, Recovery};
pub use cache::ImageCache;
pub use images::Images;
#[cfg(feature = "http")]
pub(crate) use list::Listed;
pub use members::Members;
pub use page::Page;
pub use settings::{Dedup, Settings};
pub use stats::Stats;
pub use tags::Tags;

/// An open image store. Clones are handles of the same engine; several engines on several
/// directories live beside each other in one process.
///
/// Everything that is done with images hangs off [`Engine::images`], so that nothing is done
/// without a [`Caller`]. Maintenance hangs off the engine itself.
///
/// Dropping the last handle is quick: it neither syncs nor waits, and loses nothing that was
/// acknowledged. [`Engine::close`] leaves the directory so that the next open has nothing to do.
///
/// # Examples
/// ```
/// use std::io::Write;
/// use smalti::{ByteRange, Caller, ContainerFormat, DiskFormat, Engine, NewImage};
///
/// let engine = Engine::in_memory()?;
/// let images = engine.images(&Caller::project("a"));
/// let image = images.create(
///     NewImage::named("debian")
///         .disk_format(DiskFormat::Raw)
///         .container_format(ContainerFormat::Bare),
/// )?;
/// let mut upload = images.upload(image.id())?;
/// upload.write_all(b"not much of a system")?;
/// let image = upload.finish()?;
/// assert_eq!(image.size(), Some(20));
///
/// let reader = images.open(image.id())?.expect("it holds data");
/// let range: ByteRange = "bytes=-6".parse()?;
/// let bytes = reader.slices(range)?.collect::<Result<Vec<_>, _>>()?.concat();
/// assert_eq!(bytes, b"system");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Engine {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) base: Arc<Base>,
    /// Nothing when opened for reading only.
    pub(crate) ingest: Option<Arc<Ingest>>,
    /// Nothing when opened for reading only.
    pub(crate) importer: Option<Arc<Importer>>,
    /// Nothing when switched off, or opened for reading only.
    pub(crate) cache: Option<Arc<Cache>>,
    pub(crate) quota: Arc<Quota>,
    pub(crate) collector: Collector,
    pub(crate) settings: Settings,
    /// Exchanged as a whole; a call keeps to what it began with.
    policy: RwLock<Arc<dyn Policy>>,
    /// What stands behind urls of locations.
    locations: Arc<dyn LocationSource + Send + Sync>,
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inner")
            .field("base", &self.base)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl Inner {
    /// Gives up the copies that are being made for the cache: they can be made again.
    fn give_up_copies(&self) {
        if let Some(cache) = &self.cache {
            cache.give_up_all();
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.give_up_copies();
    }
}

impl Engine {
    /// Begins to open an engine on a directory.
    pub fn builder(path: impl AsRef<std::path::Path>) -> Builder {
        Builder::on_path(path.as_ref())
    }

    /// Begins to open an engine that lives in memory.
    pub fn builder_in_memory() -> Builder {
        Builder::in_memory()
    }

    /// Opens an engine that lives in memory: the same engine on a disk without a medium.
    ///
    /// # Errors
    /// `Internal` only.
    pub fn in_memory() -> Result<Self> {
        Builder::in_memory().open()
    }

    /// Returns what a caller may do with images.
    pub fn images(&self, caller: &Caller) -> Images {
        Images::new(self.clone(), caller.clone())
    }

    /// Returns the settings that the engine was opened with.
    pub fn settings(&self) -> &Settings {
        &self.inner.settings
    }

    /// Tells whether the engine takes writes.
    ///
    /// # Errors
    /// `Poisoned` after a failed sync, with what failed: reads go on, and nothing is acknowledged
    /// until the engine has been opened again and has read anew what is durable. `Closed`.
    pub fn health(&self) -> Result<()> {
        self.inner.base.expect_open()?;
        self.inner.base.kv.health()
    }

    /// Closes the engine: new calls are refused with `Closed`, running uploads may end until the
    /// deadline, and the index is made durable, so that the next open has nothing to recover.
    /// Readers go on with what they have looked up. Once it is closed, a second call does nothing.
    ///
    /// # Errors
    /// `Unavailable` if uploads still run at the deadline: these are refused more bytes, and the
    /// directory stays locked until they are dropped and `close` is called again, or until nothing
    /// of the engine is left. Nothing acknowledged is lost.
    pub fn close(&self, deadline: Duration) -> Result<()> {
        let Inner { base, ingest, .. } = &*self.inner;
        base.begin_close();
        self.inner.give_up_copies();
        let running = ingest
            .as_ref()
            .map_or(0, |ingest| ingest.wait_for_uploads(deadline));
        base.end_uploads();
        if running > 0 {
            let message = format!("{running} uploads still run after {deadline:?}");
            return Err(Error::new(ErrorCode::StoreUnavailable, message));
        }
        let _rest = self.inner.collector.rest();
        let closed = base.kv.close();
        base.release_lock();
        closed
    }
}
