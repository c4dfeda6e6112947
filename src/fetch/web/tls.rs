//! Whom connections of HTTPS trust: the roots of the system, or those of the host.
//!
//! It owns the configuration of rustls with the provider of ring, and sets no default of the
//! process. It refuses HTTPS where there is no root, and nothing else.

use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, ConfigBuilder, RootCertStore, WantsVerifier};
use rustls_platform_verifier::BuilderVerifierExt;

use crate::error::{Error, ErrorCode, Result};
use crate::fetch::checked::CheckedUri;
use crate::fetch::failed;

/// The configuration of connections, or why there is none for HTTPS.
#[derive(Debug, Clone)]
pub(super) struct Tls {
    trusting: Result<ClientConfig, String>,
    /// For HTTP, where a client wants one as well.
    nobody: ClientConfig,
}

impl Tls {
    /// Trusts `roots`, or those of the system if there are none.
    pub(super) fn new(roots: &[Vec<u8>]) -> Result<Self> {
        let trusting = match roots.is_empty() {
            true => of_system().map_err(|error| error.to_string()),
            false => Ok(of_roots(roots)?),
        };
        Ok(Self {
            trusting,
            nobody: of_roots(&[])?,
        })
    }

    /// Returns the configuration for a connection to `uri`.
    pub(super) fn config(&self, uri: &CheckedUri) -> Result<ClientConfig> {
        match &self.trusting {
            _ if uri.scheme() == "http" => Ok(self.nobody.clone()),
            Ok(config) => Ok(config.clone()),
            Err(why) => Err(failed(format!("no certificates to trust: {why}"))),
        }
    }
}

fn builder() -> Result<ConfigBuilder<ClientConfig, WantsVerifier>, rustls::Error> {
    let provider = Arc::new(ring::default_provider());
    ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()
}

fn of_system() -> Result<ClientConfig, rustls::Error> {
    let builder = builder()?.with_platform_verifier()?;
    Ok(builder.with_no_client_auth())
}

fn of_roots(roots: &[Vec<u8>]) -> Result<ClientConfig> {
    let mut store = RootCertStore::empty();
    for root in roots {
        let added = store.add(CertificateDer::from(root.as_slice()));
        added.map_err(|error| invalid(format!("a root is no certificate: {error}")))?;
    }
    let builder = builder().map_err(|error| invalid(error.to_string()))?;
    Ok(builder.with_root_certificates(store).with_no_client_auth())
}

fn invalid(message: String) -> Error {
    Error::new(ErrorCode::InvalidSettings, message)
}
