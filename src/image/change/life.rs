//! The end of an image and what can be taken back: deactivation, deletion in one step or two, and
//! the removal of one copy of several.

use crate::clock::Timestamp;
use crate::error::{Error, ErrorCode, Result};
use crate::image::{Image, Location, Status};

/// How a host deletes (`delayed_delete`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deletion {
    /// The image is gone at once.
    Immediate,
    /// An image with data is invisible at once, and its data goes later.
    Delayed,
}

impl Image {
    /// Closes the data to all but administrators; returns whether anything changed (Glance:
    /// `glance/api/v2/image_actions.py`, `deactivate`).
    ///
    /// # Errors
    /// `InvalidState` with status 403 unless the image is active or deactivated already.
    pub(crate) fn deactivate(&mut self, now: Timestamp) -> Result<bool> {
        self.switch(Status::Active, Status::Deactivated, now)
    }

    /// Opens the data again; returns whether anything changed.
    ///
    /// # Errors
    /// `InvalidState` with status 403 unless the image is deactivated or active already.
    pub(crate) fn reactivate(&mut self, now: Timestamp) -> Result<bool> {
        self.switch(Status::Deactivated, Status::Active, now)
    }

    fn switch(&mut self, from: Status, to: Status, now: Timestamp) -> Result<bool> {
        match self.status() {
            status if status == to => Ok(false),
            status if status == from => {
                self.enter(to, now);
                Ok(true)
            }
            _ => Err(self.refused(to).with_http_status(403)),
        }
    }

    /// Deletes the image, and returns the status that it has then.
    ///
    /// # Errors
    /// As [`Image::check_deletable`].
    pub(crate) fn delete(&mut self, deletion: Deletion, now: Timestamp) -> Result<Status> {
        self.check_deletable()?;
        let waits = deletion == Deletion::Delayed
            && !self.locations().is_empty()
            && self.status().can_become(Status::PendingDelete);
        let status = if waits {
            Status::PendingDelete
        } else {
            Status::Deleted
        };
        self.enter(status, now);
        Ok(status)
    }

    /// Ends a delayed deletion: the data is gone.
    ///
    /// # Errors
    /// `InvalidState` unless the deletion waits.
    pub(crate) fn scrub(&mut self, now: Timestamp) -> Result<()> {
        self.expect_pending(Status::Deleted)?;
        self.enter(Status::Deleted, now);
        Ok(())
    }

    /// Takes a delayed deletion back, which only an operator does.
    ///
    /// # Errors
    /// `InvalidState` unless the deletion waits.
    pub(crate) fn restore(&mut self, now: Timestamp) -> Result<()> {
        self.expect_pending(Status::Active)?;
        self.enter(Status::Active, now);
        Ok(())
    }

    fn expect_pending(&self, next: Status) -> Result<()> {
        match self.status() {
            Status::PendingDelete => Ok(()),
            _ => Err(self.refused(next)),
        }
    }

    /// Removes the copy in one store; returns its location, whose data is to be deleted (Glance:
    /// `glance/api/v2/images.py`, `delete_from_store`).
    ///
    /// # Errors
    /// `InvalidState` unless the image is active; `LastLocation` for the only copy (CVE-2016-0757);
    /// `NotFound` when the store has none.
    pub(crate) fn remove_copy(&mut self, store: &str, now: Timestamp) -> Result<Location> {
        if self.status() != Status::Active {
            let message = format!("image is {}, so no copy can be removed", self.status());
            return Err(Error::new(ErrorCode::InvalidState, message));
        }
        if self.locations().len() <= 1 {
            let message = "an image keeps its last location";
            return Err(Error::new(ErrorCode::LastLocation, message));
        }
        let mut locations = self.locations().iter();
        let Some(index) = locations.position(|location| location.store() == Some(store)) else {
            let message = "the image has no copy in this store";
            return Err(Error::new(ErrorCode::NotFound, message));
        };
        self.expect_unused()?;
        let gone = self.0.locations.remove(index);
        self.touch(now);
        Ok(gone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::change::tests::{at, image};

    #[test]
    fn deactivation_changes_nothing_when_it_is_done_already() {
        let mut image = image(Status::Active);
        assert!(image.deactivate(at(5_000)).unwrap());
        let before = image.clone();
        assert!(!image.deactivate(at(9_000)).unwrap());
        assert_eq!(image, before);
        assert!(image.reactivate(at(9_000)).unwrap());
        assert_eq!(
            (image.status(), image.updated_at()),
            (Status::Active, at(9_000))
        );
        assert!(!image.reactivate(at(9_999)).unwrap());
    }

    #[test]
    fn only_an_active_image_with_data_waits_for_its_deletion() {
        let location = Location::named("smalti://fast/7", "fast");
        for (from, locations, deletion, to) in [
            (Status::Active, 1, Deletion::Delayed, Status::PendingDelete),
            (Status::Active, 1, Deletion::Immediate, Status::Deleted),
            (Status::Active, 0, Deletion::Delayed, Status::Deleted),
            (Status::Deactivated, 1, Deletion::Delayed, Status::Deleted),
            (Status::Importing, 1, Deletion::Delayed, Status::Deleted),
        ] {
            let mut image = image(from);
            image.0.locations = vec![location.clone(); locations];
            assert_eq!(image.delete(deletion, at(9_000)).unwrap(), to, "{from}");
            assert_eq!(image.status(), to);
        }
    }

    #[test]
    fn a_copy_goes_by_the_name_of_its_store() {
        let mut image = image(Status::Active);
        let place = |store: &str| Location::named(format!("smalti://{store}/7"), store);
        image.0.locations = vec![place("fast"), place("slow")];
        let error = image.remove_copy("none", at(9_000)).unwrap_err();
        assert_eq!(error.code(), ErrorCode::NotFound);
        assert_eq!(image.remove_copy("fast", at(9_000)).unwrap(), place("fast"));
        assert_eq!(image.locations(), [place("slow")]);
        let error = image.remove_copy("slow", at(9_000)).unwrap_err();
        assert_eq!(error.code(), ErrorCode::LastLocation);
    }
}
