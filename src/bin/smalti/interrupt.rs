//! Interruption by the user: long work looks here, ends, and cleans up after itself.

use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::runtime::Builder;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::fault::{Exit, Fault, Outcome};

static ASKED: AtomicBool = AtomicBool::new(false);
static WATCH: Once = Once::new();

/// Begins to watch for interrupts: the first one is seen by [`check`], the second one ends the
/// process at once. A process that cannot watch ends with the first.
pub(crate) fn watch() {
    WATCH.call_once(|| {
        std::thread::spawn(wait_and_tell);
    });
}

/// Tests that the user has not interrupted.
pub(crate) fn check() -> Outcome {
    match ASKED.load(Ordering::Relaxed) {
        true => Err(Fault::new(Exit::Interrupted, "Interrupted", "interrupted")),
        false => Ok(()),
    }
}

fn wait_and_tell() {
    let Ok(runtime) = Builder::new_current_thread().enable_all().build() else {
        return;
    };
    runtime.block_on(async {
        let Ok(mut signals) = Signals::new() else {
            return;
        };
        loop {
            signals.next().await;
            if ASKED.swap(true, Ordering::Relaxed) {
                std::process::exit(Exit::Interrupted as i32);
            }
        }
    });
}

/// SIGINT and SIGTERM, from the moment that this was made.
#[derive(Debug)]
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    /// Begins to watch, within a runtime.
    pub(crate) fn new() -> Outcome<Self> {
        let watch = |kind| signal(kind).map_err(|error| Fault::io("watch for signals", &error));
        Ok(Self {
            interrupt: watch(SignalKind::interrupt())?,
            terminate: watch(SignalKind::terminate())?,
        })
    }

    /// Waits for the next of either.
    pub(crate) async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
