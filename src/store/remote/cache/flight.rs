//! A block on its way from the bucket, and those who wait for it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use bytes::Bytes;

use crate::error::{Error, ErrorCode, Result};

/// One block on its way; whoever wants it meanwhile waits for this.
#[derive(Debug, Default)]
pub(super) struct Flight {
    /// Whether somebody wants it now, and not only soon.
    is_awaited: AtomicBool,
    landed: Mutex<Option<Landed>>,
    changed: Condvar,
}

/// A block, or why there is none.
type Landed = Result<Bytes, (ErrorCode, String)>;

impl Flight {
    /// Takes note that somebody wants the block now.
    pub(super) fn awaited(self: &Arc<Self>) -> Arc<Self> {
        self.is_awaited.store(true, Ordering::Relaxed);
        Arc::clone(self)
    }

    /// Tells whether somebody wants the block now.
    pub(super) fn is_awaited(&self) -> bool {
        self.is_awaited.load(Ordering::Relaxed)
    }

    /// Waits for the block.
    pub(super) fn wait(&self) -> Result<Bytes> {
        let landed = self.landed.lock().unwrap_or_else(PoisonError::into_inner);
        let landed = self.changed.wait_while(landed, |landed| landed.is_none());
        let landed = landed.unwrap_or_else(PoisonError::into_inner);
        match landed.as_ref().expect("it was waited for") {
            Ok(bytes) => Ok(bytes.clone()),
            Err((code, message)) => Err(Error::new(*code, message.clone())),
        }
    }

    /// Ends the waiting.
    pub(super) fn land(&self, block: Result<Bytes, &Error>) {
        let block = block.map_err(|error| (error.code(), error.message().to_owned()));
        *self.landed.lock().unwrap_or_else(PoisonError::into_inner) = Some(block);
        self.changed.notify_all();
    }
}
