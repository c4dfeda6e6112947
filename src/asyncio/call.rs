//! The hop: a blocking call as a future.

use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::sync::oneshot::{Receiver, channel};

use crate::base::Base;
use crate::error::{Error, ErrorCode, Result};

/// A call that runs on a thread of the engine. Dropping this before a thread has taken the call up
/// leaves it undone; later, its answer is dropped on that thread.
#[derive(Debug)]
pub(super) struct Call<T>(Receiver<Result<T>>);

/// Has a thread of the engine run `work`, from now on.
pub(super) fn call<T: Send + 'static>(
    base: &Base,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Call<T> {
    let (sender, receiver) = channel();
    base.offload.submit(Box::new(move || {
        if !sender.is_closed() {
            // An answer that nobody waits for any more is dropped here.
            let _ = sender.send(work());
        }
    }));
    Call(receiver)
}

impl<T> Future for Call<T> {
    type Output = Result<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let gone = |_| {
            let message = "the call panicked, or no thread could be started for it";
            Err(Error::new(ErrorCode::Internal, message))
        };
        Pin::new(&mut self.0)
            .poll(cx)
            .map(|answer| answer.unwrap_or_else(gone))
    }
}
