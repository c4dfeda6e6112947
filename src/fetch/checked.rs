//! A uri that has passed the filter, with the addresses that were looked at.

use std::fmt;
use std::net::SocketAddr;

use super::reference;

/// A uri that may be fetched, in normal form, and the addresses that may be connected for it.
///
/// Whoever fetches connects to one of [`addresses`](Self::addresses) and looks no name up again, so
/// that an answer of DNS that changes in between cannot matter. Shown and debugged without path and
/// query, which may hold secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct CheckedUri {
    pub(super) scheme: &'static str,
    pub(super) host: String,
    pub(super) port: Option<u16>,
    pub(super) target: String,
    pub(super) addresses: Vec<SocketAddr>,
}

impl CheckedUri {
    /// Returns the scheme: `http` or `https`.
    pub fn scheme(&self) -> &str {
        self.scheme
    }

    /// Returns the host: a name in lower case, an address of IPv4, or one of IPv6 in brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Returns the port: that of the uri, else that of the scheme.
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(default_port(self.scheme))
    }

    /// Returns path and query as they are sent, without fragment; it begins with `/`.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// Returns the addresses that were checked, with the port; one at least.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Returns the whole uri. It may hold secrets in its query: not for logs or messages.
    pub fn to_uri(&self) -> String {
        format!("{}{}", self.origin(), self.target)
    }

    /// Returns the uri that a `Location` in an answer from here means (RFC 9110, section 10.2.2).
    /// It has yet to be checked.
    pub fn join(&self, location: &str) -> String {
        reference::join(self, location)
    }

    /// Returns scheme, host and port.
    pub fn origin(&self) -> String {
        match self.port {
            Some(port) => format!("{}://{}:{port}", self.scheme, self.host),
            None => format!("{}://{}", self.scheme, self.host),
        }
    }
}

/// Returns the port of a scheme that is fetched.
pub(super) fn default_port(scheme: &str) -> u16 {
    if scheme == "https" { 443 } else { 80 }
}

impl fmt::Debug for CheckedUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("CheckedUri");
        shown.field("origin", &self.origin());
        shown.field("addresses", &self.addresses);
        shown.finish_non_exhaustive()
    }
}

impl fmt::Display for CheckedUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.origin())
    }
}
