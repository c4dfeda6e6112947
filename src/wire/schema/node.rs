//! What schemas consist of.

use serde::ser::{Serialize, Serializer};
use serde_json::Value;

/// What other names than those listed may stand in an object.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(untagged)]
pub(super) enum Additional {
    /// Any, with values of this type.
    Texts {
        #[serde(rename = "type")]
        kind: &'static str,
    },
    /// None: it is `false`.
    Refused(bool),
}

/// What the elements of an array are.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(untagged)]
pub(super) enum Items {
    Property(Property),
    Schema(super::Schema),
}

/// The type of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(untagged)]
enum Kind {
    One(&'static str),
    /// Null, or the one named second.
    Either([&'static str; 2]),
}

/// A property, with what is said about its value.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Property {
    #[serde(rename = "type")]
    kind: Kind,
    #[serde(skip_serializing_if = "String::is_empty")]
    description: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_length: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pattern: Option<String>,
    #[serde(rename = "enum", skip_serializing_if = "Vec::is_empty")]
    values: Vec<Value>,
    #[serde(skip_serializing_if = "is_false")]
    read_only: bool,
    #[serde(skip_serializing_if = "is_false")]
    write_only: bool,
    #[serde(rename = "is_base", skip_serializing_if = "Option::is_none")]
    is_base: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    items: Option<Box<Items>>,
    #[serde(skip_serializing_if = "Properties::is_empty")]
    properties: Properties,
    #[serde(skip_serializing_if = "Option::is_none")]
    additional_properties: Option<Additional>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    required: &'static [&'static str],
}

fn is_false(value: &bool) -> bool {
    !value
}

impl Property {
    /// Makes a property of a type, described for a reader.
    pub(super) fn new(kind: &'static str, description: impl Into<String>) -> Self {
        Self {
            kind: Kind::One(kind),
            description: description.into(),
            max_length: None,
            pattern: None,
            values: Vec::new(),
            read_only: false,
            write_only: false,
            is_base: None,
            items: None,
            properties: Properties::default(),
            additional_properties: None,
            required: &[],
        }
    }

    pub(super) fn text(description: impl Into<String>) -> Self {
        Self::new("string", description)
    }

    pub(super) fn array(items: Items) -> Self {
        Self::new("array", "").items(items)
    }

    /// Allows null too.
    pub(super) fn or_null(mut self) -> Self {
        if let Kind::One(kind) = self.kind {
            self.kind = Kind::Either(["null", kind]);
        }
        self
    }

    pub(super) fn max_len(mut self, chars: u32) -> Self {
        self.max_length = Some(chars);
        self
    }

    pub(super) fn pattern(mut self, pattern: impl Into<String>) -> Self {
        self.pattern = Some(pattern.into());
        self
    }

    /// Lists the values, after null if that is allowed already.
    pub(super) fn one_of<T: Into<String>>(mut self, values: impl IntoIterator<Item = T>) -> Self {
        let null = matches!(self.kind, Kind::Either(_)).then_some(Value::Null);
        let values = values.into_iter().map(|value| Value::String(value.into()));
        self.values = null.into_iter().chain(values).collect();
        self
    }

    pub(super) fn read_only(mut self) -> Self {
        self.read_only = true;
        self
    }

    pub(super) fn write_only(mut self) -> Self {
        self.write_only = true;
        self
    }

    /// Marks a property that the API does not have.
    pub(super) fn custom(mut self) -> Self {
        self.is_base = Some(false);
        self
    }

    pub(super) fn items(mut self, items: Items) -> Self {
        self.items = Some(Box::new(items));
        self
    }

    /// Lists what stands in an object, and what of that must.
    pub(super) fn members(
        mut self,
        properties: Properties,
        required: &'static [&'static str],
    ) -> Self {
        self.properties = properties;
        self.required = required;
        self
    }

    /// Refuses what is not listed.
    pub(super) fn closed(mut self) -> Self {
        self.additional_properties = Some(Additional::Refused(false));
        self
    }
}

/// Properties by name, in their order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Properties(Vec<(String, Property)>);

impl Properties {
    pub(super) fn push(&mut self, name: impl Into<String>, property: Property) {
        self.0.push((name.into(), property));
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(other, _)| other == name)
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<const N: usize> From<[(&str, Property); N]> for Properties {
    fn from(properties: [(&str, Property); N]) -> Self {
        let named = properties.into_iter();
        Self(
            named
                .map(|(name, property)| (name.to_owned(), property))
                .collect(),
        )
    }
}

impl Serialize for Properties {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, property)| (name, property)))
    }
}
