//! Places for packs: the [`Store`] trait, and the store on local files.
//!
//! A store knows packs as files of bytes with a number, nothing of what is in them. Packs are made
//! once, grow at their end, are sealed, and are never changed after that.

#[cfg(any(test, feature = "testing"))]
pub mod contract;
mod local;
mod named;
mod owner;
#[cfg(feature = "s3")]
pub mod remote;

use std::fmt::Debug;
use std::io::IoSlice;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use crate::disk::Map;
use crate::error::Result;
use crate::id::PackId;

pub use local::LocalStore;
pub use named::{NamedStore, StoreInfo};

/// A place for packs. Other engines implement it; `contract` (feature `testing`) checks them.
pub trait Store: Debug + Send + Sync + 'static {
    /// Tells whether packs are sealed when an upload ends, and are nothing before: what is appended
    /// is not durable and cannot be read until then, [`PackSink::sync`] is refused, and no pack is
    /// resumed. Otherwise packs grow from upload to upload.
    fn seals_uploads(&self) -> bool {
        false
    }

    /// Takes the store for an owner, durably, before anything else is asked of it. The same owner
    /// may take it again; `known` says that this owner is sure to have taken it before.
    ///
    /// # Errors
    /// `Conflict` if it belongs to another owner, or holds packs and nobody's mark;
    /// `Unavailable` if it is known and has no mark: then it is not what it was.
    fn claim(&self, owner: &str, known: bool) -> Result<()>;

    /// Makes an empty pack for appending.
    ///
    /// # Errors
    /// `Conflict` if the store has, or a network store ever had, a pack of this number.
    fn create(&self, pack: PackId) -> Result<Box<dyn PackSink>>;

    /// Opens an unsealed pack for appending behind its first `len_bytes`; what a crash or a failed
    /// write left behind them is cut off.
    ///
    /// # Errors
    /// `NotFound` if there is no such pack, `Corrupt` if it is shorter.
    fn resume(&self, pack: PackId, len_bytes: u64) -> Result<Box<dyn PackSink>>;

    /// Opens a pack for reading. A sealed pack may be mapped.
    ///
    /// # Errors
    /// `NotFound` if there is no such pack.
    fn open(&self, pack: PackId, state: PackState) -> Result<Arc<dyn PackSource>>;

    /// Returns the numbers of all packs, ascending.
    ///
    /// # Errors
    /// `Unavailable` if the store fails.
    fn list(&self) -> Result<Vec<PackId>>;

    /// Removes a pack, durably; none is no error. Open sources go on.
    ///
    /// # Errors
    /// `Unavailable` if the store fails, `Poisoned` if a sync failed.
    fn delete(&self, pack: PackId) -> Result<()>;
}

/// Whether a pack may still grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a pack grows or does not")]
pub enum PackState {
    /// It may grow; bytes that were appended never change.
    Open,
    /// It never changes again.
    Sealed,
}

/// The appending end of a pack. One at a time.
pub trait PackSink: Debug + Send + Sync {
    /// Returns the length of the pack in bytes.
    fn len_bytes(&self) -> u64;

    /// Appends parts, one behind the other. After an error the length is unknown until
    /// [`PackSink::cut_back`].
    ///
    /// # Errors
    /// `Full` if the disk is, `Unavailable` if it fails.
    fn append(&mut self, parts: &[IoSlice<'_>]) -> Result<()>;

    /// Cuts the pack back to a length that it had; only bytes that nothing names are cut.
    ///
    /// # Errors
    /// `Unavailable` if the disk fails.
    fn cut_back(&mut self, len_bytes: u64) -> Result<()>;

    /// Makes all appended bytes, and the name of the pack, durable.
    ///
    /// # Errors
    /// `InvalidState` where the store seals uploads.
    /// `Poisoned` if a sync failed: what was appended since the last one may be lost, and the engine
    /// takes no more writes until it is opened again.
    fn sync(&mut self) -> Result<()>;

    /// Makes the pack durable and seals it: nothing is appended again.
    ///
    /// # Errors
    /// As [`PackSink::sync`]; where the store seals uploads, `Unavailable`, after which it is unknown
    /// whether the pack is there.
    fn seal(&mut self) -> Result<()>;
}

/// The reading end of a pack.
pub trait PackSource: Debug + Send + Sync {
    /// Returns the length of the pack in bytes; an open pack may be longer at the next call.
    ///
    /// # Errors
    /// `Unavailable` if the store fails.
    fn len_bytes(&self) -> Result<u64>;

    /// Fills `buf` from `offset` by a positioned read.
    ///
    /// # Errors
    /// `Corrupt` if the pack ends before, `Unavailable` if the store fails.
    fn read_into(&self, buf: &mut [u8], offset: u64) -> Result<()>;

    /// Returns the map of a sealed pack, where the store maps.
    fn map(&self) -> Option<&Map> {
        None
    }

    /// Asks that a range is read ahead; a hint.
    fn will_need(&self, _range: Range<u64>) {}

    /// Tells whether a byte is in memory; `true` where that is not known.
    fn is_cached(&self, _offset: u64) -> bool {
        true
    }

    /// Asks that a range leaves memory, so that the next read comes from the medium; a hint.
    fn forget(&self, _range: Range<u64>) {}

    /// Reads a range into memory of its own.
    ///
    /// # Errors
    /// As [`PackSource::read_into`].
    fn read(&self, range: Range<u64>) -> Result<Bytes> {
        let len = usize::try_from(range.end.saturating_sub(range.start)).unwrap_or(usize::MAX);
        let mut buf = vec![0; len];
        self.read_into(&mut buf, range.start)?;
        Ok(buf.into())
    }
}
