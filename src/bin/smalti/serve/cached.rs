//! The worker of the image cache, beside the service.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;

use smalti::{Engine, ErrorCode, Result};

/// How often the queue is looked at, and the cache brought back to its size.
const EVERY: Duration = Duration::from_secs(5);

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
        let engine = engine.clone();
        std::thread::spawn(move || {
            while ended.recv_timeout(EVERY) == Err(RecvTimeoutError::Timeout) {
                match work(&engine) {
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

fn work(engine: &Engine) -> Result<()> {
    let run = engine.run_cache_queue()?;
    let pruned = engine.prune_cache()?;
    tracing::debug!(?run, ?pruned, "the image cache was looked after");
    Ok(())
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
        work(&engine).expect("nothing waits");
        CacheWorker::begin(&engine).end();
    }
}
