//! What a caller does with images. Every decision is made inside the transaction that acts on it.

use super::Engine;
use crate::error::{Error, ErrorCode, Result};
use crate::id::ImageId;
use crate::image::{Image, NewImage, Status, Visibility};
use crate::index::{Durability, Get, Kv, images};
use crate::ingest::{Ingest, Upload, UploadOptions};
use crate::lease::Look;
use crate::policy::{self, Action, Caller, Membership};
use crate::read::{Opening, ReadOptions, Reader};

/// The images of an engine, as one caller may see and change them.
///
/// What a caller may not see answers like what does not exist: `NotFound`.
#[derive(Debug, Clone)]
pub struct Images {
    engine: Engine,
    caller: Caller,
}

impl Images {
    pub(super) fn new(engine: Engine, caller: Caller) -> Self {
        Self { engine, caller }
    }

    /// Creates the record of an image, queued for its data. Durable when it returns.
    ///
    /// # Errors
    /// `Invalid` or `TooLarge` for values beyond their bounds, `Forbidden` for what the caller may
    /// not set, `Duplicate` if the id is or was in use.
    pub fn create(&self, new: NewImage) -> Result<Image> {
        let base = &self.engine.inner.base;
        base.expect_open()?;
        let limits = &self.engine.inner.settings.limits;
        new.check(limits)?;
        let owner = new.owner_for(self.caller.project_id())?;
        let visibility = new.chosen_visibility().unwrap_or(Visibility::Private);
        policy::check_create(&self.caller, owner.as_ref(), visibility)?;
        let fresh = ImageId::from_bytes(base.random.bytes());
        let image = new.into_image(fresh, self.caller.project_id(), limits, base.now())?;
        base.kv
            .write(Durability::Now, |put| images::insert(put, &image))?;
        Ok(image)
    }

    /// Returns the record of an image. Reads one key.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn show(&self, id: &ImageId) -> Result<Image> {
        let base = &self.engine.inner.base;
        base.expect_open()?;
        base.kv.read(|get| self.allowed(get, id, Action::Show))
    }

    /// Begins to upload the data of an image that is queued.
    ///
    /// # Errors
    /// As [`Images::upload_with`].
    pub fn upload(&self, id: &ImageId) -> Result<Upload> {
        self.upload_with(id, UploadOptions::default())
    }

    /// Begins to upload the data of an image that is queued, checking it against what is known.
    ///
    /// # Errors
    /// `NotFound`; `Forbidden`; `InvalidState` unless the image is queued: of two uploads one wins;
    /// `MissingFormat` unless both formats are set; `ImageTooLarge` if more is declared than may
    /// come.
    pub fn upload_with(&self, id: &ImageId, options: UploadOptions) -> Result<Upload> {
        policy::check_identity(&self.caller, Action::Upload)?;
        let flow = self.ingest()?.begin(*id, options, &|image| {
            policy::check(&self.caller, Action::Upload, image, Membership::Stranger)
        })?;
        Ok(Upload::new(flow))
    }

    /// Opens the data of an image; `None` if it has none yet.
    ///
    /// # Errors
    /// As [`Images::open_with`].
    pub fn open(&self, id: &ImageId) -> Result<Option<Reader>> {
        self.open_with(id, self.engine.inner.settings.read)
    }

    /// Opens the data of an image; `None` if it has none yet.
    ///
    /// # Errors
    /// `NotFound`; `Forbidden`; `ImageDeactivated`; `Corrupt` if the manifest is damaged.
    pub fn open_with(&self, id: &ImageId, options: ReadOptions) -> Result<Option<Reader>> {
        let look = self.engine.inner.base.leases.look();
        let opening = self.begin_open(look, id, options)?;
        opening.map(Reader::open).transpose()
    }

    /// Looks up what is to be opened: one key, and no bytes of a pack.
    pub(crate) fn begin_open(
        &self,
        look: Look<'_>,
        id: &ImageId,
        options: ReadOptions,
    ) -> Result<Option<Opening>> {
        let base = &self.engine.inner.base;
        base.expect_open()?;
        let mut lease = base.leases.none();
        let image = base
            .kv
            .read(|get| self.allowed(get, id, Action::Download))?;
        let readable = matches!(image.status(), Status::Active | Status::Deactivated);
        let Some(root_key) = image.data().filter(|_| readable).map(images::root_key) else {
            return Ok(None);
        };
        look.lease(&[root_key], &mut lease);
        Ok(Some(Opening {
            base: base.clone(),
            image,
            root_key,
            lease,
            options,
        }))
    }

    /// Deletes an image. Its id is never used again; its space returns with the next collection,
    /// and only after its last reader is dropped.
    ///
    /// # Errors
    /// `NotFound`; `Forbidden`; `ProtectedImage`.
    pub fn delete(&self, id: &ImageId) -> Result<()> {
        policy::check_identity(&self.caller, Action::Delete)?;
        self.ingest()?;
        let base = &self.engine.inner.base;
        let now = base.now();
        base.kv.write(Durability::Now, |put| {
            let image = self.allowed(put, id, Action::Delete)?;
            image.check_deletable()?;
            images::delete(put, &image, now)
        })
    }

    /// Returns an image if the caller may do something with it.
    fn allowed(&self, get: &dyn Get, id: &ImageId, action: Action) -> Result<Image> {
        policy::check_identity(&self.caller, action)?;
        let image = images::visible(get, id)?;
        policy::check(&self.caller, action, &image, Membership::Stranger)?;
        Ok(image)
    }

    #[cfg(feature = "tokio")]
    /// Returns the engine that these are the images of.
    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    fn ingest(&self) -> Result<&std::sync::Arc<Ingest>> {
        self.engine.inner.base.expect_open()?;
        self.engine.inner.ingest.as_ref().ok_or_else(|| {
            Error::new(
                ErrorCode::ReadOnlyEngine,
                "the engine was opened for reading only",
            )
        })
    }
}
