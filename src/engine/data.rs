//! What a caller does with the data of images.

use super::Images;
use crate::error::Result;
use crate::id::ImageId;
use crate::image::Status;
use crate::index::{Kv, images};
use crate::ingest::{Upload, UploadOptions};
use crate::lease::Look;
use crate::policy::Action;
use crate::read::{Opening, ReadOptions, Reader};

impl Images {
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
    /// come; `SignatureInvalid` if signatures are verified and no data can have that of the image.
    pub fn upload_with(&self, id: &ImageId, options: UploadOptions) -> Result<Upload> {
        let policy = self.policy();
        let judge = self.judge(&*policy);
        judge.check_identity(Action::Upload)?;
        let flow = self.ingest()?.begin(*id, options, &|get, image| {
            judge.check(Action::Upload, image, self.membership(get, image)?)
        })?;
        Ok(Upload::new(flow))
    }

    /// Opens the data of an image; `None` if it has none yet.
    ///
    /// # Errors
    /// As [`Images::open_with`].
    pub fn open(&self, id: &ImageId) -> Result<Option<Reader>> {
        self.open_with(id, self.engine().settings().read)
    }

    /// Opens the data of an image; `None` if it has none yet.
    ///
    /// # Errors
    /// `NotFound`; `Forbidden`; `ImageDeactivated`; `Corrupt` if the manifest is damaged.
    pub fn open_with(&self, id: &ImageId, options: ReadOptions) -> Result<Option<Reader>> {
        let look = self.engine().inner.base.leases.look();
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
        let policy = self.policy();
        let judge = self.judge(&*policy);
        judge.check_identity(Action::Download)?;
        let base = self.readable()?;
        let mut lease = base.leases.none();
        let (image, _) = base
            .kv
            .read(|get| self.allowed(get, &judge, id, Action::Download))?;
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
}
