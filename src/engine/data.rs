//! What a caller does with the data of images.

use std::sync::Arc;

use super::Images;
use crate::error::{Error, ErrorCode, Result};
use crate::id::{ChunkKey, ImageId};
use crate::image::{Image, Status};
use crate::index::{Get, Kv, cached, images};
use crate::ingest::{Goal, Upload, UploadOptions};
use crate::lease::Look;
use crate::policy::Action;
use crate::read::{OnUnreadable, Opening, ReadOptions, Reader};

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
        let opening = self.begin_open(look, id, options, &Wanted::Any)?;
        opening.map(Reader::open).transpose()
    }

    /// Opens the data of an image to be read as a whole; `None` if it has none yet.
    ///
    /// Where the cache is on ([`Settings::image_cache`](crate::Settings::image_cache)), the copy
    /// there is read if it is complete, and this counts as a hit. Else the data is read from its
    /// stores and, one at a time for each image, a copy is begun for those who come later. Rights
    /// are tested all the same, and only active images are served so.
    ///
    /// # Errors
    /// As [`Images::open_with`].
    pub fn open_whole(&self, id: &ImageId, options: ReadOptions) -> Result<Option<Reader>> {
        let Some(cache) = &self.engine().inner.cache else {
            return self.open_with(id, options);
        };
        let look = self.engine().inner.base.leases.look();
        let Some(opening) = self.begin_open(look, id, options, &Wanted::Whole)? else {
            return Ok(None);
        };
        let cached = opening.on_unreadable.as_ref();
        let cached = cached.and_then(|_| opening.roots.first().map(|root| root.id));
        let reader = Reader::open(opening)?;
        let is_cacheable =
            reader.image().status() == Status::Active && cache.may_hold(reader.len_bytes());
        match cached {
            Some(root) => cache.hit(id, root),
            None if is_cacheable => cache.start(id),
            None => {}
        }
        Ok(Some(reader))
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
        let opening = self.begin_open(look, id, options, &Wanted::From(stores))?;
        opening.map(Reader::open).transpose()
    }

    /// Looks up what is to be opened: one key, and no bytes of a pack.
    pub(crate) fn begin_open(
        &self,
        look: Look<'_>,
        id: &ImageId,
        options: ReadOptions,
        wanted: &Wanted<'_>,
    ) -> Result<Option<Opening>> {
        let policy = self.policy();
        let judge = self.judge(&*policy);
        let (action, preferred) = match wanted {
            Wanted::From(stores) => (Action::DownloadFromStore, *stores),
            Wanted::Any | Wanted::Whole => (Action::Download, &[][..]),
        };
        judge.check_identity(action)?;
        let base = self.readable()?;
        let mut lease = base.leases.none();
        let (image, cached) = base.kv.read(|get| {
            let (image, _) = self.allowed(get, &judge, id, action)?;
            let cached = match wanted {
                Wanted::Whole => self.cached(get, &image)?,
                _ => None,
            };
            Ok((image, cached))
        })?;
        for store in preferred {
            base.stores.named(store)?;
        }
        let readable = matches!(image.status(), Status::Active | Status::Deactivated);
        let copies = base.stores.in_order(image.copies(), preferred);
        let mut roots: Vec<_> = copies.into_iter().map(images::root_key).collect();
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
        let on_unreadable = cached.map(|(root, hook)| {
            roots.retain(|other| *other != root);
            roots.insert(0, root);
            hook
        });
        look.lease(&roots, &mut lease);
        Ok(Some(Opening {
            base: base.clone(),
            image,
            roots,
            lease,
            options,
            on_unreadable,
        }))
    }

    /// Returns the root of the copy of an image in the cache, if it may be served from there, and who
    /// hears when it cannot be read.
    fn cached(&self, get: &dyn Get, image: &Image) -> Result<Option<(ChunkKey, OnUnreadable)>> {
        let cache = self.engine().inner.cache.as_ref();
        let Some(cache) = cache.filter(|_| image.status() == Status::Active) else {
            return Ok(None);
        };
        let Some(cached) = cached::find(get, image.id())? else {
            return Ok(None);
        };
        let (cache, id, root) = (
            Arc::clone(cache),
            *image.id(),
            images::root_key(&cached.data),
        );
        let hear = move |unreadable: &ChunkKey| {
            if *unreadable == root {
                cache.drop_unreadable(id, root.id);
            }
        };
        Ok(Some((root, OnUnreadable(Arc::new(hear)))))
    }
}

/// What is to be read.
#[derive(Debug)]
pub(crate) enum Wanted<'a> {
    /// Anything, from any copy.
    Any,
    /// Anything, from the copies in some stores before others.
    From(&'a [&'a str]),
    /// Everything, from the cache before others.
    Whole,
}
