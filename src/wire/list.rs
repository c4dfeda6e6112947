//! The document of a page of images.

use serde::Serialize;

use super::members::{Members, Printed};
use super::{IMAGES, ImageDocument};
use crate::query::{ListQuery, PageLimits};

/// What the document of an image often takes, in bytes.
const IMAGE_BYTES: usize = 1024;

/// The document of a page of images, with the links to the first page and to the next one.
#[derive(Debug, Clone, Serialize)]
#[must_use]
pub struct ListDocument<'a> {
    images: Vec<ImageDocument<'a>>,
    first: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
    schema: &'static str,
}

impl<'a> ListDocument<'a> {
    /// Makes the document of the images that answer a query, in their order.
    ///
    /// A page that is full and not empty has a next one, even if that turns out to be empty.
    pub fn new(query: &ListQuery, limits: &PageLimits, images: Vec<ImageDocument<'a>>) -> Self {
        let is_full = u64::try_from(images.len()) == Ok(query.page_len(limits));
        let last = images.last().filter(|_| is_full);
        Self {
            first: query.first_link(IMAGES),
            next: last.map(|last| query.next_link(IMAGES, last.id())),
            images,
            schema: "/v2/schemas/images",
        }
    }

    /// Appends the document as JSON: the text that `serde_json` makes of it, in less time.
    pub fn print(&self, text: &mut String) {
        text.reserve(self.images.len() * IMAGE_BYTES);
        let mut members = Printed::new(text);
        let images = members.name("images");
        images.push('[');
        for (at, image) in self.images.iter().enumerate() {
            if at > 0 {
                images.push(',');
            }
            image.print(images);
        }
        images.push(']');
        let Ok(()) = members.text("first", Some(&self.first));
        if let Some(next) = &self.next {
            let Ok(()) = members.text("next", Some(next));
        }
        let Ok(()) = members.text("schema", Some(self.schema));
        members.end();
    }
}
