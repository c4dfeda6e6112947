//! The body of an answer, read by a thread that blocks.
//!
//! It owns one piece ahead: the next is fetched while the caller has the last. It refuses to wait
//! longer than the limits say.

use std::fmt;
use std::io::{self, Read};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Buf, Bytes};
use reqwest::Response;
use tokio::time::timeout;

use crate::error::Result;
use crate::fetch::failed;

use super::threads::{Pending, Threads};
use super::{silent, unavailable};

/// A body that is being read.
pub(super) struct WebBody {
    threads: Arc<Threads>,
    /// The piece on its way, or nothing at the end and after an error.
    next: Option<Pending<Piece>>,
    now: Bytes,
    idle: Duration,
    total: Duration,
    begun: Instant,
}

/// A piece, or the end, and the answer to read on from.
type Piece = (Result<Option<Bytes>>, Response);

impl WebBody {
    /// Reads the body of `answer`: each piece within `idle`, all within `total`.
    pub(super) fn new(
        threads: Arc<Threads>,
        answer: Response,
        idle: Duration,
        total: Duration,
    ) -> Self {
        let mut body = Self {
            threads,
            next: None,
            now: Bytes::new(),
            idle,
            total,
            begun: Instant::now(),
        };
        body.send_for_next(answer);
        body
    }

    fn send_for_next(&mut self, mut answer: Response) {
        let left = self.total.saturating_sub(self.begun.elapsed());
        let (limit, is_last) = (self.idle.min(left), left < self.idle);
        let work = async move {
            let piece = match timeout(limit, answer.chunk()).await {
                Ok(piece) => piece.map_err(|error| unavailable("the connection breaks", error)),
                Err(_) if is_last => Err(failed("the download takes longer than it may")),
                Err(_) => Err(silent(limit)),
            };
            (piece, answer)
        };
        self.next = Some(self.threads.spawn(work));
    }

    /// Waits for the next piece; an empty one is the end.
    fn piece(&mut self) -> Result<Bytes> {
        let Some(pending) = self.next.take() else {
            return Ok(Bytes::new());
        };
        let (piece, answer) = pending.wait()?;
        let piece = piece?;
        if piece.is_some() {
            self.send_for_next(answer);
        }
        Ok(piece.unwrap_or_default())
    }
}

impl Read for WebBody {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while self.now.is_empty() && self.next.is_some() {
            self.now = self.piece()?;
        }
        let count = buf.len().min(self.now.len());
        self.now.copy_to_slice(&mut buf[..count]);
        Ok(count)
    }
}

impl fmt::Debug for WebBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebBody").finish_non_exhaustive()
    }
}
