//! A key with a value as it was given, and how it is read as what it should be.

use std::fmt;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;

use super::file;
use crate::fault::{Exit, Fault, Outcome};
use crate::size::Size;

/// Where something was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Origin {
    /// In a file, on a line counted from 1.
    File { path: PathBuf, line: usize },
    /// On the command line.
    Flag,
}

impl Origin {
    /// Returns the line of a file, 0 on the command line.
    pub(super) fn line(&self) -> usize {
        match self {
            Self::File { line, .. } => *line,
            Self::Flag => 0,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, line } => write!(f, "{}, line {line}", path.display()),
            Self::Flag => f.write_str("--set"),
        }
    }
}

/// A value as it was given.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    /// Text of the command line, which stands for any type.
    Raw(String),
    Bool(bool),
    Int(i64),
    Text(String),
    List(Vec<Value>),
    Table(Vec<Given>),
    /// Of a type that no key has, as it is written.
    Other(String),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Raw(text) | Self::Other(text) => f.write_str(text),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Int(value) => write!(f, "{value}"),
            Self::Text(text) => write!(f, "{text:?}"),
            Self::List(values) => {
                let values = values.iter().map(ToString::to_string);
                write!(f, "[{}]", values.collect::<Vec<_>>().join(", "))
            }
            Self::Table(_) => f.write_str("{...}"),
        }
    }
}

/// A key, its value, and where both come from.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Given {
    pub(super) key: String,
    pub(super) value: Value,
    pub(super) origin: Origin,
}

impl Given {
    /// Makes the fault of a value that is not what is wanted.
    pub(super) fn not(&self, wanted: impl fmt::Display) -> Fault {
        self.wrong(format_args!("is not {wanted}"))
    }

    /// Makes a fault that names key, value and place.
    pub(super) fn wrong(&self, what: impl fmt::Display) -> Fault {
        let Self { key, value, origin } = self;
        let message = format!("{key} = {value} {what} ({origin})");
        Fault::new(Exit::Usage, "InvalidSettings", message)
            .with_hint("`smalti serve --list-keys` shows all keys with defaults and meanings")
    }

    /// Reads true or false.
    pub(super) fn flag(&self) -> Outcome<bool> {
        match &self.value {
            Value::Bool(value) => Ok(*value),
            Value::Raw(text) if text.eq_ignore_ascii_case("true") => Ok(true),
            Value::Raw(text) if text.eq_ignore_ascii_case("false") => Ok(false),
            _ => Err(self.not("true or false")),
        }
    }

    /// Reads a whole number within bounds.
    pub(super) fn number(&self, bounds: RangeInclusive<i64>) -> Outcome<i64> {
        let (min, max) = (bounds.start(), bounds.end());
        let found = match &self.value {
            Value::Int(value) => Some(*value),
            Value::Raw(text) => text.parse().ok(),
            _ => None,
        };
        let found = found.filter(|value| bounds.contains(value));
        found.ok_or_else(|| self.not(format_args!("a whole number from {min} to {max}")))
    }

    /// Reads a whole number that is not negative, within bounds.
    pub(super) fn count(&self, bounds: RangeInclusive<u32>) -> Outcome<u32> {
        let found = self.number(i64::from(*bounds.start())..=i64::from(*bounds.end()))?;
        u32::try_from(found).map_err(|_| self.not("a whole number"))
    }

    /// Reads a number of things of which there may be no bound: a negative one says so.
    pub(super) fn quota(&self) -> Outcome<Option<u32>> {
        let found = self.number(i64::MIN..=i64::from(u32::MAX))?;
        Ok(u32::try_from(found).ok())
    }

    /// Reads a number of bytes within bounds: a whole number, or text with a unit.
    pub(super) fn size(&self, bounds: RangeInclusive<u64>) -> Outcome<u64> {
        let (min, max) = (bounds.start(), bounds.end());
        let found = match &self.value {
            Value::Int(value) => u64::try_from(*value).ok(),
            Value::Raw(text) | Value::Text(text) => text.parse().ok().map(|Size(bytes)| bytes),
            _ => None,
        };
        let found = found.filter(|value| bounds.contains(value));
        let wanted = format_args!("a number of bytes from {min} to {max}, with or without a unit");
        found.ok_or_else(|| self.not(wanted))
    }

    /// Reads text.
    pub(super) fn text(&self) -> Outcome<&str> {
        match &self.value {
            Value::Raw(text) | Value::Text(text) => Ok(text),
            _ => Err(self.not("a text")),
        }
    }

    /// Reads a text that stands for something.
    pub(super) fn word<T: FromStr<Err: fmt::Display>>(&self) -> Outcome<T> {
        self.text()?
            .parse()
            .map_err(|error| self.wrong(format_args!("is wrong: {error}")))
    }

    /// Reads a list of texts that stand for something; on the command line with commas between, or
    /// as in a file.
    pub(super) fn words<T: FromStr<Err: fmt::Display>>(&self) -> Outcome<Vec<T>> {
        let texts = self.texts().ok_or_else(|| self.not("a list"))?;
        let words = texts.iter().map(|text| text.parse());
        words
            .collect::<Result<_, _>>()
            .map_err(|error| self.wrong(format_args!("is wrong: {error}")))
    }

    /// Reads the path of a file: beside the configuration file that names it, or from where the
    /// command is run.
    pub(super) fn path(&self) -> Outcome<PathBuf> {
        let text = self.text()?;
        match &self.origin {
            _ if text.is_empty() => Err(self.not("a path")),
            Origin::File { path, .. } => Ok(path.with_file_name("").join(text)),
            Origin::Flag => Ok(text.into()),
        }
    }

    fn texts(&self) -> Option<Vec<String>> {
        match &self.value {
            Value::List(values) => values.iter().map(scalar).collect(),
            Value::Raw(text) if text.trim_start().starts_with('[') => {
                let Value::List(values) = file::value(text)? else {
                    return None;
                };
                values.iter().map(scalar).collect()
            }
            Value::Raw(text) if text.trim().is_empty() => Some(Vec::new()),
            Value::Raw(text) => Some(text.split(',').map(|part| part.trim().to_owned()).collect()),
            _ => None,
        }
    }

    /// Returns the value in one form, however it was written: lists with commas between.
    pub(super) fn canonical(&self) -> Option<String> {
        match &self.value {
            Value::Raw(_) => self.texts().map(|texts| texts.join(",")),
            Value::List(_) => self.texts().map(|texts| texts.join(",")),
            value => scalar(value),
        }
    }
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::Raw(text) | Value::Text(text) => Some(text.clone()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Int(value) => Some(value.to_string()),
        Value::List(_) | Value::Table(_) | Value::Other(_) => None,
    }
}
