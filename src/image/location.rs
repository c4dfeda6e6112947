//! Where the bytes of an image are: the location that the API shows and the root of its manifest.

use std::borrow::Cow;
use std::fmt;

use crate::id::{ChunkId, ImageId};
use crate::image::{Digest, TextMap};

/// One place of an image's data: a url and what the store says about it.
///
/// `metadata` holds the name of the store under `store` (Glance: `glance/location.py`). The url
/// never appears in `Debug`, so that it reaches no log (CVE-2014-1948).
#[derive(Clone, PartialEq, Eq)]
pub struct Location {
    url: String,
    metadata: TextMap,
    /// Where the bytes are, if they are in a store of this engine.
    data: Option<DataRef>,
}

impl Location {
    /// The key of the metadata that names the store.
    pub(super) const STORE: &'static str = "store";
    /// Scheme of urls that stand for data in this engine. Nobody else writes such a url.
    pub(super) const OWN_SCHEME: &'static str = "smalti";

    /// Puts a location together, of data that is not in this engine.
    pub(crate) fn new(url: impl Into<String>, metadata: TextMap) -> Self {
        Self {
            url: url.into(),
            metadata,
            data: None,
        }
    }

    /// Makes the location of data in a named store.
    #[cfg(test)]
    pub(crate) fn named(url: impl Into<String>, store: &str) -> Self {
        Self::new(url, [(Self::STORE, store)].into_iter().collect())
    }

    /// Says where the bytes are in this engine.
    pub(crate) fn with_data(mut self, data: Option<DataRef>) -> Self {
        self.data = data;
        self
    }

    /// Makes the location of data of an image in a named store of this engine.
    pub(crate) fn in_store(store: &str, image: &ImageId, data: DataRef) -> Self {
        let url = format!("{}://{store}/{image}", Self::OWN_SCHEME);
        let metadata = [(Self::STORE, store)].into_iter().collect();
        Self::new(url, metadata).with_data(Some(data))
    }

    /// Returns the url.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns the metadata, the name of the store included.
    pub fn metadata(&self) -> &TextMap {
        &self.metadata
    }

    /// Returns the name of the store, where it is known.
    pub fn store(&self) -> Option<&str> {
        self.metadata.get(Self::STORE)
    }

    /// Returns where the bytes are, if they are in a store of this engine.
    pub(crate) fn data(&self) -> Option<&DataRef> {
        self.data.as_ref()
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Location")
            .field("store", &self.store())
            .finish_non_exhaustive()
    }
}

/// Returns the scheme of a url in lower case, as RFC 3986, 3.1 defines it.
pub(super) fn scheme(url: &str) -> Option<String> {
    let (scheme, _) = url.split_once(':')?;
    let mut bytes = scheme.bytes();
    let starts = bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic());
    let goes_on = bytes.all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'));
    (starts && goes_on).then(|| scheme.to_ascii_lowercase())
}

/// The manifest that lists the bytes of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DataRef {
    /// Number of the store.
    pub(crate) store: u16,
    /// Number of the dedup domain.
    pub(crate) domain: u32,
    /// Root page of the manifest.
    pub(crate) root: ChunkId,
    /// Length of the image, in bytes.
    pub(crate) len_bytes: u64,
    /// How many of these are in zero runs, in bytes.
    pub(crate) zero_bytes: u64,
    /// Number of the cutter that cut the data.
    pub(crate) cutter: u8,
}

/// What an upload has learned when its last byte is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Uploaded {
    /// Length of the data, in bytes.
    pub(crate) size: u64,
    /// Size of the disk that the data describes, where it is known, in bytes.
    pub(crate) virtual_size: Option<u64>,
    /// MD5, where it is configured.
    pub(crate) checksum: Option<Digest>,
    /// Name of the multihash algorithm and its digest.
    pub(crate) os_hash: Option<(Cow<'static, str>, Digest)>,
    /// Where the data is.
    pub(crate) location: Location,
}
