//! The schema of a property: which JSON value becomes which typed value, for create and patch alike.
//!
//! Types and words are tested here, lengths and characters in `field`. The API coerces nothing: a
//! string is no number, and a boolean is no integer.

use std::collections::BTreeMap;
use std::str::FromStr;

use crate::error::{Error, ErrorCode, Result};
use crate::image::entry::{Entry, Validation};
use crate::json::{Json, Object};

/// Longest `checksum` of validation data, in characters, which is also the only length it has.
const CHECKSUM_CHARS: usize = 32;
/// Longest name of a hash algorithm, in characters.
const ALGORITHM_MAX_CHARS: usize = 64;
/// Longest digest, in characters.
const DIGEST_MAX_CHARS: usize = 128;

/// Makes the error for a value of the wrong type.
pub(super) fn mismatch(what: &str, found: &Json<'_>, wanted: &str) -> Error {
    let shown: String = what.chars().take(64).collect();
    let message = format!("{shown} is {}, and must be {wanted}", found.kind());
    Error::new(ErrorCode::SchemaViolation, message)
}

/// Takes a string.
pub(super) fn text(what: &str, value: Json<'_>) -> Result<String> {
    match value {
        Json::Text(text) => Ok(text.into_owned()),
        other => Err(mismatch(what, &other, "a string")),
    }
}

/// Takes the value of a custom property.
pub(super) fn property(name: &str, value: Json<'_>) -> Result<String> {
    match value {
        Json::Text(text) => Ok(text.into_owned()),
        other => Err(mismatch(&format!("property {name:?}"), &other, "a string")),
    }
}

/// Takes a string or null.
pub(super) fn text_or_null(what: &str, value: Json<'_>) -> Result<Option<String>> {
    match value {
        Json::Null => Ok(None),
        Json::Text(text) => Ok(Some(text.into_owned())),
        other => Err(mismatch(what, &other, "a string or null")),
    }
}

/// Takes a string of at most so many characters, or null.
pub(super) fn short_text_or_null(what: &str, value: Json<'_>, limit: usize) -> Result<()> {
    match text_or_null(what, value)? {
        Some(text) => at_most(what, &text, limit),
        None => Ok(()),
    }
}

/// Takes a boolean.
pub(super) fn boolean(what: &str, value: &Json<'_>) -> Result<bool> {
    match value {
        Json::Bool(value) => Ok(*value),
        other => Err(mismatch(what, other, "a boolean")),
    }
}

/// Takes a whole number, 5.0 included.
pub(super) fn integer(what: &str, value: &Json<'_>) -> Result<i64> {
    match value {
        Json::Number(number) => number.as_integer(),
        _ => None,
    }
    .ok_or_else(|| mismatch(what, value, "an integer"))
}

/// Takes a word of a closed vocabulary.
pub(super) fn word<W: FromStr<Err = Error>>(what: &str, value: &Json<'_>) -> Result<W> {
    match value {
        Json::Text(word) => word.parse(),
        other => Err(mismatch(what, other, "a string")),
    }
}

/// Takes a word of a closed vocabulary, or null.
pub(super) fn word_or_null<W>(what: &str, value: &Json<'_>) -> Result<Option<W>>
where
    W: FromStr<Err = Error>,
{
    match value {
        Json::Null => Ok(None),
        Json::Text(word) => word.parse().map(Some),
        other => Err(mismatch(what, other, "a string or null")),
    }
}

/// Takes an array of strings.
pub(super) fn texts(what: &str, value: Json<'_>) -> Result<Vec<String>> {
    match value {
        Json::Array(items) => items.into_iter().map(|item| text(what, item)).collect(),
        other => Err(mismatch(what, &other, "an array of strings")),
    }
}

/// Takes an array of locations.
pub(super) fn entries(value: Json<'_>) -> Result<Vec<Entry>> {
    match value {
        Json::Array(items) => items.into_iter().map(entry).collect(),
        other => Err(mismatch("locations", &other, "an array of objects")),
    }
}

/// Takes a location; other members than those of the API are ignored.
pub(super) fn entry(value: Json<'_>) -> Result<Entry> {
    let mut object = object("location", value)?;
    Ok(Entry {
        url: text("location url", required(&mut object, "location", "url")?)?,
        metadata: metadata(required(&mut object, "location", "metadata")?)?,
        validation: object.take("validation_data").map(validation).transpose()?,
    })
}

/// Takes the metadata of a location. Records hold texts there, so nothing else is taken.
fn metadata(value: Json<'_>) -> Result<BTreeMap<String, String>> {
    let members = object("location metadata", value)?.into_iter();
    members
        .map(|(name, value)| {
            Ok((
                name.into_owned(),
                text("value of location metadata", value)?,
            ))
        })
        .collect()
}

/// Takes what is known of the data behind a location; the schema has no further members here.
fn validation(value: Json<'_>) -> Result<Validation> {
    let what = "validation_data";
    let mut object = object(what, value)?;
    let algorithm = text("os_hash_algo", required(&mut object, what, "os_hash_algo")?)?;
    let digest = text(
        "os_hash_value",
        required(&mut object, what, "os_hash_value")?,
    )?;
    let checksum = object.take("checksum").map(|value| text("checksum", value));
    let checksum = checksum.transpose()?;
    at_most("os_hash_algo", &algorithm, ALGORITHM_MAX_CHARS)?;
    at_most("os_hash_value", &digest, DIGEST_MAX_CHARS)?;
    let chars = checksum.as_ref().map(|sum| sum.chars().count());
    if let Some(chars) = chars.filter(|chars| *chars != CHECKSUM_CHARS) {
        let message = format!("checksum is {chars} characters, and must be {CHECKSUM_CHARS}");
        return Err(Error::new(ErrorCode::SchemaViolation, message));
    }
    if let Some((name, _)) = object.iter().next() {
        let shown: String = name.chars().take(64).collect();
        let message = format!("validation_data has an unknown member {shown:?}");
        return Err(Error::new(ErrorCode::SchemaViolation, message));
    }
    Ok(Validation {
        algorithm,
        digest,
        checksum,
    })
}

fn object<'a>(what: &str, value: Json<'a>) -> Result<Object<'a>> {
    match value {
        Json::Object(object) => Ok(object),
        other => Err(mismatch(what, &other, "an object")),
    }
}

/// Takes a member that must be there.
pub(super) fn required<'a>(object: &mut Object<'a>, what: &str, name: &str) -> Result<Json<'a>> {
    object.take(name).ok_or_else(|| {
        let message = format!("{what} has no member {name:?}");
        Error::new(ErrorCode::SchemaViolation, message)
    })
}

fn at_most(what: &str, text: &str, limit: usize) -> Result<()> {
    let chars = text.chars().count();
    if chars > limit {
        let message = format!("{what} is {chars} characters, limit {limit}");
        return Err(Error::new(ErrorCode::SchemaViolation, message));
    }
    Ok(())
}
