//! A base property with its new value: read from JSON, tested, and written to a record.

use crate::error::{Error, ErrorCode, Result};
use crate::image::rules;
use crate::image::schema;
use crate::image::{ContainerFormat, DiskFormat, Limits, TextSet, Visibility};
use crate::json::Json;

/// A base property that a client may set, with a value of the right type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Field {
    Name(Option<String>),
    Visibility(Visibility),
    Protected(bool),
    Hidden(bool),
    Owner(Option<String>),
    DiskFormat(Option<DiskFormat>),
    ContainerFormat(Option<ContainerFormat>),
    MinDisk(i64),
    MinRam(i64),
    /// Ascending and distinct.
    Tags(Vec<String>),
}

impl Field {
    /// Names of all base properties that a client may set.
    pub(super) const NAMES: [&'static str; 10] = [
        "name",
        "visibility",
        "protected",
        "os_hidden",
        "owner",
        "disk_format",
        "container_format",
        "min_disk",
        "min_ram",
        "tags",
    ];

    /// Returns the name of the base property that is called so.
    pub(super) fn known(name: &str) -> Option<&'static str> {
        Self::NAMES.into_iter().find(|known| *known == name)
    }

    /// Makes a set of tags.
    pub(super) fn tags(mut tags: Vec<String>) -> Self {
        tags.sort();
        tags.dedup();
        tags.shrink_to_fit();
        Self::Tags(tags)
    }

    /// Reads the value of the base property `name`, which is one of [`Field::NAMES`].
    ///
    /// # Errors
    /// `SchemaViolation` for a value of the wrong type or outside the vocabulary.
    pub(super) fn from_json(name: &'static str, value: Json<'_>) -> Result<Self> {
        Ok(match name {
            "name" => Self::Name(schema::text_or_null(name, value)?),
            "visibility" => Self::Visibility(schema::word(name, &value)?),
            "protected" => Self::Protected(schema::boolean(name, &value)?),
            "os_hidden" => Self::Hidden(schema::boolean(name, &value)?),
            "owner" => Self::Owner(schema::text_or_null(name, value)?),
            "disk_format" => Self::DiskFormat(schema::word_or_null(name, &value)?),
            "container_format" => Self::ContainerFormat(schema::word_or_null(name, &value)?),
            "min_disk" => Self::MinDisk(schema::integer(name, &value)?),
            "min_ram" => Self::MinRam(schema::integer(name, &value)?),
            "tags" => Self::tags(schema::texts(name, value)?),
            _ => return Err(not_base(name)),
        })
    }

    /// Returns the JSON that reads back as the value.
    pub(super) fn json(&self) -> Json<'_> {
        let or_null = |text: Option<_>| text.map_or(Json::Null, Json::text);
        match self {
            Self::Name(text) | Self::Owner(text) => or_null(text.as_deref()),
            Self::Visibility(visibility) => Json::text(visibility.as_str()),
            Self::Protected(value) | Self::Hidden(value) => Json::from(*value),
            Self::DiskFormat(format) => or_null(format.map(DiskFormat::as_str)),
            Self::ContainerFormat(format) => or_null(format.map(ContainerFormat::as_str)),
            Self::MinDisk(number) | Self::MinRam(number) => Json::from(*number),
            Self::Tags(tags) => Json::Array(tags.iter().map(|tag| Json::text(tag)).collect()),
        }
    }

    /// Returns the name of the property.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Name(_) => "name",
            Self::Visibility(_) => "visibility",
            Self::Protected(_) => "protected",
            Self::Hidden(_) => "os_hidden",
            Self::Owner(_) => "owner",
            Self::DiskFormat(_) => "disk_format",
            Self::ContainerFormat(_) => "container_format",
            Self::MinDisk(_) => "min_disk",
            Self::MinRam(_) => "min_ram",
            Self::Tags(_) => "tags",
        }
    }

    /// Tests lengths, configured words and characters. Bounds of numbers come later, in the order
    /// of the API.
    ///
    /// # Errors
    /// `SchemaViolation`, `EmptyTag`, `UnsupportedCharacter`.
    pub(super) fn check(&self, limits: &Limits) -> Result<()> {
        match self {
            Self::Name(text) | Self::Owner(text) => {
                let (what, text) = (self.name(), text.as_deref().unwrap_or_default());
                rules::check_text(what, text)?;
                limits.check_characters(what, text)
            }
            Self::Tags(tags) => tags.iter().try_for_each(|tag| limits.check_tag(tag)),
            Self::DiskFormat(Some(format)) => limits.check_disk_format(*format),
            Self::ContainerFormat(Some(format)) => limits.check_container_format(*format),
            _ => Ok(()),
        }
    }
}

/// Makes the set of a record out of tags that are tested.
pub(super) fn tag_set(tags: &[String]) -> TextSet {
    tags.iter().collect()
}

fn not_base(name: &str) -> Error {
    Error::new(
        ErrorCode::Internal,
        format!("{name} is no base property that a client sets"),
    )
}
