//! One write: from the closure to the log and into redb.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use super::RedbKv;
use super::fault::guarded;
use super::log::AppendError;
use super::open::Db;
use super::renew::is_over;
use super::view::WriteView;
use super::writer::Writer;
use crate::error::{Error, ErrorCode, Result};
use crate::index::{Durability, Put};

impl RedbKv {
    /// Runs one transaction, from the closure to its commit.
    pub(super) fn transact<R>(
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
                return Err(match failed {
                    // The write set was too long; redb is well.
                    None | Some(ErrorCode::Internal) => error,
                    Some(code) => self.mend(writer, code, error),
                });
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
            // The log holds the record, so an index that is opened anew holds it as well, be it
            // only once there is room.
            let error = self.mend(writer, error.code(), error);
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

    /// Begins a write. Where giving up an earlier one met a full disk, redb takes no more writes:
    /// then the index is opened anew.
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
