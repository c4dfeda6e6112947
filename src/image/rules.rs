//! Bounds and names that are the same wherever a property comes from: create, patch or the disk.

use crate::error::{Error, ErrorCode, Result};
use crate::limits::{NAME_MAX_CHARS, PROPERTY_MAX_BYTES};
use serde::{Deserialize, Serialize};

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
    /// Most locations of an image; none for no limit. Default 10 (`image_location_quota`).
    pub locations_max: Option<u32>,
    /// Most images of a project; none for no limit. Default none (`image_count_total`).
    pub images_max: Option<u32>,
    /// Whether code points at or above U+10000 are refused. Default true, as Glance does
    /// (`reject_4byte_unicode`).
    pub reject_4byte_unicode: bool,
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
        }
    }
}

/// Most bytes of tags and custom properties together, so that a record stays one that the index
/// takes when the host sets no other limit. The default limits stay below it.
pub(super) const TEXT_MAX_BYTES: usize = 12 << 20;

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
        "id" | "name" | "visibility" | "protected" | "os_hidden" | "owner" | "disk_format"
        | "container_format" | "min_disk" | "min_ram" | "tags" => NameClass::Base,
        "status" | "checksum" | "created_at" | "updated_at" | "size" | "virtual_size"
        | "os_hash_algo" | "os_hash_value" => NameClass::ReadOnly,
        "location" | "deleted" | "deleted_at" => NameClass::Reserved,
        "locations" => NameClass::Locations,
        _ if name.starts_with(ENGINE_PREFIX) => NameClass::Reserved,
        _ => NameClass::Custom,
    }
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
        let message =
            format!("value of property {name:?} is {found} bytes, limit {PROPERTY_MAX_BYTES}");
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
