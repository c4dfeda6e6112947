//! Bounds and names that are the same wherever a property comes from: create, patch or the disk.

use crate::error::{Error, ErrorCode, Result};
use crate::image::field::Field;
use crate::image::{Location, TextMap, TextSet};
use crate::limits::{NAME_MAX_CHARS, PROPERTY_MAX_BYTES};

/// Most bytes of tags, custom properties and locations together, so that a record stays one that the
/// index takes when the host sets no other limit. The default limits stay below it.
pub(super) const TEXT_MAX_BYTES: usize = 12 << 20;
/// Most locations of an image when the host sets no other limit: they are looked through one by one.
pub(super) const LOCATIONS_MAX: usize = 256;

/// Prefix of names that only the engine writes. A plain prefix: `os_glancer` is in it too.
const ENGINE_PREFIX: &str = "os_glance";
/// Largest `min_disk` and `min_ram`.
const MIN_MAX: i64 = i32::MAX as i64;

/// What a custom property may not be called, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NameClass {
    /// A name that anybody may use.
    Custom,
    /// Computed by the front end; refused before anything else is looked at.
    Computed,
    /// A base property that has its own place in a request.
    Base,
    /// A base property that the engine alone sets.
    ReadOnly,
    /// Kept for the engine or for older versions of the API.
    Reserved,
    /// `locations`, which create does not take.
    Locations,
}

/// Says what a property name stands for (Glance: `glance/api/v2/images.py`, `_readonly_properties`,
/// `_reserved_properties`, `_base_properties`).
pub(super) fn classify(name: &str) -> NameClass {
    match name {
        "direct_url" | "self" | "file" | "schema" | "stores" => NameClass::Computed,
        "id" => NameClass::Base,
        "status" | "checksum" | "created_at" | "updated_at" | "size" | "virtual_size"
        | "os_hash_algo" | "os_hash_value" => NameClass::ReadOnly,
        "location" | "deleted" | "deleted_at" => NameClass::Reserved,
        "locations" => NameClass::Locations,
        _ if Field::known(name).is_some() => NameClass::Base,
        _ if name.starts_with(ENGINE_PREFIX) => NameClass::Reserved,
        _ => NameClass::Custom,
    }
}

/// Tells whether the document of an image has this name itself, so that no custom property stands
/// there under it.
pub(crate) fn is_of_document(name: &str) -> bool {
    !matches!(classify(name), NameClass::Reserved | NameClass::Custom)
}

/// Counts characters, without walking strings that are short in bytes.
fn longer_than_a_name(text: &str) -> Option<usize> {
    if text.len() <= NAME_MAX_CHARS {
        return None;
    }
    let chars = text.chars().count();
    (chars > NAME_MAX_CHARS).then_some(chars)
}

/// Tests the length of a name or an owner.
pub(super) fn check_name(text: &str) -> Result<()> {
    check_text("name", text)
}

/// Tests that a text has at most 255 characters.
pub(super) fn check_text(what: &str, text: &str) -> Result<()> {
    match longer_than_a_name(text) {
        Some(chars) => Err(too_long(ErrorCode::SchemaViolation, what, chars)),
        None => Ok(()),
    }
}

/// Tests that a tag has 1 to 255 characters (DEV-T1).
pub(super) fn check_tag(tag: &str) -> Result<()> {
    if tag.is_empty() {
        return Err(Error::new(ErrorCode::EmptyTag, "tag is empty"));
    }
    check_text("tag", tag)
}

/// Tests each tag of a record.
pub(super) fn check_tags(tags: &TextSet) -> Result<()> {
    // No text has more characters than bytes, so the lengths mostly say it all.
    match tags.fits(NAME_MAX_CHARS) {
        true => Ok(()),
        false => tags.iter().try_for_each(check_tag),
    }
}

/// Tests the lengths of each custom property of a record.
pub(super) fn check_property_lens(properties: &TextMap) -> Result<()> {
    let mut pairs = properties.iter();
    match properties.fits(NAME_MAX_CHARS, PROPERTY_MAX_BYTES) {
        true => Ok(()),
        false => pairs.try_for_each(|(name, value)| check_property_len(name, value)),
    }
}

/// Tests the lengths of a custom property: name 1 to 255 characters, value up to 65,535 bytes.
pub(super) fn check_property_len(name: &str, value: &str) -> Result<()> {
    if name.is_empty() {
        let message = "property name is empty";
        return Err(Error::new(ErrorCode::SchemaViolation, message));
    }
    if let Some(chars) = longer_than_a_name(name) {
        let code = ErrorCode::PropertyNameTooLong;
        return Err(too_long(code, "property name", chars));
    }
    if value.len() > PROPERTY_MAX_BYTES {
        let found = value.len();
        let message = format!(
            "value of property {} is {found} bytes, limit {PROPERTY_MAX_BYTES}",
            shown(name)
        );
        return Err(Error::new(ErrorCode::PropertyTooLong, message));
    }
    Ok(())
}

fn too_long(code: ErrorCode, what: &str, chars: usize) -> Error {
    Error::new(
        code,
        format!("{what} is {chars} characters, limit {NAME_MAX_CHARS}"),
    )
}

/// Tests `min_disk` or `min_ram` and returns it in the type of the record.
pub(super) fn bounded(what: &str, value: i64) -> Result<u32> {
    match u32::try_from(value) {
        Ok(small) if value <= MIN_MAX => Ok(small),
        _ => {
            let message = format!("{what} is {value}, bounds 0 and {MIN_MAX}");
            Err(Error::new(ErrorCode::InvalidParameter, message))
        }
    }
}

/// Refuses code points at or above U+10000.
pub(super) fn check_characters(what: &str, text: &str) -> Result<()> {
    // In UTF-8 exactly these begin with a byte from 0xf0 on.
    if text.bytes().any(|byte| byte >= 0xf0) {
        let message = format!("{what} holds a code point at or above U+10000");
        return Err(Error::new(ErrorCode::UnsupportedCharacter, message));
    }
    Ok(())
}

/// Tests the length of all texts of a record that grow with what callers write.
pub(super) fn check_text_len<'a>(
    tags: &TextSet,
    properties: &TextMap,
    locations: impl IntoIterator<Item = &'a Location>,
) -> Result<()> {
    let pairs =
        |map: &TextMap| -> usize { map.iter().map(|(key, value)| key.len() + value.len()).sum() };
    let tags: usize = tags.iter().map(str::len).sum();
    let places = locations.into_iter();
    let places: usize = places.map(|it| it.url().len() + pairs(it.metadata())).sum();
    let (found, limit) = (tags + pairs(properties) + places, TEXT_MAX_BYTES);
    if found > limit {
        let message = format!("tags, properties and locations are {found} bytes, limit {limit}");
        return Err(Error::new(ErrorCode::PropertyLimitExceeded, message));
    }
    Ok(())
}

/// Counts the properties that the quota counts: all but those of the engine.
pub(super) fn count_custom(properties: &TextMap) -> usize {
    let names = properties.keys();
    names
        .filter(|name| !name.starts_with(ENGINE_PREFIX))
        .count()
}

/// Tests that a patch may name a property at all (Glance: `glance/api/v2/images.py`,
/// `_validate_path`).
pub(super) fn check_patchable(name: &str) -> Result<()> {
    let (code, word) = match classify(name) {
        NameClass::Computed | NameClass::ReadOnly => (ErrorCode::ReadOnlyProperty, "read-only"),
        NameClass::Base if name == "id" => (ErrorCode::ReadOnlyProperty, "read-only"),
        NameClass::Reserved => (ErrorCode::ReservedProperty, "reserved"),
        NameClass::Base | NameClass::Locations | NameClass::Custom => return Ok(()),
    };
    Err(Error::new(
        code,
        format!("property {} is {word}", shown(name)),
    ))
}

/// Shows a name of any length in a message.
pub(super) fn shown(name: &str) -> String {
    let start: String = name.chars().take(64).collect();
    format!("{start:?}")
}

/// Tests a count against a quota.
pub(super) fn check_quota(
    code: ErrorCode,
    what: &str,
    count: usize,
    limit: Option<u32>,
) -> Result<()> {
    match limit {
        Some(limit) if u32::try_from(count).map_or(true, |count| count > limit) => Err(Error::new(
            code,
            format!("image has {count} {what}, limit {limit}"),
        )),
        _ => Ok(()),
    }
}
