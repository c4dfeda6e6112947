//! Query strings that are often almost right: known names, values with marks, repeated parameters.

use arbitrary::Arbitrary;

/// A query string.
#[derive(Debug, Arbitrary)]
pub enum Input {
    /// Any text.
    Raw(String),
    /// Parameters.
    Formed(Vec<(Name, Vec<Piece>)>),
}

/// The name of a parameter.
#[derive(Debug, Arbitrary)]
pub enum Name {
    /// One that lists know.
    Known(u8),
    /// Any other.
    Other(String),
}

/// A piece of a value.
#[derive(Debug, Arbitrary)]
pub enum Piece {
    /// A word that some parameter takes.
    Word(u8),
    /// A mark that some parameter has a use for.
    Mark(u8),
    /// A number.
    Number(i128),
    /// A byte in its encoded form.
    Encoded(u8),
    /// Any text.
    Text(String),
}

const NAMES: &[&str] = &[
    "name",
    "id",
    "status",
    "container_format",
    "disk_format",
    "created_at",
    "updated_at",
    "size",
    "size_min",
    "size_max",
    "virtual_size_min",
    "min_ram_max",
    "min_disk",
    "protected",
    "os_hidden",
    "owner",
    "checksum",
    "os_hash_algo",
    "os_hash_value",
    "tag",
    "tags",
    "visibility",
    "member_status",
    "deleted",
    "changes-since",
    "self",
    "limit",
    "marker",
    "sort",
    "sort_key",
    "sort_dir",
    "os_glance_stage_host",
    "hw_max",
];

const WORDS: &[&str] = &[
    "eq:",
    "in:",
    "gt:",
    "neq:",
    "true",
    "false",
    "all",
    "public",
    "shared",
    "accepted",
    "asc",
    "desc",
    "name",
    "size",
    "created_at",
    "2024",
    "-01",
    "T00:00:02",
    "Z",
    "+05:30",
    "20240229",
    "00000000-0000-0000-0000-0000000000aB",
];

const MARKS: &[&str] = &[
    "\"", "%22", ",", ":", "\\", "%5C", "+", "%20", "-", "&", "=", "%", ".",
];

impl Input {
    /// Returns the query string.
    pub fn text(&self) -> String {
        match self {
            Self::Raw(text) => text.clone(),
            Self::Formed(parameters) => {
                let pairs = parameters.iter().map(|(name, value)| {
                    let value: String = value.iter().map(Piece::text).collect();
                    format!("{}={value}", name.text())
                });
                pairs.collect::<Vec<_>>().join("&")
            }
        }
    }
}

impl Name {
    fn text(&self) -> &str {
        match self {
            Self::Known(which) => NAMES[usize::from(*which) % NAMES.len()],
            Self::Other(name) => name,
        }
    }
}

impl Piece {
    fn text(&self) -> String {
        let pick = |from: &[&str], which: u8| from[usize::from(which) % from.len()].to_owned();
        match self {
            Self::Word(which) => pick(WORDS, *which),
            Self::Mark(which) => pick(MARKS, *which),
            Self::Number(number) => number.to_string(),
            Self::Encoded(byte) => format!("%{byte:02x}"),
            Self::Text(text) => text.clone(),
        }
    }
}
