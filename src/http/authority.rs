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

/// Refuses a request that names its host more than once, by what is no name, or in HTTP/1.1 not at
/// all (RFC 9112, 3.2).
pub(super) fn check(request: &Parts) -> Result<(), Refusal> {
    let mut hosts = request.headers.get_all(HOST).iter();
    let must_have = request.version == Version::HTTP_11;
    match (hosts.next(), hosts.next()) {
        (Some(_), Some(_)) => Err(malformed("header host stands more than once".to_owned())),
        (Some(host), None) if !is_host(host) => {
            let shown = shown(&String::from_utf8_lossy(host.as_bytes()));
            Err(malformed(format!(
                "header host is {shown:?}, which is no host"
            )))
        }
        (None, _) if must_have => Err(malformed("a request has no header host".to_owned())),
        _ => Ok(()),
    }
}

fn malformed(message: String) -> Refusal {
    Refusal::new(ErrorCode::InvalidParameter, message)
}

fn is_host(value: &HeaderValue) -> bool {
    let is_name = |text: &str| text.parse::<Authority>().is_ok() && !text.contains('@');
    value.is_empty() || value.to_str().is_ok_and(is_name)
}

/// Refuses what a page of another site may have sent through the browser of the user whose service
/// this is: a request that tells of such a page, and one by a name that any site may give to this
/// machine (DNS rebinding). Nobody but the browser stands between such a page and the images of a
/// single user.
pub(super) fn check_own(request: &Parts, settings: &HttpSettings) -> Result<(), Refusal> {
    let public = settings.public_endpoint.as_deref().and_then(Site::of);
    let header = request.headers.get(HOST).map(HeaderValue::as_bytes);
    let header = header.map(String::from_utf8_lossy);
    let target = request.uri.authority().map(Authority::as_str);
    for name in target.into_iter().chain(header.as_deref()) {
        if !is_own(name, public.as_ref()) {
            let shown = shown(name);
            return Err(foreign(format!(
                "host {shown:?} is neither an IP address nor localhost, so it may be any site's name \
                 for this machine; a single user sets public_endpoint to use another name"
            )));
        }
    }
    let own = reached_by(request).as_deref().and_then(Site::of);
    for origin in request.headers.get_all(ORIGIN) {
        let site = origin.to_str().ok().and_then(Site::of);
        if site.is_none() || (site != own && site != public) {
            let shown = shown(&String::from_utf8_lossy(origin.as_bytes()));
            return Err(foreign(format!(
                "a page of {shown:?} may not use the service of a single user"
            )));
        }
    }
    Ok(())
}

fn foreign(message: String) -> Refusal {
    Refusal::new(ErrorCode::Forbidden, message)
}

/// Tells whether no other site can have given this name to this machine. None at all is that of no
/// browser.
fn is_own(name: &str, public: Option<&Site>) -> bool {
    let Ok(name) = name.parse::<Authority>() else {
        return name.is_empty();
    };
    let host = name.host().to_ascii_lowercase();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    address.parse::<IpAddr>().is_ok()
        || host == "localhost"
        || public.is_some_and(|site| site.host == host)
}

/// What browsers keep apart: scheme, host and port.
#[derive(Debug, PartialEq, Eq)]
struct Site {
    scheme: String,
    host: String,
    port: u16,
}

impl Site {
    fn of(url: &str) -> Option<Self> {
        let url: Uri = url.parse().ok()?;
        let scheme = url.scheme_str()?.to_ascii_lowercase();
        let usual = if scheme == "https" { 443 } else { 80 };
        Some(Self {
            host: url.host()?.to_ascii_lowercase(),
            port: url.port_u16().unwrap_or(usual),
            scheme,
        })
    }
}
