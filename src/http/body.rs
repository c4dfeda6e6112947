//! Bodies of requests: small ones read as a whole, large ones as they come; none waits for ever.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use bytes::{Bytes, BytesMut};
use futures_core::Stream;
use tokio::time::{Instant, Sleep, sleep};

use crate::error::{Error, ErrorCode, Result};
use crate::limits::JSON_MAX_BYTES;

/// Bodies longer than this are read into a buffer that grows as they come.
const FIRST_BYTES: usize = 64 << 10;

/// Reads a body that is a JSON document.
pub(super) async fn read(body: Body, idle: Duration) -> Result<Bytes> {
    let told = body.size_hint().lower();
    if told > JSON_MAX_BYTES as u64 {
        return Err(too_long(told));
    }
    let mut stream = std::pin::pin!(BodyStream::new(body, idle));
    let mut first = Bytes::new();
    let mut whole = BytesMut::new();
    while let Some(piece) = std::future::poll_fn(|cx| stream.as_mut().poll_next(cx)).await {
        let piece = piece.map_err(|error| {
            let message = format!("body failed at byte {}: {error}", first.len() + whole.len());
            Error::new(ErrorCode::SourceFailed, message).with_source(error)
        })?;
        if first.is_empty() && whole.is_empty() {
            first = piece;
            continue;
        }
        if whole.is_empty() {
            whole.reserve(FIRST_BYTES);
            whole.extend_from_slice(&std::mem::take(&mut first));
        }
        if whole.len() + piece.len() > JSON_MAX_BYTES {
            return Err(too_long((whole.len() + piece.len()) as u64));
        }
        whole.extend_from_slice(&piece);
    }
    Ok(if whole.is_empty() {
        first
    } else {
        whole.freeze()
    })
}

fn too_long(len_bytes: u64) -> Error {
    let message = format!("body is {len_bytes} bytes or more, limit {JSON_MAX_BYTES}");
    Error::new(ErrorCode::MalformedJson, message)
}

/// The pieces of a body. Fails when it brings nothing for too long.
pub(super) struct BodyStream {
    body: Body,
    idle: Duration,
    timer: Pin<Box<Sleep>>,
    /// Whether the timer counts from when the body was last waited for.
    waits: bool,
}

impl BodyStream {
    pub(super) fn new(body: Body, idle: Duration) -> Self {
        Self {
            body,
            idle,
            timer: Box::pin(sleep(idle)),
            waits: false,
        }
    }

    /// Tells whether the body has brought nothing for too long.
    fn poll_idle(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        if !self.waits {
            self.waits = true;
            self.timer.as_mut().reset(Instant::now() + self.idle);
        }
        ready!(self.timer.as_mut().poll(cx));
        let message = format!("nothing came for {} s", self.idle.as_secs());
        Poll::Ready(io::Error::new(io::ErrorKind::TimedOut, message))
    }
}

impl Stream for BodyStream {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(cx) else {
                return this.poll_idle(cx).map(|error| Some(Err(error)));
            };
            this.waits = false;
            match frame {
                None => return Poll::Ready(None),
                Some(Err(error)) => return Poll::Ready(Some(Err(io::Error::other(error)))),
                // Trailers are left alone.
                Some(Ok(frame)) => {
                    if let Ok(piece) = frame.into_data() {
                        return Poll::Ready(Some(Ok(piece)));
                    }
                }
            }
        }
    }
}
