//! Downloads of image data from the web: which uris may be fetched, who fetches them, and how a
//! download that breaks goes on.
//!
//! - [`UriRules`] tell whether a uri may be fetched, and give a [`CheckedUri`] with the addresses
//!   that were looked at. A [`UriFilter`] is rules with a resolver.
//! - [`Fetch`] is the hook for whoever fetches. With the feature `web-download` there is
//!   `WebFetcher`, which speaks HTTP and HTTPS.
//! - [`ResumingBody`] is what an import reads: data whose length is what was declared, taken up
//!   again where a connection breaks and the source can say that it is still the same.
//!
//! This room knows nothing of images. It refuses to connect anywhere but to addresses that the
//! filter has looked at, at the first hop and at each redirect.
//!
//! Sources: RFC 3986 (uris), RFC 9110 (ranges, validators, redirects), the special-purpose address
//! registries of IANA, and the Images API's service, `validate_import_uri`.
//!
//! # Examples
//! A source in memory; a host with other ways to fetch does likewise.
//! ```
//! use std::io::Read;
//! use std::sync::Arc;
//!
//! use smalti::Result;
//! use smalti::fetch::{Fetch, FetchLimits, Fetched, Opening, ResumingBody, UriFilter, UriRules};
//!
//! #[derive(Debug)]
//! struct Zeros;
//!
//! impl Fetch for Zeros {
//!     fn open(&self, opening: &Opening<'_>) -> Result<Fetched> {
//!         opening.filter.check(opening.uri)?;
//!         let left = 4096 - opening.offset;
//!         let body = Box::new(std::io::repeat(0).take(left));
//!         Ok(Fetched::new(body).len_bytes(4096).starts_at(opening.offset))
//!     }
//! }
//!
//! let filter = UriFilter::new(UriRules::default());
//! let limits = FetchLimits::default();
//! let mut body = ResumingBody::open(Arc::new(Zeros), filter, "http://1.1.1.1/zeros", limits)?;
//! assert_eq!(body.len_bytes(), Some(4096));
//! let mut data = Vec::new();
//! body.read_to_end(&mut data).expect("zeros do not break");
//! assert_eq!(data.len(), 4096);
//! # Ok::<(), smalti::Error>(())
//! ```

mod address;
mod checked;
mod host;
mod reference;
mod resolve;
mod resume;
mod rules;
mod uri;
#[cfg(feature = "web-download")]
mod web;

#[cfg(test)]
mod resume_tests;
#[cfg(test)]
mod ssrf_tests;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io::Read;
use std::time::Duration;

use crate::error::{Error, ErrorCode, Result};
use crate::limits::TIB;

pub use checked::CheckedUri;
pub use resolve::{Resolve, SystemResolver};
pub use resume::ResumingBody;
pub use rules::{UriFilter, UriRules};
#[cfg(feature = "web-download")]
pub use web::{WebFetcher, WebFetcherBuilder};

/// Fetches data from uris, for imports of an engine.
pub trait Fetch: fmt::Debug + Send + Sync + 'static {
    /// Opens a source, and returns its data from the offset that is asked for. Blocks until the
    /// source has answered, no longer than [`Opening::time_left`].
    ///
    /// Each uri that is connected, redirects included, passes the filter of the opening first, and
    /// only the addresses that the filter gives are connected. A read of the body blocks for a
    /// bounded time, too, and fails where nothing comes.
    ///
    /// # Errors
    /// `UriNotAllowed` if the filter refuses a uri; `SourceUnavailable` if asking again may help;
    /// `SourceFailed` or any other error if not.
    fn open(&self, opening: &Opening<'_>) -> Result<Fetched>;
}

/// What a [`Fetch`] is asked to open.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Opening<'a> {
    /// The uri as it was given; not checked yet.
    pub uri: &'a str,
    /// What this uri and all that it redirects to have to pass.
    pub filter: &'a UriFilter,
    /// The first byte that is wanted; other than 0 only with a validator.
    pub offset: u64,
    /// The validator of the data that was read before: only its bytes are wanted.
    pub validator: Option<&'a str>,
    /// How long the opening and all reads of its body may take together.
    pub time_left: Duration,
}

impl<'a> Opening<'a> {
    /// Asks for all data of a uri, within a limit of time.
    pub fn new(uri: &'a str, filter: &'a UriFilter, time_left: Duration) -> Self {
        Self {
            uri,
            filter,
            offset: 0,
            validator: None,
            time_left,
        }
    }

    /// Asks for the rest of data that has `validator`, from `offset` on.
    #[must_use]
    pub fn resume(mut self, offset: u64, validator: &'a str) -> Self {
        self.offset = offset;
        self.validator = Some(validator);
        self
    }
}

/// An open source.
pub struct Fetched {
    /// The length of all data of the source, from its first byte, if it says so.
    pub len_bytes: Option<u64>,
    /// What is equal as long as the data is, byte for byte: a strong `ETag`, or a `Last-Modified`
    /// that can be relied on. Without one, a broken body is not taken up again.
    pub validator: Option<String>,
    /// Which byte of the source is the first of the body. One that cannot give the offset that was
    /// asked for, or has other data now, begins at 0.
    pub starts_at: u64,
    /// The data. It must end where the source does and fail where it is cut before.
    pub body: Box<dyn Read + Send>,
}

impl Fetched {
    /// Makes a source of a body that begins with the first byte.
    pub fn new(body: Box<dyn Read + Send>) -> Self {
        Self {
            len_bytes: None,
            validator: None,
            starts_at: 0,
            body,
        }
    }

    /// Sets the length of all data of the source.
    #[must_use]
    pub fn len_bytes(mut self, len_bytes: u64) -> Self {
        self.len_bytes = Some(len_bytes);
        self
    }

    /// Sets the validator.
    #[must_use]
    pub fn validator(mut self, validator: impl Into<String>) -> Self {
        self.validator = Some(validator.into());
        self
    }

    /// Sets which byte of the source is the first of the body.
    #[must_use]
    pub fn starts_at(mut self, offset: u64) -> Self {
        self.starts_at = offset;
        self
    }
}

impl fmt::Debug for Fetched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Fetched");
        shown.field("len_bytes", &self.len_bytes);
        shown.field("starts_at", &self.starts_at);
        shown.finish_non_exhaustive()
    }
}

/// Bounds of one download.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FetchLimits {
    /// Most data, in bytes; by default 1 TiB, the default of `image_size_cap`.
    pub len_max_bytes: u64,
    /// How long the whole download may take, with all retries; by default one day.
    pub total: Duration,
    /// How often a source is asked again, in all; by default 3 (`http_retries`).
    pub retries: u32,
    /// The pause before the first retry, twice as long before each further one; by default a second.
    pub retry_pause: Duration,
}

impl Default for FetchLimits {
    fn default() -> Self {
        Self {
            len_max_bytes: TIB,
            total: Duration::from_secs(24 * 60 * 60),
            retries: 3,
            retry_pause: Duration::from_secs(1),
        }
    }
}

/// Makes the error for a uri that is not fetched.
fn refused(message: impl Into<String>) -> Error {
    Error::new(ErrorCode::UriNotAllowed, message)
}

/// Makes the error for a source that will not do better when it is asked again.
fn failed(message: impl Into<String>) -> Error {
    Error::new(ErrorCode::SourceFailed, message)
}
