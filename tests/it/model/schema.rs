//! The reference for requests: names, lengths and bounds, by `images.md` and `patch.md`.

use std::collections::BTreeSet;

use smalti::ErrorCode;

use super::calls::{New, Route};
use super::reference::{Answer, PROPERTIES_MAX, TAGS_MAX, expect};

const COMPUTED: [&str; 5] = ["direct_url", "self", "file", "schema", "stores"];
const ENGINE_SET: [&str; 8] = [
    "status",
    "checksum",
    "created_at",
    "updated_at",
    "size",
    "virtual_size",
    "os_hash_algo",
    "os_hash_value",
];
/// Base properties that a request may set.
pub(super) const BASE: [&str; 10] = [
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

/// Tells whether a patch may never touch a name, because it is read-only.
pub(super) fn is_read_only(name: &str) -> bool {
    name == "id" || COMPUTED.contains(&name) || ENGINE_SET.contains(&name)
}

pub(super) fn is_reserved(name: &str) -> bool {
    ["location", "deleted", "deleted_at"].contains(&name) || name.starts_with("os_glance")
}

/// What is tested of a request before anything else is known.
pub(super) fn check_schema(new: &New) -> Answer<()> {
    let names = || new.properties.iter().map(|(name, _)| name.as_str());
    let computed = names().any(|name| COMPUTED.contains(&name));
    expect(!computed, ErrorCode::ReadOnlyProperty)?;
    // In a body these have types of their own, and a text such as ours is not one of them.
    let typed = |name| ["size", "virtual_size", "status", "locations"].contains(&name);
    let mistyped = new.route == Route::Json && names().any(typed);
    expect(!mistyped, ErrorCode::SchemaViolation)?;
    check_text(new.name.as_deref().unwrap_or_default())?;
    check_text(new.owner.as_deref().unwrap_or_default())?;
    new.tags.iter().try_for_each(|tag| check_tag(tag))?;
    let base = names().any(|name| name == "id" || BASE.contains(&name));
    expect(!base, ErrorCode::SchemaViolation)?;
    for (name, value) in &new.properties {
        check_property(name, value)?;
    }
    expect(!names().any(is_reserved), ErrorCode::ReservedProperty)
}

/// What is tested of a request once its caller may make it.
pub(super) fn check_quotas(new: &New) -> Answer<()> {
    let names = || new.properties.iter().map(|(name, _)| name.as_str());
    let read_only = names().any(|name| ENGINE_SET.contains(&name));
    expect(!read_only, ErrorCode::ReadOnlyProperty)?;
    let places = names().any(|name| name == "locations");
    expect(!places, ErrorCode::ReservedProperty)?;
    let tags: BTreeSet<_> = new.tags.iter().collect();
    expect(tags.len() <= TAGS_MAX, ErrorCode::TagLimitExceeded)?;
    let names: BTreeSet<_> = names().collect();
    expect(
        names.len() <= PROPERTIES_MAX,
        ErrorCode::PropertyLimitExceeded,
    )?;
    check_bound(new.min_disk)?;
    check_bound(new.min_ram)
}

/// Tests `min_disk` or `min_ram`.
pub(super) fn check_bound(number: i64) -> Answer<()> {
    let legal = 0..=2_147_483_647;
    expect(legal.contains(&number), ErrorCode::InvalidParameter)
}

/// Tests a name or an owner.
pub(super) fn check_text(text: &str) -> Answer<()> {
    expect(text.chars().count() <= 255, ErrorCode::SchemaViolation)?;
    check_characters(text)
}

pub(super) fn check_tag(tag: &str) -> Answer<()> {
    expect(!tag.is_empty(), ErrorCode::EmptyTag)?;
    check_text(tag)
}

pub(super) fn check_property(name: &str, value: &str) -> Answer<()> {
    let is_short = name.chars().count() <= 255;
    expect(is_short, ErrorCode::PropertyNameTooLong)?;
    expect(value.len() <= 65_535, ErrorCode::PropertyTooLong)?;
    check_characters(name)?;
    check_characters(value)
}

pub(super) fn check_characters(text: &str) -> Answer<()> {
    let is_wide = text.chars().any(|c| u32::from(c) >= 0x1_0000);
    expect(!is_wide, ErrorCode::UnsupportedCharacter)
}
