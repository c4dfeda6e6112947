//! Patches that a host writes in Rust.

use std::collections::BTreeMap;

use crate::image::entry::Entry;
use crate::image::field::Field;
use crate::image::patch::{Change, Patch, Place, Setting};
use crate::image::{ContainerFormat, DiskFormat, Visibility};

impl Patch {
    /// Begins a patch that changes nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the name: up to 255 characters.
    pub fn set_name(self, name: impl Into<String>) -> Self {
        self.set(Field::Name(Some(name.into())))
    }

    /// Leaves the image without name.
    pub fn clear_name(self) -> Self {
        self.set(Field::Name(None))
    }

    /// Sets who may read the image.
    pub fn set_visibility(self, visibility: Visibility) -> Self {
        self.set(Field::Visibility(visibility))
    }

    /// Sets whether deletion is refused to everybody.
    pub fn set_protected(self, protected: bool) -> Self {
        self.set(Field::Protected(protected))
    }

    /// Sets whether lists leave the image out unless they are asked for hidden ones.
    pub fn set_hidden(self, hidden: bool) -> Self {
        self.set(Field::Hidden(hidden))
    }

    /// Gives the image to a project; the empty string means to none.
    pub fn set_owner(self, project: impl Into<String>) -> Self {
        self.set(Field::Owner(Some(project.into())))
    }

    /// Sets or clears the format of the disk, while the image has no data.
    pub fn set_disk_format(self, format: impl Into<Option<DiskFormat>>) -> Self {
        self.set(Field::DiskFormat(format.into()))
    }

    /// Sets or clears the format of what stands around the disk, while the image has no data.
    pub fn set_container_format(self, format: impl Into<Option<ContainerFormat>>) -> Self {
        self.set(Field::ContainerFormat(format.into()))
    }

    /// Sets the smallest disk that the image boots from, in GB: 0 to 2,147,483,647.
    pub fn set_min_disk(self, gb: impl Into<i64>) -> Self {
        self.set(Field::MinDisk(gb.into()))
    }

    /// Sets the least memory that the image boots with, in MB: 0 to 2,147,483,647.
    pub fn set_min_ram(self, mb: impl Into<i64>) -> Self {
        self.set(Field::MinRam(mb.into()))
    }

    /// Sets all tags anew.
    pub fn set_tags<T: Into<String>>(self, tags: impl IntoIterator<Item = T>) -> Self {
        let tags = tags.into_iter().map(Into::into);
        self.set(Field::tags(tags.collect()))
    }

    /// Sets a custom property, whether or not it is there.
    pub fn set_property(self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.property(Setting::Add, name.into(), value.into())
    }

    /// Sets a custom property that must be there.
    pub fn replace_property(self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.property(Setting::Replace, name.into(), value.into())
    }

    /// Removes a custom property, which must be there.
    pub fn remove_property(self, name: impl Into<String>) -> Self {
        self.with(Change::RemoveProperty(name.into()))
    }

    /// Adds a location behind the others, without metadata.
    pub fn add_location(self, url: impl Into<String>) -> Self {
        let entry = Entry {
            url: url.into(),
            metadata: BTreeMap::new(),
            validation: None,
        };
        self.with(Change::AddLocation(Place::End, Box::new(entry)))
    }

    /// Removes the location with an index, and its data.
    pub fn remove_location(self, index: usize) -> Self {
        self.with(Change::RemoveLocation(Place::At(index)))
    }

    fn property(self, setting: Setting, name: String, value: String) -> Self {
        self.with(Change::SetProperty {
            setting,
            name,
            value,
        })
    }

    fn set(self, field: Field) -> Self {
        self.with(Change::Set(Setting::Add, field))
    }

    fn with(mut self, change: Change) -> Self {
        self.changes.push(change);
        self
    }
}
