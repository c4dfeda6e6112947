//! Bytes in: a stream on the side of the task, an `Upload` on the side of the threads.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_core::Stream;

use super::call::{Call, call};
use crate::base::Base;
use crate::engine::Images;
use crate::error::{Error, ErrorCode, Result};
use crate::image::Image;
use crate::ingest::Upload;

/// Most bytes that a thread is given at once; as many are gathered meanwhile.
const BATCH_BYTES: usize = 1 << 20;
/// Most pieces that a thread is given at once: small pieces may keep large buffers alive.
const BATCH_PIECES: usize = 128;

/// Fills from a stream what `begin` opens for it on a thread.
pub(super) async fn upload<S: Stream<Item = io::Result<Bytes>>>(
    images: &Images,
    source: Pin<&mut S>,
    begin: impl FnOnce(&Images) -> Result<Upload> + Send + 'static,
) -> Result<Image> {
    let base = Arc::clone(&images.engine().inner.base);
    let begin = {
        let (images, base) = (images.clone(), Arc::clone(&base));
        move || {
            let upload = begin(&images)?;
            Ok(Held::new(base, upload))
        }
    };
    let held = call(&base, begin).await?;
    let mut feed = Feed::new(source, held);
    let held = std::future::poll_fn(|cx| feed.poll(cx)).await?;
    let Some(error) = feed.failure else {
        return call(&base, move || held.take()?.finish()).await;
    };
    let message = format!("source failed at byte {}: {error}", feed.len_bytes);
    // The image is queued again before the caller hears of it.
    call(&base, move || held.take()?.cancel()).await?;
    Err(Error::new(ErrorCode::SourceFailed, message).with_source(error))
}

/// An upload that is dropped by a thread of the engine, wherever this is dropped.
#[derive(Debug)]
struct Held {
    base: Arc<Base>,
    upload: Option<Upload>,
}

impl Held {
    fn new(base: Arc<Base>, upload: Upload) -> Self {
        let upload = Some(upload);
        Self { base, upload }
    }

    fn take(mut self) -> Result<Upload> {
        let gone = || Error::new(ErrorCode::Internal, "the upload is held no more");
        self.upload.take().ok_or_else(gone)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(upload) = self.upload.take() {
            self.base.offload.submit(Box::new(move || drop(upload)));
        }
    }
}

/// Has a thread give pieces to an upload.
fn write(held: Held, pieces: Vec<Bytes>) -> Call<Held> {
    let base = Arc::clone(&held.base);
    call(&base, move || {
        let base = Arc::clone(&held.base);
        let mut upload = held.take()?;
        for piece in pieces {
            upload.read_from(&mut &piece[..])?;
        }
        Ok(Held::new(base, upload))
    })
}

/// The bytes on their way from a stream to an upload: one batch is gathered while another is
/// written.
struct Feed<'a, S> {
    source: Pin<&'a mut S>,
    /// What is left of a piece that was longer than its batch.
    rest: Bytes,
    batch: Vec<Bytes>,
    batch_bytes: usize,
    /// Bytes that the source has given so far.
    len_bytes: u64,
    ended: bool,
    failure: Option<io::Error>,
    /// Here, or away with `writing`.
    upload: Option<Held>,
    writing: Option<Call<Held>>,
}

impl<'a, S: Stream<Item = io::Result<Bytes>>> Feed<'a, S> {
    fn new(source: Pin<&'a mut S>, upload: Held) -> Self {
        Self {
            source,
            rest: Bytes::new(),
            batch: Vec::new(),
            batch_bytes: 0,
            len_bytes: 0,
            ended: false,
            failure: None,
            upload: Some(upload),
            writing: None,
        }
    }

    /// Moves bytes; ready with the upload when it has been given all, or when the source failed.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Held>> {
        loop {
            // First, so that a failed upload is told of while the source is silent.
            if let Some(writing) = &mut self.writing
                && let Poll::Ready(written) = Pin::new(writing).poll(cx)
            {
                self.writing = None;
                self.upload = Some(written?);
            }
            self.gather(cx);
            let Some(upload) = self.upload.take() else {
                return Poll::Pending;
            };
            if self.failure.is_some() || (self.ended && self.batch.is_empty()) {
                return Poll::Ready(Ok(upload));
            }
            if !self.ended && !self.is_full() {
                self.upload = Some(upload);
                return Poll::Pending;
            }
            self.batch_bytes = 0;
            self.writing = Some(write(upload, std::mem::take(&mut self.batch)));
        }
    }

    fn is_full(&self) -> bool {
        self.batch_bytes == BATCH_BYTES || self.batch.len() == BATCH_PIECES
    }

    /// Takes what the source has, until the batch is full or the source has nothing now.
    fn gather(&mut self, cx: &mut Context<'_>) {
        while !self.is_full() {
            if self.rest.is_empty() {
                if self.ended {
                    return;
                }
                match self.source.as_mut().poll_next(cx) {
                    Poll::Ready(Some(Ok(piece))) => {
                        self.len_bytes += piece.len() as u64;
                        self.rest = piece;
                    }
                    Poll::Ready(Some(Err(error))) => {
                        self.failure = Some(error);
                        self.ended = true;
                        return;
                    }
                    Poll::Ready(None) => {
                        self.ended = true;
                        return;
                    }
                    Poll::Pending => return,
                }
            }
            let room = (BATCH_BYTES - self.batch_bytes).min(self.rest.len());
            self.batch_bytes += room;
            // An empty piece counts as one, so that a source of nothing else cannot hold us here.
            self.batch.push(self.rest.split_to(room));
        }
    }
}
