//! The descriptor inside a sparse extent: every line must be understood.
//!
//! Bent: stricter than G, which looks at the first type only, at the part of the text that the
//! header declares, and not at parents.

use super::text::{find, up_to_zero};

/// The types of which all data is in the image.
const TYPES: [&str; 2] = ["monolithicsparse", "streamoptimized"];
/// The first words of lines that name extents.
const ACCESS: [&str; 3] = ["rw", "rdonly", "noaccess"];

/// A line of a descriptor.
enum Line<'t> {
    /// Nothing, a comment, or an entry of the database of the disk.
    Idle,
    /// A field of the header.
    Field(&'t str, &'t str),
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
    let lines = text.split('\n').map(read);
    let lines: Vec<Line<'_>> = lines.collect::<Result<_, _>>()?;
    check_type(&lines)?;
    check_extents(&lines)
}

fn read(line: &str) -> Result<Line<'_>, String> {
    let line = line.trim_matches([' ', '\t', '\r']);
    let shown = || line.chars().take(64).collect::<String>();
    if line.chars().any(|c| c.is_ascii_control() && c != '\t') {
        return Err(format!("line {:?} has control characters", shown()));
    }
    if line.is_empty() || line.starts_with('#') || line.starts_with("ddb") {
        return Ok(Line::Idle);
    }
    let field = line.split_once('=');
    if let Some((name, value)) = field.filter(|(name, _)| !name.contains([' ', '\t'])) {
        return Ok(Line::Field(name, value));
    }
    match line.split([' ', '\t']).next() {
        Some(word) if ACCESS.contains(&word) => Ok(Line::Extent(line)),
        _ => Err(format!("line {:?} is not understood", shown())),
    }
}

fn check_type(lines: &[Line<'_>]) -> Result<(), String> {
    let value = lines.iter().find_map(|line| match line {
        Line::Field("createtype", value) => Some(*value),
        _ => None,
    });
    let value = value.ok_or("the type stands in no line of its own")?;
    let inner = value.strip_prefix('"').and_then(|it| it.strip_suffix('"'));
    match inner {
        Some(inner) if TYPES.contains(&inner) => Ok(()),
        _ => {
            let shown: String = value.chars().take(64).collect();
            Err(format!("type {shown} is not one of {}", TYPES.join(", ")))
        }
    }
}

fn check_extents(lines: &[Line<'_>]) -> Result<(), String> {
    let extents = lines.iter().filter_map(|line| match line {
        Line::Extent(line) => Some(*line),
        _ => None,
    });
    let mut count = 0;
    for line in extents {
        count += 1;
        if line.contains(['/', '\\']) || line.contains("..") {
            let shown: String = line.chars().take(64).collect();
            return Err(format!("extent {shown:?} names a file elsewhere"));
        }
    }
    match count {
        0 => Err("the descriptor has no extent".to_owned()),
        _ => Ok(()),
    }
}
