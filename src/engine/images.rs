//! What a caller does with records. Every decision is made inside the transaction that acts on it.

use std::sync::Arc;

use super::{Engine, Members, Tags};
use crate::base::Base;
use crate::error::{Error, ErrorCode, Result};
use crate::id::ImageId;
use crate::image::{Deletion, Image, Limits, NewImage, Patch, PropertyAction, Status};
use crate::index::{Durability, Get, Kv, images, members};
use crate::ingest::Ingest;
use crate::policy::{self, Action, Caller, Judge, Membership, Policy};

/// The images of an engine, as one caller may see and change them.
///
/// What a caller may not see answers like what does not exist: `NotFound`. What it may see of an
/// image is all that it gets: custom properties that are protected against reading are left out,
/// and so are locations that it may not know.
///
/// # Examples
/// ```
/// use smalti::image::Patch;
/// use smalti::query::ListQuery;
/// use smalti::{Caller, Engine, NewImage, ProjectId};
///
/// let engine = Engine::in_memory()?;
/// let (a, b) = (engine.images(&Caller::project("a")), engine.images(&Caller::project("b")));
/// let image = a.create(NewImage::named("debian").property("os_distro", "debian"))?;
/// let image = a.update(image.id(), &Patch::new().set_protected(true))?;
/// assert!(image.is_protected());
///
/// let project = ProjectId::new("b")?;
/// a.members(image.id()).add(&project)?;
/// assert_eq!(b.show(image.id())?.name(), Some("debian"));
/// let page = b.list(&"member_status=pending&os_distro=debian".parse()?)?;
/// assert_eq!(page.images().len(), 1);
/// assert!(b.list(&ListQuery::new())?.images().is_empty(), "it has not accepted");
/// # Ok::<(), smalti::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Images {
    engine: Engine,
    pub(super) caller: Caller,
}

impl Images {
    pub(super) fn new(engine: Engine, caller: Caller) -> Self {
        Self { engine, caller }
    }

    /// Creates the record of an image, queued for its data. Durable when it returns.
    ///
    /// # Errors
    /// `Invalid` or `TooLarge` for values beyond their bounds, `Forbidden` for what the caller may
    /// not set, `QuotaExceeded` if its owner has all the images that it may have, `Duplicate` if
    /// the id is or was in use. The order is that of the API (`docs/semantics.md`).
    pub fn create(&self, new: NewImage) -> Result<Image> {
        let policy = self.policy();
        let judge = self.judge(&*policy);
        let base = self.writable()?;
        let quota = &self.engine().inner.quota;
        let limits = self.limits();
        new.check(limits)?;
        let project = self.caller.project_id();
        let owner = new.owner_for(project)?;
        judge.check_create(owner.as_ref(), new.chosen_visibility())?;
        let fresh = ImageId::from_bytes(base.random.bytes());
        let now = base.now();
        let may_create =
            |name: &str| policy.allows_property(&self.caller, name, PropertyAction::Create);
        // Made before the transaction, which no large request holds up; what is wrong with it counts
        // after the number of images.
        let made = new.into_image_within(&may_create, fresh, project, limits, now);
        base.kv.write(Durability::Now, |put| {
            quota.check_create(put, owner.as_ref())?;
            match &made {
                Ok(image) => images::insert(put, image),
                Err(_) => Ok(()),
            }
        })?;
        let image = made?;
        Ok(answer(&judge, image, Membership::Stranger))
    }

    /// Returns the record of an image. Reads one key, and one more for an image that is shared by
    /// another project.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn show(&self, id: &ImageId) -> Result<Image> {
        let policy = self.policy();
        let judge = self.judge(&*policy);
        judge.check_identity(Action::Show)?;
        let read = |get: &dyn Get| self.allowed(get, &judge, id, Action::Show);
        let (image, membership) = self.readable()?.kv.read(read)?;
        Ok(answer(&judge, image, membership))
    }

    /// Changes an image by a patch: all of it, or nothing. Durable when it returns.
    ///
    /// Only what the patch names is written, so no change that another writer makes at the same
    /// time is lost, and `updated_at` grows. A patch without operations changes nothing.
    ///
    /// # Errors
    /// As [`Patch::check`]; `ReadOnlyCaller`; `NotFound`; then whatever the operations meet, in their
    /// order (`Forbidden`, `FormatFrozen`, `NotRemovable`, `PropertyMissing` ...), then what their
    /// result exceeds (`TagLimitExceeded`, `PropertyLimitExceeded`).
    pub fn update(&self, id: &ImageId, patch: &Patch) -> Result<Image> {
        self.patch(id, patch, None)
    }

    /// Changes an image by a patch if it is still what the caller has seen: of this
    /// [`Image::revision`].
    ///
    /// # Errors
    /// As [`Images::update`]; `RevisionMismatch` before any operation.
    pub fn update_if(&self, id: &ImageId, revision: u64, patch: &Patch) -> Result<Image> {
        self.patch(id, patch, Some(revision))
    }

    /// Deletes an image. Its id is never used again; its space returns with the next collection,
    /// and only after its last reader is dropped.
    ///
    /// Where [`Settings::delayed_delete`](crate::Settings::delayed_delete) is on, an image with data
    /// is only hidden at first, and [`Engine::scrub`] deletes it later.
    ///
    /// # Errors
    /// `ReadOnlyCaller`; `NotFound`; `Forbidden`; `ProtectedImage`.
    pub fn delete(&self, id: &ImageId) -> Result<()> {
        let policy = self.policy();
        let judge = self.judge(&*policy);
        judge.check_identity(Action::Delete)?;
        let base = self.writable()?;
        let now = base.now();
        let deletion = match self.engine.inner.settings.delayed_delete {
            true => Deletion::Delayed,
            false => Deletion::Immediate,
        };
        base.kv.write(Durability::Now, |put| {
            let (image, _) = self.allowed(put, &judge, id, Action::Delete)?;
            let mut deleted = image.clone();
            match deleted.delete(deletion, now)? {
                Status::PendingDelete => images::put(put, &deleted),
                _ => images::delete(put, &image, now),
            }
        })?;
        if let Some(cache) = &self.engine.inner.cache {
            cache.give_up(id);
        }
        Ok(())
    }

    /// Closes the data of an active image to all but administrators. One that is deactivated
    /// already stays as it is.
    ///
    /// # Errors
    /// `ReadOnlyCaller`; `NotFound`; `Forbidden`; `InvalidState` (403) for an image that is not
    /// active.
    pub fn deactivate(&self, id: &ImageId) -> Result<()> {
        self.switch(id, Action::Deactivate, Image::deactivate)
    }

    /// Opens the data of a deactivated image again. One that is active stays as it is.
    ///
    /// # Errors
    /// As [`Images::deactivate`].
    pub fn reactivate(&self, id: &ImageId) -> Result<()> {
        self.switch(id, Action::Reactivate, Image::reactivate)
    }

    fn switch(
        &self,
        id: &ImageId,
        action: Action,
        switch: fn(&mut Image, crate::clock::Timestamp) -> Result<bool>,
    ) -> Result<()> {
        let policy = self.policy();
        let judge = self.judge(&*policy);
        judge.check_identity(action)?;
        let base = self.writable()?;
        let now = base.now();
        base.kv.write(Durability::Now, |put| {
            let (mut image, _) = self.allowed(put, &judge, id, action)?;
            match switch(&mut image, now)? {
                true => images::put(put, &image),
                false => Ok(()),
            }
        })
    }

    /// Returns the members of an image, to be seen and changed.
    pub fn members(&self, id: &ImageId) -> Members {
        Members::new(self.clone(), *id)
    }

    /// Returns the tags of an image, to be changed one at a time.
    pub fn tags(&self, id: &ImageId) -> Tags {
        Tags::new(self.clone(), *id)
    }

    /// Returns the rules that hold now; a call keeps to them to its end.
    pub(super) fn policy(&self) -> Arc<dyn Policy> {
        self.engine.policy()
    }

    pub(super) fn judge<'a>(&'a self, policy: &'a dyn Policy) -> Judge<'a> {
        Judge::new(policy, &self.caller)
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.engine.inner.settings.limits
    }

    /// Returns what serves reads.
    pub(super) fn readable(&self) -> Result<&Arc<Base>> {
        let base = &self.engine.inner.base;
        base.expect_open()?;
        Ok(base)
    }

    /// Returns what takes writes.
    pub(super) fn writable(&self) -> Result<&Arc<Base>> {
        self.ingest()?;
        self.readable()
    }

    pub(super) fn ingest(&self) -> Result<&Arc<Ingest>> {
        self.engine.inner.base.expect_open()?;
        self.engine.inner.ingest.as_ref().ok_or_else(|| {
            let message = "the engine was opened for reading only";
            Error::new(ErrorCode::ReadOnlyEngine, message)
        })
    }

    /// Returns an image, and how the caller stands to it.
    pub(super) fn find(&self, get: &dyn Get, id: &ImageId) -> Result<(Image, Membership)> {
        let image = images::find(get, id)?.ok_or_else(|| policy::not_found(id))?;
        let membership = self.membership(get, &image)?;
        Ok((image, membership))
    }

    /// Returns an image if the caller, whose identity was tested before, may do something with it.
    pub(super) fn allowed(
        &self,
        get: &dyn Get,
        judge: &Judge<'_>,
        id: &ImageId,
        action: Action,
    ) -> Result<(Image, Membership)> {
        let (image, membership) = self.find(get, id)?;
        judge.check(action, &image, membership)?;
        Ok((image, membership))
    }

    /// Returns how the project of the caller stands to an image; only of shared ones it matters.
    pub(super) fn membership(&self, get: &dyn Get, image: &Image) -> Result<Membership> {
        let Some(project) = self.caller.project_id() else {
            return Ok(Membership::Stranger);
        };
        if !image.is_shared() || self.caller.acts_for(image.owner()) {
            return Ok(Membership::Stranger);
        }
        Ok(match members::find(get, image.id(), project)? {
            Some(_) => Membership::Member,
            None => Membership::Stranger,
        })
    }

    /// Returns the engine that these are the images of.
    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }
}

/// Returns of an image what the caller may know of it.
pub(super) fn answer(judge: &Judge<'_>, image: Image, membership: Membership) -> Image {
    let locations = image.locations().is_empty() || judge.shows_locations(&image, membership);
    let image = match judge.protects_properties() {
        true => image.without_properties(|name| !judge.shows_property(name)),
        false => image,
    };
    match locations {
        true => image,
        false => image.without_locations(),
    }
}
