//! A source that is read, as a stream of pieces.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_core::Stream;
use tokio::io::{AsyncRead, ReadBuf};

/// Length of a piece, in bytes.
const PIECE_BYTES: usize = 128 << 10;

/// Yields the bytes of a source in pieces of equal length, but for the last.
pub(super) struct Pieces<'a, R> {
    source: Pin<&'a mut R>,
    piece: Vec<u8>,
    filled: usize,
    ended: bool,
}

impl<'a, R: AsyncRead> Pieces<'a, R> {
    pub(super) fn new(source: Pin<&'a mut R>) -> Self {
        Self {
            source,
            piece: Vec::new(),
            filled: 0,
            ended: false,
        }
    }

    fn take(&mut self) -> Bytes {
        let mut piece = std::mem::take(&mut self.piece);
        piece.truncate(std::mem::take(&mut self.filled));
        piece.into()
    }
}

impl<R: AsyncRead> Stream for Pieces<'_, R> {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        while !this.ended && (this.filled < PIECE_BYTES) {
            if this.piece.is_empty() {
                this.piece = vec![0; PIECE_BYTES];
            }
            let mut spare = ReadBuf::new(&mut this.piece[this.filled..]);
            if let Err(error) = ready!(this.source.as_mut().poll_read(cx, &mut spare)) {
                this.ended = true;
                this.filled = 0;
                return Poll::Ready(Some(Err(error)));
            }
            let count = spare.filled().len();
            this.filled += count;
            this.ended = count == 0;
        }
        Poll::Ready((this.filled > 0).then(|| Ok(this.take())))
    }
}
