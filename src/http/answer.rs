//! Answers: documents as JSON, and empty ones.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, HttpBody};
use axum::response::Response;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use hyper::StatusCode;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use serde::Serialize;

use super::memory::Held;
use crate::wire::ImageDocument;

/// Most bytes of a long document that the connection is given at once.
const PART_BYTES: usize = 256 << 10;

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

/// Answers with a long document, which holds its memory until the client has taken it.
pub(super) fn held(text: Bytes, held: Held) -> Response {
    let mut response = printed(200, Bytes::new());
    *response.body_mut() = Body::new(HeldBody {
        rest: text,
        _held: held,
    });
    response
}

/// A document and its memory.
struct HeldBody {
    rest: Bytes,
    _held: Held,
}

impl HttpBody for HeldBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        // In parts, so that this lives as long as there is one to come.
        let part = self.rest.len().min(PART_BYTES);
        let part = self.rest.split_to(part);
        Poll::Ready((!part.is_empty()).then_some(Ok(Frame::data(part))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest.len() as u64)
    }
}

/// Answers without a body.
pub(super) fn empty(status: u16) -> Response {
    let mut response = Response::new(Body::empty());
    let status = StatusCode::from_u16(status);
    *response.status_mut() = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response
}
