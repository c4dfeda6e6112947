//! Locations on the web: the source for a store of type `http`.

use std::fmt;
use std::io::Read;
use std::sync::Arc;

use super::digests::{Known, digests_of};
use crate::error::{Error, ErrorCode, Result};
use crate::fetch::{Fetch, FetchLimits, ResumingBody, UriFilter};
use crate::image::{Expected, LocationSource};

/// Answers for `http` and `https` urls, within a filter, by whoever fetches.
///
/// Give the engine a [`NamedStore::http`](crate::NamedStore::http) of the same name, and this by
/// [`Builder::locations`](crate::Builder::locations).
pub struct WebLocations {
    fetch: Arc<dyn Fetch>,
    filter: UriFilter,
    limits: FetchLimits,
    store: String,
}

impl fmt::Debug for WebLocations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebLocations")
            .field("store", &self.store)
            .finish_non_exhaustive()
    }
}

impl WebLocations {
    /// Makes the source of a store.
    pub fn new(store: impl Into<String>, fetch: impl Fetch, filter: UriFilter) -> Self {
        Self {
            fetch: Arc::new(fetch),
            filter,
            limits: FetchLimits::default(),
            store: store.into(),
        }
    }

    /// Sets the bounds of what is fetched.
    #[must_use]
    pub fn limits(mut self, limits: FetchLimits) -> Self {
        self.limits = limits;
        self
    }

    fn body(&self, url: &str) -> Result<ResumingBody> {
        let fetch = Arc::clone(&self.fetch);
        ResumingBody::open(fetch, self.filter.clone(), url, self.limits)
    }
}

impl LocationSource for WebLocations {
    fn check(&self, url: &str) -> Result<()> {
        self.filter.check(url).map(drop)
    }

    fn size_bytes(&self, url: &str) -> Result<u64> {
        let len = self.body(url)?.len_bytes();
        len.ok_or_else(|| {
            let message = "the server does not say how long the data of the location is";
            Error::new(ErrorCode::InvalidLocation, message)
        })
    }

    fn store(&self, url: &str) -> Option<String> {
        let is_web = url.starts_with("http:") || url.starts_with("https:");
        is_web.then(|| self.store.clone())
    }

    fn open(&self, url: &str) -> Result<Box<dyn Read + Send>> {
        Ok(Box::new(self.body(url)?))
    }

    fn verify(&self, url: &str, expected: &Expected<'_>) -> Result<()> {
        let (len, is_same) = match Known::of_location(expected).proof() {
            Some((algorithm, digest)) => {
                let mut body = self.body(url)?;
                let (len, found) = digests_of(&mut body, &[algorithm], &|_| Ok(()))?;
                (len, found == [digest])
            }
            None => (self.size_bytes(url)?, true),
        };
        if is_same && expected.size_bytes.is_none_or(|size| size == len) {
            return Ok(());
        }
        let message = "the data of the location is not that of the image";
        Err(Error::new(ErrorCode::HashConflict, message))
    }
}
