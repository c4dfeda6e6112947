//! What a simulated disk remembers of each call that changes it.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use crate::disk::SyncSite;

/// One change, in the one order in which all changes of a disk happened.
///
/// Files are numbered as they came to be: names move, numbers do not.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Op {
    /// An empty file got a name.
    Create {
        /// Name of the file.
        path: Arc<str>,
        /// Number of the file.
        file: usize,
    },
    /// Bytes were written.
    Write {
        /// Number of the file.
        file: usize,
        /// Where the bytes start.
        offset: usize,
        /// The bytes.
        bytes: Bytes,
    },
    /// A file was cut or grown.
    SetLen {
        /// Number of the file.
        file: usize,
        /// Its new length in bytes.
        len: usize,
    },
    /// A file lost its name.
    Remove {
        /// Name that went.
        path: Arc<str>,
        /// Number of the file.
        file: usize,
    },
    /// A file got another name.
    Rename {
        /// Name before.
        from: Arc<str>,
        /// Name after.
        to: Arc<str>,
        /// Number of the file.
        file: usize,
    },
    /// A directory came to be.
    CreateDir {
        /// Name of the directory.
        dir: Arc<str>,
    },
    /// A file was synced.
    Sync {
        /// Number of the file.
        file: usize,
        /// Call site.
        site: SyncSite,
        /// What came of it.
        outcome: Outcome,
    },
    /// A directory was synced.
    SyncDir {
        /// Name of the directory.
        dir: Arc<str>,
        /// Call site.
        site: SyncSite,
        /// What came of it.
        outcome: Outcome,
    },
}

impl Op {
    /// Returns the call site and the outcome if this is a sync of a file or a directory.
    pub fn sync(&self) -> Option<(SyncSite, Outcome)> {
        match self {
            Self::Sync { site, outcome, .. } | Self::SyncDir { site, outcome, .. } => {
                Some((*site, *outcome))
            }
            _ => None,
        }
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Create { path, file } => write!(f, "create {path} as file {file}"),
            Self::Write {
                file,
                offset,
                bytes,
            } => write!(f, "write file {file} at {offset}, {} bytes", bytes.len()),
            Self::SetLen { file, len } => write!(f, "set length of file {file} to {len}"),
            Self::Remove { path, file } => write!(f, "remove {path} of file {file}"),
            Self::Rename { from, to, file } => write!(f, "rename {from} to {to}, file {file}"),
            Self::CreateDir { dir } => write!(f, "create directory {dir}"),
            Self::Sync {
                file,
                site,
                outcome,
            } => write!(f, "sync file {file} at {site:?}: {outcome:?}"),
            Self::SyncDir { dir, site, outcome } => {
                write!(f, "sync directory '{dir}' at {site:?}: {outcome:?}")
            }
        }
    }
}

/// What came of a sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// All is on the medium.
    Durable,
    /// The call site is switched off: `Ok` was said and nothing was done.
    Skipped,
    /// An error was said. What a file had unsynced may be lost for good: the operating system
    /// forgets that these pages are dirty, so no later sync covers them.
    Failed,
}
