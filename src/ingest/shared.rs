//! What all uploads of an engine share, and how failed ones are taken back.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::gang::Gang;
use super::goal::Algorithms;
use super::packs::OpenPacks;
use super::pool::Pool;
use super::signed::Signatures;
use super::storer::PackBounds;
use crate::base::Base;
use crate::error::{Error, ErrorCode, Result};
use crate::hash::{Algorithm, Hasher};
use crate::id::{ImageId, ProjectId};
use crate::image::Status;
use crate::index::{Durability, Kv, images, places, refs, staged};
use crate::inspect::InspectRules;
use crate::quota::{Kind, Quota, Reservation};

/// What all uploads of an engine share.
#[derive(Debug)]
pub(crate) struct Ingest {
    pub(crate) base: Arc<Base>,
    pub(crate) pool: Pool,
    /// The MD5 lanes of all uploads.
    pub(crate) gang: Arc<Gang<Hasher>>,
    pub(crate) open_packs: Arc<OpenPacks>,
    pub(crate) bounds: PackBounds,
    pub(crate) legacy_md5: bool,
    pub(crate) os_hash: Option<Algorithm>,
    pub(crate) image_size_cap: u64,
    pub(crate) inspect: InspectRules,
    pub(crate) dedup_across_owners: bool,
    pub(crate) signatures: Signatures,
    pub(crate) quota: Arc<Quota>,
    pub(crate) running: Arc<Running>,
    /// Failed uploads that could not be taken back, for want of room: tried again later.
    pub(crate) leftover: Mutex<Vec<u64>>,
}

/// How many uploads run, for who waits for their end.
#[derive(Debug, Default)]
pub(crate) struct Running {
    count: Mutex<usize>,
    ended: Condvar,
}

/// A running upload, counted until it is dropped.
#[derive(Debug)]
pub(crate) struct Counted(Arc<Running>);

impl Running {
    fn count(&self) -> MutexGuard<'_, usize> {
        self.count.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn enter(self: &Arc<Self>) -> Counted {
        *self.count() += 1;
        Counted(Arc::clone(self))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        *self.0.count() -= 1;
        self.0.ended.notify_all();
    }
}

impl Ingest {
    /// Counts an upload, or what begins uploads, until the answer is dropped.
    pub(crate) fn count_in(&self) -> Counted {
        self.running.enter()
    }

    /// Waits until no upload runs, or for a time, and returns how many still run.
    pub(crate) fn wait_for_uploads(&self, deadline: Duration) -> usize {
        let count = self.running.count();
        let waited = self
            .running
            .ended
            .wait_timeout_while(count, deadline, |count| *count > 0);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }

    /// Takes a failed upload back, or remembers that it is to be.
    pub(super) fn take_back(&self, session: u64) -> Result<()> {
        take_back(&self.base, session).inspect_err(|_| self.leftover().push(session))
    }

    /// Takes a failed upload back, and returns why it failed.
    pub(super) fn taken_back(&self, session: u64, why: Error) -> Error {
        if let Err(error) = self.take_back(session) {
            tracing::error!(%error, "a failed upload could not be taken back");
        }
        why
    }

    /// Takes back the failed uploads for which there was no room before.
    pub(crate) fn take_back_leftovers(&self) {
        let sessions = std::mem::take(&mut *self.leftover());
        for session in sessions {
            if let Err(error) = self.take_back(session) {
                tracing::warn!(%error, session, "a failed upload is still not taken back");
            }
        }
    }

    fn leftover(&self) -> MutexGuard<'_, Vec<u64>> {
        self.leftover.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reserves the bytes of an image that are to come for a sum of its owner. The answer has the
    /// image's owner, or why there is no room: what else is wrong with a call counts before that.
    /// Bytes of no kind always have room.
    pub(crate) fn reserve(
        &self,
        id: &ImageId,
        kind: Option<Kind>,
        bytes: Option<u64>,
    ) -> Result<(Option<ProjectId>, Result<Reservation>)> {
        let kv = &self.base.kv;
        let image = kv.read(|get| images::visible(get, id))?;
        let owner = image.owner().cloned();
        let reserved = self.quota.reserve(kv, owner.as_ref(), kind, bytes);
        Ok((owner, reserved))
    }

    /// Returns what is computed of the data of new images: the MD5, and the multihash.
    pub(super) fn algorithms(&self) -> Algorithms {
        (self.legacy_md5.then_some(Algorithm::Md5), self.os_hash)
    }

    pub(super) fn check_cap(&self, len_bytes: u64) -> Result<()> {
        if len_bytes > self.image_size_cap {
            let cap = self.image_size_cap;
            let message = format!("image is {len_bytes} bytes or more, limit {cap}");
            return Err(Error::new(ErrorCode::ImageTooLarge, message));
        }
        Ok(())
    }
}

/// Ends an upload that failed or that a crash broke off: what it held is released, and its image,
/// unless deleted, is queued again.
pub(crate) fn take_back(base: &Base, session: u64) -> Result<()> {
    let now = base.now();
    base.kv.write(Durability::Now, |put| {
        let Some(row) = places::session(put, session)? else {
            return Ok(());
        };
        refs::release_session(put, session)?;
        let id = ImageId::from_bytes(row.image);
        let Some(mut image) = images::find(put, &id)? else {
            return Ok(());
        };
        let is_broken = match image.status() {
            Status::Saving => true,
            Status::Uploading => staged::find(put, &id)?.is_none(),
            _ => false,
        };
        if is_broken {
            image.back_to_queued(now)?;
            images::put(put, &image)?;
        }
        Ok(())
    })
}
