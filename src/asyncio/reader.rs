//! The open image, for tasks.

use std::io::{self, SeekFrom};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use futures_core::Stream;
use tokio::io::{AsyncRead, AsyncSeek, ReadBuf};

use super::slices::AsyncSlices;
use crate::error::{Error, ErrorCode, Result};
use crate::image::Image;
use crate::range::ReadRange;
use crate::read::Reader;

/// Bytes that are brought at the first read after a seek; twice as many each time it goes on.
const WINDOW_MIN_BYTES: u64 = 64 << 10;
/// Most bytes of a window.
const WINDOW_MAX_BYTES: u64 = 16 << 20;

/// An open image for tasks: any range as a [`stream`](AsyncReader::stream), and the whole as
/// `AsyncRead + AsyncSeek`.
///
/// What it reads never changes, as with [`Reader`]; made by
/// [`AsyncImages::open`](super::AsyncImages::open), or from a [`Reader`].
///
/// As `AsyncRead` it reads ahead of its caller: a little after a seek, more as reading goes on.
/// Cancel-safe: a read that is dropped has taken no bytes. Dropping the reader stops the work after
/// the slice that is being brought.
///
/// # Examples
/// ```
/// # use smalti::{Caller, ContainerFormat, DiskFormat, Engine, NewImage};
/// use std::io::SeekFrom;
/// use tokio::io::{AsyncReadExt, AsyncSeekExt};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let images = Engine::in_memory()?.images(&Caller::project("a")).asyncio();
/// # let new = NewImage::named("debian")
/// #     .disk_format(DiskFormat::Raw)
/// #     .container_format(ContainerFormat::Bare);
/// # let image = images.create(new).await?;
/// # images.upload_from(image.id(), &b"not a system"[..], Default::default()).await?;
/// let mut reader = images.open(image.id()).await?.expect("it holds data");
/// reader.seek(SeekFrom::End(-6)).await?;
/// let mut word = [0; 3];
/// reader.read_exact(&mut word).await?;
/// assert_eq!(&word, b"sys");
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct AsyncReader {
    reader: Reader,
    position: u64,
    /// Bytes at the position.
    current: Bytes,
    /// Bytes behind these.
    ahead: Option<AsyncSlices>,
    window_bytes: u64,
}

impl From<Reader> for AsyncReader {
    /// Starts at the beginning of the image.
    fn from(reader: Reader) -> Self {
        Self {
            reader,
            position: 0,
            current: Bytes::new(),
            ahead: None,
            window_bytes: WINDOW_MIN_BYTES,
        }
    }
}

impl AsyncReader {
    /// Returns the record of the image as it was when it was opened.
    pub fn image(&self) -> &Image {
        self.reader.image()
    }

    /// Returns the length of the image in bytes.
    pub fn len_bytes(&self) -> u64 {
        self.reader.len_bytes()
    }

    /// Returns the reader whose calls block.
    pub fn blocking(&self) -> &Reader {
        &self.reader
    }

    /// Returns the bytes of a range, in order, as a stream of slices that stay valid on their own,
    /// as [`Reader::slices`] does. Nothing is read before the first poll.
    ///
    /// # Errors
    /// `Unsatisfiable` if the range does not fit the image.
    pub fn stream(&self, range: impl ReadRange) -> Result<AsyncSlices> {
        let slices = self.reader.slices(range)?;
        Ok(AsyncSlices::new(self.reader.base(), slices))
    }

    /// Begins to bring the bytes of the next window.
    fn go_on(&mut self, wanted_bytes: u64) -> Result<()> {
        let window = self.window_bytes.max(wanted_bytes);
        let end = self.position.saturating_add(window).min(self.len_bytes());
        self.ahead = Some(self.stream(self.position..end)?);
        self.window_bytes = (self.window_bytes * 2).min(WINDOW_MAX_BYTES);
        Ok(())
    }
}

impl AsyncRead for AsyncReader {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        while this.current.is_empty() {
            if buf.remaining() == 0 || this.position >= this.len_bytes() {
                return Poll::Ready(Ok(()));
            }
            let Some(ahead) = &mut this.ahead else {
                this.go_on(buf.remaining() as u64)?;
                continue;
            };
            match ready!(Pin::new(ahead).poll_next(cx)) {
                Some(Ok(slice)) => this.current = slice,
                Some(Err(error)) => {
                    this.ahead = None;
                    return Poll::Ready(Err(error.into()));
                }
                None => this.ahead = None,
            }
        }
        let count = buf.remaining().min(this.current.len());
        buf.put_slice(&this.current[..count]);
        this.current.advance(count);
        this.position += count as u64;
        Poll::Ready(Ok(()))
    }
}

impl AsyncSeek for AsyncReader {
    fn start_seek(mut self: Pin<&mut Self>, to: SeekFrom) -> io::Result<()> {
        let place = match to {
            SeekFrom::Start(offset) => Some(offset),
            SeekFrom::End(by) => self.len_bytes().checked_add_signed(by),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
        };
        let place = place.ok_or_else(|| {
            let message = format!("seek to {to:?} is before the first byte or beyond 2^64");
            Error::new(ErrorCode::InvalidParameter, message)
        })?;
        if place != self.position {
            self.position = place;
            self.current = Bytes::new();
            self.ahead = None;
            self.window_bytes = WINDOW_MIN_BYTES;
        }
        Ok(())
    }

    fn poll_complete(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<u64>> {
        Poll::Ready(Ok(self.position))
    }
}
