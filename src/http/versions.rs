//! The document of the versions that are offered.

use axum::response::Response;
use hyper::http::request::Parts;
use serde::Serialize;

use super::site::Site;
use super::{answer, authority};

#[derive(Serialize)]
struct Versions {
    versions: Vec<Version>,
}

#[derive(Serialize)]
struct Version {
    id: String,
    status: &'static str,
    links: [Link; 1],
}

#[derive(Serialize)]
struct Link {
    rel: &'static str,
    href: String,
}

/// Answers with the versions, newest first, as seen from where the request came in.
pub(super) fn list(status: u16, request: &Parts, site: &Site) -> Response {
    let base = authority::base(request, &site.settings);
    let version = |(at, minor): (usize, &u8)| Version {
        id: format!("v2.{minor}"),
        status: if at == 0 { "CURRENT" } else { "SUPPORTED" },
        links: [Link {
            rel: "self",
            href: format!("{base}/v2/"),
        }],
    };
    let versions = site.versions.iter().enumerate().map(version).collect();
    answer::json(status, &Versions { versions })
}
