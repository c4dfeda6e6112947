//! What runs on a connection: the end of a server waits for that, and for nothing else.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http_body::{Frame, SizeHint};

/// Counts what runs on a connection.
#[derive(Debug, Clone, Default)]
pub(super) struct Running(Arc<AtomicUsize>);

/// Something that runs, until it is dropped.
#[derive(Debug)]
pub(super) struct Run(Running);

impl Running {
    /// Begins something.
    pub(super) fn begin(&self) -> Run {
        self.0.fetch_add(1, Ordering::Relaxed);
        Run(self.clone())
    }

    /// Tells whether nothing runs.
    pub(super) fn is_idle(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 0
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Run {
    /// Lets a request run until its answer is taken, or dropped.
    pub(super) fn until_taken(self, answer: Response) -> Response {
        answer.map(|body| Body::new(RunningBody { body, _run: self }))
    }
}

/// The body of an answer that runs.
#[derive(Debug)]
struct RunningBody {
    body: Body,
    _run: Run,
}

impl http_body::Body for RunningBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
