//! The stream over a range.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_core::Stream;

use super::call::{Call, call};
use crate::base::Base;
use crate::error::{Error, Result};
use crate::read::Slices;

/// A thread brings slices until it has so many bytes,
const TURN_BYTES: usize = 1 << 20;
/// or so many slices.
const TURN_SLICES: usize = 64;

/// The bytes of a range, in order, as a stream of slices. Ends after the first error.
///
/// Proving, reading and page faults happen on threads of the engine, a turn ahead of the caller:
/// at most about 2 MiB, which are maps and not memory unless the reader copies. Slices that are in
/// memory and proved are handed out where they are polled. Slices are 1 MiB at most. A stream that is
/// not polled holds no thread. Cancel-safe: no slice is lost with a dropped
/// [`poll_next`](Stream::poll_next). Dropping the stream stops the work after the slice that is
/// being brought.
///
/// # Examples
/// ```
/// # use smalti::{Caller, ContainerFormat, DiskFormat, Engine, NewImage};
/// # use std::pin::Pin;
/// # use std::future::poll_fn;
/// use futures_core::Stream;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let images = Engine::in_memory()?.images(&Caller::project("a")).asyncio();
/// # let new = NewImage::named("debian")
/// #     .disk_format(DiskFormat::Raw)
/// #     .container_format(ContainerFormat::Bare);
/// # let image = images.create(new).await?;
/// # images.upload_from(image.id(), &b"not a system"[..], Default::default()).await?;
/// let reader = images.open(image.id()).await?.expect("it holds data");
/// let mut stream = reader.stream(6..12)?;
/// // Most hosts have `StreamExt::next` for this.
/// while let Some(slice) = poll_fn(|cx| Pin::new(&mut stream).poll_next(cx)).await {
///     assert_eq!(slice?, "system");
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "streams do nothing unless polled"]
pub struct AsyncSlices {
    base: Arc<Base>,
    /// Here, or away with `coming`; gone when nothing is to come.
    slices: Option<Slices>,
    coming: Option<Call<Turn>>,
    ready: VecDeque<Bytes>,
    failure: Option<Error>,
    remaining_bytes: u64,
}

/// What a thread has brought.
#[derive(Debug)]
struct Turn {
    slices: Slices,
    found: VecDeque<Bytes>,
    failure: Option<Error>,
}

impl Turn {
    fn take(mut slices: Slices) -> Self {
        let (mut found, mut len_bytes, mut failure) = (VecDeque::new(), 0, None);
        while len_bytes < TURN_BYTES && found.len() < TURN_SLICES {
            match slices.next_slice() {
                Ok(Some(slice)) => {
                    len_bytes += slice.len();
                    found.push_back(slice);
                }
                Ok(None) => break,
                Err(error) => {
                    failure = Some(error);
                    break;
                }
            }
        }
        Self {
            slices,
            found,
            failure,
        }
    }
}

impl AsyncSlices {
    pub(super) fn new(base: &Arc<Base>, slices: Slices) -> Self {
        let remaining_bytes = slices.remaining_bytes();
        Self {
            base: Arc::clone(base),
            slices: Some(slices.resident()),
            coming: None,
            ready: VecDeque::new(),
            failure: None,
            remaining_bytes,
        }
    }

    /// Returns the number of bytes that are still to come.
    pub fn remaining_bytes(&self) -> u64 {
        self.remaining_bytes
    }

    /// Returns the same stream with errors of `std::io`, as bodies and uploads take them.
    pub fn into_io(self) -> impl Stream<Item = io::Result<Bytes>> + Send + Unpin {
        IoSlices(self)
    }

    /// Takes the next slice here, if it is in memory and proved: a hop to a thread would take
    /// longer.
    fn take_at_hand(&mut self) -> Option<Result<Bytes>> {
        let slices = self.slices.as_mut()?;
        if slices.remaining_bytes() == 0 || !slices.is_at_hand() {
            return None;
        }
        let slice = slices.next_slice().transpose()?;
        let len_bytes = slice
            .as_ref()
            .map_or(self.remaining_bytes, |it| it.len() as u64);
        self.remaining_bytes -= len_bytes;
        Some(slice)
    }

    fn is_at_hand(&mut self) -> bool {
        self.slices.as_mut().is_some_and(Slices::is_at_hand)
    }

    /// Has a thread bring the next slices, unless one does or there are none.
    fn go_on(&mut self) {
        if self.coming.is_none()
            && let Some(slices) = self.slices.take().filter(|s| s.remaining_bytes() > 0)
        {
            self.coming = Some(call(&self.base, move || Ok(Turn::take(slices))));
        }
    }
}

impl Stream for AsyncSlices {
    type Item = Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            if let Some(slice) = this.ready.pop_front() {
                this.remaining_bytes -= slice.len() as u64;
                if this.ready.is_empty() && !this.is_at_hand() {
                    // While the caller is busy with the last one.
                    this.go_on();
                }
                return Poll::Ready(Some(Ok(slice)));
            }
            if let Some(error) = this.failure.take() {
                this.remaining_bytes = 0;
                return Poll::Ready(Some(Err(error)));
            }
            if this.coming.is_none()
                && let Some(slice) = this.take_at_hand()
            {
                return Poll::Ready(Some(slice));
            }
            this.go_on();
            let Some(coming) = &mut this.coming else {
                return Poll::Ready(None);
            };
            let turn = ready!(Pin::new(coming).poll(cx));
            this.coming = None;
            match turn {
                Ok(turn) => {
                    this.slices = Some(turn.slices);
                    (this.ready, this.failure) = (turn.found, turn.failure);
                }
                Err(error) => this.failure = Some(error),
            }
        }
    }
}

struct IoSlices(AsyncSlices);

impl Stream for IoSlices {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = Pin::new(&mut self.0).poll_next(cx);
        next.map(|slice| slice.map(|slice| slice.map_err(io::Error::from)))
    }
}
