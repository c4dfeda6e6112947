//! Patches: read and verified outside of the transaction, applied within it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::Images;
use super::images::answer;
use crate::base::Base;
use crate::error::{Error, ErrorCode, Result};
use crate::id::ImageId;
use crate::image::{Applied, ApplyRules, Expected, Image, LocationSource, Patch, Status};
use crate::index::{Durability, Get, Kv, Put, images};
use crate::policy::{Action, Judge, Membership};

impl Images {
    pub(super) fn patch(&self, id: &ImageId, patch: &Patch, known: Option<u64>) -> Result<Image> {
        // What is wrong whatever the image is, is said first, as for the text of a request.
        patch.check(self.limits())?;
        let policy = self.policy();
        let judge = self.judge(&*policy);
        judge.check_identity(Action::Patch)?;
        let base = self.writable()?;
        let work = Work {
            images: self,
            judge,
            id,
            patch,
            source: Remembering::new(&*self.engine().inner.locations),
        };
        loop {
            let verified = work.verify(base, known)?;
            let run = |left: &dyn Fn(&dyn Get) -> Result<Option<u64>>| {
                base.kv.write(Durability::Now, |put| {
                    let left = left(put)?;
                    let (image, membership, applied) = work.apply(put, known.or(verified), left)?;
                    store(put, &image, &applied.image)?;
                    Ok((applied.image, membership))
                })
            };
            let done = match patch.has_locations() {
                true => {
                    let (image, _) = base.kv.read(|get| self.find(get, id))?;
                    self.engine().inner.quota.alone(image.owner(), run)
                }
                false => run(&|_| Ok(None)),
            };
            match done {
                // The image has changed since its new location was verified.
                Err(error)
                    if error.code() == ErrorCode::RevisionMismatch
                        && known.is_none()
                        && verified.is_some() => {}
                done => {
                    let (image, membership) = done?;
                    return Ok(answer(&judge, image, membership));
                }
            }
        }
    }
}

struct Work<'a> {
    images: &'a Images,
    judge: Judge<'a>,
    id: &'a ImageId,
    patch: &'a Patch,
    source: Remembering<'a>,
}

impl Work<'_> {
    /// Asks what stands behind urls before the transaction, which no network holds up. Returns the
    /// revision of the image whose new locations were verified.
    fn verify(&self, base: &Base, known: Option<u64>) -> Result<Option<u64>> {
        if !self.patch.has_locations() {
            return Ok(None);
        }
        let (image, _, applied) = base.kv.read(|get| self.apply(get, known, None))?;
        if applied.unverified.is_empty() {
            return Ok(None);
        }
        applied.verify(&self.source)?;
        Ok(Some(image.revision()))
    }

    fn apply(
        &self,
        get: &dyn Get,
        revision: Option<u64>,
        storage_left_bytes: Option<u64>,
    ) -> Result<(Image, Membership, Applied)> {
        let judge = &self.judge;
        let (image, membership) = self.images.allowed(get, judge, self.id, Action::Patch)?;
        expect_revision(&image, revision)?;
        let settings = self.images.engine().settings();
        let hash = settings.hashing_algorithm;
        let rules = ApplyRules {
            limits: &settings.limits,
            locations_are_shown: settings.show_multiple_locations,
            hash: hash.map(|algorithm| (algorithm.name(), algorithm.len_bytes())),
            storage_left_bytes,
            source: &self.source,
        };
        let now = self.images.engine().inner.base.now();
        let applied = image.apply(self.patch, &judge.gate(membership), &rules, now)?;
        if applied.image.status() == Status::Active && image.status() != Status::Active {
            let ingest = self.images.ingest()?;
            ingest.signatures.refuse_unread(&applied.image)?;
        }
        Ok((image, membership, applied))
    }
}

/// Stores what a patch made of an image, unless that is the same.
fn store(put: &mut dyn Put, old: &Image, new: &Image) -> Result<()> {
    if old.revision() == new.revision() {
        return Ok(());
    }
    images::put(put, new)
}

fn expect_revision(image: &Image, revision: Option<u64>) -> Result<()> {
    match revision {
        Some(known) if known != image.revision() => {
            let found = image.revision();
            let message = format!("image has revision {found}, not {known}");
            Err(Error::new(ErrorCode::RevisionMismatch, message))
        }
        _ => Ok(()),
    }
}

/// A source of locations that is asked once for each url.
struct Remembering<'a> {
    source: &'a dyn LocationSource,
    sizes: Mutex<HashMap<String, u64>>,
}

impl<'a> Remembering<'a> {
    fn new(source: &'a dyn LocationSource) -> Self {
        Self {
            source,
            sizes: Mutex::default(),
        }
    }
}

impl LocationSource for Remembering<'_> {
    fn size_bytes(&self, url: &str) -> Result<u64> {
        let mut sizes = self.sizes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(size) = sizes.get(url) {
            return Ok(*size);
        }
        let size = self.source.size_bytes(url)?;
        sizes.insert(url.to_owned(), size);
        Ok(size)
    }

    fn store(&self, url: &str) -> Option<String> {
        self.source.store(url)
    }

    fn verify(&self, url: &str, expected: &Expected<'_>) -> Result<()> {
        self.source.verify(url, expected)
    }
}
