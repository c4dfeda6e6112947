//! A page of a list.

use crate::id::ImageId;
use crate::image::Image;
use crate::query::ListQuery;

/// A page of a list of images, and where the next one begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    query: ListQuery,
    images: Vec<Image>,
    is_full: bool,
}

impl Page {
    pub(super) fn new(query: ListQuery, images: Vec<Image>, limit: usize) -> Self {
        Self {
            query,
            is_full: images.len() == limit,
            images,
        }
    }

    /// Returns the images, in the order that was asked for.
    pub fn images(&self) -> &[Image] {
        &self.images
    }

    /// Returns the images, in the order that was asked for.
    pub fn into_images(self) -> Vec<Image> {
        self.images
    }

    /// Returns the query that this page answers.
    pub fn query(&self) -> &ListQuery {
        &self.query
    }

    /// Returns the marker of the next page: the last image of a page that is full. A page that is
    /// full by chance has an empty next one.
    pub fn next_marker(&self) -> Option<&ImageId> {
        let last = self.images.last().filter(|_| self.is_full);
        last.map(Image::id)
    }

    /// Returns the query for the next page, if this one is full.
    pub fn next_query(&self) -> Option<ListQuery> {
        let marker = *self.next_marker()?;
        Some(self.query.clone().with_marker(marker))
    }

    /// Returns the link to the first page: `path`, and the query without its marker.
    pub fn first_link(&self, path: &str) -> String {
        self.query.first_link(path)
    }

    /// Returns the link to the next page, if this one is full.
    pub fn next_link(&self, path: &str) -> Option<String> {
        let marker = self.next_marker()?;
        Some(self.query.next_link(path, marker))
    }
}

impl IntoIterator for Page {
    type Item = Image;
    type IntoIter = std::vec::IntoIter<Image>;

    fn into_iter(self) -> Self::IntoIter {
        self.images.into_iter()
    }
}
