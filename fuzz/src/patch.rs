//! Patches: operations that are often legal, on small flat objects.
//!
//! Where the dialects agree, the crate `json-patch` is the other opinion: add, replace and remove of
//! custom properties. Where they differ, which is an error of the one only, nothing is compared.

use std::collections::BTreeMap;

use arbitrary::Arbitrary;
use json_patch::jsonptr::PointerBuf;
use json_patch::{AddOperation, PatchOperation, RemoveOperation, ReplaceOperation};
use serde_json::Value;

/// A body and an image.
#[derive(Arbitrary, Debug)]
pub struct Input {
    /// Whether the older dialect is meant.
    pub is_old: bool,
    /// Whether all characters are taken.
    pub takes_all: bool,
    /// What is sent.
    pub body: Body,
    /// Custom properties of the image: numbers of names, and values.
    pub properties: Vec<(u8, String)>,
}

/// A body.
#[derive(Arbitrary, Debug)]
pub enum Body {
    /// Any bytes.
    Raw(Vec<u8>),
    /// Operations of any kind.
    Operations(Vec<Operation>),
    /// Operations on custom properties that are legal by themselves.
    Custom(Vec<Custom>),
}

/// An operation.
#[derive(Arbitrary, Debug)]
pub struct Operation {
    verb: u8,
    path: Path,
    value: Option<Scalar>,
    extra: bool,
}

/// A path.
#[derive(Arbitrary, Debug)]
pub enum Path {
    /// Any text.
    Raw(String),
    /// A base or reserved name, and what is behind it.
    Known(u8, Option<u8>),
    /// A custom name.
    Custom(u8),
}

/// A value.
#[derive(Arbitrary, Debug)]
pub enum Scalar {
    /// `null`.
    Null,
    /// A boolean.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// A number.
    Float(f64),
    /// A string.
    Text(String),
    /// A word that has a meaning somewhere.
    Word(u8),
    /// An array of strings.
    Texts(Vec<String>),
    /// A location.
    Location(String, Option<String>),
}

/// An operation on a custom property: verb, number of the name, value.
#[derive(Arbitrary, Debug)]
pub struct Custom(u8, u8, u8);

const VERBS: [&str; 4] = ["add", "replace", "remove", "move"];
const NAMES: [&str; 18] = [
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
    "locations",
    "id",
    "status",
    "stores",
    "location",
    "deleted_at",
    "os_glance_x",
    "size",
];
const BEHIND: [&str; 6] = ["", "/", "/-", "/0", "/99999999999999999999", "/x"];
const WORDS: [&str; 8] = [
    "public",
    "community",
    "raw",
    "bare",
    "qcow2",
    "",
    "p1",
    "http://a",
];
const CUSTOM: [&str; 6] = ["a", "b", "~/.ssh/", "image_id", "c d", "0"];

/// Returns a custom name.
fn custom(number: u8) -> &'static str {
    CUSTOM[usize::from(number) % CUSTOM.len()]
}

fn pick<'a>(words: &[&'a str], number: u8) -> &'a str {
    words[usize::from(number) % words.len()]
}

fn pointer(name: &str) -> PointerBuf {
    PointerBuf::from_tokens([name])
}

impl Input {
    /// Returns the properties of the image.
    pub fn properties(&self) -> BTreeMap<String, String> {
        let short = |text: &str| -> String { text.chars().filter(|c| *c < '\u{10000}').collect() };
        let pairs = self.properties.iter();
        pairs
            .map(|(name, value)| (custom(*name).to_owned(), short(value)))
            .collect()
    }

    /// Returns the bytes of the body.
    pub fn body(&self) -> Vec<u8> {
        let items: Vec<Value> = match &self.body {
            Body::Raw(bytes) => return bytes.clone(),
            Body::Operations(all) => all.iter().map(|one| one.json(self.is_old)).collect(),
            Body::Custom(all) => all.iter().map(|one| one.json(self.is_old)).collect(),
        };
        Value::Array(items).to_string().into_bytes()
    }

    /// Returns the operations as the other crate has them, where the dialects agree.
    pub fn other(&self) -> Option<Vec<PatchOperation>> {
        match (&self.body, self.is_old) {
            (Body::Custom(all), false) => Some(all.iter().map(Custom::other).collect()),
            _ => None,
        }
    }
}

impl Operation {
    fn json(&self, is_old: bool) -> Value {
        let verb = pick(&VERBS, self.verb);
        let path = match &self.path {
            Path::Raw(text) => text.clone(),
            Path::Known(name, behind) => {
                let behind = behind.map_or("", |behind| pick(&BEHIND, behind));
                format!("/{}{behind}", pick(&NAMES, *name))
            }
            Path::Custom(name) => pointer(custom(*name)).to_string(),
        };
        let mut object = operation(is_old, verb, &path);
        if let Some(value) = &self.value {
            object["value"] = value.json();
        }
        if self.extra {
            object["from"] = Value::Null;
        }
        object
    }
}

impl Custom {
    fn value(&self) -> String {
        self.2.to_string()
    }

    fn json(&self, is_old: bool) -> Value {
        let verb = VERBS[usize::from(self.0) % 3];
        let mut object = operation(is_old, verb, pointer(custom(self.1)).as_str());
        if verb != "remove" {
            object["value"] = self.value().into();
        }
        object
    }

    fn other(&self) -> PatchOperation {
        let (path, value) = (pointer(custom(self.1)), Value::from(self.value()));
        match self.0 % 3 {
            0 => PatchOperation::Add(AddOperation { path, value }),
            1 => PatchOperation::Replace(ReplaceOperation { path, value }),
            _ => PatchOperation::Remove(RemoveOperation { path }),
        }
    }
}

impl Scalar {
    fn json(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(value) => (*value).into(),
            Self::Integer(number) => (*number).into(),
            Self::Float(number) => (*number).into(),
            Self::Text(text) => text.as_str().into(),
            Self::Word(number) => pick(&WORDS, *number).into(),
            Self::Texts(texts) => texts.clone().into(),
            Self::Location(url, digest) => {
                let mut location = serde_json::json!({"url": url, "metadata": {"k": "v"}});
                if let Some(digest) = digest {
                    location["validation_data"] =
                        serde_json::json!({"os_hash_algo": "sha512", "os_hash_value": digest});
                }
                location
            }
        }
    }
}

fn operation(is_old: bool, verb: &str, path: &str) -> Value {
    if is_old {
        serde_json::json!({verb: path})
    } else {
        serde_json::json!({"op": verb, "path": path})
    }
}
