//! The document of an error.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::error::{Error, ErrorKind};

/// The document of an error: `{"error": {"code", "kind", "message"}}`.
///
/// `code` is the exact reason and stable, `kind` the coarse one, `message` is for reading. What
/// caused the error is not shown: it may name files.
#[derive(Debug, Clone, Copy)]
#[must_use]
pub struct ErrorDocument<'a>(&'a Error);

impl<'a> ErrorDocument<'a> {
    /// Makes the document of an error.
    pub fn new(error: &'a Error) -> Self {
        Self(error)
    }
}

impl Serialize for ErrorDocument<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry("error", &Reason(self.0))?;
        map.end()
    }
}

struct Reason<'a>(&'a Error);

impl Serialize for Reason<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(3))?;
        map.serialize_entry("code", self.0.code().name())?;
        map.serialize_entry("kind", kind_name(self.0.kind()))?;
        map.serialize_entry("message", self.0.message())?;
        map.end()
    }
}

/// Returns the word for a kind. It is part of the document, so it does not follow the enum.
fn kind_name(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Conflict => "Conflict",
        ErrorKind::Corrupt => "Corrupt",
        ErrorKind::Forbidden => "Forbidden",
        ErrorKind::Full => "Full",
        ErrorKind::Internal => "Internal",
        ErrorKind::Invalid => "Invalid",
        ErrorKind::NotFound => "NotFound",
        ErrorKind::TooLarge => "TooLarge",
        ErrorKind::Unavailable => "Unavailable",
        ErrorKind::Unsatisfiable => "Unsatisfiable",
    }
}
