//! What a patch asks while it is applied. Who answers knows callers; this room does not.

use crate::error::Result;
use crate::image::{Image, Visibility};

/// What is done with a custom property (property protections of the operator).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "protections have these four")]
pub enum PropertyAction {
    /// It is set where none was, or none that the caller sees.
    Create,
    /// It is shown.
    Read,
    /// It is set anew.
    Update,
    /// It is removed.
    Delete,
}

/// What is done with the locations of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum LocationAction {
    /// One is added, or all are set anew (rule `set_image_location`).
    Set,
    /// One is removed (rule `delete_image_location`).
    Delete,
}

/// Decides what one caller may do with one image; each step sees the image as the steps before it
/// left it.
pub(crate) trait Gate {
    /// Tests the right to modify the image.
    fn modify(&self, image: &Image) -> Result<()>;
    /// Tests the right to give the image this visibility, apart from [`Gate::modify`].
    fn visibility(&self, image: &Image, wanted: Visibility) -> Result<()>;
    /// Tests the right to give the image to another owner, apart from [`Gate::modify`].
    fn owner(&self, image: &Image) -> Result<()>;
    /// Tests the right to change the locations of the image.
    fn locations(&self, image: &Image, action: LocationAction) -> Result<()>;
    /// Tells whether protections let the caller do this with a custom property.
    fn property(&self, name: &str, action: PropertyAction) -> bool;
}
