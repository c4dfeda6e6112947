//! What may be fetched: the lists of an operator, and the rule of global addresses.
//!
//! Source: the Images API's service, `validate_import_uri`, with the tests of section 5.5 of the
//! specification in their order. It refuses; it never connects.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use crate::error::{Result, shown};
use crate::limits::ADDRESSES_MAX;

use super::address::{is_global, is_or_carries};
use super::checked::{CheckedUri, default_port};
use super::host::{Host, address_entry};
use super::refused;
use super::resolve::{Resolve, SystemResolver};
use super::uri::{Parts, scheme, scheme_message};

/// Which uris may be fetched: the options `allowed_schemes` to `disallowed_ports`.
///
/// Of each pair of lists the first that is set holds: where something is allowed by name, the list
/// of what is not is ignored. Hosts are names, without regard to case, or addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UriRules {
    /// Schemes that may be fetched; by default `http` and `https`, and never others than these.
    pub allowed_schemes: Vec<String>,
    /// Schemes that may not; by default none.
    pub disallowed_schemes: Vec<String>,
    /// Hosts that may be fetched from, also at addresses that are not global; by default empty:
    /// all that have a global address.
    pub allowed_hosts: Vec<String>,
    /// Hosts and addresses that may not be fetched from; by default none.
    pub disallowed_hosts: Vec<String>,
    /// Ports that may stand in a uri; by default 80 and 443. A port that is not there is not tested.
    pub allowed_ports: Vec<u16>,
    /// Ports that may not stand in a uri; by default none.
    pub disallowed_ports: Vec<u16>,
}

impl Default for UriRules {
    fn default() -> Self {
        Self {
            allowed_schemes: vec!["http".to_owned(), "https".to_owned()],
            disallowed_schemes: Vec::new(),
            allowed_hosts: Vec::new(),
            disallowed_hosts: Vec::new(),
            allowed_ports: vec![80, 443],
            disallowed_ports: Vec::new(),
        }
    }
}

impl UriRules {
    /// Tells whether `uri` may be fetched, and from which addresses. A name is looked up once, by
    /// `resolver`; an address that stands in the uri is not.
    ///
    /// # Errors
    /// `UriNotAllowed` if the uri is malformed, has credentials, is none of the rules, or leads to
    /// no address that is allowed. The message names neither credentials nor what was looked up.
    ///
    /// # Examples
    /// ```
    /// use smalti::fetch::{SystemResolver, UriRules};
    ///
    /// let rules = UriRules::default();
    /// let checked = rules.check("https://1.1.1.1/a.img?x#top", &SystemResolver)?;
    /// assert_eq!(checked.to_uri(), "https://1.1.1.1/a.img?x");
    /// assert_eq!(checked.addresses(), ["1.1.1.1:443".parse().expect("an address")]);
    ///
    /// let refused = rules.check("http://169.254.169.254/latest/", &SystemResolver);
    /// assert_eq!(refused.unwrap_err().http_status(), 400);
    /// # Ok::<(), smalti::Error>(())
    /// ```
    pub fn check(&self, uri: &str, resolver: &dyn Resolve) -> Result<CheckedUri> {
        let (scheme, rest) = scheme(uri)?;
        let scheme = self.check_scheme(&scheme)?;
        let parts = Parts::parse(rest)?;
        self.check_host(&parts.host)?;
        self.check_port(parts.port)?;
        let port = parts.port.unwrap_or(default_port(scheme));
        let addresses = self.addresses(&parts.host, resolver)?;
        let addresses = addresses.into_iter().map(|ip| SocketAddr::new(ip, port));
        Ok(CheckedUri {
            scheme,
            host: parts.host.to_string(),
            port: parts.port,
            target: parts.target,
            addresses: addresses.collect(),
        })
    }

    fn check_scheme(&self, scheme: &str) -> Result<&'static str> {
        let is_scheme = |listed: &String| listed.eq_ignore_ascii_case(scheme);
        let is_fetched = listed(&self.allowed_schemes, &self.disallowed_schemes, is_scheme);
        match scheme {
            "http" if is_fetched => Ok("http"),
            "https" if is_fetched => Ok("https"),
            _ => Err(refused(scheme_message(scheme))),
        }
    }

    fn check_host(&self, host: &Host) -> Result<()> {
        let is_host = |entry: &String| host.is_listed_as(entry);
        match listed(&self.allowed_hosts, &self.disallowed_hosts, is_host) {
            true => Ok(()),
            false => Err(host_message(host, "is not one to fetch from")),
        }
    }

    fn check_port(&self, port: Option<u16>) -> Result<()> {
        let Some(port) = port else {
            return Ok(());
        };
        let is_port = |listed: &u16| *listed == port;
        match listed(&self.allowed_ports, &self.disallowed_ports, is_port) {
            true => Ok(()),
            false => Err(refused(format!("port {port} is not one to fetch from"))),
        }
    }

    /// Looks the host up and drops what is refused, so that one bad address among good ones is no
    /// reason to refuse the uri.
    fn addresses(&self, host: &Host, resolver: &dyn Resolve) -> Result<Vec<IpAddr>> {
        let found = match host {
            Host::Address(address) => vec![*address],
            Host::Name(name) => resolver
                .resolve(name)
                .map_err(|error| host_message(host, "is not known").with_source(error))?,
        };
        let mut kept: Vec<IpAddr> = Vec::new();
        for address in found {
            if kept.len() < ADDRESSES_MAX && self.is_allowed(address) && !kept.contains(&address) {
                kept.push(address);
            }
        }
        match kept.is_empty() {
            true => Err(host_message(host, "has no address to fetch from")),
            false => Ok(kept),
        }
    }

    /// Tells whether an address may be connected. A host that has come this far while hosts are
    /// allowed by name is one of these, so all its addresses are.
    fn is_allowed(&self, address: IpAddr) -> bool {
        let is_listed = |entry: &String| {
            let listed = address_entry(entry);
            listed.is_some_and(|listed| is_or_carries(address, listed))
        };
        !self.allowed_hosts.is_empty()
            || is_global(address) && !self.disallowed_hosts.iter().any(is_listed)
    }
}

/// Tells whether something is allowed by two lists, given how to find it in one.
fn listed<T>(allowed: &[T], disallowed: &[T], is_it: impl Fn(&T) -> bool) -> bool {
    match allowed.is_empty() {
        false => allowed.iter().any(is_it),
        true => !disallowed.iter().any(is_it),
    }
}

fn host_message(host: &Host, what: &str) -> crate::error::Error {
    refused(format!("host {} {what}", shown(&host.to_string())))
}

/// Rules together with the resolver for them: what every hop of a download passes.
#[derive(Debug, Clone)]
pub struct UriFilter {
    rules: UriRules,
    resolver: Arc<dyn Resolve>,
}

impl UriFilter {
    /// Makes a filter that looks names up by the resolver of the system.
    pub fn new(rules: UriRules) -> Self {
        Self {
            rules,
            resolver: Arc::new(SystemResolver),
        }
    }

    /// Looks names up by another resolver.
    #[must_use]
    pub fn resolver(mut self, resolver: impl Resolve) -> Self {
        self.resolver = Arc::new(resolver);
        self
    }

    /// Tells whether `uri` may be fetched, and from which addresses; may block to look a name up.
    ///
    /// # Errors
    /// As [`UriRules::check`].
    pub fn check(&self, uri: &str) -> Result<CheckedUri> {
        self.rules.check(uri, &*self.resolver)
    }
}
