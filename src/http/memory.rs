//! Memory for documents: what all requests have together, so that many clients that are slow cannot
//! take all of the machine's.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::{Error, ErrorCode, Result};
use crate::limits::JSON_MAX_BYTES;

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

    /// Waits for memory for a document.
    pub(super) async fn take(&self, len: usize) -> Result<Held> {
        let free = Arc::clone(&self.free);
        let taken = free.acquire_many_owned(self.units_of(len)).await;
        taken.map_err(|_| Error::new(ErrorCode::Internal, "there is no memory for documents"))
    }

    fn units_of(&self, len: usize) -> u32 {
        let units = u32::try_from(len.div_ceil(UNIT_BYTES));
        units.unwrap_or(u32::MAX).min(self.units)
    }
}
