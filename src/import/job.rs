//! An import that was accepted, as its thread knows it.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use super::location::NewLocation;
use super::request::Request;
use crate::clock::Timestamp;
use crate::error::{Error, ErrorCode};
use crate::id::ImageId;
use crate::ingest::Counted;

/// An import to be run.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) task: ImageId,
    pub(super) image: ImageId,
    pub(super) deed: Deed,
    /// The stores that get the data, in order.
    pub(super) targets: Vec<String>,
    /// Whether the image shows in which stores it is being imported.
    pub(super) shows_stores: bool,
    /// When the task said last how it goes, in microseconds since the epoch.
    pub(super) noted_at: AtomicI64,
    /// Who closes the engine waits for it.
    pub(super) _counted: Counted,
}

/// What an import is to do.
#[derive(Debug)]
pub(super) enum Deed {
    /// Bring data into stores.
    Store(Request),
    /// Take note of where the data is.
    Locate(NewLocation),
}

impl Job {
    /// Tells whether it is time to say how it goes.
    pub(super) fn is_due(&self, now: Timestamp, every: Duration) -> bool {
        let since = now.as_micros() - self.noted_at.load(Ordering::Relaxed);
        let is_due = u128::try_from(since).is_ok_and(|since| since >= every.as_micros());
        if is_due {
            self.noted_at.store(now.as_micros(), Ordering::Relaxed);
        }
        is_due
    }

    /// Returns the stores that are listed in the image while the import runs.
    pub(super) fn listed(&self) -> &[String] {
        match self.shows_stores {
            true => &self.targets,
            false => &[],
        }
    }
}

pub(super) fn over() -> Error {
    Error::new(ErrorCode::InvalidState, "the import was run before")
}
