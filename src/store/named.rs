//! A store with what an engine is told of it: name, weight, whether it takes data.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::{LocalStore, Store};
use crate::disk::{Disk, RealDisk};
use crate::error::{Error, ErrorCode, Result, shown};
use crate::limits::CHUNK_AVG_BYTES;

/// Longest name of a store, in bytes.
const NAME_MAX_BYTES: usize = 255;
/// Beginning of names that are the engine's own.
const RESERVED: &str = "os_glance_";
/// Directory of the packs, below that of the store.
const PACKS_DIR: &str = "packs";

/// A store of an engine: where its packs are, and how it takes part.
///
/// Reads prefer the copy in the store with the greatest weight. Names are shown to callers, stand in
/// locations and in lists of stores with commas between, and stay with the data for ever.
///
/// # Examples
/// ```
/// use smalti::NamedStore;
///
/// # let dir = std::env::temp_dir();
/// let slow = NamedStore::on_path("slow", dir.join("slow"))
///     .weight(-10)
///     .description("disks that turn");
/// assert_eq!(slow.name(), "slow");
/// ```
#[derive(Clone)]
#[must_use = "an engine is given it by `Builder::store`"]
pub struct NamedStore {
    name: String,
    description: Option<String>,
    weight: i64,
    is_read_only: bool,
    kind: String,
    properties: Map<String, Value>,
    place: Place,
}

/// Where the packs of a store are.
#[derive(Clone)]
pub(crate) enum Place {
    /// In the directory of the engine.
    Own,
    /// In a directory of another disk.
    Disk(Arc<dyn Disk>),
    /// In a store of the host's own.
    Store(Arc<dyn Store>),
    /// Nowhere: its data is behind urls.
    Elsewhere,
}

impl NamedStore {
    fn new(name: impl Into<String>, kind: &str, place: Place) -> Self {
        Self {
            name: name.into(),
            description: None,
            weight: 0,
            is_read_only: false,
            kind: kind.to_owned(),
            properties: Map::new(),
            place,
        }
    }

    /// Names the store in the directory of the engine itself. An engine that is not told otherwise
    /// calls it `local`.
    pub fn own(name: impl Into<String>) -> Self {
        Self::new(name, "file", Place::Own)
    }

    /// Makes a store of a directory, most often on another disk. It is made when the engine is
    /// opened, and belongs to that engine from then on. Where it was made before and is not there,
    /// the engine opens without it.
    pub fn on_path(name: impl Into<String>, path: impl AsRef<Path>) -> Self {
        let path = path.as_ref();
        let mut store = Self::on_disk(name, Arc::new(RealDisk::new(path)));
        let properties = &mut store.properties;
        properties.insert("data_dir".to_owned(), path.to_string_lossy().into());
        store
    }

    /// Makes a store on a disk of the host's own.
    pub fn on_disk(name: impl Into<String>, disk: Arc<dyn Disk>) -> Self {
        let mut store = Self::new(name, "file", Place::Disk(disk));
        let properties = &mut store.properties;
        properties.insert("chunk_size".to_owned(), CHUNK_AVG_BYTES.into());
        properties.insert("thin_provisioning".to_owned(), false.into());
        store
    }

    /// Takes a store that the host implements, or one of ours that is not a directory; `kind` is the
    /// word for its type that details of stores show.
    pub fn custom(name: impl Into<String>, kind: &str, store: Arc<dyn Store>) -> Self {
        Self::new(name, kind, Place::Store(store))
    }

    /// Names the urls that a [`LocationSource`](crate::image::LocationSource) of the host stands for: it
    /// takes no data, and its type is shown as `http`.
    pub fn http(name: impl Into<String>) -> Self {
        Self::new(name, "http", Place::Elsewhere).read_only()
    }

    /// Sets how much its copies are preferred. Default 0.
    pub fn weight(mut self, weight: i64) -> Self {
        self.weight = weight;
        self
    }

    /// Sets what callers are told of it.
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.description = Some(text.into());
        self
    }

    /// Makes it take no data; what it holds is read.
    pub fn read_only(mut self) -> Self {
        self.is_read_only = true;
        self
    }

    /// Returns the name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns what an engine shows of it.
    pub(crate) fn info(&self, is_default: bool) -> StoreInfo {
        StoreInfo {
            name: self.name.clone(),
            description: self.description.clone(),
            weight: self.weight,
            kind: self.kind.clone(),
            properties: self.properties.clone(),
            is_default,
            is_read_only: self.is_read_only,
            is_available: true,
        }
    }

    /// Tells whether it takes no data.
    pub(crate) fn is_read_only(&self) -> bool {
        self.is_read_only
    }

    /// Tells whether it is in the directory of the engine.
    pub(crate) fn is_own(&self) -> bool {
        matches!(self.place, Place::Own)
    }

    /// Returns where its packs are, unless they are in the directory of the engine or nowhere.
    pub(crate) fn packs(&self) -> Option<Arc<dyn Store>> {
        match &self.place {
            Place::Own | Place::Elsewhere => None,
            Place::Disk(disk) => Some(Arc::new(LocalStore::existing(Arc::clone(disk), PACKS_DIR))),
            Place::Store(store) => Some(Arc::clone(store)),
        }
    }

    /// Returns the disk of a store that is a directory of another one.
    pub(crate) fn disk(&self) -> Option<&dyn Disk> {
        match &self.place {
            Place::Disk(disk) => Some(&**disk),
            _ => None,
        }
    }

    /// Tests the name.
    ///
    /// # Errors
    /// `InvalidSettings`.
    pub(crate) fn check(&self) -> Result<()> {
        let name = self.name.as_str();
        let why = match name {
            "" => "is empty",
            _ if name.len() > NAME_MAX_BYTES => "is longer than 255 bytes",
            _ if name.starts_with(RESERVED) => "begins as names of the engine itself do",
            _ if name.contains([',', '/']) => "has a comma or a slash",
            _ if name.chars().any(|c| c.is_control() || c.is_whitespace()) => {
                "has blanks or control characters"
            }
            _ => return Ok(()),
        };
        let message = format!("the name {:?} of a store {why}", shown(name));
        Err(Error::new(ErrorCode::InvalidSettings, message))
    }
}

impl fmt::Debug for NamedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NamedStore")
            .field("name", &self.name)
            .field("kind", &self.kind)
            .field("weight", &self.weight)
            .finish_non_exhaustive()
    }
}

/// What an engine shows of one of its stores.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoreInfo {
    /// The name.
    pub name: String,
    /// What callers are told of it.
    pub description: Option<String>,
    /// How much its copies are preferred.
    pub weight: i64,
    /// The word for its type: `file`, `http`, or that of a store of the host.
    pub kind: String,
    /// What its type tells, as details of stores show it.
    pub properties: Map<String, Value>,
    /// Whether it takes the data for which no store is named.
    pub is_default: bool,
    /// Whether it takes no data.
    pub is_read_only: bool,
    /// Whether it could be reached when the engine was opened.
    pub is_available: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_lists_cannot_hold_are_refused() {
        for good in ["fast", "a-b_c.1", "\u{e4}"] {
            NamedStore::http(good).check().expect(good);
        }
        for bad in [
            "",
            "a,b",
            "a/b",
            "a b",
            "a\n",
            "os_glance_staging_store",
            &"x".repeat(256),
        ] {
            let refused = NamedStore::http(bad).check().expect_err(bad);
            assert_eq!(refused.code(), ErrorCode::InvalidSettings);
        }
    }
}
