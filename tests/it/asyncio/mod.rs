//! The asynchronous face: the same bytes, and nothing left behind wherever a future is dropped.

mod cancel;
mod flow;
mod waiting;

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::{Duration, Instant};

use futures_core::Stream;
use smalti::Bytes;
use tokio::runtime::{Builder, Runtime};

/// How long anything may take before a test gives up.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a scripted stream does at a poll.
enum Step {
    Piece(Bytes),
    /// Wakes its task and has nothing.
    Later,
    /// Has nothing, for ever.
    Never,
    Fail,
}

struct Script(VecDeque<Step>);

impl Script {
    /// Gives `data` in pieces of `piece` bytes, with nothing at every second poll.
    fn halting(data: &[u8], piece: usize) -> Self {
        let pieces = data.chunks(piece);
        let steps = pieces.flat_map(|p| [Step::Later, Step::Piece(Bytes::copy_from_slice(p))]);
        Self(steps.chain([Step::Later]).collect())
    }

    fn and(mut self, step: Step) -> Self {
        self.0.push_back(step);
        self
    }
}

impl Stream for Script {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match self.0.pop_front() {
            Some(Step::Piece(bytes)) => Poll::Ready(Some(Ok(bytes))),
            Some(Step::Later) => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Some(Step::Never) => {
                self.0.push_front(Step::Never);
                Poll::Pending
            }
            Some(Step::Fail) => Poll::Ready(Some(Err(io::Error::other("the wire broke")))),
            None => Poll::Ready(None),
        }
    }
}

async fn next<S: Stream + Unpin>(stream: &mut S) -> Option<S::Item> {
    poll_fn(|cx| Pin::new(&mut *stream).poll_next(cx)).await
}

async fn read_stream(stream: impl Stream<Item = smalti::Result<Bytes>>) -> Vec<u8> {
    let (mut stream, mut found) = (pin!(stream), Vec::new());
    while let Some(slice) = next(&mut stream).await {
        found.extend_from_slice(&slice.expect("read"));
    }
    found
}

fn runtimes() -> [Runtime; 2] {
    let current = Builder::new_current_thread().enable_all().build();
    let multi = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    [current.expect("runtime"), multi.expect("runtime")]
}

/// Repeats `test` until it holds.
#[track_caller]
fn wait_until(what: &str, mut test: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !test() {
        assert!(
            begun.elapsed() < PATIENCE,
            "{what}: not within {PATIENCE:?}"
        );
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Polls by hand, from wake to wake.
struct Hand {
    signal: Arc<Signal>,
    waker: Waker,
}

struct Signal {
    thread: Thread,
    woken: AtomicBool,
}

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        self.woken.store(true, Ordering::SeqCst);
        self.thread.unpark();
    }
}

impl Hand {
    fn new() -> Self {
        let signal = Arc::new(Signal {
            thread: std::thread::current(),
            woken: AtomicBool::new(false),
        });
        let waker = Waker::from(Arc::clone(&signal));
        Self { signal, waker }
    }

    fn poll<F: Future + ?Sized>(&self, future: Pin<&mut F>) -> Poll<F::Output> {
        self.signal.woken.store(false, Ordering::SeqCst);
        future.poll(&mut Context::from_waker(&self.waker))
    }

    /// Waits for the wake that the last poll asked for.
    fn wait(&self) {
        let begun = Instant::now();
        while !self.signal.woken.load(Ordering::SeqCst) {
            assert!(begun.elapsed() < PATIENCE, "nobody wakes the task");
            std::thread::park_timeout(PATIENCE);
        }
    }
}
