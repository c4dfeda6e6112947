//! A write: its closure in a group, and the group's way into the log and redb.
//!
//! Writers queue on one lock. Who holds it runs its closure in the open group; while others queue the
//! group is left open for them, and the last one ends it. So a write that is alone waits for nobody.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, MutexGuard};

use super::RedbKv;
use super::checkpoint::SnapshotJob;
use super::fault::{INDEX, guarded};
use super::group::{Fate, Group, Ran};
use super::log::AppendError;
use super::open::Db;
use super::overlay::{GROUP_FULL_BYTES, Overlay};
use super::renew::{Snapshot, is_over};
use super::view::WriteView;
use super::writer::Writer;
use crate::error::{Error, ErrorCode, Result};
use crate::index::{Durability, Put, Table};

/// How often a closure runs again at most because the index was opened anew below it.
const TRIES: u32 = 8;

/// How many writers wait for the lock, or are about to.
///
/// It is lowered under the lock alone. So whoever holds the lock and sees one knows that this one
/// comes after, whenever it was counted; the lock orders all else.
#[derive(Debug, Default)]
pub(super) struct Queue(AtomicUsize);

impl Queue {
    /// Returns how many wait.
    pub(super) fn len(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// What became of the group in which a closure ran.
enum Left {
    /// The closure met no changes and made none: it waits for nothing.
    Unchanged,
    /// Somebody who queues ends it.
    Open(Arc<Fate>),
    Ended(Result<()>),
}

impl RedbKv {
    /// Runs a closure in a group, and returns what it came to when the group has ended.
    pub(super) fn write_in_group<R>(
        &self,
        durability: Durability,
        f: &mut impl FnMut(&mut dyn Put) -> Result<R>,
    ) -> Result<R> {
        let mut guard = self.queue_for_writer();
        let ran = match self.writable(&mut guard) {
            Ok(writer) => self.run(writer, durability, f),
            Err(error) => Err(error),
        };
        // Whatever became of this closure, those before it must not wait for ever.
        let left = guard.as_mut().map(|writer| self.leave(writer));
        let job = guard.as_mut().and_then(|w| self.checkpoint_if_due(w));
        drop(guard);
        if let Some(job) = job
            && let Err(error) = self.write_snapshot(job)
        {
            tracing::warn!(%error, "checkpoint failed");
        }
        let value = ran?.unwrap_or_else(|panic| resume_unwind(panic));
        match left {
            // What it returned may come from changes that are gone.
            Some(Left::Open(fate)) => fate.wait()?,
            Some(Left::Ended(outcome)) => outcome?,
            Some(Left::Unchanged) | None => {}
        }
        value
    }

    fn queue_for_writer(&self) -> MutexGuard<'_, Option<Writer>> {
        self.queue.0.fetch_add(1, Ordering::Relaxed);
        let guard = self.lock_writer();
        self.queue.0.fetch_sub(1, Ordering::Relaxed);
        guard
    }

    /// Runs a closure in the open group or in a new one, and takes its changes in or back.
    fn run<R>(
        &self,
        writer: &mut Writer,
        durability: Durability,
        f: &mut impl FnMut(&mut dyn Put) -> Result<R>,
    ) -> Result<Ran<R>> {
        for _ in 0..TRIES {
            let group = self.open_group(writer)?;
            let mut view = group.view();
            let ran = catch_unwind(AssertUnwindSafe(|| f(&mut view)));
            let failed = view.failed();
            if ran.is_err() || !self.is_cut_off(&group.snapshot) {
                return Ok(group.settle(ran, failed, durability));
            }
            group.overlay.take_back();
            let generation = group.snapshot.generation();
            let _ = self.end_group(writer);
            self.renew_locked(writer, generation)?;
        }
        let message = format!("{INDEX} was opened anew {TRIES} times during one write");
        Err(Error::new(ErrorCode::StoreUnavailable, message))
    }

    fn open_group<'w>(&self, writer: &'w mut Writer) -> Result<&'w mut Group> {
        let group = match writer.group.take() {
            Some(group) => group,
            None => Box::new(Group::new(self.snapshot_for(writer)?)),
        };
        Ok(writer.group.insert(group))
    }

    /// Begins a snapshot for a write. Where an earlier one met a full disk, redb takes no more calls:
    /// then the index is opened anew.
    fn snapshot_for(&self, writer: &Writer) -> Result<Snapshot> {
        let mut begun = self.snapshot();
        if begun.as_ref().is_err_and(|(_, error)| is_over(error)) {
            self.reopen(writer)?;
            begun = self.snapshot();
        }
        begun.map_err(|(_, error)| self.poison(error))
    }

    /// Leaves the group open if somebody queues who can end it, and ends it if not.
    fn leave(&self, writer: &mut Writer) -> Left {
        let Some(group) = &writer.group else {
            return Left::Unchanged;
        };
        if group.overlay.is_empty() {
            // Nobody waits, and an old snapshot keeps redb from using its pages again.
            writer.group = None;
            return Left::Unchanged;
        }
        if self.queue.len() > 0 && !group.is_full() {
            return Left::Open(group.ending.fate());
        }
        Left::Ended(self.end_group(writer))
    }

    /// Ends the group that is open, if any: its changes are durable and visible then, or gone.
    pub(super) fn end_group(&self, writer: &mut Writer) -> Result<()> {
        let Some(group) = writer.group.take() else {
            return Ok(());
        };
        let Group {
            snapshot,
            overlay,
            durability,
            ending,
            ..
        } = *group;
        drop(snapshot);
        let outcome = match overlay.is_empty() {
            true => Ok(()),
            false => self.commit(writer, &overlay, durability),
        };
        ending.tell(&outcome);
        outcome
    }

    /// Brings the changes of a group into the log and redb.
    fn commit(&self, writer: &mut Writer, overlay: &Overlay, durability: Durability) -> Result<()> {
        // Somebody else may have met a failed sync since the closures ran.
        self.health()?;
        let txn = self.begin_write(writer)?;
        // Before the log, so that a disk without room for it refuses it whole.
        let mut view = WriteView::new(&txn);
        let applied = overlay.changes().try_for_each(|change| view.apply(change));
        drop(view);
        if let Err(error) = applied {
            self.abort(txn);
            return Err(self.mend(writer, error.code(), error));
        }
        if let Err(error) = self.log(writer, overlay, durability) {
            self.abort(txn);
            return Err(error);
        }
        if Table::NAMES.into_iter().any(|table| overlay.touches(table)) {
            writer.names_seq = writer.log.last_seq();
        }
        if let Err(error) = guarded("commit", || txn.commit()) {
            // The log holds the record, so an index that is opened anew holds it as well, be it
            // only once there is room.
            let error = self.mend(writer, error.code(), error);
            if self.poisoned.get().is_some() {
                return Err(error);
            }
        }
        Ok(())
    }

    fn log(&self, writer: &mut Writer, overlay: &Overlay, durability: Durability) -> Result<()> {
        let mut set = std::mem::take(&mut writer.buffer);
        set.clear();
        overlay
            .changes()
            .try_for_each(|change| change.encode(&mut set))?;
        let appended = self.append(writer, &set);
        if set.capacity() <= GROUP_FULL_BYTES * 2 {
            writer.buffer = set;
        }
        appended?;
        match durability {
            Durability::Now => writer.log.sync().map_err(|error| self.poison(error)),
            Durability::Later => Ok(()),
        }
    }

    /// Appends a record; a full disk gives up the reserve, and it is tried once more.
    fn append(&self, writer: &mut Writer, set: &[u8]) -> Result<()> {
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
        Ok(())
    }

    fn checkpoint_if_due(&self, writer: &mut Writer) -> Option<SnapshotJob> {
        if writer.group.is_some() || writer.since_bytes < self.options.checkpoint_log_bytes {
            return None;
        }
        // The writes are done and durable, whatever becomes of the checkpoint.
        writer.since_bytes = 0;
        let done = self.checkpoint_locked(writer);
        done.unwrap_or_else(|error| {
            tracing::warn!(%error, "checkpoint failed");
            None
        })
    }

    fn abort(&self, txn: redb::WriteTransaction) {
        if let Err(error) = guarded("abort", || txn.abort()) {
            // An abort after a failure of the disk fails too; `mend` opens anew.
            tracing::debug!(%error, "abort failed");
        }
    }

    /// Decides what a failed call into redb means, which takes none after it. A full disk, or a
    /// failure that somebody else met: the index is opened anew, now or once there is room. Anything
    /// else: no more writes.
    pub(super) fn mend(&self, writer: &Writer, code: ErrorCode, error: Error) -> Error {
        match code {
            ErrorCode::StorageFull | ErrorCode::Poisoned => {
                if let Err(again) = self.reopen(writer) {
                    tracing::warn!(error = %again, "index could not be opened anew");
                }
                error
            }
            _ => self.poison(error),
        }
    }

    /// Begins a write of redb; where it takes no more calls, the index is opened anew before.
    fn begin_write(&self, writer: &Writer) -> Result<redb::WriteTransaction> {
        match self.with_db(Db::begin_write) {
            Err(error) if is_over(&error) => {
                self.reopen(writer)?;
                self.with_db(Db::begin_write).map_err(|e| self.poison(e))
            }
            begun => begun.map_err(|e| self.poison(e)),
        }
    }
}
