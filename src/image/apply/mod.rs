//! What a patch does to an image: operations in order on a working copy, then the quotas.
//!
//! Pure: who may do it answers a [`Gate`], what stands behind an url a [`LocationSource`], and the
//! time is an argument. The first error stops, and the image that was given stays as it is.

mod base;
mod places;
mod property;
#[cfg(test)]
mod tests;
mod validation;

use crate::clock::Timestamp;
use crate::error::Result;
use crate::image::patch::Change;
use crate::image::rules;
use crate::image::{Expected, Gate, Image, Limits, Location, LocationSource, Patch};
use crate::patch::Dialect;

pub(in crate::image) use places::check_scheme;
pub(in crate::image) use property::protected;
pub(in crate::image) use validation::{Learned, resolve};

/// What a host has configured, as far as patches meet it.
#[derive(Clone, Copy)]
pub(crate) struct ApplyRules<'a> {
    /// The bounds of records.
    pub(crate) limits: &'a Limits,
    /// Whether locations are shown and may be changed (`show_multiple_locations`).
    pub(crate) locations_are_shown: bool,
    /// Name and digest length in bytes of the multihash (`hashing_algorithm`).
    pub(crate) hash: Option<(&'a str, usize)>,
    /// Bytes that the owner may still store (`user_storage_quota`); none for no limit.
    pub(crate) storage_left_bytes: Option<u64>,
    /// What stands behind urls.
    pub(crate) source: &'a dyn LocationSource,
}

/// An image with a patch applied, not yet stored.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub(crate) struct Applied {
    /// The image. Where its last own location is gone, so is its data: the engine lets go of the
    /// manifest that the image had before.
    pub(crate) image: Image,
    /// Locations whose data is to be deleted once the image is stored.
    pub(crate) removed: Vec<Location>,
    /// Locations that were added to an image with data. [`Applied::verify`] must have agreed before
    /// the image is stored.
    pub(crate) unverified: Vec<Location>,
}

impl Applied {
    /// Compares the data of each location that was added with that of the image. Reads all of it, so
    /// it is done outside of any transaction, and the patch applied again in the one that stores it.
    ///
    /// # Errors
    /// `HashConflict`, and what the source says.
    pub(crate) fn verify(&self, source: &dyn LocationSource) -> Result<()> {
        let image = self.image.parts();
        let os_hash = image
            .os_hash_algo
            .as_deref()
            .zip(image.os_hash_value.as_ref());
        let expected = Expected {
            size_bytes: image.size,
            checksum: image.checksum.as_ref(),
            os_hash,
        };
        let mut locations = self.unverified.iter();
        locations.try_for_each(|location| source.verify(location.url(), &expected))
    }
}

impl Image {
    /// Applies a patch (Glance: `glance/api/v2/images.py`, `ImagesController.update`).
    ///
    /// That the caller sees the image was tested before. An empty patch changes nothing, not even
    /// `updated_at`.
    ///
    /// # Errors
    /// As [`Patch::check`]; then that of the first operation that is refused: what the gate says,
    /// `NotRemovable`, `PropertyExists`, `PropertyMissing`, `ReservedProperty`, `FormatFrozen`,
    /// `InvalidParameter`, and for locations `LastLocation`, `LocationsHidden`, `InvalidState`,
    /// `HashConflict`, `InvalidLocationIndex`, `LocationLimitExceeded`, `QuotaExceeded`,
    /// `InvalidLocation`, `DuplicateLocation`, `MissingFormat`; then `TagLimitExceeded`,
    /// `PropertyLimitExceeded`.
    pub(crate) fn apply(
        &self,
        patch: &Patch,
        gate: &dyn Gate,
        rules: &ApplyRules<'_>,
        now: Timestamp,
    ) -> Result<Applied> {
        patch.check(rules.limits)?;
        let mut work = Work::new(self, patch.dialect(), gate, rules);
        patch.changes().iter().try_for_each(|it| work.step(it))?;
        if !patch.is_empty() {
            work.check_quotas(self)?;
            work.image.touch(now);
        }
        Ok(work.finish())
    }
}

/// A patch on its way: the image as the operations so far have left it.
struct Work<'a> {
    image: Image,
    dialect: Dialect,
    gate: &'a dyn Gate,
    rules: &'a ApplyRules<'a>,
    /// Whether the tags were set, so that their number is tested.
    tags_are_new: bool,
    /// Bytes that locations of this patch add to the storage of the owner.
    storage_bytes: u64,
    removed: Vec<Location>,
    unverified: Vec<Location>,
}

impl<'a> Work<'a> {
    fn new(image: &Image, dialect: Dialect, gate: &'a dyn Gate, rules: &'a ApplyRules<'a>) -> Self {
        Self {
            image: image.clone(),
            dialect,
            gate,
            rules,
            tags_are_new: false,
            storage_bytes: 0,
            removed: Vec::new(),
            unverified: Vec::new(),
        }
    }

    fn step(&mut self, change: &Change) -> Result<()> {
        match change {
            Change::Set(setting, field) => self.set(*setting, field),
            Change::Unset(name) => self.unset(name),
            Change::SetProperty {
                setting,
                name,
                value,
            } => self.set_property(*setting, name, value),
            Change::RemoveProperty(name) => self.remove_property(name),
            Change::AddLocation(place, entry) => self.add_location(place, entry),
            Change::SetLocations(entries) => self.set_locations(entries),
            Change::RemoveLocation(place) => self.remove_location(place),
        }
    }

    /// Tests the quotas of the result. An image over its quota may still be edited and shrunk.
    fn check_quotas(&self, before: &Image) -> Result<()> {
        let (parts, limits) = (self.image.parts(), self.rules.limits);
        if self.tags_are_new {
            limits.check_tag_count(parts.tags.len())?;
        }
        let mut names = parts.properties.keys();
        if names.any(|name| before.property(name).is_none()) {
            limits.check_property_count(rules::count_custom(&parts.properties))?;
        }
        rules::check_text_len(&parts.tags, &parts.properties, &parts.locations)
    }

    fn finish(mut self) -> Applied {
        let parts = &mut self.image.0;
        let stays = |gone: &Location| parts.locations.iter().any(|it| it.url() == gone.url());
        self.removed.retain(|gone| !stays(gone));
        self.unverified.retain(|new| parts.locations.contains(new));
        Applied {
            image: self.image,
            removed: self.removed,
            unverified: self.unverified,
        }
    }
}
