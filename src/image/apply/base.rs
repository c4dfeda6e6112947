//! Base properties: set, each with its own right, and never removed.

use crate::error::{Error, ErrorCode, Result};
use crate::id::ProjectId;
use crate::image::Status;
use crate::image::apply::Work;
use crate::image::field::{Field, tag_set};
use crate::image::patch::Setting;
use crate::image::rules;
use crate::patch::Dialect;

impl Work<'_> {
    /// Sets a base property: first its own right, then the right to modify, then the rest.
    pub(super) fn set(&mut self, setting: Setting, field: &Field) -> Result<()> {
        match field {
            Field::Visibility(wanted) => self.gate.visibility(&self.image, *wanted)?,
            Field::Owner(_) => self.gate.owner(&self.image)?,
            _ => {}
        }
        self.gate.modify(&self.image)?;
        if self.refuses_to_overwrite(setting) {
            return Err(exists(field.name()));
        }
        if matches!(field, Field::DiskFormat(_) | Field::ContainerFormat(_)) {
            self.expect_open_formats(field.name())?;
        }
        self.write(field)
    }

    pub(super) fn unset(&mut self, name: &str) -> Result<()> {
        self.gate.modify(&self.image)?;
        let message = format!("property {name} is a base property and cannot be removed");
        Err(Error::new(ErrorCode::NotRemovable, message))
    }

    /// Tells whether what is there already stands against the operation.
    pub(super) fn refuses_to_overwrite(&self, setting: Setting) -> bool {
        self.dialect == Dialect::V2_0 && setting == Setting::Add
    }

    /// Tests that no data depends on the formats, whatever they would become.
    fn expect_open_formats(&self, name: &str) -> Result<()> {
        let status = self.image.status();
        if matches!(status, Status::Queued | Status::Importing) {
            return Ok(());
        }
        let message = format!("image is {status}, and {name} changes in queued or importing only");
        Err(Error::new(ErrorCode::FormatFrozen, message))
    }

    fn write(&mut self, field: &Field) -> Result<()> {
        let parts = &mut self.image.0;
        match field {
            Field::Name(name) => parts.name.clone_from(name),
            Field::Visibility(visibility) => parts.visibility = *visibility,
            Field::Protected(value) => parts.protected = *value,
            Field::Hidden(value) => parts.os_hidden = *value,
            Field::Owner(owner) => parts.owner = project(owner.as_deref())?,
            Field::DiskFormat(format) => parts.disk_format = *format,
            Field::ContainerFormat(format) => parts.container_format = *format,
            Field::MinDisk(gb) => parts.min_disk = rules::bounded(field.name(), *gb)?,
            Field::MinRam(mb) => parts.min_ram = rules::bounded(field.name(), *mb)?,
            Field::Tags(tags) => {
                parts.tags = tag_set(tags);
                self.tags_are_new = true;
            }
        }
        Ok(())
    }
}

/// Makes the owner of a record; the empty string means nobody (DEV-P11).
fn project(owner: Option<&str>) -> Result<Option<ProjectId>> {
    owner
        .filter(|owner| !owner.is_empty())
        .map(ProjectId::new)
        .transpose()
}

pub(super) fn exists(name: &str) -> Error {
    let message = format!("property {} exists already", rules::shown(name));
    Error::new(ErrorCode::PropertyExists, message)
}
