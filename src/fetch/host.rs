//! Hosts of uris: a name, or an address in the one spelling that means the same to everybody.
//!
//! It refuses what another reader might take for an address (digits, hexadecimal, octal), and names
//! that DNS cannot hold.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::error::{Result, shown};

use super::refused;

/// Longest name of a host, in bytes, and longest label in it: RFC 1035, section 2.3.4.
const NAME_MAX_BYTES: usize = 253;
const LABEL_MAX_BYTES: usize = 63;

/// The host of a uri, in normal form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Host {
    /// A name, in lower case.
    Name(String),
    /// An address, written out in the uri.
    Address(IpAddr),
}

impl Host {
    /// Reads the host as it stands in the authority of a uri.
    pub(super) fn parse(text: &str) -> Result<Self> {
        if text.is_empty() {
            return Err(refused("the uri has no host"));
        }
        match text.strip_prefix('[') {
            Some(inner) => v6(inner),
            None => name_or_v4(text),
        }
    }

    /// Tells whether an entry of a list of hosts means this one: names without case, addresses in
    /// any spelling that is an address, with or without brackets.
    pub(super) fn is_listed_as(&self, entry: &str) -> bool {
        match (self, address_entry(entry)) {
            (Self::Name(name), None) => name.eq_ignore_ascii_case(entry),
            (Self::Address(address), Some(listed)) => *address == listed,
            _ => false,
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(IpAddr::V4(address)) => write!(f, "{address}"),
            Self::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
        }
    }
}

/// Returns the address that an entry of a list of hosts is, if it is one.
pub(super) fn address_entry(entry: &str) -> Option<IpAddr> {
    let inner = entry.strip_prefix('[').and_then(|e| e.strip_suffix(']'));
    inner.unwrap_or(entry).parse().ok()
}

fn v6(inner: &str) -> Result<Host> {
    let address = inner.strip_suffix(']');
    let address = address.and_then(|text| text.parse::<Ipv6Addr>().ok());
    let what = || refused("what stands in brackets is no address of IPv6, or has a zone");
    Ok(Host::Address(address.ok_or_else(what)?.into()))
}

fn name_or_v4(text: &str) -> Result<Host> {
    // `Ipv4Addr` takes four decimal parts without leading zeros, and nothing else.
    if let Ok(address) = text.parse::<Ipv4Addr>() {
        return Ok(Host::Address(address.into()));
    }
    let labels = || text.split('.');
    let what = match text {
        _ if text.len() > NAME_MAX_BYTES => "is longer than 253 bytes",
        _ if text.ends_with('.') => "ends in a dot",
        _ if labels().any(str::is_empty) => "has an empty label",
        _ if labels().any(|label| label.len() > LABEL_MAX_BYTES) => {
            "has a label longer than 63 bytes"
        }
        _ if !text.bytes().all(is_name_byte) => "has what no name of a host has",
        _ if labels().next_back().is_none_or(is_number) => "is a number and no dotted quad",
        _ if labels().any(|label| label.starts_with('-') || label.ends_with('-')) => {
            "has a label with a hyphen at its end"
        }
        _ => return Ok(Host::Name(text.to_ascii_lowercase())),
    };
    Err(refused(format!("host {} {what}", shown(text))))
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')
}

/// Tells whether a last label makes readers take the whole host for an address, as the URL
/// standard does ("ends in a number").
fn is_number(label: &str) -> bool {
    let hex = label.strip_prefix("0x").or(label.strip_prefix("0X"));
    match hex {
        Some(digits) => digits.bytes().all(|byte| byte.is_ascii_hexdigit()),
        None => label.bytes().all(|byte| byte.is_ascii_digit()),
    }
}
