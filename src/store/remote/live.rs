//! Packs that somebody reads: such a one is deleted when its last reader goes.
//!
//! A file that is unlinked is read on, an object that is deleted is not; readers must not tell the
//! difference.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::bucket::Bucket;
use crate::id::PackId;

/// Which packs are read.
#[derive(Debug)]
pub(super) struct Live {
    bucket: Bucket,
    read: Mutex<HashMap<PackId, Readers>>,
}

#[derive(Debug, Default)]
struct Readers {
    count: usize,
    is_doomed: bool,
}

/// Keeps the object of a pack.
#[derive(Debug)]
pub(super) struct Reading {
    live: Arc<Live>,
    pack: PackId,
}

impl Live {
    pub(super) fn new(bucket: Bucket) -> Self {
        Self {
            bucket,
            read: Mutex::default(),
        }
    }

    fn read(&self) -> MutexGuard<'_, HashMap<PackId, Readers>> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps the object of a pack from now on; nothing if the pack is deleted.
    pub(super) fn keep(self: &Arc<Self>, pack: PackId) -> Option<Reading> {
        let mut read = self.read();
        let readers = read.entry(pack).or_default();
        if readers.is_doomed {
            return None;
        }
        readers.count += 1;
        let live = Arc::clone(self);
        Some(Reading { live, pack })
    }

    /// Deletes a pack as soon as nobody reads it; `false` if nobody does, so that the caller may do
    /// it now.
    pub(super) fn doom(&self, pack: PackId) -> bool {
        match self.read().get_mut(&pack) {
            Some(readers) => {
                readers.is_doomed = true;
                true
            }
            None => false,
        }
    }

    /// Tells whether a pack is deleted and only read to its end.
    pub(super) fn is_doomed(&self, pack: PackId) -> bool {
        self.read().get(&pack).is_some_and(|it| it.is_doomed)
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        let (bucket, pack) = (&self.live.bucket, self.pack);
        let mut read = self.live.read();
        let Some(readers) = read.get_mut(&pack) else {
            return;
        };
        readers.count -= 1;
        if readers.count > 0 {
            return;
        }
        let is_doomed = readers.is_doomed;
        read.remove(&pack);
        drop(read);
        if is_doomed {
            let delete = bucket.clone().delete(pack);
            bucket.tasks.start(async move {
                if let Err(error) = delete.await {
                    // It has no row any more, so the next collection finds it.
                    tracing::warn!(%pack, %error, "an object is left to the next collection");
                }
            });
        }
    }
}
