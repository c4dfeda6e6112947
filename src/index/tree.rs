//! `RedbKv`: the ordered byte map on one disk, redb behind a log of our own.
//!
//! A write is first a record of the log, durable, and then a commit of redb that is not: what
//! readers see is on the disk already, and costs one append. A checkpoint makes redb durable now
//! and then, and opening replays the log behind it. After a failure whose effect is unknown the
//! handle is poisoned: it reads on, and writes no more.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock};

use super::fault::{INDEX, guarded};
use super::log::AppendError;
use super::names;
use super::open::{self, Db};
use super::options::{KvAccess, KvOptions, KvStats};
use super::replay::LogReader;
use super::reserve::Reserve;
use super::view::{ReadView, WriteView};
use super::writer::Writer;
use crate::disk::{Access, Disk, SyncSite};
use crate::error::{Error, ErrorCode, Result};
use crate::index::{Durability, Get, Kv, Put};
use crate::limits::MIB;

/// How much log is kept before a snapshot of the names is taken, at least.
const NAMES_LOG_BYTES: u64 = 64 * MIB;

/// The ordered byte map of one directory.
pub(crate) struct RedbKv {
    disk: Arc<dyn Disk>,
    options: KvOptions,
    reserve: Arc<Reserve>,
    db: RwLock<Option<Db>>,
    /// Nothing when opened for reading only.
    writer: Mutex<Option<Writer>>,
    /// Held while a snapshot of the names is written.
    snapshotting: Mutex<()>,
    poisoned: OnceLock<String>,
    closed: AtomicBool,
}

/// A snapshot of the names that is to be written.
struct SnapshotJob {
    view: ReadView,
    seq: u64,
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
        if options.access == KvAccess::Create && !open::exists(&*disk)? {
            let log = LogReader::open(Arc::clone(&disk))?;
            if !log.is_empty() || !names::list(&*disk, Access::Write)?.is_empty() {
                let message = format!("{INDEX} is missing beside a log or snapshots of names");
                return Err(Error::corrupt(message));
            }
            open::create(&disk, options.cache_bytes, &mut |_| Ok(0))?;
            reserve.restore()?;
        }
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
            db: RwLock::new(Some(db)),
            writer: Mutex::new(writer),
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

    /// Makes the index durable up to now, so that the next open replays nothing.
    ///
    /// # Errors
    ///
    /// `Poisoned`, `Closed`, `ReadOnlyEngine`; `StorageFull` leaves the handle in order.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn checkpoint(&self) -> Result<()> {
        let mut guard = self.lock_writer();
        let job = self.checkpoint_locked(self.writable(&mut guard)?)?;
        drop(guard);
        job.map_or(Ok(()), |job| self.write_snapshot(&job))
    }

    /// Takes a snapshot of the names now.
    pub(crate) fn snapshot_names(&self) -> Result<()> {
        let mut guard = self.lock_writer();
        let writer = self.writable(&mut guard)?;
        self.checkpoint_locked(writer)?;
        let job = self.snapshot_job(writer)?;
        drop(guard);
        self.write_snapshot(&job)
    }

    /// Closes the map: a checkpoint, and a snapshot of the names if any changed. A second call
    /// does nothing.
    ///
    /// # Errors
    ///
    /// As [`Self::checkpoint`]. The map is closed in any case, and nothing acknowledged is lost.
    pub(crate) fn close(&self) -> Result<()> {
        let mut guard = self.lock_writer();
        if self.closed.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        let finished = match guard.as_mut() {
            Some(writer) => self.health().and_then(|()| self.finish(writer)),
            None => Ok(()),
        };
        let db = self
            .db
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        match (db, finished) {
            (Some(db), Ok(())) => db.close(),
            (Some(db), Err(error)) => {
                db.abandon();
                Err(error)
            }
            (None, finished) => finished,
        }
    }

    fn finish(&self, writer: &mut Writer) -> Result<()> {
        self.checkpoint_locked(writer)?;
        if writer.names_seq > writer.snapshot.seq {
            let job = self.snapshot_job(writer)?;
            writer.snapshot = names::write(&*self.disk, &job.view, job.seq)?;
        }
        if writer.snapshot.seq >= writer.log.last_seq() {
            writer.log.end_segment();
        }
        writer.trim();
        Ok(())
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

    fn lock_writer(&self) -> MutexGuard<'_, Option<Writer>> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn writable<'g>(
        &self,
        guard: &'g mut MutexGuard<'_, Option<Writer>>,
    ) -> Result<&'g mut Writer> {
        if self.closed.load(Ordering::Acquire) {
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

    fn with_db<T>(&self, f: impl FnOnce(&Db) -> Result<T>) -> Result<T> {
        match &*self.db.read().unwrap_or_else(PoisonError::into_inner) {
            Some(db) => f(db),
            None => Err(self.health().err().unwrap_or_else(closed)),
        }
    }

    /// Refuses writes from now on, until the engine is opened again, and returns why.
    pub(crate) fn poison(&self, error: Error) -> Error {
        tracing::error!(%error, "index takes no more writes");
        let _ = self.poisoned.set(error.to_string());
        error
    }

    /// Begins a write. Where giving up an earlier one met a full disk, redb takes no more writes:
    /// then the index is opened anew.
    fn begin_write(&self, writer: &Writer) -> Result<redb::WriteTransaction> {
        match self.with_db(Db::begin_write) {
            Err(error) if error.code() == ErrorCode::Poisoned => {
                let error = self.reopen(writer, error);
                if self.poisoned.get().is_some() {
                    return Err(error);
                }
                self.with_db(Db::begin_write).map_err(|e| self.poison(e))
            }
            begun => begun.map_err(|e| self.poison(e)),
        }
    }

    /// Runs one transaction, from the closure to its commit.
    fn transact<R>(
        &self,
        writer: &mut Writer,
        durability: Durability,
        f: &mut impl FnMut(&mut dyn Put) -> Result<R>,
    ) -> Result<R> {
        let txn = self.begin_write(writer)?;
        let mut view = WriteView::new(&txn, std::mem::take(&mut writer.buffer));
        let outcome = catch_unwind(AssertUnwindSafe(|| f(&mut view)));
        let written = view.finish();
        let value = match (outcome, written.failed) {
            (Ok(Ok(value)), None) => value,
            (Ok(outcome), failed) => {
                self.abort(txn);
                let error = outcome.err().unwrap_or_else(|| {
                    let code = failed.unwrap_or(ErrorCode::Internal);
                    Error::new(code, "a change of this transaction had failed")
                });
                return Err(self.after_failure(writer, failed, error));
            }
            (Err(panic), _) => {
                self.abort(txn);
                resume_unwind(panic);
            }
        };
        if written.set.is_empty() {
            self.abort(txn);
            return Ok(value);
        }
        if let Err(error) = self.log(writer, &written.set, durability) {
            self.abort(txn);
            return Err(error);
        }
        if written.names {
            writer.names_seq = writer.log.last_seq();
        }
        if let Err(error) = guarded("commit", || txn.commit()) {
            // The log holds the record, so an index that is opened anew holds it as well.
            let error = match error.code() {
                ErrorCode::StorageFull => self.reopen(writer, error),
                _ => self.poison(error),
            };
            if self.poisoned.get().is_some() {
                return Err(error);
            }
        }
        writer.buffer = written.set;
        Ok(value)
    }

    fn log(&self, writer: &mut Writer, set: &[u8], durability: Durability) -> Result<()> {
        let mut appended = writer.log.append(set);
        if let Err(AppendError::Undone(error)) = &appended
            && error.code() == ErrorCode::StorageFull
            && self.reserve.release()
        {
            appended = writer.log.append(set);
        }
        match appended {
            Ok(len) => writer.since_bytes += len,
            Err(AppendError::Undone(error)) => return Err(error),
            Err(AppendError::Unknown(error)) => return Err(self.poison(error)),
        }
        match durability {
            Durability::Now => writer.log.sync().map_err(|error| self.poison(error)),
            Durability::Later => Ok(()),
        }
    }

    fn abort(&self, txn: redb::WriteTransaction) {
        if let Err(error) = guarded("abort", || txn.abort()) {
            // An abort after a failure of the disk fails too; `after_failure` opens anew.
            tracing::debug!(%error, "abort failed");
        }
    }

    /// Decides what a failed call into redb means: redb takes no write after one.
    fn after_failure(&self, writer: &Writer, failed: Option<ErrorCode>, error: Error) -> Error {
        match failed {
            // The write set was too long; redb is well.
            None | Some(ErrorCode::Internal) => error,
            Some(ErrorCode::StorageFull) => self.reopen(writer, error),
            Some(_) => self.poison(error),
        }
    }

    /// Opens the index file anew after it met a full disk: its last checkpoint and the log hold
    /// everything. Returns the error, and poisons the handle if that fails as well.
    fn reopen(&self, writer: &Writer, error: Error) -> Error {
        let mut slot = self.db.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(db) = slot.take() {
            db.abandon();
        }
        let opened = || {
            let reserve = Arc::clone(&self.reserve);
            let db = Db::open(&*self.disk, INDEX, self.options.cache_bytes, reserve)?;
            let log = LogReader::open(Arc::clone(&self.disk))?;
            let applied = db.applied()?;
            let last = db.replay(&log, applied, &mut |_, _| {})?;
            if last != writer.log.last_seq() {
                let expected = writer.log.last_seq();
                let message = format!("log ends at record {last}, expected {expected}");
                return Err(Error::corrupt(message));
            }
            Ok(db)
        };
        match opened() {
            Ok(db) => *slot = Some(db),
            Err(again) => drop(self.poison(again)),
        }
        error
    }

    fn checkpoint_locked(&self, writer: &mut Writer) -> Result<Option<SnapshotJob>> {
        let seq = writer.log.last_seq();
        if seq > writer.applied {
            // The index never runs ahead of the log: what a crash takes from one it must take
            // from both.
            writer.log.sync().map_err(|error| self.poison(error))?;
            match self.with_db(|db| db.checkpoint(seq)) {
                Ok(()) => {}
                Err(error)
                    if matches!(error.code(), ErrorCode::StorageFull | ErrorCode::Poisoned) =>
                {
                    return Err(self.reopen(writer, error));
                }
                Err(error) => return Err(self.poison(error)),
            }
            writer.applied = seq;
        }
        writer.since_bytes = 0;
        writer.trim();
        let enough = NAMES_LOG_BYTES.max(writer.snapshot.len_bytes);
        if writer.log.len_bytes() > enough {
            return self.snapshot_job(writer).map(Some);
        }
        Ok(None)
    }

    fn snapshot_job(&self, writer: &Writer) -> Result<SnapshotJob> {
        Ok(SnapshotJob {
            view: ReadView::new(self.with_db(Db::begin_read)?),
            seq: writer.log.last_seq(),
        })
    }

    /// Writes a snapshot while writes go on.
    fn write_snapshot(&self, job: &SnapshotJob) -> Result<()> {
        let Ok(_one) = self.snapshotting.try_lock() else {
            return Ok(());
        };
        let snapshot = match names::write(&*self.disk, &job.view, job.seq) {
            Ok(snapshot) => snapshot,
            // The older snapshot and the log stay; the next checkpoint tries again.
            Err(error) if error.code() == ErrorCode::StorageFull => return Err(error),
            Err(error) => return Err(self.poison(error)),
        };
        if let Some(writer) = self.lock_writer().as_mut() {
            writer.snapshot = snapshot;
            writer.trim();
        }
        Ok(())
    }
}

impl Kv for RedbKv {
    fn read<R>(&self, f: impl FnOnce(&dyn Get) -> Result<R>) -> Result<R> {
        f(&ReadView::new(self.with_db(Db::begin_read)?))
    }

    fn write<R>(
        &self,
        durability: Durability,
        mut f: impl FnMut(&mut dyn Put) -> Result<R>,
    ) -> Result<R> {
        let mut guard = self.lock_writer();
        let writer = self.writable(&mut guard)?;
        let value = self.transact(writer, durability, &mut f)?;
        if writer.since_bytes >= self.options.checkpoint_log_bytes {
            // The write is done and durable, whatever becomes of the checkpoint.
            writer.since_bytes = 0;
            let job = self.checkpoint_locked(writer);
            drop(guard);
            let done = job.and_then(|job| job.map_or(Ok(()), |job| self.write_snapshot(&job)));
            if let Err(error) = done {
                tracing::warn!(%error, "checkpoint failed");
            }
        }
        Ok(value)
    }
}

impl Drop for RedbKv {
    fn drop(&mut self) {
        let slot = self.db.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(db) = slot.take() {
            db.abandon();
        }
    }
}

fn closed() -> Error {
    Error::new(ErrorCode::Closed, "engine is closed")
}
