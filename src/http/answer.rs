//! Answers: documents as JSON, and empty ones.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::response::Response;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use hyper::StatusCode;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use serde::Serialize;
use tokio::task::AbortHandle;

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

/// Prints the document of an image.
pub(super) fn image(document: &ImageDocument<'_>) -> String {
    let mut text = String::with_capacity(1024);
    document.print(&mut text);
    text
}

/// Answers with a document that is printed already.
pub(super) fn printed(status: u16, text: Bytes) -> Response {
    let mut response = empty(status);
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    *response.body_mut() = Body::from(text);
    response
}

/// Answers with a long document, which holds its memory until the client has taken it, or for a
/// time.
pub(super) fn held(status: u16, text: Bytes, held: Held, time: Duration) -> Response {
    let mut response = printed(status, Bytes::new());
    let rest = text.len();
    let document = Arc::new(Mutex::new(Some((text, held))));
    // One that is given away at once needs no end.
    let end = (rest > PART_BYTES).then(|| {
        let late = Arc::clone(&document);
        let end = tokio::spawn(async move {
            tokio::time::sleep(time).await;
            // The connection is broken off when it comes for more.
            drop(lock(&late).take());
        });
        end.abort_handle()
    });
    *response.body_mut() = Body::new(HeldBody {
        rest,
        document,
        end,
    });
    response
}

/// A document and its memory, until its time is over.
type Document = Mutex<Option<(Bytes, Held)>>;

fn lock(document: &Document) -> MutexGuard<'_, Option<(Bytes, Held)>> {
    document.lock().unwrap_or_else(PoisonError::into_inner)
}

struct HeldBody {
    /// Bytes to come.
    rest: usize,
    document: Arc<Document>,
    /// Ends the document when its time is over.
    end: Option<AbortHandle>,
}

impl Drop for HeldBody {
    fn drop(&mut self) {
        if let Some(end) = &self.end {
            end.abort();
        }
    }
}

impl HttpBody for HeldBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if self.rest == 0 {
            return Poll::Ready(None);
        }
        let part = match &mut *lock(&self.document) {
            None => Err(io::Error::from(io::ErrorKind::TimedOut)),
            Some((text, _)) if text.len() <= PART_BYTES => Ok(std::mem::take(text)),
            // Copied, so that what the connection has keeps nothing of the rest.
            Some((text, _)) => Ok(Bytes::copy_from_slice(&text.split_to(PART_BYTES))),
        };
        self.rest -= part.as_ref().map_or(self.rest, Bytes::len);
        Poll::Ready(Some(part.map(Frame::data)))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest as u64)
    }
}

/// Answers without a body.
pub(super) fn empty(status: u16) -> Response {
    let mut response = Response::new(Body::empty());
    let status = StatusCode::from_u16(status);
    *response.status_mut() = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response
}
