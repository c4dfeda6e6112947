//! The queue of the writers, and how groups form in it.
//!
//! Writers queue on one lock. Who holds it runs its closure in the open group; while others queue the
//! group is left open for them, and the last one ends it. So a write that is alone waits for nobody.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, MutexGuard};

use super::RedbKv;
use super::checkpoint::SnapshotJob;
use super::fault::INDEX;
use super::group::{Fate, Group, Ran};
use super::renew::{Snapshot, is_over};
use super::writer::Writer;
use crate::error::{Error, ErrorCode, Result};
use crate::index::{Durability, Put};

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
        let (left, job) = match guard.as_mut() {
            Some(writer) => self.leave(writer),
            None => (Left::Unchanged, None),
        };
        drop(guard);
        if let Some(job) = job
            && let Err(error) = self.write_snapshot(job)
        {
            tracing::warn!(%error, "checkpoint failed");
        }
        let value = ran?.unwrap_or_else(|panic| resume_unwind(panic));
        match left {
            // What it returned may come from changes that are gone.
            Left::Open(fate) => fate.wait()?,
            Left::Ended(outcome) => outcome?,
            Left::Unchanged => {}
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

    /// Leaves the group open if somebody queues who can end it, and ends it if not. Returns a
    /// snapshot of the names that is to be written then, too.
    fn leave(&self, writer: &mut Writer) -> (Left, Option<SnapshotJob>) {
        let Some(group) = &writer.group else {
            return (Left::Unchanged, None);
        };
        if group.overlay.is_empty() {
            // Nobody waits, and an old snapshot keeps redb from using its pages again.
            writer.group = None;
            return (Left::Unchanged, None);
        }
        if self.queue.len() > 0 && !group.is_full() {
            return (Left::Open(group.ending.fate()), None);
        }
        let outcome = self.end_group(writer);
        // After a failed sync there is no other one.
        let job = match &outcome {
            Ok(()) => self.checkpoint_if_due(writer),
            Err(_) => None,
        };
        (Left::Ended(outcome), job)
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

    fn checkpoint_if_due(&self, writer: &mut Writer) -> Option<SnapshotJob> {
        if writer.since_bytes < self.options.checkpoint_log_bytes {
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
}
