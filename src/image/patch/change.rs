//! One operation of a patch, with its types.

use crate::error::{Error, ErrorCode, Result};
use crate::image::Limits;
use crate::image::entry::Entry;
use crate::image::field::Field;
use crate::image::rules::{self, NameClass};
use crate::image::schema;
use crate::json::Json;
use crate::patch::{Dialect, Operation, Pointer, Verb};

/// The property that has tokens below it.
const LOCATIONS: &str = "locations";

/// How a value is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::image) enum Setting {
    Add,
    Replace,
}

/// Which place of the locations is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::image) enum Place {
    /// Behind all others, or the last.
    End,
    /// The one with this index.
    At(usize),
    /// Neither; it is refused in its turn.
    Bad(String),
}

/// One operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::image) enum Change {
    /// A base property is set.
    Set(Setting, Field),
    /// A base property is removed, which is refused in its turn.
    Unset(&'static str),
    /// A custom property is set.
    SetProperty {
        setting: Setting,
        name: String,
        value: String,
    },
    /// A custom property is removed.
    RemoveProperty(String),
    /// A location is added.
    AddLocation(Place, Box<Entry>),
    /// All locations are set anew.
    SetLocations(Vec<Entry>),
    /// A location is removed.
    RemoveLocation(Place),
}

// A patch is read before anybody is known to have a right to it, so it must stay small.
const _: () = assert!(size_of::<Change>() <= 64);

impl Change {
    /// Gives types to an operation, in the order of the tests of the API.
    ///
    /// # Errors
    /// `InvalidPointer` for the wrong depth, `MissingValue`, `ReadOnlyProperty`,
    /// `ReservedProperty`, `SchemaViolation` for the wrong type.
    pub(super) fn read(operation: Operation<'_>) -> Result<Self> {
        expect_depth(&operation)?;
        let (verb, pointer) = (operation.verb, operation.pointer.clone());
        let value = match verb {
            Verb::Remove => None,
            Verb::Add | Verb::Replace => Some(operation.into_value()?),
        };
        let name = pointer.tokens().first().map_or("", String::as_str);
        rules::check_patchable(name)?;
        if name == LOCATIONS {
            let place = Place::of(pointer.tokens().get(1));
            return Self::of_locations(verb, place, value);
        }
        match (setting(verb), value) {
            (Some(setting), Some(value)) => Self::set(setting, name, value),
            _ => Ok(Self::remove(name)),
        }
    }

    fn set(setting: Setting, name: &str, value: Json<'_>) -> Result<Self> {
        Ok(match Field::known(name) {
            Some(base) => Self::Set(setting, Field::from_json(base, value)?),
            None => Self::SetProperty {
                setting,
                value: schema::property(name, value)?,
                name: name.to_owned(),
            },
        })
    }

    fn remove(name: &str) -> Self {
        match Field::known(name) {
            Some(base) => Self::Unset(base),
            None => Self::RemoveProperty(name.to_owned()),
        }
    }

    fn of_locations(verb: Verb, place: Place, value: Option<Json<'_>>) -> Result<Self> {
        Ok(match (verb, value) {
            (Verb::Add, Some(value)) => Self::AddLocation(place, Box::new(schema::entry(value)?)),
            (Verb::Replace, Some(value)) => Self::SetLocations(schema::entries(value)?),
            _ => Self::RemoveLocation(place),
        })
    }

    /// Tests names, lengths, words and characters.
    ///
    /// # Errors
    /// `ReadOnlyProperty`, `ReservedProperty`, `SchemaViolation`, `EmptyTag`,
    /// `PropertyNameTooLong`, `PropertyTooLong`, `UnsupportedCharacter`.
    pub(super) fn check(&self, limits: &Limits) -> Result<()> {
        match self {
            Self::Set(_, field) => field.check(limits),
            Self::SetProperty { name, value, .. } => {
                expect_custom(name)?;
                limits.check_property(name, value)
            }
            Self::RemoveProperty(name) => expect_custom(name),
            Self::AddLocation(_, entry) => entry.check(limits),
            Self::SetLocations(entries) => entries.iter().try_for_each(|it| it.check(limits)),
            Self::Unset(_) | Self::RemoveLocation(_) => Ok(()),
        }
    }

    /// Returns the operation that reads back as the change.
    pub(super) fn operation(&self, dialect: Dialect) -> Operation<'_> {
        let make = |verb, pointer, value| Operation::new(dialect, verb, pointer, value);
        match self {
            Self::Set(setting, field) => {
                let pointer = Pointer::of([field.name()]);
                make(verb(*setting), pointer, Some(field.json()))
            }
            Self::Unset(name) => make(Verb::Remove, Pointer::of([name]), None),
            Self::SetProperty {
                setting,
                name,
                value,
            } => make(verb(*setting), Pointer::of([name]), Some(Json::text(value))),
            Self::RemoveProperty(name) => make(Verb::Remove, Pointer::of([name]), None),
            Self::AddLocation(place, entry) => make(Verb::Add, place.pointer(), Some(entry.json())),
            Self::SetLocations(entries) => {
                let value = Json::Array(entries.iter().map(Entry::json).collect());
                make(Verb::Replace, Pointer::of([LOCATIONS]), Some(value))
            }
            Self::RemoveLocation(place) => make(Verb::Remove, place.pointer(), None),
        }
    }
}

impl Place {
    /// Reads the token behind `locations`: digits of any number, or a dash.
    pub(super) fn of(token: Option<&String>) -> Self {
        let token = token.map_or("", String::as_str);
        let is_number = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_digit());
        match token {
            "-" => Self::End,
            // A number that no list reaches is past the end, like any other.
            _ if is_number => Self::At(token.parse().unwrap_or(usize::MAX)),
            _ => Self::Bad(token.to_owned()),
        }
    }

    fn pointer(&self) -> Pointer {
        match self {
            Self::End => Pointer::of([LOCATIONS, "-"]),
            Self::At(index) => Pointer::of([LOCATIONS, &index.to_string()]),
            Self::Bad(token) => Pointer::of([LOCATIONS, token]),
        }
    }
}

fn setting(verb: Verb) -> Option<Setting> {
    match verb {
        Verb::Add => Some(Setting::Add),
        Verb::Replace => Some(Setting::Replace),
        Verb::Remove => None,
    }
}

fn verb(setting: Setting) -> Verb {
    match setting {
        Setting::Add => Verb::Add,
        Setting::Replace => Verb::Replace,
    }
}

/// Tests the depth: one token, and for locations one more where a single one is meant.
fn expect_depth(operation: &Operation<'_>) -> Result<()> {
    let tokens = operation.pointer.tokens();
    let is_locations = tokens.first().is_some_and(|name| name == LOCATIONS);
    let wanted = match operation.verb {
        Verb::Add | Verb::Remove if is_locations => 2,
        _ => 1,
    };
    if tokens.len() == wanted {
        return Ok(());
    }
    let (verb, found) = (operation.verb.as_str(), tokens.len());
    let shown = rules::shown(&operation.pointer.to_string());
    let message = format!("pointer {shown} is {found} deep, and {verb} takes {wanted} here");
    Err(Error::new(ErrorCode::InvalidPointer, message))
}

/// Refuses as a custom property what is none. A body cannot get there, a host can.
fn expect_custom(name: &str) -> Result<()> {
    rules::check_patchable(name)?;
    match rules::classify(name) {
        NameClass::Custom => Ok(()),
        _ => {
            let message = format!("property name {name:?} is that of a base property");
            Err(Error::new(ErrorCode::SchemaViolation, message))
        }
    }
}
