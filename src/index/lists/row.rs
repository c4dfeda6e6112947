//! An image of a page, decoded when it is looked at.

use crate::error::Result;
#[cfg(any(test, feature = "http"))]
use crate::id::ImageId;
use crate::image::Image;
use crate::index::images;

/// An image, or its record.
#[derive(Debug)]
pub(crate) struct Row {
    /// Its value in the table, without the sum, which was right; empty if the image is here.
    record: Box<[u8]>,
    image: Option<Image>,
}

impl Row {
    /// Keeps the record of an image.
    pub(super) fn new(value: &[u8]) -> Self {
        Self {
            record: value.into(),
            image: None,
        }
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

    /// Returns id and revision, which say what the record is, without decoding the rest of it.
    #[cfg(any(test, feature = "http"))]
    pub(crate) fn version(&self) -> Result<(ImageId, u64)> {
        match &self.image {
            Some(image) => Ok((*image.id(), image.revision())),
            None => images::version(&self.record),
        }
    }
}

impl From<Image> for Row {
    fn from(image: Image) -> Self {
        Self {
            record: Box::default(),
            image: Some(image),
        }
    }
}
