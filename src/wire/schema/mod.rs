//! The schemas of the documents, as `/v2/schemas/...` shows them.
//!
//! They describe; nothing is tested against them here. What a host configures is in them: the
//! formats, and custom properties that it defines.
//!
//! Source: Glance, `get_schema` and `get_collection_schema` of `glance/api/v2/images.py`,
//! `image_members.py` and `tasks.py`.

mod image;
mod node;
mod others;

use serde::Serialize;

use self::node::{Additional, Items, Properties, Property};
use crate::error::{Error, ErrorCode, Result};
use crate::image::{ContainerFormat, DiskFormat};

/// The pattern of ids.
const ID_PATTERN: &str =
    "^([0-9a-fA-F]){8}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){12}$";

/// What the schemas of a server say besides what the API says.
///
/// # Examples
/// ```
/// use smalti::wire::{CustomProperty, Schemas};
///
/// let tier = CustomProperty::new("tier", "Class of service").one_of(["gold", "iron"]).required();
/// let schemas = Schemas::new().disk_formats(["raw", "qcow2"]).property(tier)?;
/// let text = serde_json::to_string(&schemas.image()).expect("texts and numbers");
/// assert!(text.contains(r#""enum":[null,"raw","qcow2"]"#));
/// assert!(text.ends_with(r#""required":["tier"]}"#));
/// # Ok::<(), smalti::error::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Schemas {
    disk_formats: Vec<String>,
    container_formats: Vec<String>,
    custom: Vec<CustomProperty>,
}

impl Schemas {
    /// Begins with all formats, and no custom property.
    pub fn new() -> Self {
        let disk = DiskFormat::ALL.iter().map(ToString::to_string);
        let container = ContainerFormat::ALL.iter().map(ToString::to_string);
        Self {
            disk_formats: disk.collect(),
            container_formats: container.collect(),
            custom: Vec::new(),
        }
    }

    /// Sets the formats of the disk that are configured.
    pub fn disk_formats<T: Into<String>>(mut self, formats: impl IntoIterator<Item = T>) -> Self {
        self.disk_formats = formats.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the formats of what stands around the disk that are configured.
    pub fn container_formats<T: Into<String>>(
        mut self,
        formats: impl IntoIterator<Item = T>,
    ) -> Self {
        self.container_formats = formats.into_iter().map(Into::into).collect();
        self
    }

    /// Adds a custom property.
    ///
    /// # Errors
    /// `InvalidSettings` when an image has a property of this name already.
    pub fn property(mut self, property: CustomProperty) -> Result<Self> {
        let name = property.name.as_str();
        let is_custom = self.custom.iter().any(|other| other.name == name);
        if is_custom || image::properties(&self).has(name) {
            let shown: String = name.chars().take(64).collect();
            let message = format!("schema has a property {shown:?} already, limit 1");
            return Err(Error::new(ErrorCode::InvalidSettings, message));
        }
        self.custom.push(property);
        Ok(self)
    }

    /// Returns the schema of an image.
    pub fn image(&self) -> Schema {
        let mut properties = image::properties(self);
        for custom in &self.custom {
            properties.push(custom.name.clone(), custom.property.clone());
        }
        let required = self.custom.iter().filter(|custom| custom.is_required);
        Schema {
            name: "image",
            properties,
            additional_properties: Some(Additional::Texts { kind: "string" }),
            links: vec![
                Link::new("self", "{self}"),
                Link::new("enclosure", "{file}"),
                Link::new("describedby", "{schema}"),
            ],
            required: required.map(|custom| custom.name.clone()).collect(),
        }
    }

    /// Returns the schema of a page of images.
    pub fn images(&self) -> Schema {
        let mut properties = Properties::default();
        properties.push("images", Property::array(Items::Schema(self.image())));
        for name in ["first", "next", "schema"] {
            properties.push(name, Property::text(""));
        }
        Schema {
            properties,
            links: vec![
                Link::new("first", "{first}"),
                Link::new("next", "{next}"),
                Link::new("describedby", "{schema}"),
            ],
            ..Schema::plain("images", Properties::default())
        }
    }

    /// Returns the schema of a member of an image.
    pub fn member(&self) -> Schema {
        Schema::plain("member", others::member())
    }

    /// Returns the schema of the members of an image.
    pub fn members(&self) -> Schema {
        Schema::collection("members", self.member())
    }

    /// Returns the schema of a task.
    pub fn task(&self) -> Schema {
        Schema::plain("task", others::task(others::TaskForm::Whole))
    }

    /// Returns the schema of a page of tasks.
    pub fn tasks(&self) -> Schema {
        let item = others::task(others::TaskForm::Item);
        Schema::collection("tasks", Schema::plain("task", item))
    }
}

impl Default for Schemas {
    fn default() -> Self {
        Self::new()
    }
}

/// A schema, to be serialized.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Schema {
    name: &'static str,
    properties: Properties,
    #[serde(skip_serializing_if = "Option::is_none")]
    additional_properties: Option<Additional>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    links: Vec<Link>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    required: Vec<String>,
}

impl Schema {
    fn plain(name: &'static str, properties: Properties) -> Self {
        Self {
            name,
            properties,
            additional_properties: None,
            links: Vec::new(),
            required: Vec::new(),
        }
    }

    /// Makes the reduced form of the schema of a collection.
    fn collection(name: &'static str, item: Self) -> Self {
        let mut properties = Properties::default();
        properties.push(name, Property::array(Items::Schema(item)));
        properties.push("schema", Property::text(""));
        Self {
            links: vec![Link::new("describedby", "{schema}")],
            ..Self::plain(name, properties)
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Link {
    rel: &'static str,
    href: &'static str,
}

impl Link {
    fn new(rel: &'static str, href: &'static str) -> Self {
        Self { rel, href }
    }
}

/// A custom property that a host defines for its images: a text, described in the schema.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct CustomProperty {
    name: String,
    property: Property,
    is_required: bool,
}

impl CustomProperty {
    /// Makes a property that any image may have, with any value.
    pub fn new(name: impl Into<String>, description: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            property: Property::text(description).custom(),
            is_required: false,
        }
    }

    /// Says that every image has it.
    pub fn required(mut self) -> Self {
        self.is_required = true;
        self
    }

    /// Says which values there are.
    pub fn one_of<T: Into<String>>(mut self, values: impl IntoIterator<Item = T>) -> Self {
        self.property = self.property.one_of(values);
        self
    }

    /// Says how long the value is at most, in characters.
    pub fn max_len(mut self, chars: u32) -> Self {
        self.property = self.property.max_len(chars);
        self
    }

    /// Says which regular expression the value matches.
    pub fn pattern(mut self, pattern: impl Into<String>) -> Self {
        self.property = self.property.pattern(pattern);
        self
    }
}

#[cfg(test)]
mod tests;
