//! Settings and figures of the ordered byte map.

use std::hash::{BuildHasher, Hasher, RandomState};

use crate::limits::MIB;

/// What an open may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KvAccess {
    /// Read what was closed in good order; write nothing.
    Read,
    /// Read and write what is there.
    Write,
    /// Read and write; make it if it is not there.
    Create,
}

/// How a [`RedbKv`] is opened.
#[derive(Debug, Clone)]
pub(crate) struct KvOptions {
    /// Memory for pages of the index, in bytes.
    pub(crate) cache_bytes: usize,
    /// Log that is written between two checkpoints, in bytes.
    pub(crate) checkpoint_log_bytes: u64,
    /// Length of the file that is given up when the disk is full, in bytes; 0 is none.
    pub(crate) reserve_bytes: u64,
    /// Random; seeds the salts of log segments.
    pub(crate) salt: u64,
    /// What the open may do.
    pub(crate) access: KvAccess,
}

impl Default for KvOptions {
    fn default() -> Self {
        Self {
            cache_bytes: 64 << 20,
            checkpoint_log_bytes: 8 * MIB,
            reserve_bytes: 16 * MIB,
            salt: RandomState::new().build_hasher().finish(),
            access: KvAccess::Create,
        }
    }
}

/// Sizes of the files, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KvStats {
    /// Length of the index file. It is sparse where redb grew it ahead: redb doubles it up to
    /// 4 GiB and then adds 4 GiB, and trims it when it is closed.
    pub(crate) index_bytes: u64,
    /// All log segments that are kept.
    pub(crate) log_bytes: u64,
    /// The newest snapshot of the names.
    pub(crate) names_bytes: u64,
}
