//! Staging, imports and what a crash leaves of them.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::error::{Error, ErrorCode, Result};
use crate::id::ImageId;
use crate::image::{ContainerFormat, DiskFormat, Image, Location, Status, Uploaded, rules};

/// The property that names the stores that an import still writes.
const RUNNING: &str = "os_glance_importing_to_stores";
/// The property that names the stores that an import has failed in.
const FAILED: &str = "os_glance_failed_import";
/// The property that names the task that holds the import lock.
pub(super) const LOCK: &str = "os_glance_import_task";

/// How the data of an import comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ImportMethod {
    /// It was staged before.
    GlanceDirect,
    /// It is fetched from an url.
    WebDownload,
    /// It is fetched from another region, by a hook of the host.
    GlanceDownload,
    /// It is the data of the image itself, for more stores.
    CopyImage,
}

impl ImportMethod {
    /// Every method, in the order in which they are listed.
    pub const ALL: &'static [Self] = &[
        Self::GlanceDirect,
        Self::WebDownload,
        Self::CopyImage,
        Self::GlanceDownload,
    ];

    /// Returns the word of the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::GlanceDirect => "glance-direct",
            Self::WebDownload => "web-download",
            Self::GlanceDownload => "glance-download",
            Self::CopyImage => "copy-image",
        }
    }

    /// Returns the status that an image must have.
    fn wants(self) -> Status {
        match self {
            Self::GlanceDirect => Status::Uploading,
            Self::WebDownload | Self::GlanceDownload => Status::Queued,
            Self::CopyImage => Status::Active,
        }
    }
}

impl fmt::Display for ImportMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
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

    /// Tests whether another import may take the lock.
    ///
    /// # Errors
    /// `ImportLocked`.
    pub(crate) fn expect_free(self) -> Result<()> {
        match self.may_be_taken() {
            true => Ok(()),
            false => {
                let message = "another import of the image is under way";
                Err(Error::new(ErrorCode::ImportLocked, message))
            }
        }
    }

    fn may_be_taken(self) -> bool {
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

    /// Takes note that data of a length is staged.
    pub(crate) fn stage_done(&mut self, size: u64, now: Timestamp) {
        self.0.size = Some(size);
        self.touch(now);
    }

    /// Takes formats and properties over from the image that the data comes from.
    ///
    /// # Errors
    /// As for a property in a request.
    pub(crate) fn adopt(
        &mut self,
        (disk, container): (Option<DiskFormat>, Option<ContainerFormat>),
        properties: &[(&str, &str)],
        now: Timestamp,
    ) -> Result<()> {
        let mut taken = self.clone();
        let parts = &mut taken.0;
        parts.disk_format = disk.or(parts.disk_format);
        parts.container_format = container.or(parts.container_format);
        parts.properties.extend(properties.iter().copied());
        rules::check_property_lens(&parts.properties)?;
        *self = taken;
        self.touch(now);
        Ok(())
    }

    /// Tells whether an import is under way into stores.
    pub(crate) fn is_being_imported(&self) -> bool {
        self.property(RUNNING).is_some_and(|list| !list.is_empty())
    }

    /// Tests that no import runs which may take its own copies back: what is removed meanwhile could
    /// be the last that is left then.
    ///
    /// # Errors
    /// `InUse`.
    pub(crate) fn expect_unused(&self) -> Result<()> {
        if !self.is_being_imported() {
            return Ok(());
        }
        let message = "data of the image is being copied into more stores";
        Err(Error::new(ErrorCode::InUse, message))
    }

    /// Returns the task that holds the import lock.
    pub(crate) fn lock(&self) -> Option<&str> {
        self.property(LOCK)
    }

    /// Tests that a task still holds the import lock: one that has lost it touches nothing more.
    ///
    /// # Errors
    /// `ImportLocked`.
    pub(crate) fn expect_lock(&self, task: &ImageId) -> Result<()> {
        if self.lock() == Some(task.to_string().as_str()) {
            return Ok(());
        }
        let message = format!("task {task} does not hold the import lock any more");
        Err(Error::new(ErrorCode::ImportLocked, message))
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

    /// Begins an import into some stores: to importing, except for a copy of an active image, and
    /// locked. Whether the lock may be taken is tested before.
    ///
    /// # Errors
    /// As [`Image::check_import`].
    pub(crate) fn begin_import(
        &mut self,
        method: ImportMethod,
        task: &str,
        stores: &[String],
        now: Timestamp,
    ) -> Result<()> {
        self.check_import(method)?;
        self.0.properties.insert(LOCK, task);
        self.change_lists(|running, failed| {
            running.extend(stores.iter().cloned());
            failed.retain(|name| !stores.contains(name));
        });
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
        let store = copy.location.store().map(str::to_owned);
        if self.locations().is_empty() {
            self.fill(copy);
        } else {
            self.0.locations.push(copy.location);
        }
        self.change_lists(|running, _| running.retain(|name| Some(name) != store.as_ref()));
        match (self.status(), needed) {
            (Status::Importing, StoresNeeded::Met) => self.enter(Status::Active, now),
            _ => self.touch(now),
        }
        Ok(())
    }

    /// Ends an import that has failed in some stores, and undoes what it has made in others: back to
    /// queued if it was importing. A copy leaves its image as it is, deactivated or deleted meanwhile
    /// as it may be.
    ///
    /// # Errors
    /// `InvalidState` in a status in which no import ends.
    pub(crate) fn import_failed(
        &mut self,
        failed: &[String],
        undone: &[String],
        now: Timestamp,
    ) -> Result<()> {
        match self.status() {
            Status::Importing => self.back_to_queued(now)?,
            Status::Active | Status::Queued | Status::Deactivated | Status::PendingDelete => {
                self.touch(now);
            }
            _ => return Err(self.refused(Status::Queued)),
        }
        self.0.properties.remove(LOCK);
        self.fail_in(failed);
        self.leave(undone);
        let is_undone = |name: &str| undone.iter().any(|it| it == name);
        let is_kept = |it: &Location| !it.store().is_some_and(is_undone);
        // Whatever has become of the others: no image that has data loses the last of it.
        if self.status() == Status::Queued || self.0.locations.iter().any(is_kept) {
            self.0.locations.retain(is_kept);
        }
        Ok(())
    }

    /// Ends the task of a location that could not be added: back to queued if its data was being
    /// compared. Data that came in beside it is none of its business.
    pub(crate) fn location_failed(&mut self, now: Timestamp) -> Result<()> {
        match self.status() {
            Status::Importing => self.back_to_queued(now)?,
            _ => self.touch(now),
        }
        self.0.properties.remove(LOCK);
        Ok(())
    }

    /// Ends an import that went well.
    pub(crate) fn import_done(&mut self, now: Timestamp) {
        self.0.properties.remove(LOCK);
        self.touch(now);
    }

    /// Takes note of stores in which an import has failed.
    pub(crate) fn stores_failed(&mut self, stores: &[String], now: Timestamp) {
        self.fail_in(stores);
        self.touch(now);
    }

    /// Forgets stores that an import does not write any more, in both lists.
    pub(crate) fn forget_stores(&mut self, stores: &[String], now: Timestamp) {
        self.leave(stores);
        self.touch(now);
    }

    fn fail_in(&mut self, stores: &[String]) {
        self.change_lists(|running, failed| {
            running.retain(|name| !stores.contains(name));
            failed.extend(stores.iter().cloned());
        });
    }

    fn leave(&mut self, stores: &[String]) {
        self.change_lists(|running, failed| {
            running.retain(|name| !stores.contains(name));
            failed.retain(|name| !stores.contains(name));
        });
    }

    /// Changes the lists of stores: those that an import still writes, and those in which it has
    /// failed. Neither is made where there is nothing to be in it.
    fn change_lists(&mut self, change: impl FnOnce(&mut BTreeSet<String>, &mut BTreeSet<String>)) {
        let properties = &mut self.0.properties;
        let list = |name: &str| -> BTreeSet<String> {
            let names = properties.get(name).unwrap_or_default().split(',');
            let names = names.filter(|name| !name.is_empty());
            names.map(str::to_owned).collect()
        };
        let before = (list(RUNNING), list(FAILED));
        let (mut running, mut failed) = before.clone();
        change(&mut running, &mut failed);
        if (&running, &failed) == (&before.0, &before.1) {
            return;
        }
        let joined = |names: BTreeSet<String>| names.into_iter().collect::<Vec<_>>().join(",");
        let (running, failed) = (joined(running), joined(failed));
        properties.extend([(RUNNING, running.as_str()), (FAILED, failed.as_str())]);
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
        self.0.properties.remove(LOCK);
        if is_broken {
            self.back_to_queued(now)?;
        } else if *self != kept {
            self.touch(now);
        }
        Ok(*self != kept)
    }

    /// Moves the stores that an import was writing to those in which it has failed.
    fn fail_stores(&mut self) {
        self.change_lists(|running, failed| failed.append(running));
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

    #[test]
    fn an_import_that_fails_never_takes_the_last_copy_of_an_active_image() {
        let mut active = image(Status::Active);
        let copy = |store: &str| {
            Location::new(
                format!("x://{store}"),
                [(Location::STORE.to_owned(), store.to_owned())]
                    .into_iter()
                    .collect(),
            )
        };
        active.0.locations = vec![copy("fast"), copy("slow")];
        let mut kept = active.clone();
        kept.import_failed(&[], &["slow".to_owned()], at(9_000))
            .unwrap();
        assert_eq!(kept.locations(), [copy("fast")]);
        kept.import_failed(&[], &["fast".to_owned()], at(9_000))
            .unwrap();
        assert_eq!(kept.locations(), [copy("fast")]);
    }
}
