//! The way of a group's changes into the log and redb, and what a failure on it means.

use super::RedbKv;
use super::fault::guarded;
use super::log::AppendError;
use super::open::Db;
use super::overlay::{GROUP_FULL_BYTES, Overlay};
use super::renew::is_over;
use super::view::WriteView;
use super::writer::Writer;
use crate::error::{Error, ErrorCode, Result};
use crate::index::{Durability, Table};

impl RedbKv {
    /// Brings the changes of a group into the log and redb.
    pub(super) fn commit(
        &self,
        writer: &mut Writer,
        overlay: &Overlay,
        durability: Durability,
    ) -> Result<()> {
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
