//! Memory for documents: what all requests have together, so that many clients that are slow cannot
//! take all of the machine's.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::{Error, ErrorCode, Result};
use crate::limits::JSON_MAX_BYTES;

/// How long a document waits for memory.
const WAIT_MAX: Duration = Duration::from_secs(30);

/// What memory is counted in, in bytes; a document that is no longer needs none.
pub(super) const UNIT_BYTES: usize = 64 << 10;

/// Memory that is shared out.
#[derive(Debug)]
pub(super) struct Memory {
    free: Arc<Semaphore>,
    units: u32,
}

/// A part of the memory, as long as it is held.
pub(super) type Held = OwnedSemaphorePermit;

impl Memory {
    pub(super) fn new(len_bytes: u64) -> Self {
        let units = len_bytes.max(JSON_MAX_BYTES as u64) / UNIT_BYTES as u64;
        let units = u32::try_from(units).unwrap_or(u32::MAX).min(1 << 28);
        Self {
            free: Arc::new(Semaphore::new(units as usize)),
            units,
        }
    }

    /// Takes memory for a document, if it is free. One that is longer than all memory takes all.
    pub(super) fn try_take(&self, len: usize) -> Option<Held> {
        let free = Arc::clone(&self.free);
        free.try_acquire_many_owned(self.units_of(len)).ok()
    }

    /// Waits for memory for a document, for a while.
    ///
    /// # Errors
    /// `StoreUnavailable` if others still have it then.
    pub(super) async fn take(&self, len: usize) -> Result<Held> {
        let free = Arc::clone(&self.free);
        let taken = free.acquire_many_owned(self.units_of(len));
        match tokio::time::timeout(WAIT_MAX, taken).await {
            Ok(Ok(held)) => Ok(held),
            _ => Err(self.exhausted(len)),
        }
    }

    fn exhausted(&self, len: usize) -> Error {
        let (wait_s, all) = (WAIT_MAX.as_secs(), self.len_bytes());
        let message = format!(
            "a document of {len} bytes found no memory in {wait_s} s: others have the {all} bytes \
             that there are for documents"
        );
        Error::new(ErrorCode::StoreUnavailable, message)
    }

    /// Returns how much there is in all, in bytes.
    pub(super) fn len_bytes(&self) -> usize {
        (self.units as usize).saturating_mul(UNIT_BYTES)
    }

    fn units_of(&self, len: usize) -> u32 {
        let units = u32::try_from(len.div_ceil(UNIT_BYTES));
        units.unwrap_or(u32::MAX).min(self.units)
    }
}
