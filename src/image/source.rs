//! What stands behind the url of a location. Who looks there knows stores and networks; this room
//! does not.

use std::io::Read;

use crate::error::{Error, ErrorCode, Result};
use crate::image::Digest;

/// Answers for urls outside the stores of this engine.
///
/// A host that shows locations implements it for the stores that it has. An url is refused unless
/// its scheme belongs to one of these stores; for `http` also unless it passes the filter for
/// addresses that the host may not be led to. Messages never hold an url (CVE-2014-1948).
pub trait LocationSource {
    /// Returns the length of the data behind an url, in bytes.
    ///
    /// # Errors
    /// `InvalidLocation` when no store takes the url, or nothing is there.
    fn size_bytes(&self, url: &str) -> Result<u64>;

    /// Returns the name of the store that an url belongs to, where its beginning tells that.
    fn store(&self, url: &str) -> Option<String> {
        let _ = url;
        None
    }

    /// Tests an url before a caller's location is accepted, as far as that needs no look at the data:
    /// an `http` one against the filter for addresses, for instance.
    ///
    /// # Errors
    /// `UriNotAllowed`, `InvalidLocation`.
    fn check(&self, url: &str) -> Result<()> {
        let _ = url;
        Ok(())
    }

    /// Opens the data behind an url, from its first byte, so that its digests can be computed.
    ///
    /// # Errors
    /// `StoreUnavailable` when the data cannot be read, or this source does not read.
    fn open(&self, url: &str) -> Result<Box<dyn Read + Send>> {
        let _ = url;
        let message = "the source of locations does not read";
        Err(Error::new(ErrorCode::StoreUnavailable, message))
    }

    /// Reads the data behind an url and compares it with what the image has (OSSN-0065).
    ///
    /// # Errors
    /// `HashConflict` when length or digest differ, `StoreUnavailable` when the data cannot be read.
    fn verify(&self, url: &str, expected: &Expected<'_>) -> Result<()>;
}

/// What the data of one more location of an active image must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Expected<'a> {
    /// The length, in bytes, where it is known.
    pub size_bytes: Option<u64>,
    /// The MD5, where it is known.
    pub checksum: Option<&'a Digest>,
    /// Name of the algorithm and digest, where they are known.
    pub os_hash: Option<(&'a str, &'a Digest)>,
}

/// The source of an engine without foreign stores: no url is taken.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct NoSource;

impl LocationSource for NoSource {
    fn size_bytes(&self, _url: &str) -> Result<u64> {
        Err(nothing_there())
    }

    fn verify(&self, _url: &str, _expected: &Expected<'_>) -> Result<()> {
        Err(nothing_there())
    }
}

fn nothing_there() -> Error {
    let message = "no store takes the url of the location";
    Error::new(ErrorCode::InvalidLocation, message)
}
