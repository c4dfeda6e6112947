//! The document of a page of images.

use serde::Serialize;

use super::members::{Members, Printed};
use super::{IMAGES, ImageDocument};
use crate::id::ImageId;
use crate::query::{ListQuery, PageLimits};

/// What the document of an image often takes, in bytes.
const IMAGE_BYTES: usize = 1024;

const SCHEMA: &str = "/v2/schemas/images";

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
        let (first, next) = links(query, last.map(ImageDocument::id));
        Self {
            images,
            first,
            next,
            schema: SCHEMA,
        }
    }

    /// Appends the document as JSON: the text that `serde_json` makes of it, in less time.
    pub fn print(&self, text: &mut String) {
        text.reserve(self.images.len() * IMAGE_BYTES);
        let mut list = PrintedList::new(text);
        for image in &self.images {
            image.print(list.next());
        }
        list.end(&self.first, self.next.as_deref());
    }
}

/// The document of a page that is printed image by image.
pub(crate) struct PrintedList<'t> {
    members: Printed<'t>,
    is_empty: bool,
}

impl<'t> PrintedList<'t> {
    /// Begins the document.
    pub(crate) fn new(text: &'t mut String) -> Self {
        let mut members = Printed::new(text);
        members.name("images").push('[');
        Self {
            members,
            is_empty: true,
        }
    }

    /// Returns where the document of the next image goes.
    pub(crate) fn next(&mut self) -> &mut String {
        let text = self.members.here();
        if !self.is_empty {
            text.push(',');
        }
        self.is_empty = false;
        text
    }

    /// Ends the document with its links.
    pub(crate) fn end(mut self, first: &str, next: Option<&str>) {
        self.members.here().push(']');
        let Ok(()) = self.members.text("first", Some(first));
        if let Some(next) = next {
            let Ok(()) = self.members.text("next", Some(next));
        }
        let Ok(()) = self.members.text("schema", Some(SCHEMA));
        self.members.end();
    }
}

/// Returns the links of a page: to the first one, and to the one behind an image.
pub(crate) fn links(query: &ListQuery, last: Option<&ImageId>) -> (String, Option<String>) {
    let next = last.map(|last| query.next_link(IMAGES, last));
    (query.first_link(IMAGES), next)
}
