//! redb's view of its file: a [`StorageBackend`] over [`DiskFile`].
//!
//! It owns three habits that redb does not have. Every page has a checksum, and one that does not
//! have its own is handed to redb as zeros, which are no page of any tree: redb stops there, and
//! goes on elsewhere, while a failed read would end the whole database. A write that meets a full disk gives up the reserve
//! and is tried once more, because redb takes any failed write as the end. And it can be detached:
//! from then on nothing reaches the file, so that dropping the database is quick and changes
//! nothing on the disk.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use redb::StorageBackend;

use super::reserve::Reserve;
use super::sums::{PAGE, Sums, place, seen_len, stored_len};
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
    sums: Mutex<Sums>,
    reserve: Arc<Reserve>,
    detach: Detach,
}

impl Backend {
    pub(super) fn new(file: Arc<dyn DiskFile>, reserve: Arc<Reserve>, detach: Detach) -> Self {
        Self {
            file,
            sums: Mutex::default(),
            reserve,
            detach,
        }
    }

    fn sums(&self) -> MutexGuard<'_, Sums> {
        self.sums.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with_reserve(&self, deed: impl Fn() -> io::Result<()>) -> io::Result<()> {
        self.detach.check()?;
        match deed() {
            Err(error) if is_full(&error) && self.reserve.release() => deed(),
            done => done,
        }
    }

    fn read_page(&self, page: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read_at(out, place(page))?;
        if !self.sums().is_whole(&*self.file, page, out)? {
            tracing::error!(page, "a page of the index is damaged");
            out.fill(0);
        }
        Ok(())
    }

    fn write_page(&self, page: u64, data: &[u8]) -> io::Result<()> {
        self.with_reserve(|| self.file.write_at(data, place(page)))?;
        self.sums().set(&*self.file, page, data)
    }

    fn write_sums(&self) -> io::Result<()> {
        let put = &mut |bytes: &[u8], at| self.with_reserve(|| self.file.write_at(bytes, at));
        self.sums().write(put)
    }
}

fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}

/// Returns the page at an offset.
fn page(offset: u64) -> io::Result<u64> {
    if offset.is_multiple_of(PAGE as u64) {
        return Ok(offset / PAGE as u64);
    }
    let message = format!("offset {offset} is no border of a page");
    Err(io::Error::new(io::ErrorKind::InvalidInput, message))
}

/// Refuses parts of pages: redb reads and writes none, but for its header.
fn whole(bytes: &[u8]) -> io::Result<()> {
    if bytes.len().is_multiple_of(PAGE) {
        return Ok(());
    }
    let message = format!("{} bytes are no whole pages", bytes.len());
    Err(io::Error::new(io::ErrorKind::InvalidInput, message))
}

impl StorageBackend for Backend {
    fn len(&self) -> io::Result<u64> {
        self.file.len().map(seen_len)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let mut first = page(offset)?;
        let (header, rest) = out.split_at_mut(if first == 0 { out.len().min(PAGE) } else { 0 });
        if !header.is_empty() {
            self.file.read_at(header, place(0))?;
            first = 1;
        }
        whole(rest)?;
        for (page, out) in (first..).zip(rest.chunks_mut(PAGE)) {
            self.read_page(page, out)?;
        }
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let pages = page(len)?;
        if len < self.len()? {
            self.sums().cut(&*self.file, pages)?;
        }
        self.with_reserve(|| self.file.set_len(stored_len(len)))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.detach.check()?;
        self.write_sums()?;
        // Of another kind than a full disk, whatever it was: what a failed sync left is unknown,
        // and no room that is made later changes that.
        let synced = self.file.sync(SyncSite::Index);
        synced.map_err(|error| io::Error::other(format!("sync failed: {error}")))
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut first = page(offset)?;
        let (header, rest) = data.split_at(if first == 0 { data.len().min(PAGE) } else { 0 });
        if !header.is_empty() {
            self.with_reserve(|| self.file.write_at(header, place(0)))?;
            first = 1;
        }
        whole(rest)?;
        for (page, data) in (first..).zip(rest.chunks(PAGE)) {
            self.write_page(page, data)?;
        }
        Ok(())
    }
}
