//! A patch of an image: operations that are read, tested as far as no image is needed, and printed.
//!
//! What it does to an image, and who may do it, is in `apply`.

mod build;
mod change;
#[cfg(test)]
mod tests;

use std::fmt;

use crate::error::Result;
use crate::image::Limits;
use crate::patch::{Dialect, operations};

pub(super) use change::{Change, Place, Setting};

/// A change to a record: what is set, added and removed, in order.
///
/// It comes from the body of a request, by [`Patch::parse`], or from a host that writes Rust, by the
/// calls that begin at [`Patch::new`]; those have the meaning of v2.1, where adding what exists
/// replaces it. [`fmt::Display`] prints the body that reads back as the same patch, as far as names
/// can stand in a pointer: not with blanks at their ends.
///
/// Source: Glance, `glance/api/v2/images.py`, `RequestDeserializer.update`.
///
/// # Examples
/// ```
/// use smalti::image::{Limits, Patch, Visibility};
/// use smalti::patch::Dialect;
///
/// let body = br#"[{"op": "add", "path": "/visibility", "value": "private"},
///                 {"op": "add", "path": "/os_distro", "value": "debian"}]"#;
/// let patch = Patch::parse(Dialect::V2_1, body, &Limits::default())?;
/// assert_eq!(patch.len(), 2);
///
/// let same = Patch::new()
///     .set_visibility(Visibility::Private)
///     .set_property("os_distro", "debian");
/// assert_eq!(patch, same);
/// # Ok::<(), smalti::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[must_use]
pub struct Patch {
    dialect: Dialect,
    changes: Vec<Change>,
}

impl Patch {
    /// Reads the body of a request. No image is needed for that, and no right: a body that is wrong
    /// is refused before anything is looked up.
    ///
    /// # Errors
    /// That of the first wrong operation:
    /// - `BodyRequired`, `MalformedJson`, `UnexpectedBody` when the body is no array of objects;
    /// - `UnknownOperation`, `InvalidPointer`, `MissingValue`, in this order;
    /// - `ReadOnlyProperty`, `ReservedProperty` for names that no patch may touch;
    /// - `SchemaViolation`, `EmptyTag`, `PropertyNameTooLong`, `PropertyTooLong`,
    ///   `UnsupportedCharacter` for the value.
    pub fn parse(dialect: Dialect, body: &[u8], limits: &Limits) -> Result<Self> {
        let operations = operations(dialect, body)?;
        let mut changes = Vec::with_capacity(operations.len());
        for operation in operations {
            let change = Change::read(operation?)?;
            change.check(limits)?;
            changes.push(change);
        }
        Ok(Self { dialect, changes })
    }

    /// Tests what [`Patch::parse`] has tested, for a patch that was made otherwise.
    ///
    /// # Errors
    /// As [`Patch::parse`], from `ReadOnlyProperty` on.
    pub fn check(&self, limits: &Limits) -> Result<()> {
        let mut changes = self.changes.iter();
        changes.try_for_each(|change| change.check(limits))
    }

    /// Returns the language of the patch.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Returns the number of operations.
    pub fn len(&self) -> usize {
        self.changes.len()
    }

    /// Tells whether the patch changes nothing at all, not even the time of the last change.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Tells whether the patch adds locations, so that what stands behind urls is asked.
    pub(crate) fn has_locations(&self) -> bool {
        let adds =
            |change: &Change| matches!(change, Change::AddLocation(..) | Change::SetLocations(_));
        self.changes.iter().any(adds)
    }

    /// Returns the operations, in order.
    pub(super) fn changes(&self) -> &[Change] {
        &self.changes
    }
}

impl fmt::Display for Patch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, change) in self.changes.iter().enumerate() {
            let before = if at == 0 { "[" } else { "," };
            write!(f, "{before}{}", change.operation(self.dialect))?;
        }
        f.write_str(if self.changes.is_empty() { "[]" } else { "]" })
    }
}
