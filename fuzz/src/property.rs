//! Requests for images: names and values at, below and above their limits.

use arbitrary::Arbitrary;
use serde_json::{Map, Value};

/// A request.
#[derive(Arbitrary, Debug)]
pub enum Input {
    /// Any bytes.
    Raw(Vec<u8>),
    /// Members of an object.
    Members(Vec<(Text, Member)>),
}

/// A text: what is repeated, and how it ends.
#[derive(Arbitrary, Debug)]
pub enum Text {
    /// Any text.
    Raw(String),
    /// A base or reserved name.
    Known(u8),
    /// A character, as often as the number of a length says.
    Repeated(char, u8),
}

/// The value of a member.
#[derive(Arbitrary, Debug)]
pub enum Member {
    /// A text.
    Text(Text),
    /// A number.
    Number(i64),
    /// A boolean.
    Bool(bool),
    /// `null`.
    Null,
    /// An array of texts.
    Texts(Vec<Text>),
}

const KNOWN: [&str; 20] = [
    "id",
    "name",
    "owner",
    "tags",
    "visibility",
    "protected",
    "os_hidden",
    "min_disk",
    "min_ram",
    "disk_format",
    "container_format",
    "status",
    "size",
    "checksum",
    "locations",
    "stores",
    "deleted",
    "os_glance",
    "public",
    "raw",
];
/// Lengths near the bounds of names and values.
const LENGTHS: [usize; 8] = [0, 1, 254, 255, 256, 21_845, 65_535, 65_536];

impl Input {
    /// Returns the bytes of the body.
    pub fn body(&self) -> Vec<u8> {
        match self {
            Self::Raw(bytes) => bytes.clone(),
            Self::Members(members) => {
                let members = members.iter().take(64);
                let object: Map<String, Value> = members
                    .map(|(name, value)| (name.text(), value.json()))
                    .collect();
                Value::Object(object).to_string().into_bytes()
            }
        }
    }
}

impl Text {
    fn text(&self) -> String {
        match self {
            Self::Raw(text) => text.clone(),
            Self::Known(number) => KNOWN[usize::from(*number) % KNOWN.len()].to_owned(),
            Self::Repeated(char, number) => {
                let count = LENGTHS[usize::from(*number) % LENGTHS.len()];
                char.to_string().repeat(count)
            }
        }
    }
}

impl Member {
    fn json(&self) -> Value {
        match self {
            Self::Text(text) => text.text().into(),
            Self::Number(number) => (*number).into(),
            Self::Bool(value) => (*value).into(),
            Self::Null => Value::Null,
            Self::Texts(texts) => texts.iter().take(200).map(Text::text).collect(),
        }
    }
}
