//! Upkeep beside the service: deleted images go for good, and their space returns.
//!
//! While a server has the directory open nobody else can do it.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use smalti::{Engine, GcOptions, Result};

/// A thread that keeps the engine tidy until it is ended.
#[derive(Debug)]
pub(super) struct Upkeep {
    end: Sender<()>,
    thread: Option<JoinHandle<()>>,
}

impl Upkeep {
    /// Begins; an interval of zero is never.
    pub(super) fn begin(engine: &Engine, every: Duration) -> Self {
        let (end, ended) = channel();
        let engine = engine.clone();
        let work = move || {
            while ended.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
                match collect(&engine, &|| ended.try_recv().is_ok()) {
                    Ok(true) => {}
                    Ok(false) => return,
                    Err(error) => tracing::error!(%error, "a collection failed"),
                }
            }
        };
        let thread = (!every.is_zero()).then(|| std::thread::spawn(work));
        Self { end, thread }
    }

    /// Ends it, after the step that it is in.
    pub(super) fn end(self) {
        let _ = self.end.send(());
        if let Some(Err(_)) = self.thread.map(JoinHandle::join) {
            tracing::error!("the thread of upkeep was lost");
        }
    }
}

/// Collects once; tells whether it came to the end.
fn collect(engine: &Engine, is_ended: &dyn Fn() -> bool) -> Result<bool> {
    let scrubbed = engine.scrub()?;
    let mut gc = engine.gc(GcOptions::default())?;
    while gc.step()?.is_some() {
        if is_ended() {
            return Ok(false);
        }
    }
    let report = gc.report();
    tracing::info!(
        scrubbed,
        freed_bytes = report.freed_bytes,
        copied_bytes = report.copied_bytes,
        damaged = report.damaged.len(),
        "collected"
    );
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn upkeep_ends_when_it_is_told_to() {
        let engine = Engine::in_memory().expect("in memory");
        for every in [
            Duration::ZERO,
            Duration::from_millis(1),
            Duration::from_secs(3600),
        ] {
            Upkeep::begin(&engine, every).end();
        }
        assert!(collect(&engine, &|| false).expect("collects"));
    }
}
