//! The body of a download: slices of maps, as they are asked for.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_core::Stream;
use http_body::{Frame, SizeHint};

use crate::asyncio::AsyncSlices;
use crate::error::Error;

/// Bytes of an image as a body of known length. An error breaks the connection off, so that no
/// client takes a part for the whole (DEV-D11).
#[derive(Debug)]
pub(super) struct SlicesBody(AsyncSlices);

impl SlicesBody {
    pub(super) fn new(slices: AsyncSlices) -> Self {
        Self(slices)
    }
}

impl http_body::Body for SlicesBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let next = Pin::new(&mut self.0).poll_next(cx);
        next.map(|slice| {
            slice.map(|slice| {
                let slice =
                    slice.inspect_err(|error| tracing::error!(?error, "download broken off"));
                slice.map(Frame::data)
            })
        })
    }

    fn is_end_stream(&self) -> bool {
        self.0.remaining_bytes() == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.remaining_bytes())
    }
}
