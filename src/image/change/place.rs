//! An image whose data is already somewhere: it becomes active by a location.

use std::borrow::Cow;

use crate::clock::Timestamp;
use crate::error::{Error, ErrorCode, Result};
use crate::image::apply::{Learned, check_scheme, resolve};
use crate::image::change::import::LOCK;
use crate::image::entry::Entry;
use crate::image::{Digest, Image, LocationSource, Status};

/// When the digest of a location that was added is computed (`do_secure_hash`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HashCheck {
    /// Before the image becomes active, when something is known to compare it with.
    First,
    /// Never: what the request says is taken over.
    Never,
}

impl Image {
    /// Makes a queued image active: its data is where a location says. The caller counts the change.
    ///
    /// # Errors
    /// `MissingFormat` unless both formats are set.
    pub(in crate::image) fn receive(&mut self, size: u64, learned: Learned) -> Result<()> {
        self.expect_formats()?;
        self.0.size.get_or_insert(size);
        self.learn(learned);
        self.0.status = Status::Active;
        Ok(())
    }

    /// Takes over what validation data says and the record did not know.
    pub(in crate::image) fn learn(&mut self, learned: Learned) {
        let parts = &mut self.0;
        parts.checksum = parts.checksum.or(learned.checksum);
        if let Some((name, digest)) = learned.os_hash {
            (parts.os_hash_algo, parts.os_hash_value) = (Some(name), Some(digest));
        }
    }

    /// Adds the first location by the call made for it (Glance: `glance/api/v2/images.py`,
    /// `add_location`); returns the status that the image has then: importing while its data is
    /// compared with what the request says, else active.
    ///
    /// # Errors
    /// `InvalidState` unless the image is queued; `MissingFormat`; `InvalidLocation`;
    /// `HashConflict` for malformed digests.
    pub(crate) fn post_location(
        &mut self,
        entry: &Entry,
        source: &dyn LocationSource,
        hash: Option<(&str, usize)>,
        check: HashCheck,
        now: Timestamp,
    ) -> Result<Status> {
        if self.status() != Status::Queued {
            return Err(self.refused(Status::Active));
        }
        self.expect_formats()?;
        let learned = resolve(self, [entry], hash)?;
        check_scheme(&entry.url)?;
        let size = source.size_bytes(&entry.url)?;
        if size == 0 {
            let message = "no data is behind the url of the location";
            return Err(Error::new(ErrorCode::InvalidLocation, message));
        }
        let store = source.store(&entry.url);
        self.0.locations = vec![entry.to_location(store.as_deref(), None)];
        self.receive(size, learned)?;
        let waits = check == HashCheck::First && entry.validation.is_some();
        let status = if waits {
            Status::Importing
        } else {
            Status::Active
        };
        self.enter(status, now);
        Ok(status)
    }
}

/// What was computed of data that lies elsewhere.
#[derive(Debug, Clone)]
pub(crate) struct Hashed {
    pub(crate) checksum: Option<Digest>,
    pub(crate) os_hash: (Cow<'static, str>, Digest),
}

impl Image {
    /// Locks a queued image for a location that is to be added.
    ///
    /// # Errors
    /// `InvalidState` unless the image is queued.
    pub(crate) fn begin_location(&mut self, task: &str, now: Timestamp) -> Result<()> {
        if self.status() != Status::Queued {
            return Err(self.refused(Status::Active));
        }
        self.0.properties.insert(LOCK, task);
        self.touch(now);
        Ok(())
    }

    /// Makes an image active whose data at a location is what was said of it.
    ///
    /// # Errors
    /// `InvalidState` unless the image is importing.
    pub(crate) fn location_verified(&mut self, now: Timestamp) -> Result<()> {
        if self.status() != Status::Importing {
            return Err(self.refused(Status::Active));
        }
        self.enter(Status::Active, now);
        Ok(())
    }

    /// Takes digests over that were computed of the data at a location, where there are none.
    pub(crate) fn hashed(&mut self, hashed: Hashed, now: Timestamp) {
        self.learn(Learned {
            checksum: hashed.checksum,
            os_hash: Some(hashed.os_hash),
        });
        self.touch(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorCode;
    use crate::image::change::tests::{at, image};
    use crate::image::entry::Validation;
    use crate::image::{Expected, NoSource};

    /// Any url stands for ten bytes, but `none:` for nothing.
    struct Ten;

    impl LocationSource for Ten {
        fn size_bytes(&self, url: &str) -> Result<u64> {
            Ok(if url.starts_with("none:") { 0 } else { 10 })
        }

        fn verify(&self, _url: &str, _expected: &Expected<'_>) -> Result<()> {
            Ok(())
        }
    }

    fn entry(url: &str, digest: Option<&str>) -> Entry {
        let validation = |digest: &str| Validation {
            algorithm: "md5".to_owned(),
            digest: digest.to_owned(),
            checksum: None,
        };
        Entry {
            url: url.to_owned(),
            metadata: [].into(),
            validation: digest.map(validation),
        }
    }

    #[test]
    fn a_location_is_taken_over_at_once_or_checked_first() {
        let hash = Some(("md5", 16));
        let digest = "ab".repeat(16);
        for (given, check, expected) in [
            (None, HashCheck::First, Status::Active),
            (Some(&*digest), HashCheck::First, Status::Importing),
            (Some(&*digest), HashCheck::Never, Status::Active),
        ] {
            let mut image = image(Status::Queued);
            let entry = entry("http://a", given);
            let status = image
                .post_location(&entry, &Ten, hash, check, at(5_000))
                .unwrap();
            assert_eq!((status, image.status()), (expected, expected));
            assert_eq!((image.size(), image.locations().len()), (Some(10), 1));
            let value = image.os_hash_value().map(ToString::to_string);
            assert_eq!(value.as_deref(), given);
        }
    }

    #[test]
    fn a_refusal_changes_nothing() {
        let hash = Some(("md5", 16));
        let code = |entry: &Entry, source: &dyn LocationSource| {
            let (before, mut after) = (image(Status::Queued), image(Status::Queued));
            let posted = after.post_location(entry, source, hash, HashCheck::First, at(5_000));
            assert_eq!(after, before);
            posted.unwrap_err().code()
        };
        assert_eq!(
            code(&entry("none:", None), &Ten),
            ErrorCode::InvalidLocation
        );
        assert_eq!(
            code(&entry("file:///x", None), &Ten),
            ErrorCode::InvalidLocation
        );
        assert_eq!(
            code(&entry("http://a", None), &NoSource),
            ErrorCode::InvalidLocation
        );
        assert_eq!(
            code(&entry("http://a", Some("ab")), &Ten),
            ErrorCode::HashConflict
        );
        let mut bare = image(Status::Queued);
        bare.0.disk_format = None;
        let entry = entry("http://a", None);
        let posted = bare.post_location(&entry, &Ten, hash, HashCheck::First, at(5_000));
        assert_eq!(posted.unwrap_err().code(), ErrorCode::MissingFormat);
    }
}
