//! The moves of an image from status to status. Time is an argument; a refused move changes nothing.

pub(in crate::image) mod import;
pub(in crate::image) mod life;
pub(in crate::image) mod place;

use crate::clock::Timestamp;
use crate::error::{Error, ErrorCode, Result};
use crate::image::{Image, Status, Uploaded};

impl Image {
    /// Begins an upload: queued to saving (Glance: `glance/api/v2/image_data.py`,
    /// `upload`).
    ///
    /// # Errors
    /// `InvalidState` unless the image is queued, then `MissingFormat` unless both formats are set.
    pub(crate) fn begin_saving(&mut self, now: Timestamp) -> Result<()> {
        self.expect_move(Status::Saving)?;
        self.expect_formats()?;
        self.enter(Status::Saving, now);
        Ok(())
    }

    /// Takes back an upload, stage or import that failed or was broken off.
    ///
    /// Nothing that was learned of the data remains: size, digests, places (DEV-D8).
    ///
    /// # Errors
    /// `InvalidState` when the image is not saving, uploading or importing.
    pub(crate) fn back_to_queued(&mut self, now: Timestamp) -> Result<()> {
        self.expect_move(Status::Queued)?;
        let parts = &mut self.0;
        (parts.size, parts.virtual_size, parts.checksum) = (None, None, None);
        (parts.os_hash_algo, parts.os_hash_value) = (None, None);
        parts.locations.clear();
        self.enter(Status::Queued, now);
        Ok(())
    }

    /// Completes an upload or import: everything that was learned appears at once.
    ///
    /// # Errors
    /// `InvalidState` unless the image is saving or importing, then `MissingFormat` unless both
    /// formats are set.
    pub(crate) fn activate(&mut self, now: Timestamp, learned: Uploaded) -> Result<()> {
        if !matches!(self.status(), Status::Saving | Status::Importing) {
            return Err(self.refused(Status::Active));
        }
        self.expect_move(Status::Active)?;
        self.expect_formats()?;
        self.fill(learned);
        self.enter(Status::Active, now);
        Ok(())
    }

    /// Tests whether the image may be deleted, once policy has agreed.
    ///
    /// # Errors
    /// `ProtectedImage` for a protected one, administrators included; then `InvalidState` where the
    /// status does not allow it.
    pub(crate) fn check_deletable(&self) -> Result<()> {
        if self.is_protected() {
            let message = format!("image {} is protected and cannot be deleted", self.id());
            return Err(Error::new(ErrorCode::ProtectedImage, message));
        }
        self.expect_move(Status::Deleted)
    }

    /// Writes down what was learned of the data, and where it is.
    fn fill(&mut self, learned: Uploaded) {
        let parts = &mut self.0;
        parts.size = Some(learned.size);
        parts.virtual_size = learned.virtual_size;
        parts.checksum = learned.checksum;
        (parts.os_hash_algo, parts.os_hash_value) = learned.os_hash.unzip();
        parts.locations = vec![learned.location];
    }

    fn expect_move(&self, next: Status) -> Result<()> {
        if self.status().can_become(next) {
            Ok(())
        } else {
            Err(self.refused(next))
        }
    }

    fn refused(&self, next: Status) -> Error {
        let message = format!("image is {}, so it cannot become {next}", self.status());
        Error::new(ErrorCode::InvalidState, message)
    }

    fn expect_formats(&self) -> Result<()> {
        let missing = match (self.disk_format(), self.container_format()) {
            (Some(_), Some(_)) => return Ok(()),
            (None, Some(_)) => "disk_format is",
            (Some(_), None) => "container_format is",
            (None, None) => "disk_format and container_format are",
        };
        let message = format!("{missing} not set, and data needs both");
        Err(Error::new(ErrorCode::MissingFormat, message))
    }

    fn enter(&mut self, status: Status, now: Timestamp) {
        self.0.status = status;
        self.touch(now);
    }

    /// Counts a change: the revision grows and so does `updated_at`, even when the clock stands
    /// still or goes back (DEV-P9).
    pub(super) fn touch(&mut self, now: Timestamp) {
        let parts = &mut self.0;
        parts.revision = parts.revision.saturating_add(1);
        let next = Timestamp::from_micros(parts.updated_at.as_micros().saturating_add(1));
        parts.updated_at = now.max(next);
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::id::{ChunkId, ImageId};
    use crate::image::{ContainerFormat, DataRef, Digest, DiskFormat, Limits, Location, NewImage};

    const LATER: Timestamp = Timestamp::MAX;

    pub(in crate::image) fn at(micros: i64) -> Timestamp {
        Timestamp::from_micros(micros)
    }

    pub(in crate::image) fn image(status: Status) -> Image {
        let new = NewImage::named("n")
            .disk_format(DiskFormat::Raw)
            .container_format(ContainerFormat::Bare);
        let id = ImageId::from_bytes([7; 16]);
        let mut image = new
            .into_image(id, None, &Limits::default(), at(1_000))
            .unwrap();
        image.0.status = status;
        image
    }

    pub(in crate::image) fn learned() -> Uploaded {
        let data = DataRef {
            store: 1,
            domain: 2,
            root: ChunkId([3; 32]),
            len_bytes: 10,
            zero_bytes: 4,
            cutter: 1,
        };
        Uploaded {
            size: 10,
            virtual_size: Some(20),
            checksum: Some(Digest::from_bytes(&[1; 16]).unwrap()),
            os_hash: Some(("sha512".into(), Digest::from_bytes(&[2; 64]).unwrap())),
            location: Location::in_store("fast", &ImageId::from_bytes([7; 16]), data),
        }
    }

    /// Runs a move from every status and checks where it is allowed; a refusal changes nothing.
    fn check(allowed: &[Status], step: impl Fn(&mut Image) -> Result<()>) {
        for &from in Status::ALL {
            let before = image(from);
            let mut after = before.clone();
            match step(&mut after) {
                Ok(()) => {
                    assert!(allowed.contains(&from), "{from}");
                    assert_eq!(after.revision(), before.revision() + 1);
                }
                Err(error) => {
                    assert!(!allowed.contains(&from), "{from}: {error}");
                    assert_eq!(error.code(), ErrorCode::InvalidState);
                    assert!(error.to_string().contains(from.as_str()), "{error}");
                    assert_eq!(after, before);
                }
            }
        }
    }

    #[test]
    fn moves_start_only_where_the_table_says() {
        check(&[Status::Queued], |image| image.begin_saving(LATER));
        let running = [Status::Saving, Status::Uploading, Status::Importing];
        check(&running, |image| image.back_to_queued(LATER));
        let landing = [Status::Saving, Status::Importing];
        check(&landing, |image| image.activate(LATER, learned()));
    }

    #[test]
    fn an_upload_shows_everything_at_once_and_its_failure_nothing() {
        let mut image = image(Status::Queued);
        image.begin_saving(at(2_000)).unwrap();
        assert_eq!((image.status(), image.size()), (Status::Saving, None));
        image.activate(at(3_000), learned()).unwrap();
        assert_eq!(image.status(), Status::Active);
        assert_eq!((image.size(), image.virtual_size()), (Some(10), Some(20)));
        assert_eq!(image.os_hash_algo(), Some("sha512"));
        assert_eq!(image.locations()[0].store(), Some("fast"));
        assert!(image.copies().count() == 1);

        let mut failed = image.clone();
        failed.0.status = Status::Importing;
        failed.back_to_queued(at(4_000)).unwrap();
        let parts = failed.parts();
        assert_eq!(
            (parts.size, parts.virtual_size, parts.checksum),
            (None, None, None)
        );
        assert_eq!((&parts.os_hash_algo, parts.os_hash_value), (&None, None));
        assert!(parts.locations.is_empty());
    }

    #[test]
    fn updated_at_grows_when_the_clock_does_not() {
        let mut image = image(Status::Queued);
        image.begin_saving(at(5)).unwrap();
        assert_eq!((image.updated_at(), image.revision()), (at(1_001), 2));
        image.back_to_queued(at(1_001)).unwrap();
        assert_eq!((image.updated_at(), image.revision()), (at(1_002), 3));
        image.begin_saving(at(9_000)).unwrap();
        assert_eq!(image.updated_at(), at(9_000));
        assert_eq!(image.created_at(), at(1_000));
    }

    #[test]
    fn data_needs_both_formats() {
        for (disk, container, word) in [
            (None, None, "disk_format and container_format"),
            (Some(DiskFormat::Raw), None, "container_format"),
            (None, Some(ContainerFormat::Bare), "disk_format"),
        ] {
            let mut image = image(Status::Queued);
            (image.0.disk_format, image.0.container_format) = (disk, container);
            let error = image.begin_saving(LATER).unwrap_err();
            assert_eq!(error.code(), ErrorCode::MissingFormat);
            assert!(error.to_string().starts_with(word), "{error}");
        }
    }

    #[test]
    fn protection_and_status_refuse_delete() {
        let mut protected = image(Status::Active);
        protected.0.protected = true;
        let code = |image: &Image| image.check_deletable().map_err(|e| e.code());
        assert_eq!(code(&protected), Err(ErrorCode::ProtectedImage));
        assert_eq!(code(&image(Status::Deactivated)), Ok(()));
        assert_eq!(code(&image(Status::Deleted)), Err(ErrorCode::InvalidState));
    }
}
