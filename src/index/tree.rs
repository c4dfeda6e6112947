//! `RedbKv`: the ordered byte map on one disk, redb behind a log of our own.
//!
//! A group of writes is first a record of the log, durable, and then a commit of redb that is not:
//! what readers see is on the disk already, and costs one append. A checkpoint makes redb durable now
//! and then, and opening replays the log behind it. After a failure whose effect is unknown the
//! handle is poisoned: it reads on, and writes no more.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock};

use super::dirs::Gone;
use super::fault::INDEX;
use super::names;
use super::open::{self, Db};
use super::options::{KvAccess, KvOptions, KvStats};
use super::queue::Queue;
use super::renew::Slot;
use super::replay::LogReader;
use super::reserve::Reserve;
use super::writer::Writer;
use crate::disk::{Access, Disk, SyncSite};
use crate::error::{Error, ErrorCode, Result};
use crate::index::{Durability, Get, Kv, Put};

/// The ordered byte map of one directory.
pub(crate) struct RedbKv {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) options: KvOptions,
    pub(super) reserve: Arc<Reserve>,
    pub(super) slot: RwLock<Slot>,
    /// Nothing when opened for reading only.
    writer: Mutex<Option<Writer>>,
    pub(super) queue: Queue,
    /// Held while a snapshot of the names is written.
    pub(super) snapshotting: Mutex<()>,
    pub(super) poisoned: OnceLock<String>,
    closed: AtomicBool,
}

impl std::fmt::Debug for RedbKv {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedbKv")
            .field("disk", &self.disk)
            .field("poisoned", &self.poisoned)
            .finish_non_exhaustive()
    }
}

impl RedbKv {
    /// Opens the map of a disk and brings it up to its log; `progress` hears how many bytes of
    /// the log were read and how many there are.
    ///
    /// # Errors
    ///
    /// `NeedsRecovery` for a read-only open of what was not closed in good order; `Corrupt` for
    /// damage in index or log, and when the index is missing.
    pub(crate) fn open(
        disk: Arc<dyn Disk>,
        options: KvOptions,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Self> {
        let reserve = Arc::new(Reserve::new(Arc::clone(&disk), options.reserve_bytes));
        if options.access == KvAccess::Read {
            return Self::open_read_only(disk, options, reserve);
        }
        let gone = Gone::look(&*disk)?;
        if options.access == KvAccess::Create && !open::exists(&*disk)? {
            gone.expect_both_or_none()?;
            let log = LogReader::open(Arc::clone(&disk))?;
            if !log.is_empty() || !names::list(&*disk, Access::Write)?.is_empty() {
                let message = format!("{INDEX} is missing beside a log or snapshots of names");
                return Err(Error::corrupt(message));
            }
            open::create(&disk, options.cache_bytes, &mut |_| Ok(0))?;
            reserve.restore()?;
            return Self::open_made(disk, options, reserve, progress);
        }
        gone.make_again(&disk, options.cache_bytes)?;
        let kv = Self::open_made(disk, options, reserve, progress)?;
        if (gone.names || gone.log)
            && kv
                .lock_writer()
                .as_ref()
                .is_some_and(|writer| writer.applied > 0)
            && let Err(error) = kv.snapshot_names()
        {
            // The index holds them; the next checkpoint or close tries again.
            tracing::warn!(%error, "names could not be written again");
        }
        Ok(kv)
    }

    /// Opens an index that is there, for writing.
    fn open_made(
        disk: Arc<dyn Disk>,
        options: KvOptions,
        reserve: Arc<Reserve>,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Self> {
        if LogReader::open(Arc::clone(&disk))?.is_empty() {
            // Whoever made the index may have died before its name was durable.
            let synced = disk.sync_dir("", SyncSite::Root);
            synced.map_err(|cause| Error::io("sync directory", cause))?;
        }
        let db = Db::open(&*disk, INDEX, options.cache_bytes, Arc::clone(&reserve))?;
        let writer = match Writer::recover(&disk, &db, options.salt, progress) {
            Ok(writer) => writer,
            Err(error) => {
                db.abandon();
                return Err(error);
            }
        };
        Ok(Self::assemble(disk, options, reserve, db, Some(writer)))
    }

    fn open_read_only(
        disk: Arc<dyn Disk>,
        options: KvOptions,
        reserve: Arc<Reserve>,
    ) -> Result<Self> {
        let db = Db::open_read_only(&disk, options.cache_bytes)?;
        let log = LogReader::open(Arc::clone(&disk))?;
        let applied = db.applied()?;
        let last = log.records(applied, &mut |_, _| {}, &mut |_| Ok(()))?;
        if last > applied {
            let message = format!("log goes on to record {last}, index holds {applied}");
            return Err(Error::new(ErrorCode::NeedsRecovery, message));
        }
        Ok(Self::assemble(disk, options, reserve, db, None))
    }

    fn assemble(
        disk: Arc<dyn Disk>,
        options: KvOptions,
        reserve: Arc<Reserve>,
        db: Db,
        writer: Option<Writer>,
    ) -> Self {
        Self {
            disk,
            options,
            reserve,
            slot: RwLock::new(Slot::new(db)),
            writer: Mutex::new(writer),
            queue: Queue::default(),
            snapshotting: Mutex::new(()),
            poisoned: OnceLock::new(),
            closed: AtomicBool::new(false),
        }
    }

    /// Makes a new index in place of a lost one: the names come from snapshot and log, the rest
    /// from `fill`; it is there whole or not at all.
    ///
    /// # Errors
    ///
    /// `Corrupt` when the names cannot be restored; `Duplicate` when there is an index.
    pub(crate) fn rebuild(
        disk: Arc<dyn Disk>,
        options: KvOptions,
        fill: &mut dyn FnMut(&mut dyn Put) -> Result<()>,
    ) -> Result<Self> {
        if open::exists(&*disk)? {
            return Err(Error::new(
                ErrorCode::Duplicate,
                format!("{INDEX} is there"),
            ));
        }
        open::create(&disk, options.cache_bytes, &mut |view| {
            let seq = names::restore(&disk, &mut |table, key, value| view.put(table, key, value))?;
            fill(view)?;
            Ok(seq)
        })?;
        let kv = Self::open(disk, options, &mut |_, _| {})?;
        // What `fill` set is in no log.
        kv.snapshot_names()?;
        Ok(kv)
    }

    /// Closes the map: a checkpoint, and a snapshot of the names if any changed. A second call
    /// does nothing.
    ///
    /// # Errors
    ///
    /// As [`Self::checkpoint`]. The map is closed in any case, and nothing acknowledged is lost.
    pub(crate) fn close(&self) -> Result<()> {
        // A snapshot that is being written is let finish.
        let _none = self.snapshotting.lock();
        let mut guard = self.lock_idle();
        if self.closed.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        let finished = match guard.as_mut() {
            Some(writer) => self.health().and_then(|()| self.finish(writer)),
            None => Ok(()),
        };
        let mut slot = self.slot.write().unwrap_or_else(PoisonError::into_inner);
        let db = slot.db.take();
        drop(slot);
        match (db, finished) {
            (Some(db), Ok(())) => db.close(),
            (Some(db), Err(error)) => {
                db.abandon();
                Err(error)
            }
            (None, finished) => finished,
        }
    }

    /// Tells whether writes are taken.
    ///
    /// # Errors
    ///
    /// `Poisoned`, with what happened.
    pub(crate) fn health(&self) -> Result<()> {
        match self.poisoned.get() {
            None => Ok(()),
            Some(reason) => Err(Error::new(
                ErrorCode::Poisoned,
                format!("no writes until the engine is opened again: {reason}"),
            )),
        }
    }

    /// Writes the reserve again after the disk was full.
    ///
    /// # Errors
    ///
    /// `StorageFull` while there is no room for it.
    pub(crate) fn restore_reserve(&self) -> Result<()> {
        self.reserve.restore()
    }

    /// Returns the sizes of the files.
    pub(crate) fn stats(&self) -> Result<KvStats> {
        let (log_bytes, names_bytes) = match self.lock_writer().as_ref() {
            Some(writer) => (writer.log.len_bytes(), writer.snapshot.len_bytes),
            None => {
                let log = LogReader::open(Arc::clone(&self.disk))?;
                let kept = log.kept().iter().map(|kept| kept.len_bytes).sum();
                (kept, names::newest(&*self.disk, Access::Read)?.len_bytes)
            }
        };
        Ok(KvStats {
            index_bytes: self.with_db(Db::len_bytes)?,
            log_bytes,
            names_bytes,
        })
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    pub(super) fn lock_writer(&self) -> MutexGuard<'_, Option<Writer>> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Locks the writer and ends the group that is open, so that log and index hold all there is.
    pub(super) fn lock_idle(&self) -> MutexGuard<'_, Option<Writer>> {
        let mut guard = self.lock_writer();
        if let Some(writer) = guard.as_mut() {
            // Those who wait for it are told what became of it.
            let _ = self.end_group(writer);
        }
        guard
    }

    pub(super) fn writable<'g>(
        &self,
        guard: &'g mut MutexGuard<'_, Option<Writer>>,
    ) -> Result<&'g mut Writer> {
        if self.is_closed() {
            return Err(closed());
        }
        self.health()?;
        guard.as_mut().ok_or_else(|| {
            Error::new(
                ErrorCode::ReadOnlyEngine,
                "engine was opened for reading only",
            )
        })
    }

    /// Refuses writes from now on, until the engine is opened again, and returns why.
    pub(crate) fn poison(&self, error: Error) -> Error {
        tracing::error!(%error, "index takes no more writes");
        let _ = self.poisoned.set(error.to_string());
        error
    }
}

impl Kv for RedbKv {
    fn read<R>(&self, mut f: impl FnMut(&dyn Get) -> Result<R>) -> Result<R> {
        self.read_again(&mut f)
    }

    fn write<R>(
        &self,
        durability: Durability,
        mut f: impl FnMut(&mut dyn Put) -> Result<R>,
    ) -> Result<R> {
        self.write_in_group(durability, &mut f)
    }
}

impl Drop for RedbKv {
    fn drop(&mut self) {
        let slot = self.slot.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(db) = slot.db.take() {
            db.abandon();
        }
    }
}

pub(super) fn closed() -> Error {
    Error::new(ErrorCode::Closed, "engine is closed")
}
