//! The threads of a store that waits for a network: a small runtime of its own.
//!
//! It owns the border between callers that block and tasks that do not, and lets nothing of the
//! runtime out. Callers may themselves be on threads of another runtime.

use std::future::Future;
use std::sync::mpsc;

use tokio::runtime::{Builder, Handle};

use crate::error::{Error, ErrorCode, Result};

/// Threads that drive requests.
const THREADS: usize = 2;
/// Threads that read and write files beside them.
const FILE_THREADS: usize = 4;

/// A runtime that ends without waiting when it is dropped.
#[derive(Debug)]
pub(super) struct Runtime(Option<tokio::runtime::Runtime>);

/// The way to a runtime, which does not keep it.
#[derive(Debug, Clone)]
pub(super) struct Tasks(Handle);

impl Runtime {
    pub(super) fn new() -> Result<Self> {
        let built = Builder::new_multi_thread()
            .worker_threads(THREADS)
            .max_blocking_threads(FILE_THREADS)
            .thread_name("smalti-store")
            .enable_all()
            .build();
        let built = built.map_err(|error| Error::io("start threads of a store", error))?;
        Ok(Self(Some(built)))
    }

    pub(super) fn tasks(&self) -> Tasks {
        let runtime = self.0.as_ref().expect("it is taken by drop only");
        Tasks(runtime.handle().clone())
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

impl Tasks {
    /// Runs a task to its end while the caller waits.
    ///
    /// # Errors
    /// `StoreUnavailable` where the runtime ends before.
    pub(super) fn wait<T: Send + 'static>(
        &self,
        task: impl Future<Output = T> + Send + 'static,
    ) -> Result<T> {
        let (to, from) = mpsc::sync_channel(1);
        self.start(async move {
            let _ = to.send(task.await);
        });
        from.recv().map_err(|_| over())
    }

    /// Starts a task that nobody waits for.
    pub(super) fn start<T: Send + 'static>(
        &self,
        task: impl Future<Output = T> + Send + 'static,
    ) -> tokio::task::JoinHandle<T> {
        self.0.spawn(task)
    }

    /// Runs what waits for files where no request waits for it.
    ///
    /// # Errors
    /// `StoreUnavailable` where the runtime ends before.
    pub(super) async fn aside<T: Send + 'static>(
        &self,
        deed: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T> {
        self.start_aside(deed).await.map_err(|_| over())
    }

    /// Starts what waits for files, where nobody waits for its end.
    pub(super) fn start_aside<T: Send + 'static>(
        &self,
        deed: impl FnOnce() -> T + Send + 'static,
    ) -> tokio::task::JoinHandle<T> {
        self.0.spawn_blocking(deed)
    }
}

fn over() -> Error {
    Error::new(ErrorCode::StoreUnavailable, "the store is closed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callers_on_threads_of_another_runtime_may_wait() {
        let (ours, theirs) = (
            Runtime::new().expect("starts"),
            Runtime::new().expect("starts"),
        );
        let tasks = ours.tasks();
        let answer = theirs.tasks().wait(async move { tasks.wait(async { 7 }) });
        assert_eq!(answer.expect("runs").expect("runs"), 7);
    }

    #[test]
    fn whoever_comes_after_the_end_is_told() {
        let runtime = Runtime::new().expect("starts");
        let tasks = runtime.tasks();
        drop(runtime);
        let error = tasks.wait(async { 7 }).expect_err("it has ended");
        assert_eq!(error.code(), ErrorCode::StoreUnavailable);
    }
}
