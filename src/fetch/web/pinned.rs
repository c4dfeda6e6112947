//! A resolver that knows one host, with the addresses that were checked.
//!
//! It refuses every other name, so that no second look at DNS can happen.

use std::net::SocketAddr;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::fetch::checked::CheckedUri;

/// One host and its addresses.
#[derive(Debug)]
pub(super) struct Pinned {
    host: String,
    addresses: Vec<SocketAddr>,
}

impl Pinned {
    /// Knows the host of `uri`.
    pub(super) fn new(uri: &CheckedUri) -> Self {
        Self {
            host: uri.host().to_owned(),
            addresses: uri.addresses().to_vec(),
        }
    }
}

impl Resolve for Pinned {
    fn resolve(&self, name: Name) -> Resolving {
        let is_known = name.as_str() == self.host;
        let addresses = self.addresses.clone();
        Box::pin(async move {
            match is_known {
                true => Ok(Box::new(addresses.into_iter()) as Addrs),
                false => Err("a host was asked for that was not checked".into()),
            }
        })
    }
}
