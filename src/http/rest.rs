//! What is left of the body of a request when it is answered.
//!
//! A connection whose request was not read to its end is closed after the answer, which must say so:
//! a client would send its next request into the void.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use http_body::{Frame, SizeHint};

/// Tells whether a body was read to its end.
#[derive(Debug)]
pub(super) struct Rest(Option<Arc<AtomicBool>>);

impl Rest {
    /// Returns a body, and what tells of it later.
    pub(super) fn of(body: Body) -> (Body, Self) {
        if body.is_end_stream() {
            return (body, Self(None));
        }
        let ended = Arc::new(AtomicBool::new(false));
        let watched = Watched {
            body,
            ended: ended.clone(),
        };
        (Body::new(watched), Self(Some(ended)))
    }

    /// Tells whether there is any.
    pub(super) fn is_left(&self) -> bool {
        let ended = self.0.as_ref();
        ended.is_some_and(|ended| !ended.load(Ordering::Relaxed))
    }
}

/// A body that notes its end.
#[derive(Debug)]
struct Watched {
    body: Body,
    ended: Arc<AtomicBool>,
}

impl http_body::Body for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        if matches!(polled, Poll::Ready(None)) || self.body.is_end_stream() {
            self.ended.store(true, Ordering::Relaxed);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
