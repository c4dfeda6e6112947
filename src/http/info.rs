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

/// Answers with a schema.
pub(super) fn schema(call: &Call, which: fn(&PrintedSchemas) -> &Bytes) -> Response {
    answer::printed(200, which(&call.site.schemas).clone())
}

#[derive(Serialize)]
struct Usage {
    usage: BTreeMap<&'static str, UsageOf>,
}

#[derive(Serialize)]
struct UsageOf {
    usage: u64,
    /// -1 for no limit.
    limit: i64,
}

/// Answers with what the project of the caller uses of its limits: nothing where it has none.
pub(super) fn usage(call: &Call) -> Result<Response, Refusal> {
    let figures = call.images.usage()?;
    let figures = figures.iter().flat_map(|usage| usage.iter());
    let usage = figures.map(|(name, figure)| {
        let limit = figure
            .limit
            .map_or(-1, |it| i64::try_from(it).unwrap_or(i64::MAX));
        let usage = figure.usage;
        (name, UsageOf { usage, limit })
    });
    let usage = usage.collect();
    Ok(answer::json(200, &Usage { usage }))
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
