//! Patches and requests, for fuzz targets: they need no engine, and every right is granted.

use std::collections::BTreeMap;

use crate::clock::Timestamp;
use crate::error::Result;
use crate::id::ImageId;
use crate::image::{ApplyRules, Gate, Image, LocationAction, NoSource, PropertyAction};
use crate::image::{Limits, NewImage, Patch, Visibility};
use crate::index::decode_and_compare;
use crate::index::record::encode_image;

/// Grants everything.
struct Open;

impl Gate for Open {
    fn modify(&self, _image: &Image) -> Result<()> {
        Ok(())
    }

    fn visibility(&self, _image: &Image, _wanted: Visibility) -> Result<()> {
        Ok(())
    }

    fn owner(&self, _image: &Image) -> Result<()> {
        Ok(())
    }

    fn locations(&self, _image: &Image, _action: LocationAction) -> Result<()> {
        Ok(())
    }

    fn property(&self, _name: &str, _action: PropertyAction) -> bool {
        true
    }
}

/// Applies a patch to an image as it was made, with every right and without locations.
///
/// # Errors
/// Those of the patch.
pub fn apply_patch(image: &Image, patch: &Patch, limits: &Limits) -> Result<Image> {
    let rules = ApplyRules {
        limits,
        locations_are_shown: true,
        hash: Some(("sha512", 64)),
        storage_left_bytes: None,
        source: &NoSource,
    };
    let applied = image.apply(patch, &Open, &rules, Timestamp::MAX)?;
    assert!(applied.removed.is_empty() && applied.unverified.is_empty());
    Ok(applied.image)
}

/// Makes an image of a request.
///
/// # Errors
/// Those of the request.
pub fn make_image(new: NewImage, limits: &Limits) -> Result<Image> {
    new.into_image(ImageId::from_bytes([1; 16]), None, limits, Timestamp::MIN)
}

/// Makes an image with custom properties and nothing else.
///
/// # Errors
/// Those of create.
pub fn image_with(properties: &BTreeMap<String, String>, limits: &Limits) -> Result<Image> {
    let new = properties
        .iter()
        .fold(NewImage::default(), |new, (name, value)| {
            new.property(name, value)
        });
    make_image(new, limits)
}

/// Stores a record and reads it back, and asserts that it is the same.
///
/// # Panics
/// When it is not.
pub fn check_record(image: &Image) {
    let bytes = encode_image(image).expect("a record that the index takes");
    assert!(decode_and_compare(&bytes), "the record is read back");
}
