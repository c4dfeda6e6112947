//! How a copy comes into the cache: linked where the data lies in the engine's own directory, else
//! read from the first store that gives it and written by the path of uploads.

use std::sync::Arc;

use super::Cache;
use super::fills::Filling;
use crate::clock::Timestamp;
use crate::error::{Error, ErrorCode, Result};
use crate::id::ImageId;
use crate::image::{DataRef, Image, Status, Uploaded};
use crate::import::{Known, pump};
use crate::index::cached::{self, Cached};
use crate::index::{Durability, Get, Kv, Put, images, refs, stores};
use crate::ingest::{CopyGoal, Goal, Upload};
use crate::read::{Opening, Reader};

/// Where the data of an image is that is to be cached.
enum Source {
    /// It is cached.
    Cached,
    /// In the directory of the engine.
    Own,
    /// In another store.
    Far(Reader),
}

impl Cache {
    /// Tells whether an image may be cached by being read: one that has data, and that is not longer
    /// than all the cache may be, since a prune would remove it at once.
    pub(crate) fn may_hold(&self, len_bytes: u64) -> bool {
        (1..=self.max_bytes).contains(&len_bytes)
    }

    /// Makes the copy of an image on a thread of the cache, unless that is being made.
    pub(crate) fn start(self: &Arc<Self>, image: &ImageId) {
        let Some(filling) = self.fills.begin(*image, self.base().now()) else {
            return;
        };
        let cache = Arc::clone(self);
        let job = move || {
            let filling = Arc::new(filling);
            if let Err(error) = cache.fill(&filling) {
                let image = filling.image();
                tracing::warn!(%image, %error, "an image could not be cached");
            }
        };
        self.threads.threads().submit(Box::new(job));
    }

    /// Makes the copy of an image: complete and durable when this returns, or nothing.
    pub(super) fn fill(&self, filling: &Arc<Filling>) -> Result<()> {
        filling.expect_wanted()?;
        filling.moved(self.base().now());
        match self.source(filling.image())? {
            Source::Cached => Ok(()),
            Source::Own => self.link(filling),
            Source::Far(reader) => self.copy(filling, &reader),
        }
    }

    fn source(&self, id: &ImageId) -> Result<Source> {
        let base = self.base();
        let (look, mut lease) = (base.leases.look(), base.leases.none());
        let (image, is_cached) = base.kv.read(|get| {
            let image = active(get, id)?;
            Ok((image, cached::find(get, id)?.is_some()))
        })?;
        if is_cached {
            return Ok(Source::Cached);
        }
        if own_copy(&image).is_some() {
            return Ok(Source::Own);
        }
        let copies = base.stores.in_order(image.copies(), &[]);
        let roots: Vec<_> = copies.into_iter().map(images::root_key).collect();
        if roots.is_empty() {
            let message = format!("image {id} has no data in a store of this engine");
            return Err(Error::new(ErrorCode::InvalidState, message));
        }
        look.lease(&roots, &mut lease);
        let opening = Opening::new(base, image, roots, lease);
        Reader::open(opening).map(Source::Far)
    }

    /// Has the copy in the directory of the engine held for the cache, too.
    fn link(&self, filling: &Arc<Filling>) -> Result<()> {
        let now = self.base().now();
        self.base().kv.write(Durability::Now, |put| {
            let image = active(put, filling.image())?;
            let data = *own_copy(&image).ok_or_else(|| {
                let message = format!("image {} has moved to another store", image.id());
                Error::new(ErrorCode::InvalidState, message)
            })?;
            refs::retain_root(put, &images::root_key(&data))?;
            take_in(put, filling, data, now)
        })
    }

    /// Writes the data into the directory of the engine, and holds it against its digest.
    fn copy(&self, filling: &Arc<Filling>, reader: &Reader) -> Result<()> {
        let known = Known::of_image(reader.image());
        let (proof, options) = known.expected(reader.len_bytes());
        let (base, kept) = (Arc::clone(self.base()), Arc::clone(filling));
        let commit = move |put: &mut dyn Put, image: Image, copy: Uploaded| {
            let data = copy.location.data().copied().ok_or_else(|| {
                let message = "what was cached is in no store of this engine";
                Error::new(ErrorCode::Internal, message)
            })?;
            take_in(put, &kept, data, base.now())?;
            Ok(image)
        };
        let goal = Goal::Copy(CopyGoal {
            task: None,
            proof,
            commit: Arc::new(commit),
        });
        let flow = self
            .ingest
            .begin(*filling.image(), options, goal, &|_, _| Ok(()))?;
        let mut upload = Upload::new(flow);
        let base = self.base();
        let note = |_| {
            filling.moved(base.now());
            base.expect_open()?;
            filling.expect_wanted()
        };
        pump(reader, &mut upload, &note)?;
        upload.finish().map(drop)
    }
}

/// Takes a copy in, whose root is held already, unless it is wanted no more.
fn take_in(put: &mut dyn Put, filling: &Filling, data: DataRef, now: Timestamp) -> Result<()> {
    filling.expect_wanted()?;
    let made = Cached {
        data,
        hits: 0,
        last_accessed: now,
        last_modified: now,
    };
    cached::put(put, filling.image(), &made)
}

/// Returns an image that may be cached.
pub(super) fn active(get: &dyn Get, id: &ImageId) -> Result<Image> {
    let image = images::visible(get, id)?;
    match image.status() {
        Status::Active => Ok(image),
        is => {
            let message = format!("image {id} is {is}, only active ones are cached");
            Err(Error::new(ErrorCode::NotActive, message))
        }
    }
}

fn own_copy(image: &Image) -> Option<&DataRef> {
    image.copies().find(|data| data.store == stores::OWN)
}
