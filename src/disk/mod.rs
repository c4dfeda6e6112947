//! The only door to files: a small trait over named files and directories of one root.
//!
//! `index` and `store` write through it, so that one recorded log can hold everything that an
//! engine does to a disk. It owns names, handles, syncs and maps; it knows nothing of formats.
//! Names are relative, `/`-separated, made by the engine and never by a user.

mod map;
mod memory;
mod real;
#[cfg(any(test, feature = "testing"))]
pub mod sim;

use std::fmt::Debug;
use std::io::{self, IoSlice};
use std::sync::Arc;

use crate::error::Error;

pub use map::Map;
pub use memory::MemoryDisk;
pub use real::RealDisk;

/// Tells whether a call failed because the process, or the machine, has no file handle left: nothing
/// was done, and it may succeed later.
pub(crate) fn is_out_of_files(error: &io::Error) -> bool {
    let errno = rustix::io::Errno::from_io_error(error);
    matches!(
        errno,
        Some(rustix::io::Errno::MFILE | rustix::io::Errno::NFILE)
    )
}

/// Tells of an error whether it came of that.
pub(crate) fn lacked_files(error: &Error) -> bool {
    let source = std::error::Error::source(error);
    let cause = source.and_then(|source| source.downcast_ref());
    cause.is_some_and(is_out_of_files)
}

/// Where in the engine a sync stands. Crash tests switch them off one by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum SyncSite {
    /// Data of a pack, before the index names it.
    PackData,
    /// Footer of a pack, before it is sealed in the index.
    PackSeal,
    /// Directory of packs, after a pack was made and before the index names its data.
    PackDir,
    /// Directory of packs, after a pack was removed and before the index forgets it.
    PackGone,
    /// The log, before a change is acknowledged.
    Log,
    /// Directory of the log, after a segment was made.
    LogDir,
    /// Pages of the index, at a checkpoint.
    Index,
    /// Snapshot of names.
    Names,
    /// Directory of the engine, after it was made.
    Root,
}

impl SyncSite {
    /// Every call site.
    pub const ALL: [Self; 9] = [
        Self::PackData,
        Self::PackSeal,
        Self::PackDir,
        Self::PackGone,
        Self::Log,
        Self::LogDir,
        Self::Index,
        Self::Names,
        Self::Root,
    ];
}

/// What a handle may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Access {
    /// Read only.
    Read,
    /// Read and write.
    Write,
}

/// How a directory is locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LockMode {
    /// Many readers, no writer.
    Shared,
    /// One writer.
    Exclusive,
}

/// A held lock; dropping it lets go.
pub trait DiskLock: Debug + Send + Sync {}

/// Named files and directories of one root.
pub trait Disk: Debug + Send + Sync + 'static {
    /// Makes an empty file for reading and writing.
    ///
    /// # Errors
    /// `AlreadyExists` if there is one.
    fn create(&self, path: &str) -> io::Result<Arc<dyn DiskFile>>;
    /// Opens a file.
    ///
    /// # Errors
    /// `NotFound` if there is none.
    fn open(&self, path: &str, access: Access) -> io::Result<Arc<dyn DiskFile>>;
    /// Removes the name of a file. Open handles and maps go on.
    ///
    /// # Errors
    /// `NotFound` if there is none.
    fn remove(&self, path: &str) -> io::Result<()>;
    /// Gives a file another name, replacing what had it.
    ///
    /// # Errors
    /// `NotFound` if there is none.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// Returns the names of the files in a directory, ascending; directories are left out.
    ///
    /// # Errors
    /// `NotFound` if there is no such directory.
    fn list(&self, dir: &str) -> io::Result<Vec<String>>;
    /// Returns the names of the directories in a directory, ascending, where the disk knows them.
    ///
    /// # Errors
    /// `NotFound` if there is no such directory; else what the disk fails with.
    fn list_dirs(&self, _dir: &str) -> io::Result<Vec<String>> {
        Ok(Vec::new())
    }
    /// Makes a directory, with its parents; none is an error if it is there. With an empty name it
    /// makes the root, whose own name is durable on return.
    ///
    /// # Errors
    /// What the disk fails with.
    fn create_dir(&self, dir: &str) -> io::Result<()>;
    /// Makes the names in a directory durable.
    ///
    /// # Errors
    /// What the disk fails with: what is durable is unknown then.
    fn sync_dir(&self, dir: &str, site: SyncSite) -> io::Result<()>;
    /// Takes a lock on a file, which is made if missing and `mode` is exclusive.
    ///
    /// # Errors
    /// `WouldBlock` if another holds it.
    fn lock(&self, path: &str, mode: LockMode) -> io::Result<Box<dyn DiskLock>>;
}

/// An open file. Offsets are in bytes; calls may come from many threads.
#[expect(
    clippy::len_without_is_empty,
    reason = "an empty file is nothing special"
)]
pub trait DiskFile: Debug + Send + Sync {
    /// Returns the length of the file in bytes.
    ///
    /// # Errors
    /// What the disk fails with.
    fn len(&self) -> io::Result<u64>;
    /// Fills `buf` from `offset`.
    ///
    /// # Errors
    /// `UnexpectedEof` if the file ends before.
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()>;
    /// Writes all of `buf` at `offset`, growing the file where needed.
    ///
    /// # Errors
    /// `StorageFull`, or what else the disk fails with; any part may be written then.
    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<()>;
    /// Writes all of `parts`, one behind the other, from `offset`.
    ///
    /// # Errors
    /// As [`DiskFile::write_at`].
    fn write_parts_at(&self, parts: &[IoSlice<'_>], mut offset: u64) -> io::Result<()> {
        for part in parts {
            self.write_at(part, offset)?;
            offset += part.len() as u64;
        }
        Ok(())
    }
    /// Cuts or grows the file; new bytes are zero.
    ///
    /// # Errors
    /// What the disk fails with.
    fn set_len(&self, len: u64) -> io::Result<()>;
    /// Makes all written bytes, and the length, durable.
    ///
    /// # Errors
    /// What the disk fails with: what is durable is unknown then.
    fn sync(&self, site: SyncSite) -> io::Result<()>;
    /// Asks that written bytes start on their way to the medium; a hint.
    fn start_writeback(&self, _offset: u64, _len: u64) {}
    /// Asks that bytes are read ahead into memory; a hint.
    fn will_need(&self, _offset: u64, _len: u64) {}
    /// Tells whether a byte is in memory, so that reading it waits for no medium; `true` where that
    /// is not known.
    fn is_cached(&self, _offset: u64) -> bool {
        true
    }
    /// Asks that bytes leave memory, so that the next read comes from the medium; a hint.
    fn forget(&self, _offset: u64, _len: u64) {}
    /// Maps the first `len` bytes for reading. The file is never written again.
    ///
    /// # Errors
    /// `UnexpectedEof` if the file is shorter, or `len` is 0.
    fn map(&self, len: u64) -> io::Result<Map>;
}
