//! The tags of an image, one at a time.

use super::Images;
use crate::error::Result;
use crate::id::ImageId;
use crate::index::{Durability, Kv, images};
use crate::policy::Action;

/// The tags of one image, as one caller may change them.
#[derive(Debug, Clone)]
pub struct Tags {
    images: Images,
    id: ImageId,
}

impl Tags {
    pub(super) fn new(images: Images, id: ImageId) -> Self {
        Self { images, id }
    }

    /// Adds a tag of 1 to 255 characters. One that is there already is no error; the time of the
    /// last change moves all the same. Durable when it returns.
    ///
    /// # Errors
    /// In this order: `EmptyTag`, `SchemaViolation`, `UnsupportedCharacter`; `ReadOnlyCaller`;
    /// `NotFound`; `Forbidden`; `TagLimitExceeded`.
    pub fn add(&self, tag: &str) -> Result<()> {
        let policy = self.images.policy();
        let judge = self.images.judge(&*policy);
        let limits = self.images.limits();
        limits.check_tag(tag)?;
        judge.check_identity(Action::TagPut)?;
        let base = self.images.writable()?;
        let now = base.now();
        base.kv.write(Durability::Now, |put| {
            let (mut image, membership) = self.images.find(put, &self.id)?;
            judge.check(Action::TagPut, &image, membership)?;
            image.add_tag(tag, limits, now)?;
            images::put(put, &image)
        })
    }

    /// Removes a tag. Durable when it returns.
    ///
    /// # Errors
    /// `ReadOnlyCaller`; `NotFound`, also for a tag that is not there; `Forbidden`.
    pub fn remove(&self, tag: &str) -> Result<()> {
        let policy = self.images.policy();
        let judge = self.images.judge(&*policy);
        judge.check_identity(Action::TagDelete)?;
        let base = self.images.writable()?;
        let now = base.now();
        base.kv.write(Durability::Now, |put| {
            let (mut image, membership) = self.images.find(put, &self.id)?;
            judge.check(Action::TagDelete, &image, membership)?;
            image.remove_tag(tag, now)?;
            images::put(put, &image)
        })
    }
}
