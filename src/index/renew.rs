//! Opening the index file anew while readers and snapshots are at work.
//!
//! redb takes no more calls after one of its own to the disk failed. Its last checkpoint and the log
//! hold everything, so what is left of it is dropped and another is opened, a *generation* later.
//! The one before must be closed by then, because both would write to one file: its snapshots are
//! cut off, and whoever reads in one begins again.

use std::sync::{Arc, PoisonError, RwLockReadGuard};

use super::RedbKv;
use super::fault::INDEX;
use super::open::Db;
use super::replay::LogReader;
use super::tree::closed;
use super::view::ReadView;
use super::writer::Writer;
use crate::disk::lacked_files;
use crate::error::{Error, ErrorCode, Result};
use crate::index::Get;

/// How often a read begins again at most.
const READ_TRIES: u32 = 64;

/// The open index file.
pub(super) struct Slot {
    /// Nothing when closed, and while a full disk keeps it from being opened anew.
    pub(super) db: Option<Db>,
    generation: u64,
}

impl Slot {
    pub(super) fn new(db: Db) -> Self {
        Self {
            db: Some(db),
            generation: 0,
        }
    }

    fn abandon(&mut self) {
        if let Some(db) = self.db.take() {
            db.abandon();
        }
    }

    fn fill(&mut self, db: Db) {
        self.abandon();
        self.db = Some(db);
        self.generation += 1;
    }
}

/// A snapshot, and of which generation.
pub(super) struct Snapshot {
    pub(super) view: ReadView,
    generation: u64,
}

impl Snapshot {
    /// Returns how often the index had been opened anew before.
    pub(super) fn generation(&self) -> u64 {
        self.generation
    }
}

impl RedbKv {
    fn slot(&self) -> RwLockReadGuard<'_, Slot> {
        self.slot.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn with_db<T>(&self, f: impl FnOnce(&Db) -> Result<T>) -> Result<T> {
        f(self.slot().db.as_ref().ok_or_else(|| self.refusal())?)
    }

    /// Tells whether there is no index file.
    pub(super) fn is_absent(&self) -> bool {
        self.slot().db.is_none()
    }

    /// Says why there is no index file.
    fn refusal(&self) -> Error {
        if self.is_closed() {
            return closed();
        }
        self.health().err().unwrap_or_else(|| {
            let message = format!("{INDEX} waits for room on the disk to be opened anew");
            Error::new(ErrorCode::StorageFull, message)
        })
    }

    /// Begins a snapshot; returns the generation that it was to be of.
    pub(super) fn snapshot(&self) -> Result<Snapshot, (u64, Error)> {
        let slot = self.slot();
        let generation = slot.generation;
        let begun = slot.db.as_ref().ok_or_else(|| self.refusal());
        match begun.and_then(Db::begin_read) {
            Ok(txn) => Ok(Snapshot {
                view: ReadView::new(txn),
                generation,
            }),
            Err(error) => Err((generation, error)),
        }
    }

    /// Tells whether a snapshot ended before its reader did: then what it answered does not count.
    pub(super) fn is_cut_off(&self, snapshot: &Snapshot) -> bool {
        let view = &snapshot.view;
        // After its end redb may also fail in other words.
        view.is_cut_off() || view.has_failed() && self.slot().generation != snapshot.generation
    }

    /// Runs `f` on one snapshot, and again while snapshots are cut off.
    pub(super) fn read_again<R>(&self, f: &mut dyn FnMut(&dyn Get) -> Result<R>) -> Result<R> {
        for _ in 0..READ_TRIES {
            let generation = match self.snapshot() {
                Ok(snapshot) => {
                    let value = f(&snapshot.view);
                    if !self.is_cut_off(&snapshot) {
                        return value;
                    }
                    snapshot.generation
                }
                Err((generation, error)) if is_over(&error) => generation,
                Err((_, error)) => return Err(error),
            };
            self.renew(generation)?;
        }
        let message = format!("{INDEX} was opened anew {READ_TRIES} times during one read");
        Err(Error::new(ErrorCode::StoreUnavailable, message))
    }

    /// Takes the place of a snapshot that was cut off.
    pub(super) fn snapshot_again(&self, snapshot: Snapshot) -> Result<()> {
        let generation = snapshot.generation;
        drop(snapshot);
        self.renew(generation)
    }

    /// Waits until the index was opened anew after `generation`, or does it.
    fn renew(&self, generation: u64) -> Result<()> {
        // Whoever writes now has met the failure, or will, and opens the index anew.
        let guard = self.lock_idle();
        self.renew_after(generation, || match &*guard {
            Some(writer) => self.reopen(writer),
            None => {
                let db = Db::open_read_only(&self.disk, self.options.cache_bytes)?;
                self.slot
                    .write()
                    .unwrap_or_else(PoisonError::into_inner)
                    .fill(db);
                Ok(())
            }
        })
    }

    /// As [`Self::renew`], by the writer.
    pub(super) fn renew_locked(&self, writer: &Writer, generation: u64) -> Result<()> {
        self.renew_after(generation, || self.reopen(writer))
    }

    fn renew_after(&self, generation: u64, open: impl FnOnce() -> Result<()>) -> Result<()> {
        if self.slot().generation != generation {
            return Ok(());
        }
        if self.is_closed() {
            return Err(closed());
        }
        self.health()?;
        open()
    }

    /// Opens the index file anew: its last checkpoint and the log hold everything.
    ///
    /// # Errors
    ///
    /// A full disk or no more open files: the next call tries again. After anything else the handle
    /// is poisoned.
    pub(super) fn reopen(&self, writer: &Writer) -> Result<()> {
        let mut slot = self.slot.write().unwrap_or_else(PoisonError::into_inner);
        slot.abandon();
        match self.open_again(writer) {
            Ok(db) => {
                slot.fill(db);
                Ok(())
            }
            Err(error) if may_pass(&error) => Err(error),
            Err(error) => Err(self.poison(error)),
        }
    }

    fn open_again(&self, writer: &Writer) -> Result<Db> {
        let reserve = Arc::clone(&self.reserve);
        let db = Db::open(&*self.disk, INDEX, self.options.cache_bytes, reserve)?;
        let replayed = || {
            let log = LogReader::open(Arc::clone(&self.disk))?;
            let last = db.replay(&log, db.applied()?, &mut |_, _| {})?;
            let expected = writer.log.last_seq();
            if last != expected {
                let message = format!("log ends at record {last}, expected {expected}");
                return Err(Error::corrupt(message));
            }
            Ok(())
        };
        match replayed() {
            Ok(()) => Ok(db),
            Err(error) => {
                db.abandon();
                Err(error)
            }
        }
    }
}

/// Tells whether a failure is one of days that pass, and changed nothing.
pub(super) fn may_pass(error: &Error) -> bool {
    error.code() == ErrorCode::StorageFull || lacked_files(error)
}

/// Tells whether an error of a call that begins something says that redb takes no more calls.
pub(super) fn is_over(error: &Error) -> bool {
    matches!(error.code(), ErrorCode::Poisoned | ErrorCode::StorageFull)
}
