//! What a rule is asked about, as named attributes.

use std::borrow::Cow;
use std::fmt::Display;

use crate::id::ProjectId;
use crate::image::{Image, Visibility};
use crate::policy::{Caller, Membership};

/// What a rule is asked about.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Target<'a> {
    /// Nothing: no attribute is defined.
    None,
    /// The caller, when it is decided whether it is an administrator: `project_id` and `user`.
    Identity,
    /// The list of images: `project_id` is the one of the caller.
    List,
    /// An image that is to be created: `project_id`, `owner` and `visibility`.
    Create {
        /// The owner to be.
        owner: Option<&'a ProjectId>,
        /// The visibility that is asked for; private when none is.
        visibility: Visibility,
    },
    /// A stored image, as it is when the rule is asked.
    Image {
        /// The image.
        image: &'a Image,
        /// How the project of the caller stands to it.
        membership: Membership,
    },
}

/// The value of an attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Value<'a> {
    /// Nothing, which equals no text.
    Null,
    /// A truth value, written `True` or `False`.
    Bool(bool),
    /// A whole number, written in decimal.
    Int(u64),
    /// A text.
    Text(Cow<'a, str>),
}

impl<'a> Value<'a> {
    /// Returns the text that rules compare; `None` for nothing.
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Null => Cow::Borrowed("None"),
            Self::Bool(true) => Cow::Borrowed("True"),
            Self::Bool(false) => Cow::Borrowed("False"),
            Self::Int(number) => Cow::Owned(number.to_string()),
            Self::Text(text) => Cow::Borrowed(text),
        }
    }

    /// Takes a text that may be missing.
    pub(super) fn of(text: Option<&'a str>) -> Self {
        text.map_or(Self::Null, |text| Self::Text(Cow::Borrowed(text)))
    }

    fn shown(value: impl Display) -> Self {
        Self::Text(Cow::Owned(value.to_string()))
    }

    fn number(value: Option<u64>) -> Self {
        value.map_or(Self::Null, Self::Int)
    }
}

impl<'a> Target<'a> {
    /// Returns an attribute, for a caller; nothing when it is undefined here.
    ///
    /// A custom property is found by its name, unless it is one of a fixed attribute.
    pub fn attribute<'b>(&'b self, caller: &'b Caller, name: &str) -> Option<Value<'b>> {
        match (self, name) {
            (Self::Identity | Self::List, "project_id") => Some(project(caller.project_id())),
            (Self::Identity, "user") => Some(Value::of(caller.user_id())),
            (Self::Create { owner, .. }, "project_id" | "owner") => Some(project(*owner)),
            (Self::Create { visibility, .. }, "visibility") => {
                Some(Value::of(Some(visibility.as_str())))
            }
            (Self::Image { image, .. }, _) => self.of_image(image, caller, name),
            _ => None,
        }
    }

    fn of_image<'b>(
        &'b self,
        image: &'b Image,
        caller: &'b Caller,
        name: &str,
    ) -> Option<Value<'b>> {
        Some(match name {
            "id" | "image_id" => Value::shown(image.id()),
            "owner" | "project_id" => project(image.owner()),
            "member_id" | "member" => project(self.member(caller)),
            "name" => Value::of(image.name()),
            "status" => Value::of(Some(image.status().as_str())),
            "visibility" => Value::of(Some(image.visibility().as_str())),
            "protected" => Value::Bool(image.is_protected()),
            "os_hidden" => Value::Bool(image.is_hidden()),
            "min_disk" => Value::Int(image.min_disk().into()),
            "min_ram" => Value::Int(image.min_ram().into()),
            "disk_format" => Value::of(image.disk_format().map(|format| format.as_str())),
            "container_format" => Value::of(image.container_format().map(|f| f.as_str())),
            "size" => Value::number(image.size()),
            "virtual_size" => Value::number(image.virtual_size()),
            "checksum" => image.checksum().map_or(Value::Null, Value::shown),
            "os_hash_algo" => Value::of(image.os_hash_algo()),
            "os_hash_value" => image.os_hash_value().map_or(Value::Null, Value::shown),
            "created_at" => Value::shown(image.created_at()),
            "updated_at" => Value::shown(image.updated_at()),
            "tags" | "locations" => return None,
            _ => Value::of(Some(image.property(name)?)),
        })
    }

    /// Returns the attribute `project_id`, where it is defined and not null.
    pub(super) fn project<'b>(&'b self, caller: &'b Caller) -> Option<&'b ProjectId> {
        match self {
            Self::None => None,
            Self::Identity | Self::List => caller.project_id(),
            _ => self.owner(),
        }
    }

    /// Returns the attribute `owner`, where it is defined and not null.
    pub(super) fn owner(&self) -> Option<&ProjectId> {
        match self {
            Self::None | Self::Identity | Self::List => None,
            Self::Create { owner, .. } => *owner,
            Self::Image { image, .. } => image.owner(),
        }
    }

    /// Returns the attribute `visibility`, where it is defined.
    pub(super) fn visibility(&self) -> Option<Visibility> {
        match self {
            Self::None | Self::Identity | Self::List => None,
            Self::Create { visibility, .. } => Some(*visibility),
            Self::Image { image, .. } => Some(image.visibility()),
        }
    }

    /// Returns the attribute `member_id`: the project of the caller, if the image is shared and
    /// owned by another project. Whoever was not let in by the lookup never gets to ask.
    pub(super) fn member<'b>(&self, caller: &'b Caller) -> Option<&'b ProjectId> {
        let Self::Image { image, .. } = self else {
            return None;
        };
        let owner = image.owner()?;
        let foreign = caller.project_id().filter(|&project| project != owner);
        foreign.filter(|_| image.visibility() == Visibility::Shared)
    }
}

fn project(project: Option<&ProjectId>) -> Value<'_> {
    Value::of(project.map(ProjectId::as_str))
}
