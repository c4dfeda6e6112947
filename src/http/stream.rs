//! A connection that neither waits for ever for a client that takes nothing, nor is reset under an
//! answer that came before the end of its request.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, Sleep, sleep};

use super::running::{Run, Running};

/// What is read at once of a request that was answered already, in bytes.
const DRAIN_BYTES: usize = 64 << 10;
/// How long at most a client is waited for once the server ends.
pub(super) const LAST_LINGER: Duration = Duration::from_secs(1);

/// A connection with a guard on its writes and on its end.
#[derive(Debug)]
pub(super) struct GuardedStream {
    stream: TcpStream,
    write_timeout: Duration,
    /// Runs while a write waits.
    stalled: Option<(Pin<Box<Sleep>>, Run)>,
    running: Running,
    linger: Duration,
    /// Changes when the server ends.
    stopped: watch::Receiver<()>,
    closing: Closing,
}

#[derive(Debug)]
enum Closing {
    Open,
    /// What still comes is dropped until the client has ended too, or for so long.
    Draining(Drain),
    Done,
}

struct Drain {
    timer: Pin<Box<Sleep>>,
    /// Ready when the server ends; taken then.
    stopped: Option<Stopped>,
    buffer: Box<[u8]>,
}

type Stopped = Pin<Box<dyn Future<Output = ()> + Send>>;

impl fmt::Debug for Drain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut drain = f.debug_struct("Drain");
        drain.field("timer", &self.timer).finish_non_exhaustive()
    }
}

impl Drain {
    fn new(linger: Duration, mut stopped: watch::Receiver<()>) -> Self {
        let stopped = async move {
            // The end of the sender is that of the server, too.
            let _ = stopped.changed().await;
        };
        Self {
            timer: Box::pin(sleep(linger)),
            stopped: Some(Box::pin(stopped)),
            buffer: vec![0; DRAIN_BYTES].into(),
        }
    }

    /// Tells whether the client has been waited for long enough. The end of the server does not wait
    /// for clients that are idle and stay.
    fn poll_over(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let stopped = self.stopped.as_mut();
        if stopped.is_some_and(|stopped| stopped.as_mut().poll(cx).is_ready()) {
            self.stopped = None;
            let last = Instant::now() + LAST_LINGER;
            let deadline = self.timer.deadline().min(last);
            self.timer.as_mut().reset(deadline);
        }
        self.timer.as_mut().poll(cx)
    }
}

impl GuardedStream {
    pub(super) fn new(
        stream: TcpStream,
        write_timeout: Duration,
        linger: Duration,
        stopped: watch::Receiver<()>,
        running: Running,
    ) -> Self {
        Self {
            stream,
            write_timeout,
            stalled: None,
            running,
            linger,
            stopped,
            closing: Closing::Open,
        }
    }

    /// Passes on what a write has come to; one that waits too long fails.
    fn guard<T>(
        &mut self,
        written: Poll<io::Result<T>>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let timeout = self.write_timeout;
        let begin = || (Box::pin(sleep(timeout)), self.running.begin());
        let (timer, _) = self.stalled.get_or_insert_with(begin);
        ready!(timer.as_mut().poll(cx));
        let message = format!("the client took nothing for {} s", timeout.as_secs());
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, message)))
    }

    /// Drops what still comes.
    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Closing::Draining(drain) = &mut self.closing else {
            return Poll::Ready(());
        };
        loop {
            if drain.poll_over(cx).is_ready() {
                return Poll::Ready(());
            }
            let mut buf = ReadBuf::new(&mut drain.buffer);
            match ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buf)) {
                Ok(()) if !buf.filled().is_empty() => {}
                _ => return Poll::Ready(()),
            }
        }
    }
}

impl AsyncRead for GuardedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for GuardedStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.guard(written, cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.guard(written, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if matches!(self.closing, Closing::Open) {
            ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
            let drain = Drain::new(self.linger, self.stopped.clone());
            self.closing = Closing::Draining(drain);
        }
        ready!(self.poll_drain(cx));
        self.closing = Closing::Done;
        Poll::Ready(Ok(()))
    }
}
