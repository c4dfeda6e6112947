//! What a caller does with the data of images.

use super::Images;
use crate::error::{Error, ErrorCode, Result};
use crate::id::ImageId;
use crate::image::Status;
use crate::index::{Kv, images};
use crate::ingest::{Goal, Upload, UploadOptions};
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
        let flow = self
            .ingest()?
            .begin(*id, options, Goal::Data, &|get, image| {
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
        let opening = self.begin_open(look, id, options, None)?;
        opening.map(Reader::open).transpose()
    }

    /// Opens the data of an image from the copies in some stores, where it has any there and they can
    /// be read, before others; `None` if it has none yet.
    ///
    /// # Errors
    /// `UnknownStore`, once the caller may read the image; otherwise as [`Images::open_with`].
    pub fn open_preferring(
        &self,
        id: &ImageId,
        stores: &[&str],
        options: ReadOptions,
    ) -> Result<Option<Reader>> {
        let look = self.engine().inner.base.leases.look();
        let opening = self.begin_open(look, id, options, Some(stores))?;
        opening.map(Reader::open).transpose()
    }

    /// Looks up what is to be opened: one key, and no bytes of a pack.
    pub(crate) fn begin_open(
        &self,
        look: Look<'_>,
        id: &ImageId,
        options: ReadOptions,
        preferred: Option<&[&str]>,
    ) -> Result<Option<Opening>> {
        let policy = self.policy();
        let judge = self.judge(&*policy);
        let action = match preferred {
            Some(_) => Action::DownloadFromStore,
            None => Action::Download,
        };
        judge.check_identity(action)?;
        let base = self.readable()?;
        let mut lease = base.leases.none();
        let (image, _) = base.kv.read(|get| self.allowed(get, &judge, id, action))?;
        let preferred = preferred.unwrap_or_default();
        base.stores.check_known(preferred)?;
        let readable = matches!(image.status(), Status::Active | Status::Deactivated);
        let copies = base.stores.in_order(image.copies(), preferred);
        let roots: Vec<_> = copies.into_iter().map(images::root_key).collect();
        if !readable {
            return Ok(None);
        }
        if roots.is_empty() && !image.locations().is_empty() {
            let message = format!("the data of image {id} is in no store that is read here");
            return Err(Error::new(ErrorCode::StoreUnavailable, message));
        }
        if roots.is_empty() {
            return Ok(None);
        }
        look.lease(&roots, &mut lease);
        Ok(Some(Opening {
            base: base.clone(),
            image,
            roots,
            lease,
            options,
        }))
    }
}
