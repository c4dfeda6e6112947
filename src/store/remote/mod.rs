//! Packs as objects of a bucket: any service that speaks S3, or what else `object_store` reaches.
//!
//! It owns the names of objects, what of packs is on its way, and a cache of what was read. Objects
//! are made once, under names that are never used again, and are there as a whole or not at all: so
//! a pack is sealed when its upload ends, and none is ever resumed. It keeps nothing in its local
//! directory that is lost with it.

mod bucket;
mod cache;
mod claim;
mod connect;
mod live;
mod options;
mod runtime;
mod s3;
mod ship;
mod sink;
mod source;
mod spool;
#[cfg(test)]
mod tests;
mod unfinished;

use std::path::Path;
use std::sync::{Arc, Mutex};

use self::bucket::Bucket;
use self::cache::{Cache, Object};
use self::live::Live;
use self::runtime::Runtime;
use self::sink::ObjectSink;
use self::source::{ObjectSource, Trails};
use self::spool::Spool;
use self::unfinished::Unfinished;
use super::{PackSink, PackSource, PackState, Store};
use crate::disk::{Disk, DiskLock, LockMode, RealDisk};
use crate::error::{Error, ErrorCode, Result};
use crate::id::PackId;

pub use self::bucket::Objects;
pub use self::options::ObjectOptions;
pub use self::s3::S3Settings;
pub use object_store;

/// Name of the lock of the local directory.
const LOCK: &str = "LOCK";
/// A store whose packs are objects of a bucket.
///
/// Packs grow in its local directory and are sent while they grow; they are durable, and can be
/// read, once they are sealed. What was read is kept in a cache there. The directory belongs to this
/// store alone and may be lost with nothing of the packs.
///
/// # Examples
/// ```
/// use smalti::store::remote::{ObjectOptions, ObjectPacks, object_store::memory::InMemory};
/// use smalti::{Engine, NamedStore, Settings};
/// use std::sync::Arc;
///
/// # let dir = tempfile::tempdir().map_err(|e| smalti::Error::io("make", e))?;
/// # let (here, near) = (dir.path().join("engine"), dir.path().join("near"));
/// let packs = ObjectPacks::new(Arc::new(InMemory::new()), near, ObjectOptions::default())?;
/// let engine = Engine::builder(&here)
///     .settings(Settings { reserve_len_bytes: 0, ..Settings::default() })
///     .store(NamedStore::custom("far", "s3", Arc::new(packs)))
///     .default_store("far")
///     .open()?;
/// # engine.close(std::time::Duration::from_secs(1))?;
/// # Ok::<(), smalti::Error>(())
/// ```
#[derive(Debug)]
pub struct ObjectPacks {
    shared: Arc<Shared>,
    live: Arc<Live>,
    unfinished: Option<Arc<Unfinished>>,
    _runtime: Runtime,
    _lock: Box<dyn DiskLock>,
}

/// What sinks and sources of a store share.
#[derive(Debug)]
struct Shared {
    bucket: Bucket,
    spool: Arc<Spool>,
    cache: Arc<Cache>,
    options: ObjectOptions,
}

impl ObjectPacks {
    /// Makes a store over anything that `object_store` has, with a local directory of its own, which
    /// is made where it is missing. Nothing is asked of the bucket yet.
    ///
    /// # Errors
    /// `InvalidSettings`; `Locked` if the directory is another store's; `Unavailable` if it fails.
    pub fn new(
        objects: Arc<impl Objects>,
        local: impl AsRef<Path>,
        options: ObjectOptions,
    ) -> Result<Self> {
        Self::on_disk(objects, Arc::new(RealDisk::new(local)), options)
    }

    /// Makes a store over a bucket of a service that speaks S3. Nothing is asked of it yet.
    ///
    /// # Errors
    /// As [`ObjectPacks::new`].
    pub fn s3(
        settings: &S3Settings,
        local: impl AsRef<Path>,
        options: ObjectOptions,
    ) -> Result<Self> {
        settings.check_parts(options.part_len_bytes)?;
        let (client, unfinished) = settings.connect()?;
        let mut packs = Self::new(Arc::new(client), local, options)?;
        packs.unfinished = unfinished.map(Arc::new);
        Ok(packs)
    }

    /// Makes a store as [`ObjectPacks::new`] does, with its local directory on a disk of the host's
    /// own.
    ///
    /// # Errors
    /// As [`ObjectPacks::new`].
    pub fn on_disk(
        objects: Arc<impl Objects>,
        disk: Arc<dyn Disk>,
        options: ObjectOptions,
    ) -> Result<Self> {
        options.check()?;
        let made = disk.create_dir("");
        made.map_err(|e| Error::io("make the directory of a store of objects", e))?;
        let lock = lock(&*disk)?;
        let runtime = Runtime::new()?;
        let ObjectOptions {
            prefix,
            requests_max,
            cache_len_bytes,
            ..
        } = &options;
        let bucket = Bucket::new(objects, runtime.tasks(), prefix, *requests_max)?;
        let cache = Cache::open(bucket.clone(), Arc::clone(&disk), *cache_len_bytes)?;
        let live = Arc::new(Live::new(bucket.clone()));
        let shared = Shared {
            bucket,
            spool: Arc::new(Spool::new(disk)?),
            cache: Arc::new(cache),
            options,
        };
        Ok(Self {
            shared: Arc::new(shared),
            live,
            unfinished: None,
            _runtime: runtime,
            _lock: lock,
        })
    }

    /// Gives up what a crash left on its way, as far as the bucket lets it.
    fn give_up_leftovers(&self) -> Result<()> {
        for pack in self.shared.spool.left()? {
            if let Err(error) = self.give_up(pack) {
                tracing::warn!(%pack, %error, "what is left of an upload is given up later");
            }
        }
        // Some services list none; nothing but room depends on it.
        if let Err(error) = self.give_up_unfinished() {
            tracing::warn!(%error, "uploads in parts may be left in a store");
        }
        Ok(())
    }

    /// Gives up what the bucket holds of packs that nobody grows.
    fn give_up_unfinished(&self) -> Result<()> {
        let Some(unfinished) = self.unfinished.clone() else {
            return Ok(());
        };
        let Shared { spool, bucket, .. } = &*self.shared;
        let dir = bucket.packs();
        let listed = bucket
            .tasks
            .wait(async move { unfinished.list(&dir).await })?;
        for (pack, id) in listed? {
            if !spool.grows(pack) {
                bucket.abort(pack, id)?;
            }
        }
        Ok(())
    }

    /// Gives up what of a pack is on its way.
    fn give_up(&self, pack: PackId) -> Result<()> {
        let Shared { spool, bucket, .. } = &*self.shared;
        if let Some(id) = spool.recorded(pack)? {
            bucket.abort(pack, id)?;
        }
        spool.forget(pack)
    }
}

impl Store for ObjectPacks {
    fn seals_uploads(&self) -> bool {
        true
    }

    fn claim(&self, owner: &str, known: bool) -> Result<()> {
        claim::claim(&self.shared.bucket, owner, known)?;
        self.give_up_leftovers()
    }

    fn create(&self, pack: PackId) -> Result<Box<dyn PackSink>> {
        Ok(Box::new(ObjectSink::create(&self.shared, pack)?))
    }

    fn resume(&self, pack: PackId, _len_bytes: u64) -> Result<Box<dyn PackSink>> {
        self.shared.bucket.look(pack)?;
        let message = format!("resume pack {pack}: it is sealed");
        Err(Error::new(ErrorCode::InvalidState, message))
    }

    fn open(&self, pack: PackId, _state: PackState) -> Result<Arc<dyn PackSource>> {
        let Some(reading) = self.live.keep(pack) else {
            let message = format!("open pack {pack}: it is deleted");
            return Err(Error::new(ErrorCode::NotFound, message));
        };
        let meta = self.shared.bucket.look(pack)?;
        let object = Object {
            pack,
            tag: cache::tag(&meta),
            len_bytes: meta.size,
        };
        Ok(Arc::new(ObjectSource {
            shared: Arc::clone(&self.shared),
            object,
            trails: Mutex::<Trails>::default(),
            _reading: reading,
        }))
    }

    fn list(&self) -> Result<Vec<PackId>> {
        let mut packs = self.shared.bucket.list()?;
        packs.retain(|pack| !self.live.is_doomed(*pack));
        Ok(packs)
    }

    fn delete(&self, pack: PackId) -> Result<()> {
        self.give_up(pack)?;
        if self.live.doom(pack) {
            return Ok(());
        }
        let bucket = self.shared.bucket.clone();
        self.shared.bucket.tasks.wait(bucket.delete(pack))??;
        self.shared.cache.forget_pack(pack);
        Ok(())
    }
}

fn lock(disk: &dyn Disk) -> Result<Box<dyn DiskLock>> {
    disk.lock(LOCK, LockMode::Exclusive).map_err(|error| {
        let what = "the local directory of a store of objects";
        match error.kind() {
            std::io::ErrorKind::WouldBlock => {
                let message = format!("{what} is in use by another store");
                Error::new(ErrorCode::Locked, message).with_source(error)
            }
            _ => Error::io(format!("lock {what}"), error),
        }
    })
}

fn invalid(message: String) -> Error {
    Error::new(ErrorCode::InvalidSettings, message)
}
