//! Uris of http and https, by the grammar of RFC 3986 and with nothing lenient.
//!
//! It owns the parser and the split into parts, knows no rules of operators, and refuses what two
//! readers could read in two ways. Its messages never repeat what stands before an `@`, a path or a
//! query: these may hold secrets.

use crate::error::{Result, shown};
use crate::limits::URI_MAX_BYTES;

use super::host::Host;
use super::reference::without_dots;
use super::refused;

/// A uri behind its scheme, in normal form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Parts {
    pub(super) host: Host,
    /// The port, where the uri has one.
    pub(super) port: Option<u16>,
    /// Path and query: begins with `/`, has no dot segments and no fragment.
    pub(super) target: String,
}

/// Splits the scheme off, in lower case, and what follows `//`, after a look at every byte.
pub(super) fn scheme(uri: &str) -> Result<(String, &str)> {
    if uri.is_empty() {
        return Err(refused("the uri is empty"));
    }
    if uri.len() > URI_MAX_BYTES {
        let len = uri.len();
        return Err(refused(format!(
            "the uri is {len} bytes, limit {URI_MAX_BYTES}"
        )));
    }
    check_bytes(uri)?;
    let no_scheme = || refused("the uri has no scheme with `//` behind it");
    let (scheme, rest) = uri.split_once("://").ok_or_else(no_scheme)?;
    match is_scheme(scheme) {
        true => Ok((scheme.to_ascii_lowercase(), rest)),
        false => Err(no_scheme()),
    }
}

/// Tells whether `text` is a scheme, RFC 3986, section 3.1.
pub(super) fn is_scheme(text: &str) -> bool {
    let is_rest = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    text.starts_with(|first: char| first.is_ascii_alphabetic()) && text.bytes().all(is_rest)
}

impl Parts {
    /// Reads what follows `//`. A fragment is dropped: it is never sent (RFC 9110, section 7.1).
    pub(super) fn parse(rest: &str) -> Result<Self> {
        let rest = rest.split('#').next().unwrap_or_default();
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at(end);
        let (host, port) = split_authority(authority)?;
        Ok(Self {
            host: Host::parse(host)?,
            port: port.map(parse_port).transpose()?,
            target: parse_target(target)?,
        })
    }
}

/// Refuses bytes outside the grammar, percent signs without two digits, and a second `#`.
fn check_bytes(uri: &str) -> Result<()> {
    let at = uri.bytes().position(|byte| !is_uri_byte(byte));
    if let Some(at) = at {
        return Err(refused(format!(
            "byte {at} of the uri is none that a uri has"
        )));
    }
    let is_hex = |at: usize| uri.as_bytes().get(at).is_some_and(u8::is_ascii_hexdigit);
    let is_broken = |&(at, _): &(usize, &str)| !is_hex(at + 1) || !is_hex(at + 2);
    if let Some((at, _)) = uri.match_indices('%').find(is_broken) {
        let what = format!("byte {at} of the uri is a percent sign without two digits");
        return Err(refused(what));
    }
    match uri.matches('#').count() {
        0 | 1 => Ok(()),
        _ => Err(refused("the uri has two fragments")),
    }
}

fn is_uri_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(&byte)
}

/// Splits host and port; credentials are refused, and not repeated.
fn split_authority(authority: &str) -> Result<(&str, Option<&str>)> {
    if authority.contains('@') {
        return Err(refused("the uri has credentials"));
    }
    let colon = match authority.rfind(']') {
        Some(end) => authority[end..].find(':').map(|at| end + at),
        None => authority.find(':'),
    };
    Ok(match colon {
        Some(at) => (&authority[..at], Some(&authority[at + 1..])),
        None => (authority, None),
    })
}

/// Reads a port: 1 to 65,535, without leading zeros.
fn parse_port(text: &str) -> Result<u16> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    let port = text.parse().ok().filter(|_| is_plain);
    port.ok_or_else(|| refused("the port of the uri is no plain number from 1 to 65535"))
}

/// Reads path and query.
fn parse_target(text: &str) -> Result<String> {
    if text.contains(['[', ']']) {
        return Err(refused("the uri has a bracket behind its host"));
    }
    let (path, query) = match text.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (text, None),
    };
    let mut target = without_dots(path);
    if let Some(query) = query {
        target.push('?');
        target.push_str(query);
    }
    Ok(target)
}

/// Makes the message for a scheme that is not fetched.
pub(super) fn scheme_message(scheme: &str) -> String {
    format!("uris of scheme {} are not fetched", shown(scheme))
}
