//! Opening the index file: making it, finding it, bringing it up to the log.

use std::sync::Arc;

use redb::{Database, ReadOnlyDatabase, ReadableDatabase, ReadableTableMetadata, TableDefinition};

use super::backend::{Backend, Detach};
use super::fault::{INDEX, guarded};
use super::frame::{Change, read_u64};
use super::log::LOG_DIR;
use super::names::{NAMES_DIR, unreadable};
use super::replay::LogReader;
use super::reserve::Reserve;
use super::sums::seen_len;
use super::view::{WriteView, definition};
use crate::disk::{Access, Disk, DiskFile, SyncSite};
use crate::error::{Error, ErrorCode, Result};
use crate::index::Table;
use crate::sum::sum64;

const UNFINISHED: &str = "index.new";
/// Marks of this layer, beside the tables of the index.
const MARKS: TableDefinition<'static, &[u8], &[u8]> = TableDefinition::new("checkpoint");
const APPLIED: &[u8] = b"applied";
const BATCH_BYTES: usize = 4 << 20;
/// From so many records on, a checkpoint also gives back what redb noted of each.
const MANY_RECORDS: u64 = 1024;
/// Shortest file that is compacted, in bytes.
const COMPACT_FROM_BYTES: u64 = 4 << 20;
/// Most rows of an index that is compacted, so that closing takes no long time.
const COMPACT_ROWS: u64 = 500_000;

/// An open index file.
pub(super) struct Db {
    handle: Handle,
    file: Arc<dyn DiskFile>,
}

enum Handle {
    Write(Database, Detach),
    Read(ReadOnlyDatabase),
}

impl Db {
    /// Opens the index file for reading alone; nothing is written.
    pub(super) fn open_read_only(disk: &Arc<dyn Disk>, cache_bytes: usize) -> Result<Self> {
        let file = open_file(&**disk, INDEX, Access::Read)?;
        let reserve = Arc::new(Reserve::new(Arc::clone(disk), 0));
        let backend = Backend::new(Arc::clone(&file), reserve, Detach::default());
        let handle = guarded("open", || {
            Database::builder()
                .set_cache_size(cache_bytes)
                .open_read_only_with_backend(backend)
        })?;
        Ok(Self {
            handle: Handle::Read(handle),
            file,
        })
    }

    /// Opens the index file for writing.
    pub(super) fn open(
        disk: &dyn Disk,
        path: &str,
        cache_bytes: usize,
        reserve: Arc<Reserve>,
    ) -> Result<Self> {
        let file = open_file(disk, path, Access::Write)?;
        let len = file.len().map_err(|cause| Error::io(path, cause))?;
        if seen_len(len) == 0 && path == INDEX {
            // redb would take it for a new one and fill it.
            return Err(Error::corrupt(format!("{INDEX} is {len} bytes")));
        }
        let detach = Detach::default();
        let backend = Backend::new(Arc::clone(&file), reserve, detach.clone());
        let database = guarded("open", || {
            Database::builder()
                .set_cache_size(cache_bytes)
                .create_with_backend(backend)
        })?;
        Ok(Self {
            handle: Handle::Write(database, detach),
            file,
        })
    }

    /// Begins a snapshot.
    pub(super) fn begin_read(&self) -> Result<redb::ReadTransaction> {
        guarded("begin read", || match &self.handle {
            Handle::Write(database, _) => database.begin_read(),
            Handle::Read(database) => database.begin_read(),
        })
    }

    /// Begins a write whose commit is not durable by itself.
    pub(super) fn begin_write(&self) -> Result<redb::WriteTransaction> {
        let mut txn = self.begin_durable()?;
        guarded("begin write", || txn.set_durability(redb::Durability::None))?;
        Ok(txn)
    }

    fn begin_durable(&self) -> Result<redb::WriteTransaction> {
        match &self.handle {
            Handle::Write(database, _) => guarded("begin write", || database.begin_write()),
            Handle::Read(_) => Err(Error::new(
                ErrorCode::ReadOnlyEngine,
                "engine was opened for reading only",
            )),
        }
    }

    /// Makes everything so far durable, with the mark that it holds the log up to `seq`.
    pub(super) fn checkpoint(&self, seq: u64) -> Result<()> {
        self.checkpoint_with(&mut |_| Ok(seq))
    }

    /// As [`Self::checkpoint`], of `records` since the last one.
    ///
    /// redb notes what each of them freed in a page of its own, frees these notes with the commit
    /// after next, and would grow its file by as much again at each checkpoint.
    pub(super) fn checkpoint_after(&self, seq: u64, records: u64) -> Result<()> {
        let commits = if records < MANY_RECORDS { 1 } else { 3 };
        (0..commits).try_for_each(|_| self.checkpoint(seq))
    }

    fn checkpoint_with(&self, fill: &mut Fill<'_>) -> Result<()> {
        let mut txn = self.begin_durable()?;
        txn.set_two_phase_commit(true);
        txn.set_quick_repair(true);
        let mut view = WriteView::new(&txn);
        let filled = fill(&mut view);
        drop(view);
        let mut mark = filled?.to_le_bytes().to_vec();
        mark.extend(sum64(0, &mark).to_le_bytes());
        guarded("checkpoint", || -> Result<(), redb::Error> {
            txn.open_table(MARKS)?.insert(APPLIED, mark.as_slice())?;
            Ok(txn.commit()?)
        })
    }

    /// Returns the newest log record that the index held at its last checkpoint.
    pub(super) fn applied(&self) -> Result<u64> {
        let mark = guarded("read mark", || -> Result<_, redb::Error> {
            let txn = match &self.handle {
                Handle::Write(database, _) => database.begin_read()?,
                Handle::Read(database) => database.begin_read()?,
            };
            let mark = txn.open_table(MARKS)?.get(APPLIED)?;
            Ok(mark.map(|mark| mark.value().to_vec()))
        })?;
        match mark {
            Some(mark) if mark.len() == 16 && sum64(0, &mark[..8]) == read_u64(&mark, 8) => {
                Ok(read_u64(&mark, 0))
            }
            _ => Err(Error::corrupt(format!(
                "{INDEX}: mark of the log is damaged"
            ))),
        }
    }

    /// Applies the log behind `after`; returns the last record.
    pub(super) fn replay(
        &self,
        log: &LogReader,
        after: u64,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<u64> {
        let mut batch = Vec::new();
        let last = log.records(after, progress, &mut |record| {
            batch.extend_from_slice(record.payload);
            if batch.len() >= BATCH_BYTES {
                self.apply(&batch, record.seq)?;
                batch.clear();
            }
            Ok(())
        })?;
        self.apply(&batch, last)?;
        Ok(last)
    }

    fn apply(&self, mut sets: &[u8], seq: u64) -> Result<()> {
        let txn = self.begin_write()?;
        let mut view = WriteView::new(&txn);
        while !sets.is_empty() {
            let (change, rest) = Change::decode(sets).ok_or_else(|| unreadable(seq))?;
            view.apply(change)?;
            sets = rest;
        }
        drop(view);
        guarded("replay", || txn.commit())
    }

    /// Returns the length of the file in bytes.
    pub(super) fn len_bytes(&self) -> Result<u64> {
        self.file.len().map_err(|cause| Error::io(INDEX, cause))
    }

    /// Moves pages to the front of a file that is much longer than what it holds, and cuts it.
    /// Does nothing while anybody reads.
    fn compact(&mut self) -> Result<()> {
        let len = self.len_bytes()?;
        let Handle::Write(database, _) = &mut self.handle else {
            return Ok(());
        };
        guarded("compact", || -> Result<(), redb::Error> {
            if len < COMPACT_FROM_BYTES || rows(database)? > COMPACT_ROWS {
                return Ok(());
            }
            let txn = database.begin_write()?;
            let stats = txn.stats()?;
            txn.abort()?;
            let used = (stats.leaf_pages() + stats.branch_pages()) * stats.page_size() as u64;
            if len < 3 * used {
                return Ok(());
            }
            match database.compact() {
                Ok(_) | Err(redb::CompactionError::TransactionInProgress) => Ok(()),
                Err(error) => Err(error.into()),
            }
        })
    }

    /// Closes the file in good order, shorter if it was much too long.
    pub(super) fn close(mut self) -> Result<()> {
        if let Err(error) = self.compact() {
            // All is durable; only the file is as long as before, and looked at by the next open.
            tracing::warn!(%error, "the index file was not made shorter");
            self.abandon();
            return Ok(());
        }
        guarded("close", || match self.handle {
            Handle::Write(database, _) => database.close(),
            Handle::Read(database) => database.close(),
        })
    }

    /// Lets go of the file without another write to it.
    pub(super) fn abandon(self) {
        if let Handle::Write(_, detach) = &self.handle {
            detach.detach();
        }
        let _ = guarded("abandon", || {
            drop(self);
            Ok::<(), redb::Error>(())
        });
    }
}

/// Returns the number of all rows; redb counts them.
fn rows(database: &Database) -> Result<u64, redb::Error> {
    let txn = database.begin_read()?;
    let mut rows = 0;
    for table in Table::ALL {
        match txn.open_table(definition(table)) {
            Ok(opened) => rows += opened.len()?,
            Err(redb::TableError::TableDoesNotExist(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(rows)
}

fn open_file(disk: &dyn Disk, path: &str, access: Access) -> Result<Arc<dyn DiskFile>> {
    disk.open(path, access).map_err(|cause| {
        if cause.kind() == std::io::ErrorKind::NotFound {
            return Error::corrupt(format!("{path} is missing"));
        }
        Error::io(path, cause)
    })
}

/// What puts the first records into a new index; returns the log record that these stand for.
pub(super) type Fill<'a> = dyn FnMut(&mut WriteView<'_>) -> Result<u64> + 'a;

/// Makes the index file with all its tables and what `fill` puts into them: whole, or not at all.
pub(super) fn create(disk: &Arc<dyn Disk>, cache_bytes: usize, fill: &mut Fill<'_>) -> Result<()> {
    let io = |cause| Error::io("create index", cause);
    for dir in ["", LOG_DIR, NAMES_DIR] {
        disk.create_dir(dir).map_err(io)?;
    }
    let _ = disk.remove(UNFINISHED);
    disk.create(UNFINISHED).map_err(io)?;
    let reserve = Arc::new(Reserve::new(Arc::clone(disk), 0));
    let db = Db::open(&**disk, UNFINISHED, cache_bytes, reserve)?;
    let filled = db.checkpoint_with(&mut |view| {
        for table in Table::ALL {
            view.open(table)?;
        }
        fill(view)
    });
    match filled {
        Ok(()) => db.close()?,
        Err(error) => {
            db.abandon();
            let _ = disk.remove(UNFINISHED);
            return Err(error);
        }
    }
    disk.rename(UNFINISHED, INDEX).map_err(io)?;
    disk.sync_dir("", SyncSite::Root).map_err(io)
}

/// Tells whether there is an index file.
pub(super) fn exists(disk: &dyn Disk) -> Result<bool> {
    match disk.open(INDEX, Access::Read) {
        Ok(_) => Ok(true),
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(cause) => Err(Error::io(INDEX, cause)),
    }
}
