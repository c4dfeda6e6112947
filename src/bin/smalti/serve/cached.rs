//! The worker of the image cache, beside the service.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use smalti::{Caller, Engine, ErrorCode, ImageId, Result};

/// How often the queue is looked at, and the cache brought back to its size.
const EVERY: Duration = Duration::from_secs(5);
/// How long images wait at most that could not be cached, while nothing else waits.
const RETRY_MAX: Duration = Duration::from_secs(600);
/// The part of the size of the cache that may be taken by copies which were pruned, before their
/// space is collected.
const GARBAGE_PARTS: u64 = 8;

/// A thread that caches what waits in the queue, where the engine has a cache.
#[derive(Debug)]
pub(super) struct CacheWorker(Option<Sender<()>>);

impl CacheWorker {
    /// Begins.
    pub(super) fn begin(engine: &Engine) -> Self {
        if !engine.settings().image_cache {
            return Self(None);
        }
        let (end, ended) = channel();
        let mut work = Work::new(engine);
        std::thread::spawn(move || {
            while ended.recv_timeout(EVERY) == Err(RecvTimeoutError::Timeout) {
                match work.once() {
                    Ok(()) => {}
                    Err(error) if error.code() == ErrorCode::Closed => return,
                    Err(error) => tracing::error!(%error, "the image cache failed"),
                }
            }
        });
        Self(Some(end))
    }

    /// Ends it. What is being cached ends with the engine.
    pub(super) fn end(self) {
        if let Some(end) = self.0 {
            let _ = end.send(());
        }
    }
}

/// What the worker remembers from one time to the next.
#[derive(Debug)]
struct Work {
    engine: Engine,
    /// Images that could not be cached.
    failed: Vec<ImageId>,
    retry_after: Duration,
    retry_at: Instant,
    /// Length of the copies whose space may not have come back yet.
    pruned_bytes: u64,
}

impl Work {
    fn new(engine: &Engine) -> Self {
        Self {
            engine: engine.clone(),
            failed: Vec::new(),
            retry_after: EVERY,
            retry_at: Instant::now(),
            pruned_bytes: 0,
        }
    }

    fn once(&mut self) -> Result<()> {
        self.fill()?;
        let pruned = self.engine.prune_cache()?;
        self.pruned_bytes += pruned.size_bytes;
        if self.pruned_bytes > self.engine.settings().image_cache_max_size / GARBAGE_PARTS {
            self.pruned_bytes = 0;
            let report = self.engine.collect()?;
            tracing::info!(
                freed_bytes = report.freed_bytes,
                "collected behind the cache"
            );
        }
        Ok(())
    }

    /// Caches what waits. What has failed is tried again after ever longer pauses, or together with
    /// what came after it.
    fn fill(&mut self) -> Result<()> {
        let queued = || {
            let cache = self.engine.images(&Caller::admin()).cache();
            cache.state().map(|state| state.queued)
        };
        let waiting = queued()?;
        if waiting.is_empty() || (waiting == self.failed && Instant::now() < self.retry_at) {
            return Ok(());
        }
        let run = self.engine.run_cache_queue()?;
        tracing::debug!(?run, "the queue of the image cache was run");
        self.retry_after = match run.failed_count {
            0 => EVERY,
            _ => (self.retry_after * 2).min(RETRY_MAX),
        };
        self.retry_at = Instant::now() + self.retry_after;
        self.failed = queued()?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use smalti::Settings;

    #[test]
    fn the_worker_is_there_where_there_is_a_cache() {
        let engine = Engine::in_memory().expect("in memory");
        assert!(CacheWorker::begin(&engine).0.is_none());
        let settings = Settings {
            image_cache: true,
            ..Settings::default()
        };
        let engine = Engine::builder_in_memory().settings(settings).open();
        let engine = engine.expect("in memory");
        Work::new(&engine).once().expect("nothing waits");
        CacheWorker::begin(&engine).end();
    }
}
