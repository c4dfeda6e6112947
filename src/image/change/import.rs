//! Staging, imports and what a crash leaves of them.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::error::{Error, ErrorCode, Result};
use crate::image::{Image, Status, Uploaded};

/// The property that names the stores that an import still writes.
const RUNNING: &str = "os_glance_importing_to_stores";
/// The property that names the stores that an import has failed in.
const FAILED: &str = "os_glance_failed_import";
/// The property that names the task that holds the import lock.
const LOCK: &str = "os_glance_import_task";

/// How the data of an import comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ImportMethod {
    /// It was staged before.
    GlanceDirect,
    /// It is fetched from an url.
    WebDownload,
    /// It is fetched from another region.
    GlanceDownload,
    /// It is the data of the image itself, for more stores.
    CopyImage,
}

impl ImportMethod {
    /// Returns the status that an image must have.
    fn wants(self) -> Status {
        match self {
            Self::GlanceDirect => Status::Uploading,
            Self::WebDownload | Self::GlanceDownload => Status::Queued,
            Self::CopyImage => Status::Active,
        }
    }
}

/// Who holds the import lock of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ImportLock {
    /// Nobody, or a task that does not exist any more.
    Free,
    /// A task that has not begun, and how long ago it last changed.
    Waiting(Duration),
    /// Any other task, and how long ago it last changed.
    Begun(Duration),
}

impl ImportLock {
    const STALE_AFTER: Duration = Duration::from_secs(60 * 60);
    const WAITING_STALE_AFTER: Duration = Duration::from_secs(120 * 60);

    /// Tells whether another import may take the lock.
    pub(crate) fn may_be_taken(self) -> bool {
        match self {
            Self::Free => true,
            Self::Waiting(idle) => idle >= Self::WAITING_STALE_AFTER,
            Self::Begun(idle) => idle >= Self::STALE_AFTER,
        }
    }
}

/// Whether an import needs more stores than it has written (`all_stores_must_succeed`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StoresNeeded {
    /// It has enough of them.
    Met,
    /// The image waits for the others.
    More,
}

/// What is left of staged data after a crash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Staged {
    /// All of it.
    Complete,
    /// Less than all, or nothing.
    Incomplete,
}

impl Image {
    /// Begins to stage data for an import: queued to uploading. The formats may still be unset.
    ///
    /// # Errors
    /// `InvalidState` unless the image is queued.
    pub(crate) fn begin_staging(&mut self, now: Timestamp) -> Result<()> {
        self.expect_move(Status::Uploading)?;
        self.enter(Status::Uploading, now);
        Ok(())
    }

    /// Tests whether an import may begin, before the right to it is tested.
    ///
    /// # Errors
    /// `InvalidState` for the wrong status, then `MissingFormat` with status 409.
    pub(crate) fn check_import(&self, method: ImportMethod) -> Result<()> {
        let (status, wanted) = (self.status(), method.wants());
        if status != wanted {
            let message = format!("image is {status}, and this import needs it {wanted}");
            return Err(Error::new(ErrorCode::InvalidState, message));
        }
        self.expect_formats().map_err(|e| e.with_http_status(409))
    }

    /// Begins an import: to importing, except for a copy of an active image, and locked.
    ///
    /// # Errors
    /// As [`Image::check_import`]; then `ImportLocked`.
    pub(crate) fn begin_import(
        &mut self,
        method: ImportMethod,
        task: &str,
        lock: ImportLock,
        now: Timestamp,
    ) -> Result<()> {
        self.check_import(method)?;
        if !lock.may_be_taken() {
            let message = "another import of the image is under way";
            return Err(Error::new(ErrorCode::ImportLocked, message));
        }
        let properties = &mut self.0.properties;
        properties.insert(LOCK, task);
        match method {
            ImportMethod::CopyImage => self.touch(now),
            _ => self.enter(Status::Importing, now),
        }
        Ok(())
    }

    /// Takes in the copy that an import has stored; the image becomes active once it has enough of
    /// them, and later copies join the others.
    ///
    /// # Errors
    /// `InvalidState` unless the image is importing or active.
    pub(crate) fn store_done(
        &mut self,
        now: Timestamp,
        copy: Uploaded,
        needed: StoresNeeded,
    ) -> Result<()> {
        if !matches!(self.status(), Status::Importing | Status::Active) {
            return Err(self.refused(Status::Active));
        }
        if self.locations().is_empty() {
            self.fill(copy);
        } else {
            self.0.locations.push(copy.location);
        }
        match (self.status(), needed) {
            (Status::Importing, StoresNeeded::Met) => self.enter(Status::Active, now),
            _ => self.touch(now),
        }
        Ok(())
    }

    /// Ends an import that has failed: back to queued, except that a copy leaves its image active.
    ///
    /// # Errors
    /// `InvalidState` unless the image is importing or active.
    pub(crate) fn import_failed(&mut self, now: Timestamp) -> Result<()> {
        match self.status() {
            Status::Importing => self.back_to_queued(now)?,
            Status::Active => self.touch(now),
            _ => return Err(self.refused(Status::Queued)),
        }
        self.0.properties.remove(LOCK);
        Ok(())
    }

    /// Takes back what a crash has broken off, when the engine opens; returns whether anything
    /// changed (DEV-D2).
    pub(crate) fn recover(&mut self, staged: Staged, now: Timestamp) -> Result<bool> {
        let kept = self.clone();
        self.fail_stores();
        let is_broken = match self.status() {
            Status::Saving | Status::Importing => true,
            Status::Uploading => staged == Staged::Incomplete,
            _ => false,
        };
        if is_broken {
            self.0.properties.remove(LOCK);
            self.back_to_queued(now)?;
        } else if *self != kept {
            self.touch(now);
        }
        Ok(*self != kept)
    }

    /// Moves the stores that an import was writing to those in which it has failed.
    fn fail_stores(&mut self) {
        let properties = &mut self.0.properties;
        let Some(running) = properties.get(RUNNING).filter(|list| !list.is_empty()) else {
            return;
        };
        let failed = properties.get(FAILED).unwrap_or_default();
        let all = running.split(',').chain(failed.split(','));
        let all: BTreeSet<&str> = all.filter(|name| !name.is_empty()).collect();
        let failed = all.into_iter().collect::<Vec<_>>().join(",");
        properties.extend([(RUNNING, ""), (FAILED, &failed)]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::change::tests::{at, image};

    #[test]
    fn a_lock_is_taken_over_when_its_task_has_slept_long_enough() {
        let minutes = |n: u64| Duration::from_secs(60 * n);
        assert!(ImportLock::Free.may_be_taken());
        assert!(!ImportLock::Begun(minutes(59)).may_be_taken());
        assert!(ImportLock::Begun(minutes(60)).may_be_taken());
        assert!(!ImportLock::Waiting(minutes(119)).may_be_taken());
        assert!(ImportLock::Waiting(minutes(120)).may_be_taken());
    }

    #[test]
    fn recovery_says_which_stores_have_failed() {
        let mut broken = image(Status::Importing);
        let properties = &mut broken.0.properties;
        properties.extend([(RUNNING, "fast,slow"), (FAILED, "old"), (LOCK, "task")]);
        assert!(broken.recover(Staged::Incomplete, at(9_000)).unwrap());
        assert_eq!(broken.status(), Status::Queued);
        assert_eq!(broken.property(RUNNING), Some(""));
        assert_eq!(broken.property(FAILED), Some("fast,old,slow"));
        assert_eq!(broken.property(LOCK), None);
        let again = broken.clone();
        assert!(!broken.recover(Staged::Incomplete, at(9_999)).unwrap());
        assert_eq!(broken, again);
    }
}
