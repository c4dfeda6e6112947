//! The request for an image: a builder, and the tests that a record must pass to come into being.

mod json;

use crate::clock::Timestamp;
use crate::error::{Error, ErrorCode, Result};
use crate::id::{ImageId, ProjectId};
use crate::image::apply::protected;
use crate::image::record::ImageParts;
use crate::image::rules::{self, NameClass};
use crate::image::{
    ContainerFormat, DiskFormat, Image, Limits, Status, TextMap, TextSet, Visibility,
};

/// An image that is to be created.
///
/// Nothing is tested while it is put together; [`NewImage::check`] and [`NewImage::into_image`]
/// test everything, in the order of the API (Glance: `glance/api/v2/images.py`, `create`).
///
/// # Examples
/// ```
/// use smalti::image::{ContainerFormat, DiskFormat, NewImage, Visibility};
///
/// let new = NewImage::named("debian")
///     .disk_format(DiskFormat::Qcow2)
///     .container_format(ContainerFormat::Bare)
///     .visibility(Visibility::Private)
///     .tag("stable")
///     .property("os_distro", "debian");
/// ```
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct NewImage {
    id: Option<ImageId>,
    name: Option<String>,
    owner: Owner,
    visibility: Option<Visibility>,
    protected: bool,
    os_hidden: bool,
    disk_format: Option<DiskFormat>,
    container_format: Option<ContainerFormat>,
    min_disk: i64,
    min_ram: i64,
    tags: TextSet,
    properties: TextMap,
}

/// Who is to own the image.
#[derive(Debug, Clone, Default)]
enum Owner {
    /// The project of the caller.
    #[default]
    Caller,
    /// A named project, not yet tested; the empty string means nobody (DEV-P11).
    Named(String),
}

impl NewImage {
    /// Begins a request for an image with a name.
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: Some(name.into()),
            ..Self::default()
        }
    }

    /// Chooses the id; without it the engine makes a random one.
    pub fn id(mut self, id: ImageId) -> Self {
        self.id = Some(id);
        self
    }

    /// Chooses the owner, which only administrators may do for another project than their own; the
    /// empty string means none.
    pub fn owner(mut self, project: impl Into<String>) -> Self {
        self.owner = Owner::Named(project.into());
        self
    }

    /// Leaves the image without owner, which only administrators may do.
    pub fn without_owner(self) -> Self {
        self.owner("")
    }

    /// Chooses who may read the image; `shared` without it.
    pub fn visibility(mut self, visibility: Visibility) -> Self {
        self.visibility = Some(visibility);
        self
    }

    /// Protects the image against deletion.
    pub fn protected(mut self) -> Self {
        self.protected = true;
        self
    }

    /// Leaves the image out of lists that do not ask for hidden ones.
    pub fn hidden(mut self) -> Self {
        self.os_hidden = true;
        self
    }

    /// Sets the format of the disk.
    pub fn disk_format(mut self, format: DiskFormat) -> Self {
        self.disk_format = Some(format);
        self
    }

    /// Sets the format of what stands around the disk.
    pub fn container_format(mut self, format: ContainerFormat) -> Self {
        self.container_format = Some(format);
        self
    }

    /// Sets the smallest disk that the image boots from, in GB: 0 to 2,147,483,647.
    pub fn min_disk(mut self, gb: impl Into<i64>) -> Self {
        self.min_disk = gb.into();
        self
    }

    /// Sets the least memory that the image boots with, in MB: 0 to 2,147,483,647.
    pub fn min_ram(mut self, mb: impl Into<i64>) -> Self {
        self.min_ram = mb.into();
        self
    }

    /// Adds a tag of 1 to 255 characters; one that is there already changes nothing.
    pub fn tag(mut self, tag: impl Into<String>) -> Self {
        self.tags.insert(tag);
        self
    }

    /// Adds a custom property; the last value of a name wins.
    pub fn property(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.properties.insert(name, value);
        self
    }

    /// Returns the visibility that was chosen; none makes a shared image, and policy is asked as for
    /// a private one.
    pub fn chosen_visibility(&self) -> Option<Visibility> {
        self.visibility
    }

    /// Returns the id that was chosen, if any.
    pub fn chosen_id(&self) -> Option<&ImageId> {
        self.id.as_ref()
    }

    /// Returns the owner to be, for a caller of the given project.
    ///
    /// # Errors
    /// `SchemaViolation` when a named owner is no project id.
    pub fn owner_for(&self, project: Option<&ProjectId>) -> Result<Option<ProjectId>> {
        match &self.owner {
            Owner::Caller => Ok(project.cloned()),
            Owner::Named(name) if name.is_empty() => Ok(None),
            Owner::Named(name) => ProjectId::new(name.as_str()).map(Some),
        }
    }

    /// Tests what the API tests before policy: names that are computed, lengths, characters, names
    /// that are reserved, in this order.
    ///
    /// # Errors
    /// - `ReadOnlyProperty` for a custom property with a computed name (`self`, `stores` ...);
    /// - `SchemaViolation`, `EmptyTag`, `PropertyNameTooLong`, `PropertyTooLong` for what is too
    ///   long or empty, and for a custom property with the name of a base property;
    /// - `UnsupportedCharacter` for code points that the limits refuse;
    /// - `ReservedProperty` for `location`, `deleted`, `deleted_at` and whatever begins with
    ///   `os_glance`.
    pub fn check(&self, limits: &Limits) -> Result<()> {
        self.refuse(NameClass::Computed, ErrorCode::ReadOnlyProperty, "computed")?;
        self.check_lengths(limits)?;
        if limits.reject_4byte_unicode {
            self.check_characters()?;
        }
        self.refuse(NameClass::Reserved, ErrorCode::ReservedProperty, "reserved")
    }

    /// Makes the record: queued, created now, for a caller whom no property is protected against.
    ///
    /// # Errors
    /// As [`NewImage::into_image_within`], but for the protections.
    pub fn into_image(
        self,
        fresh: ImageId,
        project: Option<&ProjectId>,
        limits: &Limits,
        now: Timestamp,
    ) -> Result<Image> {
        self.into_image_within(&|_| true, fresh, project, limits, now)
    }

    /// Makes the record: queued, created now.
    ///
    /// `may_create` tells whether protections let the caller create a custom property of this name.
    /// `fresh` is the id for a request that chose none, `project` the one of the caller, which owns
    /// the image unless another owner was chosen. Other policy is not asked here.
    ///
    /// # Errors
    /// Those of [`NewImage::check`]; then `ReadOnlyProperty` for a custom property with a name that
    /// only the engine sets, `ReservedProperty` for `locations` and for a protected property,
    /// `TagLimitExceeded`, `PropertyLimitExceeded`, and `InvalidParameter` for `min_disk` or
    /// `min_ram` out of bounds.
    pub fn into_image_within(
        self,
        may_create: &dyn Fn(&str) -> bool,
        fresh: ImageId,
        project: Option<&ProjectId>,
        limits: &Limits,
        now: Timestamp,
    ) -> Result<Image> {
        self.check(limits)?;
        self.refuse(
            NameClass::ReadOnly,
            ErrorCode::ReadOnlyProperty,
            "read-only",
        )?;
        self.refuse(
            NameClass::Locations,
            ErrorCode::ReservedProperty,
            "not for create",
        )?;
        if let Some(name) = self.properties.keys().find(|name| !may_create(name)) {
            return Err(protected(name));
        }
        self.check_quotas(limits)?;
        Image::from_parts(ImageParts {
            id: self.id.unwrap_or(fresh),
            revision: 1,
            owner: self.owner_for(project)?,
            name: self.name,
            status: Status::Queued,
            visibility: self.visibility.unwrap_or_default(),
            protected: self.protected,
            os_hidden: self.os_hidden,
            disk_format: self.disk_format,
            container_format: self.container_format,
            min_disk: rules::bounded("min_disk", self.min_disk)?,
            min_ram: rules::bounded("min_ram", self.min_ram)?,
            created_at: now,
            updated_at: now,
            size: None,
            virtual_size: None,
            checksum: None,
            os_hash_algo: None,
            os_hash_value: None,
            tags: self.tags,
            properties: self.properties,
            locations: Vec::new(),
        })
    }

    fn refuse(&self, class: NameClass, code: ErrorCode, word: &str) -> Result<()> {
        match self
            .properties
            .keys()
            .find(|name| rules::classify(name) == class)
        {
            Some(name) => {
                let message = format!("property name {} is {word}", rules::shown(name));
                Err(Error::new(code, message))
            }
            None => Ok(()),
        }
    }

    fn check_lengths(&self, limits: &Limits) -> Result<()> {
        self.disk_format
            .map_or(Ok(()), |format| limits.check_disk_format(format))?;
        self.container_format
            .map_or(Ok(()), |format| limits.check_container_format(format))?;
        rules::check_name(self.name.as_deref().unwrap_or_default())?;
        if let Owner::Named(owner) = &self.owner {
            rules::check_text("owner", owner)?;
        }
        rules::check_tags(&self.tags)?;
        self.refuse(
            NameClass::Base,
            ErrorCode::SchemaViolation,
            "that of a base property",
        )?;
        rules::check_property_lens(&self.properties)
    }

    fn check_characters(&self) -> Result<()> {
        rules::check_characters("name", self.name.as_deref().unwrap_or_default())?;
        if let Owner::Named(owner) = &self.owner {
            rules::check_characters("owner", owner)?;
        }
        self.tags
            .iter()
            .try_for_each(|tag| rules::check_characters("tag", tag))?;
        self.properties.iter().try_for_each(|(name, value)| {
            rules::check_characters("property name", name)?;
            rules::check_characters("property value", value)
        })
    }

    fn check_quotas(&self, limits: &Limits) -> Result<()> {
        limits.check_tag_count(self.tags.len())?;
        limits.check_property_count(self.properties.len())?;
        rules::check_text_len(&self.tags, &self.properties, [])
    }
}

#[cfg(test)]
mod tests;
