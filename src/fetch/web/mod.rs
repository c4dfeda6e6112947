//! Downloads over HTTP and HTTPS, feature `web-download`.
//!
//! It owns requests, redirects, time limits and the reading of answers. It refuses to connect to
//! any address but those that the filter gave for the hop, to ask a proxy, to follow a redirect
//! from HTTPS to HTTP, and to send credentials or cookies; what is compressed stays so.

mod answer;
mod body;
mod pinned;
#[cfg(test)]
mod server_tests;
#[cfg(test)]
mod tests;
mod threads;
mod tls;

use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::header::{ACCEPT_ENCODING, HeaderValue, IF_RANGE, RANGE};
use reqwest::{Client, Request, Response, Url, redirect};
use tokio::time::timeout;

use crate::error::{Error, ErrorCode, Result};

use super::checked::CheckedUri;
use super::{Fetch, Fetched, Opening, UriFilter, failed, refused};
use answer::{Answer, Wanted};
use body::WebBody;
use pinned::Pinned;
use threads::Threads;
use tls::Tls;

/// Fetches from servers of the web. Clones share its thread.
///
/// A request goes to an address that the filter has given, with the name of the uri in `Host` and
/// in TLS, whose certificates are tested against the roots of the system. Answers are taken as they
/// come: nothing is decompressed. Calls block; they may be made on threads of any runtime.
///
/// # Examples
/// ```no_run
/// use std::sync::Arc;
///
/// use smalti::fetch::{FetchLimits, ResumingBody, UriFilter, UriRules, WebFetcher};
///
/// let fetcher = Arc::new(WebFetcher::builder().build()?);
/// let filter = UriFilter::new(UriRules::default());
/// let uri = "https://example.org/debian.qcow2";
/// let mut body = ResumingBody::open(fetcher, filter, uri, FetchLimits::default())?;
/// std::io::copy(&mut body, &mut std::io::sink()).expect("a download");
/// # Ok::<(), smalti::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct WebFetcher {
    threads: Arc<Threads>,
    tls: Tls,
    limits: WebFetcherBuilder,
}

/// Bounds of a [`WebFetcher`], and whom it trusts.
#[derive(Debug, Clone)]
pub struct WebFetcherBuilder {
    connect: Duration,
    idle: Duration,
    redirects: u32,
    roots: Vec<Vec<u8>>,
}

impl WebFetcherBuilder {
    /// Sets how long a connection may take to come about, TLS included; by default 10 seconds.
    #[must_use]
    pub fn connect_timeout(mut self, connect: Duration) -> Self {
        self.connect = connect;
        self
    }

    /// Sets how long a server may send nothing, before its answer and in the middle of a body; by
    /// default 30 seconds.
    #[must_use]
    pub fn idle_timeout(mut self, idle: Duration) -> Self {
        self.idle = idle;
        self
    }

    /// Sets how many redirects of one opening are followed; by default 5.
    #[must_use]
    pub fn redirects(mut self, redirects: u32) -> Self {
        self.redirects = redirects;
        self
    }

    /// Trusts a root certificate, in DER. Those of the system are not trusted then.
    #[must_use]
    pub fn root_certificate(mut self, der: impl Into<Vec<u8>>) -> Self {
        self.roots.push(der.into());
        self
    }

    /// Makes the fetcher, and starts its thread.
    ///
    /// # Errors
    /// `InvalidSettings` if a root is no certificate, `StoreUnavailable` if no thread starts.
    pub fn build(self) -> Result<WebFetcher> {
        Ok(WebFetcher {
            threads: Arc::new(Threads::start()?),
            tls: Tls::new(&self.roots)?,
            limits: self,
        })
    }
}

impl WebFetcher {
    /// Begins to make a fetcher with limits and roots of its own.
    pub fn builder() -> WebFetcherBuilder {
        WebFetcherBuilder {
            connect: Duration::from_secs(10),
            idle: Duration::from_secs(30),
            redirects: 5,
            roots: Vec::new(),
        }
    }

    /// Asks one server, and returns its answer.
    fn ask(&self, uri: &CheckedUri, wanted: &Wanted, left: Duration) -> Result<Response> {
        let client = self.client(uri)?;
        let request = request(uri, wanted)?;
        let limit = self
            .limits
            .connect
            .saturating_add(self.limits.idle)
            .min(left);
        let answer = async move { timeout(limit, client.execute(request)).await };
        let answer = self.threads.run(answer)?.map_err(|_| silent(limit))?;
        let answer = answer.map_err(|error| unavailable("the source does not answer", error))?;
        let is_pinned = |peer| uri.addresses().contains(&peer);
        match answer.remote_addr().is_some_and(is_pinned) {
            true => Ok(answer),
            false => Err(refused("an address was connected that was not checked")),
        }
    }

    /// Makes a client for one hop: it knows no other host, and keeps no connection.
    fn client(&self, uri: &CheckedUri) -> Result<Client> {
        let built = Client::builder()
            .tls_backend_preconfigured(self.tls.config(uri)?)
            .dns_resolver(Pinned::new(uri))
            .user_agent(concat!("smalti/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(self.limits.connect)
            .redirect(redirect::Policy::none())
            .no_proxy()
            .referer(false)
            .http1_only()
            .pool_max_idle_per_host(0)
            .build();
        let why = |error| Error::new(ErrorCode::Internal, "no client for http").with_source(error);
        built.map_err(why)
    }

    /// Follows redirects until a server gives data.
    fn follow(&self, opening: &Opening<'_>, begun: Instant) -> Result<Answer> {
        let wanted = Wanted::new(opening);
        let mut uri = opening.filter.check(opening.uri)?;
        for _ in 0..=self.limits.redirects {
            let left = time_left(opening, begun)?;
            let answer = Answer::new(self.ask(&uri, &wanted, left)?);
            let Some(location) = answer.redirect()? else {
                return Ok(answer);
            };
            uri = next_hop(&uri, &location, opening.filter)?;
        }
        let limit = self.limits.redirects;
        Err(failed(format!(
            "the source redirects more than {limit} times"
        )))
    }
}

impl Fetch for WebFetcher {
    fn open(&self, opening: &Opening<'_>) -> Result<Fetched> {
        let begun = Instant::now();
        let answer = self.follow(opening, begun)?;
        let content = answer.content(&Wanted::new(opening))?;
        let left = time_left(opening, begun)?;
        let threads = Arc::clone(&self.threads);
        let body = WebBody::new(threads, answer.into_response(), self.limits.idle, left);
        Ok(Fetched {
            len_bytes: content.len_bytes,
            validator: content.validator,
            starts_at: content.starts_at,
            body: Box::new(body),
        })
    }
}

/// Makes the request for data. Its url is held against what was checked, so that a reader of urls
/// with other habits cannot lead it elsewhere.
fn request(uri: &CheckedUri, wanted: &Wanted) -> Result<Request> {
    let is_same = |url: &Url| {
        url.scheme() == uri.scheme()
            && url.host_str() == Some(uri.host())
            && url.port_or_known_default() == Some(uri.port())
            && url.username().is_empty()
            && url.password().is_none()
    };
    let url = Url::parse(&uri.to_uri()).ok().filter(is_same);
    let url = url.ok_or_else(|| refused("the uri is read in more than one way"))?;
    let mut request = Request::new(reqwest::Method::GET, url);
    let headers = request.headers_mut();
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    if let Some((range, validator)) = wanted.headers() {
        let valid = |text: String| {
            let value = HeaderValue::try_from(text);
            value.map_err(|error| failed("the validator is no header").with_source(error))
        };
        headers.insert(RANGE, valid(range)?);
        headers.insert(IF_RANGE, valid(validator)?);
    }
    Ok(request)
}

/// Returns where a redirect leads, if that may be fetched.
fn next_hop(from: &CheckedUri, location: &str, filter: &UriFilter) -> Result<CheckedUri> {
    let next = filter.check(&from.join(location)).map_err(in_redirect)?;
    match (from.scheme(), next.scheme()) {
        ("https", "http") => Err(refused("a redirect leads from https to http")),
        _ => Ok(next),
    }
}

fn time_left(opening: &Opening<'_>, begun: Instant) -> Result<Duration> {
    let left = opening.time_left.checked_sub(begun.elapsed());
    let over = || {
        failed(format!(
            "the download takes longer than {:?}",
            opening.time_left
        ))
    };
    left.filter(|left| !left.is_zero()).ok_or_else(over)
}

fn in_redirect(error: Error) -> Error {
    let message = format!("in a redirect: {error}");
    Error::new(error.code(), message).with_source(error)
}

fn silent(limit: Duration) -> Error {
    let message = format!("the source is silent for {limit:?}");
    Error::new(ErrorCode::SourceUnavailable, message)
}

/// Makes the error for a connection that fails. The url is not shown: it may hold secrets.
fn unavailable(what: &str, error: reqwest::Error) -> Error {
    let error = error.without_url();
    let causes = std::iter::successors(Some(&error as &dyn std::error::Error), |e| e.source());
    let told: Vec<String> = causes.map(ToString::to_string).collect();
    let message = format!("{what}: {}", told.join(": "));
    Error::new(ErrorCode::SourceUnavailable, message).with_source(error)
}
