//! Copies of the data of images in several stores.

use super::Images;
use crate::base::Stores;
use crate::error::{Error, ErrorCode, Result};
use crate::id::ImageId;
use crate::index::{Durability, Kv, images};
use crate::policy::Action;

impl Images {
    /// Removes the copy of an image in one store; another must be left (Glance:
    /// `glance/api/v2/images.py`, `delete_from_store`). Durable when it returns. Its bytes leave the
    /// store with the next collection, whether or not the store can be reached now.
    ///
    /// # Errors
    /// `NotFound` where no store was named when the engine was opened; `UnknownStore`, with status
    /// 409; `NotFound` or `Forbidden`; `InvalidState` unless the image is active; `LastLocation` for
    /// the only copy; `NotFound` if there is none in this store.
    pub fn delete_from_store(&self, id: &ImageId, store: &str) -> Result<()> {
        expect_known(&self.engine().inner.base.stores, store)?;
        let policy = self.policy();
        let judge = self.judge(&*policy);
        judge.check_identity(Action::StoreDelete)?;
        let base = self.writable()?;
        let now = base.now();
        base.kv.write(Durability::Now, |put| {
            let (mut image, _) = self.allowed(put, &judge, id, Action::StoreDelete)?;
            image.remove_copy(store, now)?;
            images::put(put, &image)
        })
    }
}

fn expect_known(stores: &Stores, store: &str) -> Result<()> {
    if !stores.are_named() {
        let message = "the engine was given no stores by name";
        return Err(Error::new(ErrorCode::NotFound, message));
    }
    let known = stores.named(store).map_err(|e| e.with_http_status(409));
    known.map(drop)
}
