//! The JSON documents of the API: images, lists, members, tasks, errors and schemas.
//!
//! Pure. Types of other rooms are never serialized as they are; the shapes here are made of them by
//! hand, so that neither can change the other. What a server prints borrows (`*Document`), what a
//! client reads back owns (`*Answer`). It decides nothing: who may see what is settled before.
//!
//! Source: the Images API v2, and Glance, `glance/api/v2`, the `ResponseSerializer` of each file.
//!
//! # Examples
//! ```
//! use smalti::wire::ImageDocument;
//! use smalti::{ImageId, Limits, NewImage, ProjectId, Timestamp};
//!
//! let new = NewImage::named("debian").tag("stable").property("os_distro", "debian");
//! let (id, owner) = (ImageId::from_bytes([0x11; 16]), ProjectId::new("p1")?);
//! let now = Timestamp::from_micros(1_790_000_000_000_000);
//! let image = new.into_image(id, Some(&owner), &Limits::default(), now)?;
//!
//! let text = serde_json::to_string(&ImageDocument::new(&image)).expect("texts and numbers");
//! assert!(text.starts_with(
//!     r#"{"id":"11111111-1111-1111-1111-111111111111","name":"debian","status":"queued""#
//! ));
//! assert!(text.ends_with(r#""schema":"/v2/schemas/image","os_distro":"debian"}"#));
//! # Ok::<(), smalti::Error>(())
//! ```

mod answer;
mod cache;
mod error;
mod image;
mod list;
mod member;
mod members;
mod schema;
mod task;
#[cfg(test)]
mod tests;

pub use answer::{
    ErrorAnswer, ImageAnswer, ListAnswer, LocationAnswer, MemberAnswer, MembersAnswer,
};
pub use cache::{CacheDocument, CachedItem, PrunedDocument};
pub use error::ErrorDocument;
pub use image::{ImageDocument, ImageOptions, LocationsDocument};
pub use list::ListDocument;
#[cfg(feature = "http")]
pub(crate) use list::{PrintedList, links};
pub use member::{MemberDocument, MembersDocument};
pub use schema::{CustomProperty, Schema, Schemas};
pub use task::{ImageTasksDocument, TaskDocument, TaskListDocument};

use std::fmt::Display;

use serde::{Serialize, Serializer};

use crate::error::Result;
use crate::json;

/// Tests that a request whose call takes no body has none.
///
/// # Errors
/// `BodyNotAllowed`.
pub fn expect_no_body(body: &[u8]) -> Result<()> {
    json::nothing(body)
}

/// The path of images.
const IMAGES: &str = "/v2/images";
/// The path of tasks.
const TASKS: &str = "/v2/tasks";

/// A value that is serialized as the text it shows, without making a string of it before.
struct Shown<T>(T);

impl<T: Display> Serialize for Shown<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}
