//! Collection: bytes that no image needs leave the disk.
//!
//! In bounded steps, beside uploads and readers, and safe to stop or kill anywhere: names go
//! before bytes, and what an upload or a reader leases stays. References of deleted images are
//! given back, chunks that nothing refers to lose their rows, packs that hold too much garbage are
//! copied to new ones, and packs without any live chunk are unlinked. Where the index contradicts
//! itself, collection stops, says so and removes nothing.

mod compact;
mod moving;
mod orphans;
mod plan;
mod run;
mod sweep;
mod whole;

use serde::{Deserialize, Serialize};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::error::{Error, ErrorCode, Result};

pub use plan::GcPlan;
pub use run::{Gc, GcPhase, GcProgress, GcReport};

/// How much garbage is worth a copy.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(
    clippy::exhaustive_structs,
    reason = "written with `..GcOptions::default()`"
)]
pub struct GcOptions {
    /// A sealed pack is copied when garbage makes up at least this part of its chunks: 0.0 copies
    /// every pack with any garbage, 1.0 none. Default 0.3.
    pub min_garbage_ratio: f64,
    /// An open pack that was not written for this long is sealed, in milliseconds. Default one
    /// hour.
    pub seal_after_ms: u64,
}

impl Default for GcOptions {
    fn default() -> Self {
        Self {
            min_garbage_ratio: 0.3,
            seal_after_ms: 3_600_000,
        }
    }
}

impl GcOptions {
    fn check(&self) -> Result<()> {
        if (0.0..=1.0).contains(&self.min_garbage_ratio) {
            return Ok(());
        }
        let message = format!(
            "min_garbage_ratio is {}, bounds 0 and 1",
            self.min_garbage_ratio
        );
        Err(Error::new(ErrorCode::InvalidSettings, message))
    }
}

/// Sees to it that an engine runs one collection at a time.
#[derive(Debug, Default)]
pub(crate) struct Collector(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    running: AtomicBool,
    /// Held while a step changes anything.
    stepping: Mutex<()>,
}

/// The right to move and remove chunks.
#[derive(Debug)]
pub(crate) struct Turn(Arc<Shared>);

impl Collector {
    /// Takes the right to move and remove chunks.
    pub(crate) fn begin(&self) -> Result<Turn> {
        if self.0.running.swap(true, Ordering::AcqRel) {
            let message = "a collection or a check runs already";
            return Err(Error::new(ErrorCode::InvalidState, message));
        }
        Ok(Turn(Arc::clone(&self.0)))
    }

    /// Waits for the end of a step, and keeps others from beginning.
    pub(crate) fn rest(&self) -> MutexGuard<'_, ()> {
        self.0
            .stepping
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn {
    /// Begins a step.
    fn enter(&self) -> MutexGuard<'_, ()> {
        self.0
            .stepping
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.running.store(false, Ordering::Release);
    }
}
