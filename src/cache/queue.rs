//! The queue of images that are to be cached, and its worker.

use std::sync::Arc;

use super::Cache;
use super::fill::active;
use crate::error::Result;
use crate::id::ImageId;
use crate::index::{Get, Kv, Put, cached};

/// What a run of the queue has done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct QueueRun {
    /// Images that are cached and wait no more.
    pub cached_count: u64,
    /// Images that could not be cached and wait for the next run.
    pub failed_count: u64,
}

impl Cache {
    /// Has an active image wait to be cached, unless it waits, is cached or is being cached.
    ///
    /// # Errors
    /// `NotFound`; `NotActive`.
    pub(crate) fn enqueue(&self, put: &mut dyn Put, id: &ImageId) -> Result<()> {
        active(put, id)?;
        match self.is_being_made(id) || cached::find(put, id)?.is_some() {
            true => Ok(()),
            false => cached::enqueue(put, id),
        }
    }

    fn is_being_made(&self, id: &ImageId) -> bool {
        self.fills.has(id)
    }

    /// Makes the copies of all images that wait now, one after the other, in order of entry, on
    /// this thread. What fails keeps its place.
    ///
    /// # Errors
    /// `Closed`, `Poisoned`, `Corrupt`: those that no image is to blame for.
    pub(crate) fn run_queue(&self) -> Result<QueueRun> {
        let base = self.base();
        let mut run = QueueRun::default();
        for image in base.kv.read(|get| cached::queue(get))? {
            base.expect_open()?;
            // Taken out meanwhile, or being made for a reader, which takes it out.
            let waits = base
                .kv
                .read(|get: &dyn Get| cached::is_queued(get, &image))?;
            let Some(filling) = self.fills.begin(image, base.now()).filter(|_| waits) else {
                continue;
            };
            match self.fill(&Arc::new(filling)) {
                Ok(()) => run.cached_count += 1,
                Err(error) => {
                    tracing::warn!(%image, %error, "an image that waits could not be cached");
                    run.failed_count += 1;
                }
            }
        }
        Ok(run)
    }
}
