//! A location as a caller writes it: a url, metadata, and what is said to be known of the data.

use std::collections::BTreeMap;
use std::fmt;

use crate::error::Result;
use crate::image::rules;
use crate::image::{DataRef, Limits, Location};
use crate::json::{Json, Object};

/// A location in a request. As for [`Location`], the url never appears in `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) url: String,
    pub(crate) metadata: BTreeMap<String, String>,
    pub(crate) validation: Option<Validation>,
}

/// What a request says about the data of a location.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Validation {
    /// Name of the algorithm of `digest`.
    pub(crate) algorithm: String,
    /// Digest in hex, not yet tested.
    pub(crate) digest: String,
    /// MD5 in hex, not yet tested.
    pub(crate) checksum: Option<String>,
}

impl Entry {
    /// Tests lengths and characters.
    ///
    /// # Errors
    /// `SchemaViolation`, `UnsupportedCharacter`.
    pub(super) fn check(&self, limits: &Limits) -> Result<()> {
        rules::check_text("location url", &self.url)?;
        self.check_characters(limits)
    }

    /// Tests characters alone: not every call has the same bound for lengths.
    ///
    /// # Errors
    /// `UnsupportedCharacter`.
    pub(crate) fn check_characters(&self, limits: &Limits) -> Result<()> {
        match limits.reject_4byte_unicode {
            true => rules::check_characters("location url", &self.url),
            false => Ok(()),
        }
    }

    /// Returns what is stored of it; the store, where the engine knows it, has the last word.
    pub(super) fn to_location(&self, store: Option<&str>, data: Option<&DataRef>) -> Location {
        let mut metadata = self.metadata.clone();
        if let Some(store) = store {
            metadata.insert(Location::STORE.to_owned(), store.to_owned());
        }
        let metadata = metadata.into_iter().collect();
        Location::new(self.url.clone(), metadata).with_data(data.copied())
    }

    /// Returns the JSON that reads back as the entry.
    pub(super) fn json(&self) -> Json<'_> {
        let name = |name| std::borrow::Cow::Borrowed(name);
        let metadata = self.metadata.iter();
        let metadata = metadata.map(|(key, value)| (name(key.as_str()), Json::text(value)));
        let mut members = vec![
            (name("url"), Json::text(&self.url)),
            (
                name("metadata"),
                Json::Object(Object::new(metadata.collect())),
            ),
        ];
        if let Some(validation) = &self.validation {
            members.push((name("validation_data"), validation.json()));
        }
        Json::Object(Object::new(members))
    }
}

impl Validation {
    fn json(&self) -> Json<'_> {
        let mut members = vec![
            ("os_hash_algo".into(), Json::text(&self.algorithm)),
            ("os_hash_value".into(), Json::text(&self.digest)),
        ];
        if let Some(checksum) = &self.checksum {
            members.push(("checksum".into(), Json::text(checksum)));
        }
        Json::Object(Object::new(members))
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("validation", &self.validation)
            .finish_non_exhaustive()
    }
}
