//! Connections to a service: HTTP of `reqwest` over TLS of rustls with the provider of ring.
//!
//! It sets no default of the process, follows no redirect and asks no proxy.

use std::fmt;
use std::sync::Arc;

use object_store::ClientOptions;
use object_store::client::{HttpClient, HttpConnector};
use reqwest::redirect;
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, ConfigBuilder, RootCertStore, WantsVerifier};
use rustls_platform_verifier::BuilderVerifierExt;

use super::invalid;
use super::s3::S3Settings;
use crate::error::{Error, ErrorCode, Result};

pub(super) use reqwest::Method;

/// A client that was made before it is asked for.
#[derive(Clone)]
pub(super) struct Connector(reqwest::Client);

impl Connector {
    pub(super) fn new(settings: &S3Settings) -> Result<Self> {
        let tls = match settings.roots.is_empty() {
            true if settings.allows_http => of_system().or_else(|_| of_roots(&[]))?,
            true => of_system()?,
            false => of_roots(&settings.roots)?,
        };
        let client = reqwest::Client::builder()
            .user_agent(concat!("smalti/", env!("CARGO_PKG_VERSION")))
            .tls_backend_preconfigured(tls)
            .https_only(!settings.allows_http)
            .connect_timeout(settings.connect_timeout)
            .read_timeout(settings.idle_timeout)
            .timeout(settings.request_timeout)
            .redirect(redirect::Policy::none())
            .no_proxy()
            .build();
        let client = client.map_err(|error| invalid(format!("no client: {error}")))?;
        Ok(Self(client))
    }

    /// Gets a document that `object_store` knows nothing of. No error names the url, which is signed.
    ///
    /// # Errors
    /// `StoreUnavailable`.
    pub(super) async fn get(&self, url: &str) -> Result<String> {
        let failed = |error: reqwest::Error| {
            let message = "ask a store for unfinished uploads: the store failed";
            Error::new(ErrorCode::StoreUnavailable, message).with_source(error.without_url())
        };
        let answer = self.0.get(url).send().await.map_err(failed)?;
        let answer = answer.error_for_status().map_err(failed)?;
        answer.text().await.map_err(failed)
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector").finish_non_exhaustive()
    }
}

impl HttpConnector for Connector {
    fn connect(&self, _options: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.0.clone()))
    }
}

fn builder() -> Result<ConfigBuilder<ClientConfig, WantsVerifier>> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider);
    let builder = builder.with_safe_default_protocol_versions();
    builder.map_err(no_tls)
}

fn of_system() -> Result<ClientConfig> {
    let builder = builder()?.with_platform_verifier().map_err(no_tls)?;
    Ok(builder.with_no_client_auth())
}

fn of_roots(roots: &[Vec<u8>]) -> Result<ClientConfig> {
    let mut store = RootCertStore::empty();
    for root in roots {
        store
            .add(CertificateDer::from(root.as_slice()))
            .map_err(no_tls)?;
    }
    Ok(builder()?
        .with_root_certificates(store)
        .with_no_client_auth())
}

fn no_tls(error: rustls::Error) -> Error {
    invalid(format!("no certificates to trust: {error}"))
}
