//! The body of a download: slices of maps, as they are asked for.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_core::Stream;
use http_body::{Frame, SizeHint};

use super::metrics;
use crate::asyncio::AsyncSlices;
use crate::error::Error;

/// Bytes of an image as a body of known length. An error breaks the connection off, so that no
/// client takes a part for the whole (DEV-D11).
#[derive(Debug)]
pub(super) struct SlicesBody {
    slices: AsyncSlices,
    sent_bytes: u64,
}

impl SlicesBody {
    pub(super) fn new(slices: AsyncSlices) -> Self {
        Self {
            slices,
            sent_bytes: 0,
        }
    }
}

impl Drop for SlicesBody {
    fn drop(&mut self) {
        metrics::sent(self.sent_bytes);
    }
}

impl http_body::Body for SlicesBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let next = ready!(Pin::new(&mut self.slices).poll_next(cx));
        if let Some(Ok(slice)) = &next {
            self.sent_bytes += slice.len() as u64;
        }
        let told = |error: &Error| tracing::error!(?error, "download broken off");
        Poll::Ready(next.map(|slice| slice.inspect_err(told).map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.slices.remaining_bytes() == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.slices.remaining_bytes())
    }
}
