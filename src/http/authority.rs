//! The name that a request came in under: the url of this service as its client knows it, and what
//! is refused for a name.

use std::net::IpAddr;

use hyper::header::{HOST, HeaderValue, ORIGIN};
use hyper::http::request::Parts;
use hyper::http::uri::Authority;
use hyper::{Uri, Version};

use super::refusal::Refusal;
use super::settings::HttpSettings;
use crate::error::{ErrorCode, shown};

/// Returns the url that this service is reached by, without the slash at its end.
pub(super) fn base(request: &Parts, settings: &HttpSettings) -> String {
    if let Some(endpoint) = &settings.public_endpoint {
        return endpoint.trim_end_matches('/').to_owned();
    }
    reached_by(request).unwrap_or_else(|| "http://localhost".to_owned())
}

/// Returns scheme and host that a request names. A whole url goes before the header.
fn reached_by(request: &Parts) -> Option<String> {
    let scheme = request.uri.scheme_str().unwrap_or("http");
    let header = || request.headers.get(HOST)?.to_str().ok();
    let host = request.uri.authority().map(Authority::as_str);
    let host = host.or_else(header)?.rsplit('@').next()?;
    (!host.is_empty()).then(|| format!("{scheme}://{host}"))
}
