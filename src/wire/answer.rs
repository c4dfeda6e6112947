//! What a client reads back: the documents of images, lists, members and errors, owned.
//!
//! Unknown members of a document are left alone, as the API may grow; words that it may be
//! configured with, such as formats, are kept as texts.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use crate::clock::Timestamp;
use crate::id::{ImageId, ProjectId};
use crate::image::{Digest, MemberStatus, Status, Visibility};
use crate::query::seconds_of;
use crate::task::JsonObject;

/// An image, as a client reads it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct ImageAnswer {
    /// The id.
    #[serde(deserialize_with = "word")]
    pub id: ImageId,
    /// The name.
    pub name: Option<String>,
    /// The status.
    #[serde(deserialize_with = "word")]
    pub status: Status,
    /// Who may read the image.
    #[serde(deserialize_with = "word")]
    pub visibility: Visibility,
    /// Whether deletion is refused.
    pub protected: bool,
    /// Whether lists leave it out unless they are asked for hidden ones.
    pub os_hidden: bool,
    /// The project that owns it.
    #[serde(deserialize_with = "owner")]
    pub owner: Option<ProjectId>,
    /// The format of the disk.
    pub disk_format: Option<String>,
    /// The format of what stands around the disk.
    pub container_format: Option<String>,
    /// Smallest disk that it boots from, in GB.
    pub min_disk: u32,
    /// Least memory that it boots with, in MB.
    pub min_ram: u32,
    /// The tags.
    pub tags: BTreeSet<String>,
    /// Length of the data, in bytes.
    pub size: Option<u64>,
    /// Size of the disk that the data describes, in bytes.
    pub virtual_size: Option<u64>,
    /// MD5 of the data.
    #[serde(deserialize_with = "some_word")]
    pub checksum: Option<Digest>,
    /// Algorithm of `os_hash_value`.
    pub os_hash_algo: Option<String>,
    /// Digest of the data.
    #[serde(deserialize_with = "some_word")]
    pub os_hash_value: Option<Digest>,
    /// When the record was made, in whole seconds.
    #[serde(deserialize_with = "time")]
    pub created_at: Timestamp,
    /// When the record changed last, in whole seconds.
    #[serde(deserialize_with = "time")]
    pub updated_at: Timestamp,
    /// Path of the record.
    #[serde(rename = "self")]
    pub link: String,
    /// Path of the data.
    pub file: String,
    /// Path of the schema.
    pub schema: String,
    /// Url of the data, where it is shown.
    #[serde(default)]
    pub direct_url: Option<String>,
    /// Names of the stores that hold the data, with commas between, where they are shown.
    #[serde(default)]
    pub stores: Option<String>,
    /// The places of the data, where they are shown.
    #[serde(default)]
    pub locations: Option<Vec<LocationAnswer>>,
    /// The custom properties.
    #[serde(flatten)]
    pub properties: BTreeMap<String, String>,
}

/// A place of the data of an image, as a client reads it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct LocationAnswer {
    /// Where the data is.
    pub url: String,
    /// What the store says about it.
    pub metadata: JsonObject,
}

/// A page of images, as a client reads it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct ListAnswer {
    /// The images, in order.
    pub images: Vec<ImageAnswer>,
    /// Path of the first page.
    pub first: String,
    /// Path of the next page, if there is one.
    #[serde(default)]
    pub next: Option<String>,
    /// Path of the schema.
    pub schema: String,
}

/// A member of an image, as a client reads it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct MemberAnswer {
    /// The project.
    #[serde(deserialize_with = "project")]
    pub member_id: ProjectId,
    /// The image.
    #[serde(deserialize_with = "word")]
    pub image_id: ImageId,
    /// What the member has decided.
    #[serde(deserialize_with = "word")]
    pub status: MemberStatus,
    /// Since when the image is shared with it, in whole seconds.
    #[serde(deserialize_with = "time")]
    pub created_at: Timestamp,
    /// When it decided last, in whole seconds.
    #[serde(deserialize_with = "time")]
    pub updated_at: Timestamp,
    /// Path of the schema.
    pub schema: String,
}

/// The members of an image, as a client reads them.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct MembersAnswer {
    /// The members, ascending by project.
    pub members: Vec<MemberAnswer>,
    /// Path of the schema.
    pub schema: String,
}

/// An error, as a client reads it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "ErrorFrame")]
#[non_exhaustive]
pub struct ErrorAnswer {
    /// The exact reason.
    pub code: String,
    /// The coarse reason.
    pub kind: String,
    /// The reason for a reader.
    pub message: String,
}

#[derive(Deserialize)]
struct ErrorFrame {
    error: ErrorParts,
}

#[derive(Deserialize)]
struct ErrorParts {
    code: String,
    kind: String,
    message: String,
}

impl From<ErrorFrame> for ErrorAnswer {
    fn from(frame: ErrorFrame) -> Self {
        let ErrorParts {
            code,
            kind,
            message,
        } = frame.error;
        Self {
            code,
            kind,
            message,
        }
    }
}

/// Reads what its text parses to.
fn word<'de, D: Deserializer<'de>, T: FromStr<Err: Display>>(from: D) -> Result<T, D::Error> {
    String::deserialize(from)?.parse().map_err(D::Error::custom)
}

fn some_word<'de, D: Deserializer<'de>, T: FromStr<Err: Display>>(
    from: D,
) -> Result<Option<T>, D::Error> {
    let text = Option::<String>::deserialize(from)?;
    let value = text.map(|text| text.parse());
    value.transpose().map_err(D::Error::custom)
}

fn project<'de, D: Deserializer<'de>>(from: D) -> Result<ProjectId, D::Error> {
    ProjectId::new(String::deserialize(from)?).map_err(D::Error::custom)
}

fn owner<'de, D: Deserializer<'de>>(from: D) -> Result<Option<ProjectId>, D::Error> {
    let text = Option::<String>::deserialize(from)?;
    let owner = text.map(ProjectId::new);
    owner.transpose().map_err(D::Error::custom)
}

fn time<'de, D: Deserializer<'de>>(from: D) -> Result<Timestamp, D::Error> {
    let text = String::deserialize(from)?;
    let seconds = seconds_of(&text).ok_or_else(|| D::Error::custom("no time of ISO 8601"))?;
    Ok(Timestamp::from_micros(seconds.saturating_mul(1_000_000)))
}
