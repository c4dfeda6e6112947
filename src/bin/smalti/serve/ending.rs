//! How signals end a server: at once while it opens, in order while it serves, and at once again
//! when a second one comes.
//!
//! An end at once is what a crash is, and loses nothing that was acknowledged.

use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::runtime::Runtime;
use tokio::sync::oneshot;

use crate::fault::{Exit, Outcome};
use crate::interrupt::Signals;

/// Signals that are watched, until the process ends.
#[derive(Debug)]
pub(super) struct Ending {
    is_open: Arc<AtomicBool>,
    asked: oneshot::Receiver<()>,
}

impl Ending {
    /// Begins to watch on threads of a runtime, so that this thread may block.
    ///
    /// # Errors
    /// If signals cannot be watched.
    pub(super) fn watch(runtime: &Runtime) -> Outcome<Self> {
        let signals = runtime.block_on(async { Signals::new() })?;
        let (ask, asked) = oneshot::channel();
        let is_open = Arc::new(AtomicBool::new(false));
        runtime.spawn(wait(signals, Arc::clone(&is_open), ask));
        Ok(Self { is_open, asked })
    }

    /// Says that from now on the first signal ends in order.
    pub(super) fn opened(&self) {
        self.is_open.store(true, Ordering::Release);
    }

    /// Waits for the first signal.
    pub(super) async fn asked(self) {
        // The sender goes with the runtime alone, and then this is not polled.
        let _ = self.asked.await;
    }
}

async fn wait(mut signals: Signals, is_open: Arc<AtomicBool>, ask: oneshot::Sender<()>) {
    signals.next().await;
    if is_open.load(Ordering::Acquire) {
        let _ = ask.send(());
        signals.next().await;
    }
    process::exit(Exit::Interrupted as i32);
}
