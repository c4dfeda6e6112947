//! An image of a page, decoded when it is looked at.

use std::cmp::Ordering;

use crate::error::Result;
use crate::image::Image;
use crate::index::images;
use crate::index::record::Peek;

/// An image, or its record.
#[derive(Debug)]
pub(crate) struct Row {
    /// What is known without decoding.
    pub(crate) peek: Peek,
    /// Its value in the table, without the sum, which was right; empty if the image is here.
    record: Box<[u8]>,
    image: Option<Image>,
}

impl Row {
    /// Keeps the record of an image.
    pub(super) fn new(value: &[u8]) -> Result<Self> {
        Ok(Self {
            peek: images::peek(value)?,
            record: value.into(),
            image: None,
        })
    }

    /// Looks at the image.
    pub(crate) fn image(&mut self) -> Result<&Image> {
        Ok(match &mut self.image {
            Some(image) => image,
            none => none.insert(images::decode(&self.record)?.1),
        })
    }

    /// Returns the image.
    pub(crate) fn into_image(self) -> Result<Image> {
        match self.image {
            Some(image) => Ok(image),
            None => Ok(images::decode(&self.record)?.1),
        }
    }

    /// Returns the length of the record, in bytes; of an image that was decoded before, none.
    pub(crate) fn len_bytes(&self) -> usize {
        self.record.len()
    }

    /// Compares two images by time of creation, and then by id.
    pub(super) fn compare(&self, other: &Self) -> Ordering {
        let key = |row: &Self| (row.peek.created_at, row.peek.id);
        key(self).cmp(&key(other))
    }
}

impl From<Image> for Row {
    fn from(image: Image) -> Self {
        Self {
            peek: Peek::of(&image),
            record: Box::default(),
            image: Some(image),
        }
    }
}
