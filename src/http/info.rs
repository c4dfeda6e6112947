//! What the service says of itself: schemas, usage, health.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use serde::Serialize;

use super::answer;
use super::call::Call;
use super::refusal::Refusal;
use super::site::{PrintedSchemas, Site};
use crate::quota::Usage;

/// Answers with a schema.
pub(super) fn schema(call: &Call, which: fn(&PrintedSchemas) -> &Bytes) -> Response {
    answer::printed(200, which(&call.site.schemas).clone())
}

/// The document of what a project uses of its limits: empty where it has none.
#[derive(Debug, Serialize)]
#[must_use]
pub struct UsageDocument {
    usage: BTreeMap<&'static str, Figure>,
}

#[derive(Debug, Serialize)]
struct Figure {
    usage: u64,
    /// -1 for no limit.
    limit: i64,
}

impl UsageDocument {
    /// Makes the document.
    pub fn new(usage: Option<Usage>) -> Self {
        let figures = usage.iter().flat_map(Usage::iter).map(|(name, of)| {
            let limit = of
                .limit
                .map_or(-1, |it| i64::try_from(it).unwrap_or(i64::MAX));
            let usage = of.usage;
            (name, Figure { usage, limit })
        });
        Self {
            usage: figures.collect(),
        }
    }
}

/// Answers with what the project of the caller uses of its limits.
pub(super) fn usage(call: &Call) -> Result<Response, Refusal> {
    let usage = UsageDocument::new(call.images.usage()?);
    Ok(answer::json(200, &usage))
}

/// Answers whether the engine takes requests, in a word, and why it does not in a line.
pub(super) fn health(site: &Site) -> Response {
    let health = site.engine.health();
    let (status, text) = match &health {
        Ok(()) => (200, "OK".to_owned()),
        Err(error) => (503, format!("{}: {}", error.code().name(), error.message())),
    };
    let mut response = answer::empty(status);
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, plain);
    *response.body_mut() = Body::from(text);
    response
}
