//! The document of an image.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::IMAGES;
use super::members::{Members, Printed, Serialized};
use crate::id::{ImageId, ProjectId};
use crate::image::{ContainerFormat, Digest, DiskFormat, Image, Location, is_of_document};

/// Custom properties of the engine that are nobody's business.
const INTERNAL: [&str; 2] = ["os_glance_stage_host", "os_glance_hash_op_host"];

/// Which of the places of its data the document of an image shows; none by default.
///
/// These are configured for a server as a whole, and an image narrows them for a caller: see
/// [`ImageOptions::closed`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[must_use]
pub struct ImageOptions<'a> {
    /// The stores, heaviest first.
    direct_url: Option<&'a [String]>,
    stores: Places,
    locations: Places,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Places {
    /// There is no such property.
    #[default]
    Absent,
    /// The property tells of no place.
    Empty,
    /// The property tells of every place.
    Shown,
}

impl<'a> ImageOptions<'a> {
    /// Begins with options that show no place.
    pub fn new() -> Self {
        Self::default()
    }

    /// Shows the url of the best place, `direct_url` (option `show_image_direct_url`).
    ///
    /// The best place is the first one in the store that comes first here; stores that are not
    /// named follow, in the order of the image.
    pub fn direct_url(mut self, stores_by_weight: &'a [String]) -> Self {
        self.direct_url = Some(stores_by_weight);
        self
    }

    /// Shows the names of the stores, `stores` (where more than one store is configured).
    pub fn stores(mut self) -> Self {
        self.stores = Places::Shown;
        self
    }

    /// Shows the places, `locations` (option `show_multiple_locations`).
    pub fn locations(mut self) -> Self {
        self.locations = Places::Shown;
        self
    }

    /// Narrows the options to those for a caller to whom the data is closed, as that of a
    /// deactivated image is to all but administrators: `locations`, where it is shown, is empty and
    /// the others are absent.
    pub fn closed(mut self) -> Self {
        self.direct_url = None;
        self.stores = Places::Absent;
        if self.locations == Places::Shown {
            self.locations = Places::Empty;
        }
        self
    }
}

/// The document of an image: base properties, what the API computes, then custom properties.
///
/// Every base property is there, null when it is unset; custom ones stand flat beside them, save
/// two that the engine keeps to itself. Properties that the caller may not read are to be taken
/// from the image before.
#[derive(Debug, Clone, Copy)]
#[must_use]
pub struct ImageDocument<'a> {
    image: &'a Image,
    options: ImageOptions<'a>,
}

impl<'a> ImageDocument<'a> {
    /// Makes the document of an image that shows no place of its data.
    pub fn new(image: &'a Image) -> Self {
        let options = ImageOptions::default();
        Self { image, options }
    }

    /// Shows what the options say of the places of the data.
    pub fn with_options(mut self, options: ImageOptions<'a>) -> Self {
        self.options = options;
        self
    }

    /// Returns the id of the image.
    pub(super) fn id(&self) -> &'a ImageId {
        self.image.id()
    }

    /// Writes what describes the image.
    fn put_record<M: Members>(&self, to: &mut M) -> Result<(), M::Error> {
        let image = self.image;
        to.shown("id", image.id())?;
        to.text("name", image.name())?;
        to.text("status", Some(image.status().as_str()))?;
        to.text("visibility", Some(image.visibility().as_str()))?;
        to.flag("protected", image.is_protected())?;
        to.flag("os_hidden", image.is_hidden())?;
        to.text("owner", image.owner().map(ProjectId::as_str))?;
        to.text("disk_format", image.disk_format().map(DiskFormat::as_str))?;
        let container = image.container_format().map(ContainerFormat::as_str);
        to.text("container_format", container)?;
        to.number("min_disk", Some(image.min_disk().into()))?;
        to.number("min_ram", Some(image.min_ram().into()))?;
        to.texts("tags", image.tags().iter())
    }

    /// Writes what was learned of the data, and when the record was written.
    fn put_learned<M: Members>(&self, to: &mut M) -> Result<(), M::Error> {
        let image = self.image;
        to.number("size", image.size())?;
        to.number("virtual_size", image.virtual_size())?;
        put_digest("checksum", image.checksum(), to)?;
        to.text("os_hash_algo", image.os_hash_algo())?;
        put_digest("os_hash_value", image.os_hash_value(), to)?;
        to.shown("created_at", &image.created_at())?;
        to.shown("updated_at", &image.updated_at())
    }

    /// Writes where the image and its data are.
    fn put_places<M: Members>(&self, to: &mut M) -> Result<(), M::Error> {
        let (id, locations) = (self.image.id().to_string(), self.image.locations());
        to.joined("self", &[IMAGES, "/", &id])?;
        to.joined("file", &[IMAGES, "/", &id, "/file"])?;
        to.text("schema", Some("/v2/schemas/image"))?;
        if let Some(best) = self.best_location() {
            to.text("direct_url", Some(best.url()))?;
        }
        if self.options.stores == Places::Shown && !locations.is_empty() {
            let names: Vec<&str> = locations.iter().filter_map(Location::store).collect();
            to.text("stores", Some(&names.join(",")))?;
        }
        match self.options.locations {
            Places::Absent => Ok(()),
            Places::Empty => to.value("locations", &[(); 0]),
            Places::Shown => to.value("locations", &LocationsDocument(locations)),
        }
    }

    fn best_location(&self) -> Option<&'a Location> {
        let stores = self.options.direct_url?;
        let place = |location: &&Location| {
            let named = |store: &String| Some(store.as_str()) == location.store();
            stores.iter().position(named).unwrap_or(stores.len())
        };
        self.image.locations().iter().min_by_key(place)
    }

    fn put_properties<M: Members>(&self, to: &mut M) -> Result<(), M::Error> {
        let is_shown = |name: &&str| !INTERNAL.contains(name) && !is_of_document(name);
        let properties = self.image.properties().iter();
        let mut shown = properties.filter(|(name, _)| is_shown(name));
        shown.try_for_each(|(name, value)| to.any(name, value))
    }

    fn put_all<M: Members>(&self, to: &mut M) -> Result<(), M::Error> {
        self.put_record(to)?;
        self.put_learned(to)?;
        self.put_places(to)?;
        self.put_properties(to)
    }

    /// Appends the document as JSON: the text that `serde_json` makes of it, in less time.
    pub fn print(&self, text: &mut String) {
        let mut members = Printed::new(text);
        let Ok(()) = self.put_all(&mut members);
        members.end();
    }
}

fn put_digest<M: Members>(
    name: &'static str,
    digest: Option<&Digest>,
    to: &mut M,
) -> Result<(), M::Error> {
    match digest {
        Some(digest) => to.shown(name, digest),
        None => to.text(name, None),
    }
}

impl Serialize for ImageDocument<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.put_all(&mut Serialized(&mut map))?;
        map.end()
    }
}

/// The document of the places of the data of an image: an array.
#[derive(Debug, Clone, Copy)]
#[must_use]
pub struct LocationsDocument<'a>(&'a [Location]);

impl<'a> LocationsDocument<'a> {
    /// Makes the document of places, in their order.
    pub fn new(locations: &'a [Location]) -> Self {
        Self(locations)
    }
}

impl Serialize for LocationsDocument<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(Place))
    }
}

/// A place: where, and what the store says about it.
struct Place<'a>(&'a Location);

impl Serialize for Place<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("url", self.0.url())?;
        map.serialize_entry("metadata", self.0.metadata())?;
        map.end()
    }
}
