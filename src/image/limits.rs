//! The bounds of a record that the host may choose, and the tests against them.

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorCode, Result};
use crate::id::ProjectId;
use crate::image::rules;
use crate::image::words;
use crate::image::{ContainerFormat, DiskFormat};

/// The bounds of a record that the host may choose (Glance: `glance/common/config.py`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Most distinct tags of an image; none for no limit. Default 128 (`image_tag_quota`).
    pub tags_max: Option<u32>,
    /// Most custom properties of an image, those of the engine aside; none for no limit. Default
    /// 128 (`image_property_quota`).
    pub properties_max: Option<u32>,
    /// Most members of an image, of whatever status; none for no limit. Default 128
    /// (`image_member_quota`).
    pub members_max: Option<u32>,
    /// Most locations of an image; none for 256, which is the most that an image has. Default 10
    /// (`image_location_quota`).
    pub locations_max: Option<u32>,
    /// Most images of a project; none for no limit. Default none (`image_count_total`).
    pub images_max: Option<u32>,
    /// Whether code points at or above U+10000 are refused. Default true, as Glance does
    /// (`reject_4byte_unicode`).
    pub reject_4byte_unicode: bool,
    /// Disk formats that a request may name. Default all (`disk_formats`).
    pub disk_formats: Vec<DiskFormat>,
    /// Container formats that a request may name. Default all (`container_formats`).
    pub container_formats: Vec<ContainerFormat>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            tags_max: Some(128),
            properties_max: Some(128),
            members_max: Some(128),
            locations_max: Some(10),
            images_max: None,
            reject_4byte_unicode: true,
            disk_formats: DiskFormat::ALL.to_vec(),
            container_formats: ContainerFormat::ALL.to_vec(),
        }
    }
}

impl Limits {
    /// Tests a tag, as a path or a set has it: 1 to 255 characters, all of them allowed.
    ///
    /// # Errors
    /// `EmptyTag`, `SchemaViolation`, `UnsupportedCharacter`.
    pub fn check_tag(&self, tag: &str) -> Result<()> {
        rules::check_tag(tag)?;
        self.check_characters("tag", tag)
    }

    /// Tests the number of members that an image would have.
    pub(crate) fn check_member_count(&self, count: usize) -> Result<()> {
        let code = ErrorCode::MemberLimitExceeded;
        rules::check_quota(code, "members", count, self.members_max)
    }

    /// Tests the project of a member.
    pub(crate) fn check_member(&self, project: &ProjectId) -> Result<()> {
        self.check_characters("member", project.as_str())
    }

    /// Tests name and value of a custom property.
    pub(super) fn check_property(&self, name: &str, value: &str) -> Result<()> {
        rules::check_property_len(name, value)?;
        self.check_characters("property name", name)?;
        self.check_characters("property value", value)
    }

    /// Refuses code points at or above U+10000, where these are refused.
    pub(super) fn check_characters(&self, what: &str, text: &str) -> Result<()> {
        if self.reject_4byte_unicode {
            rules::check_characters(what, text)?;
        }
        Ok(())
    }

    /// Tests that a disk format is one of the configured ones.
    pub(super) fn check_disk_format(&self, format: DiskFormat) -> Result<()> {
        if self.disk_formats.contains(&format) {
            return Ok(());
        }
        let legal = self.disk_formats.iter().map(|format| format.as_str());
        Err(unlisted("disk format", format.as_str(), legal))
    }

    /// Tests that a container format is one of the configured ones.
    pub(super) fn check_container_format(&self, format: ContainerFormat) -> Result<()> {
        if self.container_formats.contains(&format) {
            return Ok(());
        }
        let legal = self.container_formats.iter().map(|format| format.as_str());
        Err(unlisted("container format", format.as_str(), legal))
    }

    /// Tests the number of distinct tags of an image.
    pub(super) fn check_tag_count(&self, count: usize) -> Result<()> {
        rules::check_quota(ErrorCode::TagLimitExceeded, "tags", count, self.tags_max)
    }

    /// Tests the number of custom properties of an image, those of the engine aside.
    pub(super) fn check_property_count(&self, count: usize) -> Result<()> {
        let code = ErrorCode::PropertyLimitExceeded;
        rules::check_quota(code, "properties", count, self.properties_max)
    }

    /// Tests the number of locations of an image.
    pub(super) fn check_location_count(&self, count: usize) -> Result<()> {
        let code = ErrorCode::LocationLimitExceeded;
        rules::check_quota(code, "locations", count, self.locations_max)?;
        if count > rules::LOCATIONS_MAX {
            let limit = rules::LOCATIONS_MAX;
            let message = format!("image has {count} locations, limit {limit}");
            return Err(Error::new(code, message));
        }
        Ok(())
    }
}

fn unlisted<'a>(what: &str, word: &str, legal: impl Iterator<Item = &'a str>) -> Error {
    words::unknown(what, word, &legal.collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn configured_formats_are_read_as_words_and_named_in_refusals() {
        let text = r#"{"disk_formats": ["raw", "qcow2"], "container_formats": []}"#;
        let limits: Limits = serde_json::from_str(text).unwrap();
        assert_eq!(limits.disk_formats, [DiskFormat::Raw, DiskFormat::Qcow2]);
        assert!(limits.check_disk_format(DiskFormat::Raw).is_ok());
        let error = limits.check_disk_format(DiskFormat::Iso).unwrap_err();
        assert_eq!(error.code(), ErrorCode::SchemaViolation);
        assert_eq!(
            error.message(),
            "disk format \"iso\" is not one of raw, qcow2"
        );
        assert!(
            limits
                .check_container_format(ContainerFormat::Bare)
                .is_err()
        );
        assert!(serde_json::from_str::<Limits>(r#"{"disk_formats": ["RAW"]}"#).is_err());
        let again = serde_json::to_string(&Limits::default()).unwrap();
        assert_eq!(
            serde_json::from_str::<Limits>(&again).unwrap(),
            Limits::default()
        );
    }

    #[test]
    fn locations_are_bounded_even_without_a_quota() {
        let unlimited = Limits {
            locations_max: None,
            ..Limits::default()
        };
        assert!(unlimited.check_location_count(256).is_ok());
        assert!(unlimited.check_location_count(257).is_err());
        assert!(Limits::default().check_location_count(11).is_err());
    }
}
