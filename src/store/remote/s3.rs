//! What a bucket of a service that speaks S3 is reached by.
//!
//! It reads no environment and no file of credentials: the host says everything.

use std::fmt;
use std::time::Duration;

use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::{BackoffConfig, ClientOptions, RetryConfig};

use super::connect::Connector;
use super::invalid;
use super::unfinished::Unfinished;
use crate::error::Result;
use crate::limits::MIB;

/// Shortest part that S3 takes, the last one of an upload excepted, in bytes.
const PART_MIN_BYTES: u64 = 5 * MIB;

/// How a bucket of a service that speaks S3 is reached.
///
/// # Examples
/// ```
/// use smalti::store::remote::S3Settings;
///
/// let settings = S3Settings::new("images")
///     .endpoint("https://s3.example.org")
///     .region("eu-1")
///     .credentials("key", "secret");
/// assert!(!format!("{settings:?}").contains("secret"));
/// ```
#[derive(Clone)]
#[must_use = "a store is made of it by `ObjectPacks::s3`"]
pub struct S3Settings {
    bucket: String,
    endpoint: Option<String>,
    region: String,
    credentials: Option<Credentials>,
    pub(super) allows_http: bool,
    has_bucket_in_host: bool,
    pub(super) connect_timeout: Duration,
    pub(super) idle_timeout: Duration,
    pub(super) request_timeout: Duration,
    retries: usize,
    retry_timeout: Duration,
    pub(super) roots: Vec<Vec<u8>>,
}

#[derive(Clone)]
struct Credentials {
    key: String,
    secret: String,
    token: Option<String>,
}

impl S3Settings {
    /// Takes the name of a bucket, which must be there.
    pub fn new(bucket: impl Into<String>) -> Self {
        Self {
            bucket: bucket.into(),
            endpoint: None,
            region: "us-east-1".to_owned(),
            credentials: None,
            allows_http: false,
            has_bucket_in_host: false,
            connect_timeout: Duration::from_secs(5),
            idle_timeout: Duration::from_secs(30),
            request_timeout: Duration::from_secs(120),
            retries: 8,
            retry_timeout: Duration::from_secs(60),
            roots: Vec::new(),
        }
    }

    /// Sets the url of the service. Default: that of AWS for the region.
    pub fn endpoint(mut self, url: impl Into<String>) -> Self {
        self.endpoint = Some(url.into());
        self
    }

    /// Sets the region that requests are signed for. Default `us-east-1`.
    pub fn region(mut self, region: impl Into<String>) -> Self {
        self.region = region.into();
        self
    }

    /// Sets the key and its secret that requests are signed with; without, they are not signed.
    pub fn credentials(mut self, key: impl Into<String>, secret: impl Into<String>) -> Self {
        self.credentials = Some(Credentials {
            key: key.into(),
            secret: secret.into(),
            token: None,
        });
        self
    }

    /// Adds the token of a session to credentials that were set before.
    pub fn session_token(mut self, token: impl Into<String>) -> Self {
        if let Some(credentials) = &mut self.credentials {
            credentials.token = Some(token.into());
        }
        self
    }

    /// Lets requests go over HTTP without TLS, for services on the same host.
    pub fn allow_http(mut self) -> Self {
        self.allows_http = true;
        self
    }

    /// Puts the bucket into the name of the host and not into the path.
    pub fn bucket_in_host(mut self) -> Self {
        self.has_bucket_in_host = true;
        self
    }

    /// Adds a certificate, as DER, to those that are trusted; from the first on, those of the system
    /// are not.
    pub fn root_certificate(mut self, der: impl Into<Vec<u8>>) -> Self {
        self.roots.push(der.into());
        self
    }

    /// Sets how long it is waited for a connection. Default 5 seconds.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Sets how long a body may bring nothing. Default 30 seconds.
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.idle_timeout = timeout;
        self
    }

    /// Sets how long one request may take as a whole. Default 2 minutes.
    pub fn request_timeout(mut self, timeout: Duration) -> Self {
        self.request_timeout = timeout;
        self
    }

    /// Sets how often a request that failed is sent again, and until how long after the first.
    /// Default 8 times within 1 minute.
    pub fn retries(mut self, most: usize, within: Duration) -> Self {
        (self.retries, self.retry_timeout) = (most, within);
        self
    }

    /// Tests that the service takes parts of a length.
    pub(super) fn check_parts(&self, len_bytes: u64) -> Result<()> {
        if len_bytes >= PART_MIN_BYTES {
            return Ok(());
        }
        let message = format!("part_len_bytes is {len_bytes}, S3 takes {PART_MIN_BYTES} or more");
        Err(invalid(message))
    }

    /// Makes the client, and who asks for unfinished uploads where requests are signed; nothing is
    /// sent yet.
    pub(super) fn connect(&self) -> Result<(AmazonS3, Option<Unfinished>)> {
        let http = Connector::new(self)?;
        let client = self.client(http.clone())?;
        let unfinished = Unfinished::new(client.clone(), http);
        Ok((client, self.credentials.is_some().then_some(unfinished)))
    }

    fn client(&self, http: Connector) -> Result<AmazonS3> {
        let retry = RetryConfig {
            backoff: BackoffConfig {
                init_backoff: Duration::from_millis(50),
                max_backoff: Duration::from_secs(5),
                base: 2.0,
            },
            max_retries: self.retries,
            retry_timeout: self.retry_timeout,
        };
        let options = ClientOptions::new().with_allow_http(self.allows_http);
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(&self.bucket)
            .with_region(&self.region)
            .with_virtual_hosted_style_request(self.has_bucket_in_host)
            // One object a request: every service has that.
            .with_disable_bulk_delete(true)
            .with_retry(retry)
            .with_client_options(options)
            .with_http_connector(http);
        if let Some(endpoint) = &self.endpoint {
            self.check_endpoint(endpoint)?;
            builder = builder.with_endpoint(endpoint.trim_end_matches('/'));
        }
        builder = match &self.credentials {
            None => builder.with_skip_signature(true),
            Some(Credentials { key, secret, token }) => {
                let signed = builder
                    .with_access_key_id(key)
                    .with_secret_access_key(secret);
                match token {
                    Some(token) => signed.with_token(token),
                    None => signed,
                }
            }
        };
        let built = builder.build();
        built.map_err(|error| invalid(format!("bucket {}: {error}", self.bucket)))
    }

    fn check_endpoint(&self, endpoint: &str) -> Result<()> {
        let is_fit = match endpoint.split_once("://") {
            Some(("https", host)) => !host.is_empty(),
            Some(("http", host)) => self.allows_http && !host.is_empty(),
            _ => false,
        };
        if is_fit {
            return Ok(());
        }
        let schemes = match self.allows_http {
            true => "http:// or https://",
            false => "https://",
        };
        Err(invalid(format!("an endpoint must begin with {schemes}")))
    }
}

impl fmt::Debug for S3Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3Settings")
            .field("bucket", &self.bucket)
            .field("region", &self.region)
            .field("is_signed", &self.credentials.is_some())
            .field("allows_http", &self.allows_http)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorCode;

    #[test]
    fn nothing_secret_is_shown_and_plain_http_must_be_allowed() {
        let settings = S3Settings::new("b")
            .endpoint("http://u:p@h")
            .credentials("the-key", "the-secret")
            .session_token("the-token");
        let shown = format!("{settings:?}");
        assert!(!shown.contains("the-") && !shown.contains("u:p"), "{shown}");
        let refused = settings.connect().map(drop).expect_err("plain http");
        assert_eq!(refused.code(), ErrorCode::InvalidSettings);
        assert!(!refused.to_string().contains("u:p"));
        settings.clone().allow_http().connect().expect("allowed");
        settings.endpoint("https://h/").connect().expect("tls");
        for bad in ["ftp://h", "h", "https://", ""] {
            let settings = S3Settings::new("b").allow_http().endpoint(bad);
            settings.connect().map(drop).expect_err(bad);
        }
        let root = S3Settings::new("b").root_certificate(*b"none");
        assert!(root.connect().is_err());
    }
}
