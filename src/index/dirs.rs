//! The directories of log and snapshots, and what it means when one is gone.

use std::io;
use std::sync::Arc;

use super::fault::INDEX;
use super::log::LOG_DIR;
use super::names::NAMES_DIR;
use super::open::Db;
use crate::disk::{Disk, SyncSite};
use crate::error::{Error, ErrorCode, Result};

/// Which directories are gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Gone {
    pub(super) log: bool,
    pub(super) names: bool,
}

impl Gone {
    pub(super) fn look(disk: &dyn Disk) -> Result<Self> {
        Ok(Self {
            log: is_gone(disk, LOG_DIR)?,
            names: is_gone(disk, NAMES_DIR)?,
        })
    }

    /// Refuses to make an index where the other directory says that there was one.
    pub(super) fn expect_both_or_none(self) -> Result<()> {
        let one = match (self.log, self.names) {
            (true, false) => LOG_DIR,
            (false, true) => NAMES_DIR,
            _ => return Ok(()),
        };
        Err(Error::corrupt(format!("{INDEX} and {one}/ are missing")))
    }

    /// Makes the directories again, if nothing can have been lost with them: an index that was
    /// closed in good order holds all of the log, and any index all of the names.
    pub(super) fn make_again(self, disk: &Arc<dyn Disk>, cache_bytes: usize) -> Result<()> {
        if self.log {
            expect_closed(disk, cache_bytes)?;
        }
        let io = |cause| Error::io("make directory", cause);
        for (gone, dir) in [(self.log, LOG_DIR), (self.names, NAMES_DIR)] {
            if gone {
                tracing::warn!(dir, "a directory was missing and is made again");
                disk.create_dir(dir).map_err(io)?;
            }
        }
        if self.log || self.names {
            disk.sync_dir("", SyncSite::Root).map_err(io)?;
        }
        Ok(())
    }
}

fn is_gone(disk: &dyn Disk, dir: &str) -> Result<bool> {
    match disk.list(dir) {
        Ok(_) => Ok(false),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(cause) => Err(Error::io(dir, cause)),
    }
}

fn expect_closed(disk: &Arc<dyn Disk>, cache_bytes: usize) -> Result<()> {
    match Db::open_read_only(disk, cache_bytes) {
        Ok(db) => db.close(),
        Err(error) if error.code() == ErrorCode::NeedsRecovery => {
            let message =
                format!("{LOG_DIR}/ is missing and {INDEX} was not closed: changes are lost");
            Err(Error::corrupt(message).with_source(error))
        }
        Err(error) => Err(error),
    }
}
