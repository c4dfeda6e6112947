//! Names of hosts to addresses: the hook, and the resolver of the system behind it.

use std::fmt;
use std::io;
use std::net::{IpAddr, ToSocketAddrs};

/// Finds the addresses of names, for a filter of uris.
pub trait Resolve: fmt::Debug + Send + Sync + 'static {
    /// Returns the addresses of `host`, a name in lower case that is no address; in the order in
    /// which they are tried, none where the name has none. May block.
    ///
    /// # Errors
    /// Any, if the name is not known or nobody answers; both refuse the uri.
    fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>>;
}

/// The resolver of the operating system, with its own limits of time.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        let found = (host, 0).to_socket_addrs()?;
        Ok(found.map(|address| address.ip()).collect())
    }
}
