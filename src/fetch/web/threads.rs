//! The thread on which connections live, so that callers may block wherever they are.
//!
//! It owns a runtime of tokio with one thread. It refuses nothing: work that is given up ends with
//! the thread.

use std::future::Future;
use std::sync::mpsc::{Receiver, sync_channel};

use tokio::runtime::{Builder, Runtime};

use crate::error::{Error, ErrorCode, Result};

/// A runtime with one thread, which ends with the last handle.
#[derive(Debug)]
pub(super) struct Threads(Option<Runtime>);

/// Something that is being done on the thread.
#[derive(Debug)]
pub(super) struct Pending<T>(Receiver<T>);

impl Threads {
    /// Starts the thread.
    pub(super) fn start() -> Result<Self> {
        let mut builder = Builder::new_multi_thread();
        builder.worker_threads(1).thread_name("smalti-fetch");
        let runtime = builder.enable_io().enable_time().build();
        let runtime = runtime.map_err(|error| Error::io("start a thread to fetch", error))?;
        Ok(Self(Some(runtime)))
    }

    /// Does something on the thread, and waits for what comes of it.
    pub(super) fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T> {
        self.spawn(work).wait()
    }

    /// Begins to do something on the thread.
    pub(super) fn spawn<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Pending<T> {
        let (done, pending) = sync_channel(1);
        if let Some(runtime) = &self.0 {
            // The channel has room for the one result; nobody may be waiting for it any more.
            runtime.spawn(async move { drop(done.try_send(work.await)) });
        }
        Pending(pending)
    }
}

impl<T> Pending<T> {
    /// Waits for what comes of it. This blocks a thread and no runtime.
    pub(super) fn wait(self) -> Result<T> {
        let ended = |_| Error::new(ErrorCode::Internal, "the thread that fetches has ended");
        self.0.recv().map_err(ended)
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        // A plain drop would wait, which panics on a thread of another runtime.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
