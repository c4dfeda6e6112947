//! Bodies of requests: small ones read as a whole, large ones as they come; none waits for ever.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use bytes::{Bytes, BytesMut};
use futures_core::Stream;
use tokio::time::{Instant, Sleep, sleep, timeout};

use super::memory::{Held, UNIT_BYTES};
use super::metrics;
use super::site::Site;
use crate::error::{Error, ErrorCode, Result};
use crate::limits::JSON_MAX_BYTES;

/// Reads a body that is a JSON document, and takes the memory for it from what all have together,
/// unless it is short.
pub(super) async fn read(body: Body, site: &Site) -> Result<(Bytes, Option<Held>)> {
    let time = site.settings.document_time;
    let read = timeout(time, read_all(body, site)).await;
    read.unwrap_or_else(|_| {
        let message = format!("a document did not come within {} s", time.as_secs());
        Err(Error::new(ErrorCode::SourceFailed, message))
    })
}

async fn read_all(body: Body, site: &Site) -> Result<(Bytes, Option<Held>)> {
    let told = body.size_hint();
    if told.lower() > JSON_MAX_BYTES as u64 {
        return Err(too_long(told.lower()));
    }
    let most = told.upper().and_then(|len| usize::try_from(len).ok());
    let most = most.unwrap_or(JSON_MAX_BYTES).min(JSON_MAX_BYTES);
    let mut stream = std::pin::pin!(BodyStream::new(body, site.settings.body_idle));
    let (mut whole, mut memory) = (BytesMut::new(), None);
    while let Some(piece) = std::future::poll_fn(|cx| stream.as_mut().poll_next(cx)).await {
        let piece = piece.map_err(|error| {
            let message = format!("body failed at byte {}: {error}", whole.len());
            Error::new(ErrorCode::SourceFailed, message).with_source(error)
        })?;
        let len = whole.len() + piece.len();
        if len > JSON_MAX_BYTES {
            return Err(too_long(len as u64));
        }
        if len > UNIT_BYTES && memory.is_none() {
            memory = Some(site.incoming.take(most).await?);
        }
        whole.extend_from_slice(&piece);
    }
    Ok((whole.freeze(), memory))
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
    /// Bytes that came, if they are those of an image and counted.
    received_bytes: Option<u64>,
}

impl BodyStream {
    pub(super) fn new(body: Body, idle: Duration) -> Self {
        Self {
            body,
            idle,
            timer: Box::pin(sleep(idle)),
            waits: false,
            received_bytes: None,
        }
    }

    /// Counts what comes as bytes of images.
    pub(super) fn counted(mut self) -> Self {
        self.received_bytes = Some(0);
        self
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
                Some(Err(error)) => return Poll::Ready(Some(Err(failed(error)))),
                // Trailers are left alone.
                Some(Ok(frame)) => {
                    if let Ok(piece) = frame.into_data() {
                        let received = &mut this.received_bytes;
                        *received = received.map(|before| before + piece.len() as u64);
                        return Poll::Ready(Some(Ok(piece)));
                    }
                }
            }
        }
    }
}

impl Drop for BodyStream {
    fn drop(&mut self) {
        if let Some(received) = self.received_bytes {
            metrics::received(received);
        }
    }
}

/// Keeps of an error of a body whether that ended early.
fn failed(error: axum::Error) -> io::Error {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&error);
    while let Some(one) = cause {
        let ended = one.downcast_ref::<io::Error>();
        if ended.is_some_and(|it| it.kind() == io::ErrorKind::UnexpectedEof) {
            return io::Error::new(io::ErrorKind::UnexpectedEof, error);
        }
        cause = one.source();
    }
    io::Error::other(error)
}
