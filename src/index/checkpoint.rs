//! Checkpoints, and the snapshots of the names that let the log go.

use super::RedbKv;
use super::names;
use super::renew::{Snapshot, may_pass};
use super::writer::Writer;
use crate::error::Result;
use crate::limits::MIB;

/// How much log is kept before a snapshot of the names is taken, at least.
const NAMES_LOG_BYTES: u64 = 64 * MIB;
/// How often a snapshot of the names is begun again when a full disk ends it.
const TRIES: u32 = 4;

/// A snapshot of the names that is to be written.
pub(super) struct SnapshotJob {
    snapshot: Snapshot,
    seq: u64,
}

impl RedbKv {
    /// Makes the index durable up to now, so that the next open replays nothing.
    ///
    /// # Errors
    ///
    /// `Poisoned`, `Closed`, `ReadOnlyEngine`; `StorageFull` leaves the handle in order.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn checkpoint(&self) -> Result<()> {
        let mut guard = self.lock_idle();
        let job = self.checkpoint_locked(self.writable(&mut guard)?)?;
        drop(guard);
        job.map_or(Ok(()), |job| self.write_snapshot(job))
    }

    /// Takes a snapshot of the names now.
    pub(crate) fn snapshot_names(&self) -> Result<()> {
        let mut guard = self.lock_idle();
        let writer = self.writable(&mut guard)?;
        self.checkpoint_locked(writer)?;
        let job = self.snapshot_job(writer)?;
        drop(guard);
        self.write_snapshot(job)
    }

    /// Leaves nothing to be replayed, and no log that is not needed.
    pub(super) fn finish(&self, writer: &mut Writer) -> Result<()> {
        self.checkpoint_locked(writer)?;
        if writer.names_seq > writer.snapshot.seq {
            let job = self.snapshot_job(writer)?;
            writer.snapshot = names::write(&*self.disk, &job.snapshot.view, job.seq)?;
        }
        if writer.snapshot.seq >= writer.log.last_seq() {
            writer.log.end_segment();
        }
        writer.trim();
        Ok(())
    }

    pub(super) fn checkpoint_locked(&self, writer: &mut Writer) -> Result<Option<SnapshotJob>> {
        let seq = writer.log.last_seq();
        if seq > writer.applied {
            // The index never runs ahead of the log: what a crash takes from one it must take
            // from both.
            writer.log.sync().map_err(|error| self.poison(error))?;
            if self.is_absent() {
                self.reopen(writer)?;
            }
            if let Err(error) = self.with_db(|db| db.checkpoint_after(seq, seq - writer.applied)) {
                return Err(self.mend(writer, error.code(), error));
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
            snapshot: self.snapshot().map_err(|(_, error)| error)?,
            seq: writer.log.last_seq(),
        })
    }

    /// Writes a snapshot while writes go on.
    pub(super) fn write_snapshot(&self, mut job: SnapshotJob) -> Result<()> {
        let Ok(_one) = self.snapshotting.try_lock() else {
            return Ok(());
        };
        let mut tries = TRIES;
        let snapshot = loop {
            let error = match names::write(&*self.disk, &job.snapshot.view, job.seq) {
                Ok(snapshot) => break snapshot,
                Err(error) => error,
            };
            tries -= 1;
            if self.is_cut_off(&job.snapshot) && tries > 0 {
                self.snapshot_again(job.snapshot)?;
                let mut guard = self.lock_idle();
                job = self.snapshot_job(self.writable(&mut guard)?)?;
            } else if self.is_cut_off(&job.snapshot) || may_pass(&error) {
                // The older snapshot and the log stay; the next checkpoint tries again.
                return Err(error);
            } else {
                return Err(self.poison(error));
            }
        };
        if let Some(writer) = self.lock_writer().as_mut() {
            writer.snapshot = snapshot;
            writer.trim();
        }
        Ok(())
    }
}
