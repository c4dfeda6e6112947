//! Answers: documents as JSON, and empty ones.

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use serde::Serialize;

use crate::wire::ImageDocument;

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Prints a document.
pub(super) fn print(document: &impl Serialize) -> Bytes {
    let mut text = Vec::with_capacity(1024);
    serde_json::to_writer(&mut text, document).expect("documents are texts and numbers");
    text.into()
}

/// Answers with a document.
pub(super) fn json(status: u16, document: &impl Serialize) -> Response {
    printed(status, print(document))
}

/// Answers with the document of an image.
pub(super) fn image(status: u16, document: &ImageDocument<'_>) -> Response {
    let mut text = String::with_capacity(1024);
    document.print(&mut text);
    printed(status, text.into())
}

/// Answers with a document that is printed already.
pub(super) fn printed(status: u16, text: Bytes) -> Response {
    let mut response = empty(status);
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    *response.body_mut() = Body::from(text);
    response
}

/// Answers without a body.
pub(super) fn empty(status: u16) -> Response {
    let mut response = Response::new(Body::empty());
    let status = StatusCode::from_u16(status);
    *response.status_mut() = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response
}
