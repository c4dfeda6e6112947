//! What a caller does with the cache, and its worker.

use std::sync::Arc;

use super::{Engine, Images};
use crate::cache::{Cache, CacheState, Cleaned, ClearTarget, Pruned, QueueRun};
use crate::error::{Error, ErrorCode, Result};
use crate::id::ImageId;
use crate::index::{Durability, Get, Kv};
use crate::policy::{Action, Judge};

/// The cache of an engine, as one caller may see and change it.
///
/// Every call answers `NotFound` where the cache is off ([`Settings::image_cache`]), to who may call
/// it, and `ReadOnlyEngine` for an engine that was opened for reading only.
///
/// [`Settings::image_cache`]: crate::Settings::image_cache
#[derive(Debug, Clone)]
pub struct ImageCache {
    images: Images,
}

impl Images {
    /// Returns the cache, to be seen and changed.
    pub fn cache(&self) -> ImageCache {
        ImageCache {
            images: self.clone(),
        }
    }
}

impl ImageCache {
    /// Returns what is in the cache, and what waits. Reads all rows of both.
    ///
    /// # Errors
    /// `Forbidden`; `NotFound` where the cache is off.
    pub fn state(&self) -> Result<CacheState> {
        self.allowed(Action::CacheList)?.state()
    }

    /// Has an image wait to be cached, at the end of the queue. One that waits, is cached or is
    /// being cached stays as it is. Durable when it returns.
    ///
    /// # Errors
    /// `ReadOnlyCaller`; `Forbidden`; `NotFound`; `NotActive`.
    pub fn queue(&self, id: &ImageId) -> Result<()> {
        self.images.check_cached(id, Action::CachePut)?;
        let cache = self.cache()?;
        let policy = self.images.policy();
        let judge = self.images.judge(&*policy);
        self.images.writable()?.kv.write(Durability::Now, |put| {
            self.images
                .judge_cached(put, &judge, id, Action::CachePut)?;
            cache.enqueue(put, id)
        })
    }

    /// Removes the copy of an image, and its place in the queue; a copy that is being made is given
    /// up. Neither there is no error. Durable when it returns.
    ///
    /// # Errors
    /// `ReadOnlyCaller`; `Forbidden`; `NotFound`.
    pub fn remove(&self, id: &ImageId) -> Result<()> {
        self.images.check_cached(id, Action::CacheDelete)?;
        self.cache()?.remove(id)
    }

    /// Removes all copies, all places in the queue, or both. Durable when it returns.
    ///
    /// # Errors
    /// `ReadOnlyCaller`; `Forbidden`; `NotFound` where the cache is off.
    pub fn clear(&self, target: ClearTarget) -> Result<()> {
        self.allowed(Action::CacheClear)?.clear(target)
    }

    /// Removes copies that cannot be read, and gives up those in the making that have come to a
    /// standstill ([`Settings::image_cache_stall_time_s`]). Reads the manifest of each copy.
    ///
    /// # Errors
    /// `ReadOnlyCaller`; `Forbidden`; `NotFound` where the cache is off.
    ///
    /// [`Settings::image_cache_stall_time_s`]: crate::Settings::image_cache_stall_time_s
    pub fn clean(&self) -> Result<Cleaned> {
        self.allowed(Action::CacheClean)?.clean()
    }

    /// Removes the copies that were read least recently, until all others together are no longer
    /// than [`Settings::image_cache_max_size`]. Durable when it returns; their space returns with
    /// the next collection.
    ///
    /// # Errors
    /// `ReadOnlyCaller`; `Forbidden`; `NotFound` where the cache is off.
    ///
    /// [`Settings::image_cache_max_size`]: crate::Settings::image_cache_max_size
    pub fn prune(&self) -> Result<Pruned> {
        self.allowed(Action::CachePrune)?.prune()
    }

    /// Tests the rights to the cache of another node; there is none, each engine has its own.
    ///
    /// # Errors
    /// `Forbidden`; `NotFound`, also where the cache is off; else `CacheNotCentral`.
    pub fn nodes(&self, id: &ImageId) -> Result<()> {
        self.images.check_cached(id, Action::CachedNodes)?;
        self.cache()?;
        let message = "the cache is that of this engine alone";
        Err(Error::new(ErrorCode::CacheNotCentral, message))
    }

    /// Tests a right that is about no image, and that the cache is on.
    #[cfg(feature = "http")]
    pub(crate) fn expect(&self, action: Action) -> Result<()> {
        self.allowed(action).map(drop)
    }

    fn allowed(&self, action: Action) -> Result<&Arc<Cache>> {
        self.images.check_global(action)?;
        self.cache()
    }

    fn cache(&self) -> Result<&Arc<Cache>> {
        self.images.engine().cache()
    }
}

impl Engine {
    /// Caches all images that wait now, one after the other, in order of entry, on this thread; for
    /// a worker of the host. Success takes an image out of the queue, what fails waits for the next
    /// run.
    ///
    /// # Errors
    /// `NotFound` where the cache is off; `ReadOnlyEngine`, `Closed`, `Poisoned`, `Corrupt`.
    pub fn run_cache_queue(&self) -> Result<QueueRun> {
        self.cache()?.run_queue()
    }

    /// Prunes the cache as [`ImageCache::prune`], for a worker of the host.
    ///
    /// # Errors
    /// As [`Engine::run_cache_queue`].
    pub fn prune_cache(&self) -> Result<Pruned> {
        self.cache()?.prune()
    }

    fn cache(&self) -> Result<&Arc<Cache>> {
        if !self.settings().image_cache {
            return Err(Error::new(ErrorCode::NotFound, "the cache is switched off"));
        }
        self.writable()?;
        self.inner.cache.as_ref().ok_or_else(|| {
            let message = "the engine was opened for reading only";
            Error::new(ErrorCode::ReadOnlyEngine, message)
        })
    }
}

impl Images {
    /// Tests a right to what the cache holds of an image, in the transaction that acts on it.
    pub(super) fn judge_cached(
        &self,
        get: &dyn Get,
        judge: &Judge<'_>,
        id: &ImageId,
        action: Action,
    ) -> Result<()> {
        let found = match self.find(get, id) {
            Ok(found) => Some(found),
            Err(error) if error.code() == ErrorCode::NotFound => None,
            Err(error) => return Err(error),
        };
        let found = found.as_ref();
        let found = found.map(|(image, membership)| (image, *membership));
        judge.check_cached(action, id, found)
    }
}
