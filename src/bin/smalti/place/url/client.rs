//! The connection to a server: requests with the headers of the caller, answers within bounds.

use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RANGE};
use reqwest::{Method, RequestBuilder, Response, Url, redirect};
use serde_json::Value;
use smalti::{ByteRange, Bytes};
use tokio::runtime::Runtime;
use tokio::time::timeout;

use super::answer::{self, silent};
use crate::fault::{Fault, Outcome};

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(10);
/// Longest answer that is no image, in bytes: a page of a list with full records fits.
const ANSWER_MAX_BYTES: usize = 256 << 20;

/// Talks to one server. Connections are kept and used again; threads may share it.
#[derive(Debug)]
pub(super) struct Client {
    runtime: Runtime,
    http: reqwest::Client,
    base: Url,
    idle: Duration,
}

/// The body of a request.
#[derive(Debug)]
pub(super) struct Sent {
    media_type: &'static str,
    body: String,
}

impl Sent {
    /// Makes a body.
    pub(super) fn new(media_type: &'static str, body: String) -> Self {
        Self { media_type, body }
    }
}

/// The whole body of an answer that tells of success.
#[derive(Debug)]
pub(super) struct Answered(Vec<u8>);

impl Answered {
    /// Reads the body as JSON.
    pub(super) fn json(&self) -> Outcome<Value> {
        serde_json::from_slice(&self.0).map_err(|e| crate::place::known::strange("anything", &e))
    }
}

/// Chooses who computes for TLS, where another feature builds the client with it: it makes none
/// without. That one was chosen before is as well.
fn choose_provider() {
    #[cfg(any(feature = "s3", feature = "web-download"))]
    drop(rustls::crypto::ring::default_provider().install_default());
}

impl Client {
    /// Makes a client; nothing is sent yet.
    pub(super) fn new(url: &str, headers: &[(String, String)], idle: Duration) -> Outcome<Self> {
        choose_provider();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(|error| Fault::io("start threads", &error))?;
        let http = reqwest::Client::builder()
            .user_agent(concat!("smalti/", env!("CARGO_PKG_VERSION")))
            .default_headers(header_map(headers)?)
            .connect_timeout(CONNECT)
            .redirect(redirect::Policy::none())
            .no_proxy()
            .build()
            .map_err(|error| answer::failed(url, &error))?;
        Ok(Self {
            runtime,
            http,
            base: base(url)?,
            idle,
        })
    }

    /// Returns how long the server may do nothing.
    pub(super) fn idle(&self) -> Duration {
        self.idle
    }

    /// Returns where futures run.
    pub(super) fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// Begins a request to a path below `/v2`.
    pub(super) fn request(&self, method: Method, path: &[&str]) -> Outcome<RequestBuilder> {
        Ok(self.http.request(method, below(&self.base, path)?))
    }

    /// Makes a fault of one of the client library.
    pub(super) fn failed(&self, error: &reqwest::Error) -> Fault {
        answer::failed(self.base.as_str(), error)
    }

    /// Sends a request and returns the body of the answer.
    ///
    /// # Errors
    /// What the server says; where it cannot be reached, or is silent for too long.
    pub(super) fn call(
        &self,
        method: Method,
        path: &[&str],
        query: Option<&str>,
        body: Option<Sent>,
    ) -> Outcome<Answered> {
        let mut request = self.http.request(method, {
            let mut url = below(&self.base, path)?;
            url.set_query(query.filter(|query| !query.is_empty()));
            url
        });
        if let Some(Sent { media_type, body }) = body {
            request = request.header(CONTENT_TYPE, media_type).body(body);
        }
        let mut response = self.send(request)?;
        let mut whole = Vec::new();
        while let Some(bytes) = self.chunk(&mut response)? {
            if whole.len() + bytes.len() > ANSWER_MAX_BYTES {
                return Err(answer::too_long(ANSWER_MAX_BYTES));
            }
            whole.extend_from_slice(&bytes);
        }
        Ok(Answered(whole))
    }

    /// Begins to read data.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub(super) fn open(&self, path: &[&str], range: Option<ByteRange>) -> Outcome<Data> {
        let mut request = self.request(Method::GET, path)?;
        if let Some(range) = range {
            request = request.header(RANGE, range.to_string());
        }
        let response = self.send(request)?;
        if range.is_some() && response.status().as_u16() == 200 {
            return Err(answer::range_ignored());
        }
        Ok(Data(response))
    }

    /// Waits for something of the server, but not for longer than that.
    ///
    /// # Errors
    /// If it takes longer.
    pub(super) fn wait<T>(&self, longest: Duration, work: impl Future<Output = T>) -> Outcome<T> {
        let waited = async { timeout(longest, work).await };
        self.runtime.block_on(waited).map_err(|_| silent(longest))
    }

    /// Sends a request, and tells an answer of success from all others.
    pub(super) fn send(&self, request: RequestBuilder) -> Outcome<Response> {
        let response = self.wait(self.idle, request.send())?;
        self.accept(response.map_err(|error| self.failed(&error))?)
    }

    /// Tells an answer of success from all others.
    pub(super) fn accept(&self, mut response: Response) -> Outcome<Response> {
        if response.status().is_success() {
            return Ok(response);
        }
        let mut body = Vec::new();
        while body.len() < answer::REASON_MAX_BYTES {
            match self.chunk(&mut response) {
                Ok(Some(bytes)) => body.extend_from_slice(&bytes),
                // The status is known, and tells more than a connection that broke behind it.
                Ok(None) | Err(_) => break,
            }
        }
        Err(answer::refused(
            response.status(),
            response.headers(),
            &body,
        ))
    }

    fn chunk(&self, response: &mut Response) -> Outcome<Option<Bytes>> {
        let chunk = self.wait(self.idle, response.chunk())?;
        chunk.map_err(|error| self.failed(&error))
    }
}

/// Data that comes in.
#[derive(Debug)]
pub(super) struct Data(Response);

impl Data {
    /// Returns how many bytes come; nothing where there is no data.
    ///
    /// # Errors
    /// If the server does not say.
    pub(super) fn len_bytes(&self) -> Outcome<Option<u64>> {
        match (self.0.status().as_u16(), self.0.content_length()) {
            (204, _) => Ok(None),
            (_, Some(len)) => Ok(Some(len)),
            (_, None) => Err(answer::without_length()),
        }
    }

    /// Returns the next bytes; nothing at the end.
    pub(super) fn next_bytes(&mut self, client: &Client) -> Outcome<Option<Bytes>> {
        client.chunk(&mut self.0)
    }
}

fn base(text: &str) -> Outcome<Url> {
    let bad = |why: &str| Fault::usage(format!("place {text:?} is no url: {why}"));
    let hint = "write http://HOST:PORT";
    let mut url: Url = text
        .parse()
        .map_err(|_| bad("it cannot be read").with_hint(hint))?;
    if url.host_str().is_none() || url.cannot_be_a_base() {
        return Err(bad("it has no host").with_hint(hint));
    }
    if url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() {
        return Err(bad("it has more than host, port and path").with_hint(hint));
    }
    let path = url.path().trim_end_matches('/');
    let path = path.strip_suffix("/v2").unwrap_or(path).to_owned();
    url.set_path(&path);
    Ok(url)
}

fn below(base: &Url, path: &[&str]) -> Outcome<Url> {
    if let Some(dots) = path.iter().find(|part| [".", "..", ""].contains(part)) {
        let message = format!("{dots:?} cannot stand in the path of a url");
        return Err(Fault::usage(message).with_hint("work on the directory itself"));
    }
    let mut url = base.clone();
    match url.path_segments_mut() {
        Ok(mut parts) => drop(parts.pop_if_empty().push("v2").extend(path)),
        Err(()) => return Err(Fault::usage("the place has no path")),
    }
    Ok(url)
}

fn header_map(headers: &[(String, String)]) -> Outcome<HeaderMap> {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        let name = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| Fault::usage(format!("header name {name:?} is not one of HTTP")))?;
        let value = HeaderValue::from_str(value).map_err(|_| {
            Fault::usage(format!(
                "value of header {name} holds what HTTP does not send"
            ))
        })?;
        map.append(name, value);
    }
    Ok(map)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stand_below_the_version_whatever_the_url_ends_in() {
        for text in [
            "http://h:1",
            "http://h:1/",
            "http://h:1/v2",
            "http://h:1/v2/",
        ] {
            let url = below(&base(text).unwrap(), &["images", "a/b c"]).unwrap();
            assert_eq!(url.as_str(), "http://h:1/v2/images/a%2Fb%20c", "{text}");
        }
        let url = below(&base("http://h/image/").unwrap(), &["images"]).unwrap();
        assert_eq!(url.as_str(), "http://h/image/v2/images");
    }

    #[test]
    fn what_is_no_url_of_a_server_is_refused() {
        for text in [
            "http://",
            "http://h:1?a=b",
            "http://u@h",
            "http://h#f",
            "http://h:x",
        ] {
            assert!(base(text).is_err(), "{text}");
        }
        let base = base("http://h").unwrap();
        for part in [".", "..", ""] {
            assert!(below(&base, &["images", part]).is_err(), "{part}");
        }
    }

    #[test]
    fn headers_that_http_does_not_send_are_named() {
        let one = |name: &str, value: &str| header_map(&[(name.to_owned(), value.to_owned())]);
        assert!(one("X-A", "b").is_ok());
        assert!(one("X A", "b").unwrap_err().to_string().contains("\"X A\""));
        assert!(one("X-A", "b\n").unwrap_err().to_string().contains("x-a"));
    }
}
