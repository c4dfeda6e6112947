//! redb's view of its file: a [`StorageBackend`] over [`DiskFile`].
//!
//! It owns two habits that redb does not have. A write that meets a full disk gives up the reserve
//! and is tried once more, because redb takes any failed write as the end. And it can be detached:
//! from then on nothing reaches the file, so that dropping the database is quick and changes
//! nothing on the disk.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use redb::StorageBackend;

use super::reserve::Reserve;
use crate::disk::{DiskFile, SyncSite};

/// The switch that cuts a backend off its file.
#[derive(Debug, Clone, Default)]
pub(super) struct Detach(Arc<AtomicBool>);

impl Detach {
    /// Cuts the backend off: every later write and sync fails.
    pub(super) fn detach(&self) {
        self.0.store(true, Ordering::Release);
    }

    fn check(&self) -> io::Result<()> {
        if self.0.load(Ordering::Acquire) {
            return Err(io::Error::other("detached"));
        }
        Ok(())
    }
}

#[derive(Debug)]
pub(super) struct Backend {
    file: Arc<dyn DiskFile>,
    reserve: Arc<Reserve>,
    detach: Detach,
}

impl Backend {
    pub(super) fn new(file: Arc<dyn DiskFile>, reserve: Arc<Reserve>, detach: Detach) -> Self {
        Self {
            file,
            reserve,
            detach,
        }
    }

    fn with_reserve(&self, deed: impl Fn() -> io::Result<()>) -> io::Result<()> {
        self.detach.check()?;
        match deed() {
            Err(error) if is_full(&error) && self.reserve.release() => deed(),
            done => done,
        }
    }
}

fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}

impl StorageBackend for Backend {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read_at(out, offset)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.with_reserve(|| self.file.set_len(len))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.detach.check()?;
        // Of another kind than a full disk, whatever it was: what a failed sync left is unknown,
        // and no room that is made later changes that.
        let synced = self.file.sync(SyncSite::Index);
        synced.map_err(|error| io::Error::other(format!("sync failed: {error}")))
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.with_reserve(|| self.file.write_at(data, offset))
    }
}
