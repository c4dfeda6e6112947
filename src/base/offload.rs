//! Threads for calls that block, on behalf of callers that must not.
//!
//! Few, started when they are needed and gone after a second without work, so that an engine at
//! rest has none. It owns no results: who wants one sends it from the job.

use std::collections::VecDeque;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, available_parallelism};
use std::time::Duration;

/// How long a thread waits for work before it ends.
const IDLE_MAX: Duration = Duration::from_secs(1);
/// Threads on any machine: most of them wait for the disk.
const THREADS_MIN: usize = 32;

/// Something that may block. It must not wait for another job, or all threads may wait.
pub(crate) type Job = Box<dyn FnOnce() + Send>;

/// The owner of the threads. Dropping it waits for nothing: jobs that were taken in still run.
pub(crate) struct Offload(Arc<Shared>);

/// A way to the threads that does not keep them from ending.
#[derive(Clone)]
pub(crate) struct Threads(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    max_threads: usize,
    idle_max: Duration,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    threads: usize,
    /// Threads that wait for a job.
    idle: usize,
    is_closed: bool,
}

impl Offload {
    /// Makes a pool with four threads for each core, or 32, none of them started.
    pub(crate) fn new() -> Self {
        let cores = available_parallelism().map_or(1, usize::from);
        Self::with_threads(THREADS_MIN.max(4 * cores), IDLE_MAX)
    }

    /// Makes a pool of a few threads for jobs that take minutes, none of them started.
    pub(crate) fn for_long_jobs(max_threads: usize) -> Self {
        Self::with_threads(max_threads.max(1), IDLE_MAX)
    }

    fn with_threads(max_threads: usize, idle_max: Duration) -> Self {
        Self(Arc::new(Shared {
            state: Mutex::default(),
            changed: Condvar::new(),
            max_threads,
            idle_max,
        }))
    }

    /// Queues a job. It is dropped, not run, if the machine gives us no thread at all.
    #[cfg(feature = "tokio")]
    pub(crate) fn submit(&self, job: Job) {
        self.threads().submit(job);
    }

    /// Returns a way to the threads.
    pub(crate) fn threads(&self) -> Threads {
        Threads(Arc::clone(&self.0))
    }
}

impl Threads {
    /// Queues a job, as [`Offload::submit`] does.
    pub(crate) fn submit(&self, job: Job) {
        let mut state = self.0.lock();
        state.jobs.push_back(job);
        if state.jobs.len() > state.idle && state.threads < self.0.max_threads {
            match self.0.start(state.threads) {
                Ok(()) => state.threads += 1,
                Err(error) if state.threads == 0 => {
                    tracing::error!(%error, "no thread could be started for a blocking call");
                    let lost = state.jobs.pop_back();
                    drop(state);
                    drop(lost);
                    return;
                }
                // Fewer threads still do the work.
                Err(error) => tracing::warn!(%error, "a thread for blocking calls did not start"),
            }
        }
        drop(state);
        self.0.changed.notify_one();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn start(self: &Arc<Self>, number: usize) -> std::io::Result<()> {
        let shared = Arc::clone(self);
        let work = move || {
            while let Some(job) = shared.next() {
                // Whoever waits for the job sees that no answer comes.
                if catch_unwind(AssertUnwindSafe(job)).is_err() {
                    tracing::error!("a blocking call panicked");
                }
            }
        };
        let named = Builder::new().name(format!("smalti-block-{number}"));
        named.spawn(work).map(drop)
    }

    /// Waits for a job; `None` when the thread is to end.
    fn next(&self) -> Option<Job> {
        let mut state = self.lock();
        loop {
            if let Some(job) = state.jobs.pop_front() {
                return Some(job);
            }
            if state.is_closed {
                state.threads -= 1;
                return None;
            }
            state.idle += 1;
            let waited = self.changed.wait_timeout(state, self.idle_max);
            let (back, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
            state = back;
            state.idle -= 1;
            if timeout.timed_out() && state.jobs.is_empty() {
                state.threads -= 1;
                return None;
            }
        }
    }
}

impl Drop for Offload {
    fn drop(&mut self) {
        self.0.lock().is_closed = true;
        self.0.changed.notify_all();
    }
}

impl fmt::Debug for Threads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} threads", self.0.lock().threads)
    }
}

impl fmt::Debug for Offload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Offload({} threads)", self.0.lock().threads)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    fn wait_for_threads(shared: &Shared, expected: usize) {
        let begun = std::time::Instant::now();
        while shared.lock().threads != expected {
            assert!(
                begun.elapsed() < Duration::from_secs(10),
                "{} threads",
                shared.lock().threads
            );
            std::thread::yield_now();
        }
    }

    #[test]
    fn threads_are_bounded_survive_panics_and_end_when_idle() {
        let offload = Offload::with_threads(3, Duration::from_millis(20));
        let (sender, receiver) = mpsc::channel();
        for number in 0..300u32 {
            let sender = sender.clone();
            offload.threads().submit(Box::new(move || {
                assert!(number % 50 != 7, "this one panics");
                sender.send(number).expect("somebody listens");
            }));
            assert!(offload.0.lock().threads <= 3);
        }
        drop(sender);
        assert_eq!(receiver.iter().count(), 294);
        wait_for_threads(&offload.0, 0);
    }

    #[test]
    fn jobs_that_were_taken_in_run_after_the_pool_is_dropped() {
        let offload = Offload::with_threads(1, Duration::from_secs(60));
        let shared = Arc::clone(&offload.0);
        let (sender, receiver) = mpsc::channel();
        let (gate_sender, gate) = mpsc::channel::<()>();
        offload
            .threads()
            .submit(Box::new(move || gate.recv().expect("opened")));
        offload.threads().submit(Box::new(move || {
            sender.send(5).expect("somebody listens");
        }));
        drop(offload);
        gate_sender.send(()).expect("it waits");
        assert_eq!(receiver.recv(), Ok(5));
        wait_for_threads(&shared, 0);
    }
}
