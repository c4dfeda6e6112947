//! The descriptor inside a sparse extent: every line must be understood.
//!
//! Bent: stricter than G, which looks at the first type only, at the part of the text that the
//! header declares, and not at parents.

use super::text::{find, up_to_zero};
use crate::error::shown;

/// The types of which all data is in the image.
const TYPES: [&str; 2] = ["monolithicsparse", "streamoptimized"];
/// The first words of lines that name extents.
const ACCESS: [&str; 3] = ["rw", "rdonly", "noaccess"];

/// A line of a descriptor.
enum Line<'t> {
    /// Nothing, a comment, or an entry of the database of the disk.
    Idle,
    /// A field of the header.
    Field,
    /// The type, in quotes.
    Type(&'t str),
    /// An extent.
    Extent(&'t str),
}

/// Returns why a descriptor is not safe; it ends with a zero byte.
pub(super) fn fault(bytes: &[u8]) -> Option<String> {
    check(bytes).err()
}

fn check(bytes: &[u8]) -> Result<(), String> {
    if !bytes.contains(&0) {
        return Err("the descriptor does not end where the header says".to_owned());
    }
    let text = up_to_zero(bytes).to_ascii_lowercase();
    let text = std::str::from_utf8(&text)
        .ok()
        .filter(|text| text.is_ascii());
    let text = text.ok_or("the descriptor is not ASCII")?;
    // Whoever reads this by searching must find what is found line by line.
    let key = b"createtype";
    let first = find(text.as_bytes(), key).ok_or("the descriptor has no type")?;
    if find(&text.as_bytes()[first + key.len()..], key).is_some() {
        return Err("the descriptor has two types".to_owned());
    }
    if find(text.as_bytes(), b"parentfilenamehint").is_some() {
        return Err("the descriptor names a parent".to_owned());
    }
    let (mut kind, mut has_extent) = (None, false);
    for line in text.split('\n') {
        match read(line)? {
            Line::Idle | Line::Field => {}
            Line::Type(value) => kind = Some(value),
            Line::Extent(line) => {
                check_extent(line)?;
                has_extent = true;
            }
        }
    }
    check_type(kind.ok_or("the type stands in no line of its own")?)?;
    match has_extent {
        true => Ok(()),
        false => Err("the descriptor has no extent".to_owned()),
    }
}

fn read(line: &str) -> Result<Line<'_>, String> {
    let line = line.trim_matches([' ', '\t', '\r']);
    if line
        .bytes()
        .any(|byte| byte.is_ascii_control() && byte != b'\t')
    {
        return Err(format!("line {:?} has control characters", shown(line)));
    }
    if line.is_empty() || line.starts_with('#') || line.starts_with("ddb") {
        return Ok(Line::Idle);
    }
    let field = line.split_once('=');
    if let Some((name, value)) = field.filter(|(name, _)| !name.contains([' ', '\t'])) {
        return Ok(match name {
            "createtype" => Line::Type(value),
            _ => Line::Field,
        });
    }
    match line.split([' ', '\t']).next() {
        Some(word) if ACCESS.contains(&word) => Ok(Line::Extent(line)),
        _ => Err(format!("line {:?} is not understood", shown(line))),
    }
}

fn check_type(value: &str) -> Result<(), String> {
    let inner = value.strip_prefix('"').and_then(|it| it.strip_suffix('"'));
    match inner {
        Some(inner) if TYPES.contains(&inner) => Ok(()),
        _ => Err(format!(
            "type {} is not one of {}",
            shown(value),
            TYPES.join(", ")
        )),
    }
}

fn check_extent(line: &str) -> Result<(), String> {
    match line.contains(['/', '\\']) || line.contains("..") {
        true => Err(format!("extent {:?} names a file elsewhere", shown(line))),
        false => Ok(()),
    }
}
