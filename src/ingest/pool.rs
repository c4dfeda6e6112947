//! The threads of the engine, shared by the lanes of all uploads.
//!
//! None runs before the first lane needs one. A pool that is gone runs nothing; lanes notice and
//! run on the threads of their callers.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle, available_parallelism};

use crossbeam::channel::{Receiver, Sender, unbounded};

/// Something that a thread of the pool can do in a short turn.
pub(super) trait Runnable: Send + Sync {
    /// Takes a turn. Must not panic.
    fn run(self: Arc<Self>);
}

enum Job {
    Run(Arc<dyn Runnable>),
    Stop,
}

/// The owner of the threads: they end, and are waited for, when it is dropped.
pub(crate) struct Pool(Arc<Threads>);

/// A way to the threads that does not keep them alive.
pub(super) struct Threads {
    gate: Mutex<Gate>,
    sender: Sender<Job>,
    receiver: Receiver<Job>,
    uploads: AtomicUsize,
    cores: usize,
    thread_count: usize,
}

#[derive(Default)]
struct Gate {
    running: Vec<JoinHandle<()>>,
    is_closed: bool,
}

impl Pool {
    /// Makes a pool with one thread more than there are cores, none of them started.
    pub(crate) fn new() -> Self {
        let cores = available_parallelism().map_or(1, usize::from);
        Self::with_threads(cores + 1, cores)
    }

    /// Makes a pool of `thread_count` threads that is crowded from `cores` uploads on.
    pub(crate) fn with_threads(thread_count: usize, cores: usize) -> Self {
        let (sender, receiver) = unbounded();
        Self(Arc::new(Threads {
            gate: Mutex::default(),
            sender,
            receiver,
            uploads: AtomicUsize::new(0),
            cores,
            thread_count,
        }))
    }

    /// Counts an upload as active until the guard drops.
    pub(crate) fn enter(&self) -> Active {
        self.0.uploads.fetch_add(1, Ordering::Relaxed);
        Active(self.0.clone())
    }

    pub(super) fn threads(&self) -> &Arc<Threads> {
        &self.0
    }
}

impl Threads {
    /// Tells whether so many uploads are active that each does best to run its own lanes.
    pub(super) fn is_crowded(&self) -> bool {
        self.uploads() >= self.cores
    }

    /// Returns the number of active uploads.
    pub(super) fn uploads(&self) -> usize {
        self.uploads.load(Ordering::Relaxed)
    }

    /// Tells whether no job waits, so that who runs one may as well go on with it.
    pub(super) fn is_idle(&self) -> bool {
        self.receiver.is_empty()
    }

    /// Queues a turn of `job`; returns false when no thread will ever take it.
    pub(super) fn schedule(self: &Arc<Self>, job: Arc<dyn Runnable>) -> bool {
        let mut gate = self.gate.lock().unwrap_or_else(PoisonError::into_inner);
        if gate.is_closed {
            return false;
        }
        if gate.running.is_empty() {
            self.start(&mut gate);
        }
        !gate.running.is_empty() && self.sender.send(Job::Run(job)).is_ok()
    }

    fn start(&self, gate: &mut Gate) {
        for number in 0..self.thread_count {
            let receiver = self.receiver.clone();
            let work = move || {
                while let Ok(Job::Run(job)) = receiver.recv() {
                    job.run();
                }
            };
            let named = Builder::new().name(format!("smalti-lane-{number}"));
            match named.spawn(work) {
                Ok(handle) => gate.running.push(handle),
                // Fewer threads, or none, still do the work.
                Err(error) => {
                    tracing::warn!(%error, number, "a thread of the pool did not start");
                    return;
                }
            }
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        let mut gate = self.0.gate.lock().unwrap_or_else(PoisonError::into_inner);
        gate.is_closed = true;
        let running = std::mem::take(&mut gate.running);
        drop(gate);
        // Turns that were queued before are taken before a thread meets its stop.
        let stops = running.iter().map(|_| self.0.sender.send(Job::Stop));
        let sent = stops.filter(Result::is_ok).count();
        debug_assert_eq!(sent, running.len(), "a receiver is kept");
        let own = std::thread::current().id();
        // The last owner may be dropped by a lane's work: its thread ends by itself.
        for thread in running.into_iter().filter(|t| t.thread().id() != own) {
            if thread.join().is_err() {
                tracing::error!("a thread of the pool panicked");
            }
        }
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pool({} threads)", self.0.thread_count)
    }
}

/// An upload that counts as active.
pub(crate) struct Active(Arc<Threads>);

impl Drop for Active {
    fn drop(&mut self) {
        self.0.uploads.fetch_sub(1, Ordering::Relaxed);
    }
}

impl fmt::Debug for Active {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Active")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Count(AtomicUsize);

    impl Runnable for Count {
        fn run(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn threads_start_with_the_first_job_and_are_joined_after_the_last() {
        let pool = Pool::with_threads(3, 2);
        let threads = pool.threads().clone();
        let started = || threads.gate.lock().expect("whole").running.len();
        assert_eq!(started(), 0);
        let count = Arc::new(Count(AtomicUsize::new(0)));
        for _ in 0..1000 {
            assert!(threads.schedule(count.clone()));
        }
        assert_eq!(started(), 3);
        drop(pool);
        assert_eq!(count.0.load(Ordering::Relaxed), 1000);
        assert_eq!(Arc::strong_count(&count), 1);
        assert!(!threads.schedule(count));
    }

    #[test]
    fn a_pool_is_crowded_from_as_many_uploads_as_cores() {
        let pool = Pool::with_threads(1, 2);
        let first = pool.enter();
        assert!(!pool.threads().is_crowded());
        let second = pool.enter();
        assert!(pool.threads().is_crowded());
        drop((first, second));
        assert!(!pool.threads().is_crowded());
    }
}
