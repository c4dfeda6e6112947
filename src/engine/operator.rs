//! What the operator of an engine decides: who may do what, and what becomes of deleted images.

use std::sync::{Arc, PoisonError};

use super::Engine;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::id::ImageId;
use crate::image::Image;
use crate::index::{Durability, Kv, images};
use crate::policy::{self, Policy};

/// Images that one transaction scrubs.
const SCRUB_STEP: usize = 64;

impl Engine {
    /// Sets who may do what from now on. Calls that run keep to the rules that they began with.
    pub fn set_policy(&self, policy: impl Policy + 'static) {
        let mut place = self.inner.policy.write();
        **place.as_mut().unwrap_or_else(|poisoned| poisoned.get_mut()) = Arc::new(policy);
    }

    /// Returns the rules that hold now.
    pub(super) fn policy(&self) -> Arc<dyn Policy> {
        let place = self.inner.policy.read();
        Arc::clone(&place.unwrap_or_else(PoisonError::into_inner))
    }

    /// Brings an image back whose delete is delayed: with its data, members and tags. Durable when
    /// it returns.
    ///
    /// # Errors
    /// `NotFound` for an id that never was or is deleted for good, `InvalidState` for an image that
    /// is not deleted.
    pub fn restore(&self, id: &ImageId) -> Result<Image> {
        let base = &self.writable()?.base;
        let now = base.now();
        base.kv.write(Durability::Now, |put| {
            let mut image = images::find(put, id)?.ok_or_else(|| policy::not_found(id))?;
            image.restore(now)?;
            images::put(put, &image)?;
            Ok(image)
        })
    }

    /// Deletes for good the images whose delete is delayed and that have waited for
    /// [`Settings::scrub_time_s`](crate::Settings::scrub_time_s); returns how many. It does so in
    /// steps, and may be stopped anywhere.
    ///
    /// # Errors
    /// `StorageFull`, `Poisoned`, `Closed`, `ReadOnlyEngine`.
    pub fn scrub(&self) -> Result<u64> {
        let base = &self.writable()?.base;
        let (now, wait) = (base.now(), self.inner.settings.scrub_time_s);
        let wait = i64::try_from(wait)
            .unwrap_or(i64::MAX)
            .saturating_mul(1_000_000);
        let until = Timestamp::from_micros(now.as_micros().saturating_sub(wait));
        let mut count = 0;
        loop {
            let done = base.kv.write(Durability::Now, |put| {
                let ids = images::waiting(put, until, SCRUB_STEP)?;
                for id in &ids {
                    let image = images::visible(put, id)?;
                    image.clone().scrub(now)?;
                    images::delete(put, &image, now)?;
                }
                Ok(ids.len())
            })?;
            count += done as u64;
            if done < SCRUB_STEP {
                return Ok(count);
            }
        }
    }
}
