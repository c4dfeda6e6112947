//! The image record and its getters.

use std::borrow::Cow;
use std::fmt;

use crate::clock::Timestamp;
use crate::error::{Error, ErrorCode, Result};
use crate::id::{ImageId, ProjectId};
use crate::image::rules;
use crate::image::{ContainerFormat, DataRef, Digest, DiskFormat, Location, Status, Visibility};
use crate::image::{TextMap, TextSet};
use crate::limits::IMAGE_MAX_BYTES;

/// The record of an image, as one read saw it.
///
/// The properties are those of the Images API v2 (Glance: `glance/api/v2/images.py`,
/// `get_base_properties`); what the API computes (`self`, `file`, `schema`, `stores`) is not here.
#[derive(Clone, PartialEq, Eq)]
pub struct Image(
    /// Behind a pointer: images pass through many hands.
    pub(super) Box<ImageParts>,
);

/// The fields of a record, for the codec and the transitions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ImageParts {
    pub(crate) id: ImageId,
    pub(crate) revision: u64,
    pub(crate) name: Option<String>,
    pub(crate) status: Status,
    pub(crate) visibility: Visibility,
    pub(crate) protected: bool,
    pub(crate) os_hidden: bool,
    pub(crate) owner: Option<ProjectId>,
    pub(crate) disk_format: Option<DiskFormat>,
    pub(crate) container_format: Option<ContainerFormat>,
    pub(crate) min_disk: u32,
    pub(crate) min_ram: u32,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    pub(crate) size: Option<u64>,
    pub(crate) virtual_size: Option<u64>,
    pub(crate) checksum: Option<Digest>,
    /// Made by `hash_name`.
    pub(crate) os_hash_algo: Option<Cow<'static, str>>,
    pub(crate) os_hash_value: Option<Digest>,
    pub(crate) tags: TextSet,
    pub(crate) properties: TextMap,
    pub(crate) locations: Vec<Location>,
}

impl Image {
    /// Puts a record together.
    ///
    /// # Errors
    /// The code that the value would have got in a request, when one breaks its bounds.
    pub(crate) fn from_parts(parts: impl Into<Box<ImageParts>>) -> Result<Self> {
        let parts = parts.into();
        if let Some(name) = &parts.name {
            rules::check_name(name)?;
        }
        rules::check_tags(&parts.tags)?;
        rules::check_property_lens(&parts.properties)?;
        rules::bounded("min_disk", i64::from(parts.min_disk))?;
        rules::bounded("min_ram", i64::from(parts.min_ram))?;
        for (what, len) in [("size", parts.size), ("virtual_size", parts.virtual_size)] {
            if len.is_some_and(|len| len > IMAGE_MAX_BYTES) {
                let message = format!("{what} is {len:?} bytes, limit {IMAGE_MAX_BYTES}");
                return Err(Error::new(ErrorCode::InvalidParameter, message));
            }
        }
        let mut copies = parts.locations.iter().filter_map(Location::data);
        if copies.any(|data| data.zero_bytes > data.len_bytes) {
            let message = "more zero bytes than bytes in the data of the image";
            return Err(Error::new(ErrorCode::InvalidParameter, message));
        }
        Ok(Self(parts))
    }

    /// Returns all fields.
    pub(crate) fn parts(&self) -> &ImageParts {
        &self.0
    }

    /// Leaves out the custom properties that a test says are to be hidden.
    pub(crate) fn without_properties(mut self, is_hidden: impl Fn(&str) -> bool) -> Self {
        self.0.properties.retain(|name| !is_hidden(name));
        self
    }

    /// Leaves out the locations.
    pub(crate) fn without_locations(mut self) -> Self {
        self.0.locations.clear();
        self
    }

    /// Tells whether members of the image count: it is shared, and somebody shares it.
    pub(crate) fn is_shared(&self) -> bool {
        self.0.visibility == Visibility::Shared && self.0.owner.is_some()
    }

    /// Returns the id.
    pub fn id(&self) -> &ImageId {
        &self.0.id
    }

    /// Returns the name: up to 255 characters, not unique.
    pub fn name(&self) -> Option<&str> {
        self.0.name.as_deref()
    }

    /// Returns the status.
    pub fn status(&self) -> Status {
        self.0.status
    }

    /// Returns who may read the image.
    pub fn visibility(&self) -> Visibility {
        self.0.visibility
    }

    /// Tells whether deletion is refused to everybody.
    pub fn is_protected(&self) -> bool {
        self.0.protected
    }

    /// Tells whether lists leave the image out unless they are asked for hidden ones.
    pub fn is_hidden(&self) -> bool {
        self.0.os_hidden
    }

    /// Returns the project that owns the image; one without owner belongs to administrators.
    pub fn owner(&self) -> Option<&ProjectId> {
        self.0.owner.as_ref()
    }

    /// Returns the format of the disk.
    pub fn disk_format(&self) -> Option<DiskFormat> {
        self.0.disk_format
    }

    /// Returns the format of what stands around the disk.
    pub fn container_format(&self) -> Option<ContainerFormat> {
        self.0.container_format
    }

    /// Returns the smallest disk that the image boots from, in GB.
    pub fn min_disk(&self) -> u32 {
        self.0.min_disk
    }

    /// Returns the least memory that the image boots with, in MB.
    pub fn min_ram(&self) -> u32 {
        self.0.min_ram
    }

    /// Returns the tags, ascending by bytes.
    pub fn tags(&self) -> &TextSet {
        &self.0.tags
    }

    /// Returns the length of the data, in bytes; none until there is data.
    pub fn size(&self) -> Option<u64> {
        self.0.size
    }

    /// Returns the size of the disk that the data describes, in bytes, where it is known.
    pub fn virtual_size(&self) -> Option<u64> {
        self.0.virtual_size
    }

    /// Returns the MD5 of the data.
    pub fn checksum(&self) -> Option<&Digest> {
        self.0.checksum.as_ref()
    }

    /// Returns the name of the algorithm of [`Image::os_hash_value`].
    pub fn os_hash_algo(&self) -> Option<&str> {
        self.0.os_hash_algo.as_deref()
    }

    /// Returns the digest of the data by the algorithm that was configured when it arrived.
    pub fn os_hash_value(&self) -> Option<&Digest> {
        self.0.os_hash_value.as_ref()
    }

    /// Returns when the record was made.
    pub fn created_at(&self) -> Timestamp {
        self.0.created_at
    }

    /// Returns when the record changed last. Each change moves it forward, whatever the clock says.
    pub fn updated_at(&self) -> Timestamp {
        self.0.updated_at
    }

    /// Returns the custom properties, ascending by bytes of the name.
    pub fn properties(&self) -> &TextMap {
        &self.0.properties
    }

    /// Returns the value of a custom property.
    pub fn property(&self, name: &str) -> Option<&str> {
        self.0.properties.get(name)
    }

    /// Returns the places of the data, in order.
    ///
    /// A front end shows these only where `show_multiple_locations` is on.
    pub fn locations(&self) -> &[Location] {
        &self.0.locations
    }

    /// Returns how often the record was written: 1 after create, one more with each change.
    pub fn revision(&self) -> u64 {
        self.0.revision
    }

    /// Returns where the bytes are, once for each store of this engine that has them, in the order
    /// of locations.
    pub(crate) fn copies(&self) -> impl Iterator<Item = &DataRef> {
        let locations = &self.0.locations;
        let data = locations.iter().enumerate();
        data.filter_map(|(index, location)| {
            let data = location.data()?;
            let mut before = locations[..index].iter().filter_map(Location::data);
            before
                .all(|known| known.store != data.store)
                .then_some(data)
        })
    }
}

/// Shows what identifies the record; properties and places stay out of logs.
impl fmt::Debug for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Image")
            .field("id", &self.0.id)
            .field("name", &self.0.name)
            .field("status", &self.0.status)
            .field("revision", &self.0.revision)
            .finish_non_exhaustive()
    }
}
