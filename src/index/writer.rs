//! The state of the one writer, and how it comes out of a crash.

use std::sync::Arc;

use super::group::Group;
use super::log::LogWriter;
use super::names::{self, Snapshot};
use super::open::Db;
use super::replay::LogReader;
use crate::disk::{Access, Disk};
use crate::error::Result;

/// What the one writer knows.
pub(super) struct Writer {
    pub(super) log: LogWriter,
    /// Newest record of the last checkpoint.
    pub(super) applied: u64,
    /// Log bytes since then.
    pub(super) since_bytes: u64,
    pub(super) snapshot: Snapshot,
    /// Newest record that changed a name.
    pub(super) names_seq: u64,
    /// The writes that are to end together. Open only while somebody queues who will end it.
    pub(super) group: Option<Box<Group>>,
    /// Kept for the next write set.
    pub(super) buffer: Vec<u8>,
}

impl Writer {
    /// Brings the index up to its log and makes it durable.
    pub(super) fn recover(
        disk: &Arc<dyn Disk>,
        db: &Db,
        salt: u64,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Self> {
        let log = LogReader::open(Arc::clone(disk))?;
        let applied = db.applied()?;
        let last = db.replay(&log, applied, progress)?;
        if last > applied {
            // A record may have come from the page cache of a process that died: it is made
            // durable before the index holds it.
            log.secure_tail()?;
            db.checkpoint(last)?;
        }
        log.remove_unfinished()?;
        let snapshot = names::newest(&**disk, Access::Write)?;
        if snapshot.seq > 0 {
            // Whoever wrote it may have died before its name was durable; the log goes by it.
            names::sync_dir(&**disk)?;
        }
        let mut writer = Self {
            log: LogWriter::new(Arc::clone(disk), log.kept(), log.next_number(), last, salt),
            applied: last,
            since_bytes: 0,
            snapshot,
            names_seq: if snapshot.seq < last { last } else { 0 },
            group: None,
            buffer: Vec::new(),
        };
        writer.trim();
        Ok(writer)
    }

    /// Removes the log that both the last checkpoint and the newest snapshot cover.
    pub(super) fn trim(&mut self) {
        self.log.trim(self.applied.min(self.snapshot.seq));
    }
}
