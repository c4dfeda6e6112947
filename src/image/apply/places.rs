//! Locations in a patch: each test in the order of the API, which tells a caller no more than it
//! may know.

use std::collections::BTreeSet;

use crate::error::{Error, ErrorCode, Result};
use crate::image::apply::{Learned, Work, resolve};
use crate::image::entry::Entry;
use crate::image::location::scheme;
use crate::image::patch::Place;
use crate::image::{Location, LocationAction, Status};

/// Schemes that no request may name: files of the host, and an alias for credentials.
const BANNED: [&str; 4] = ["file", "filesystem", "swift+config", Location::OWN_SCHEME];

impl Work<'_> {
    pub(super) fn add_location(&mut self, place: &Place, entry: &Entry) -> Result<()> {
        self.expect_settable()?;
        let learned = resolve(&self.image, [entry], self.rules.hash)?;
        let count = self.image.locations().len();
        let index = match place {
            Place::End => count,
            Place::At(index) => count.min(*index),
            Place::Bad(token) => return Err(bad_index(token)),
        };
        self.rules.limits.check_location_count(count + 1)?;
        let size = self.look(&entry.url);
        self.charge(size.as_ref().ok())?;
        let size = size?;
        let location = self.location(entry);
        if self.image.locations().contains(&location) {
            return Err(duplicate());
        }
        self.image.0.locations.insert(index, location.clone());
        self.settle([location], size, learned)
    }

    pub(super) fn set_locations(&mut self, entries: &[Entry]) -> Result<()> {
        if entries.is_empty() {
            return Err(last("a list of locations cannot become empty"));
        }
        self.expect_settable()?;
        let learned = resolve(&self.image, entries, self.rules.hash)?;
        self.rules.limits.check_location_count(entries.len())?;
        if self.image.locations().is_empty() {
            return self.fill_locations(entries, learned);
        }
        let urls: BTreeSet<&str> = entries.iter().map(|entry| entry.url.as_str()).collect();
        let known: BTreeSet<&str> = self.image.locations().iter().map(Location::url).collect();
        if urls != known {
            let message = "urls of locations that are set differ from those of the image";
            return Err(Error::new(ErrorCode::InvalidLocation, message));
        }
        let locations = self.distinct(entries)?;
        self.image.0.locations = locations;
        self.image.learn(learned);
        Ok(())
    }

    pub(super) fn remove_location(&mut self, place: &Place) -> Result<()> {
        self.gate.locations(&self.image, LocationAction::Delete)?;
        self.expect_shown()?;
        self.expect_status(&[Status::Active])?;
        let count = self.image.locations().len();
        if count <= 1 {
            return Err(last("an image keeps its last location"));
        }
        let index = match place {
            Place::End => count - 1,
            Place::At(index) if *index < count => *index,
            Place::At(index) => return Err(bad_index(&index.to_string())),
            Place::Bad(token) => return Err(bad_index(token)),
        };
        self.image.expect_unused()?;
        let gone = self.image.0.locations.remove(index);
        self.removed.push(gone);
        Ok(())
    }

    /// Sets the first locations of an image.
    fn fill_locations(&mut self, entries: &[Entry], learned: Learned) -> Result<()> {
        let sizes: Vec<Result<u64>> = entries.iter().map(|entry| self.look(&entry.url)).collect();
        for size in &sizes {
            self.charge(size.as_ref().ok())?;
        }
        let mut first = None;
        let mut locations = Vec::with_capacity(entries.len());
        for (entry, size) in entries.iter().zip(sizes) {
            let size = size?;
            first = first.or(Some(size));
            let location = self.location(entry);
            if locations.contains(&location) {
                return Err(duplicate());
            }
            locations.push(location);
        }
        self.image.0.locations.clone_from(&locations);
        self.settle(locations, first.unwrap_or_default(), learned)
    }

    /// The tests that adding and setting have in common: right, option, status.
    fn expect_settable(&self) -> Result<()> {
        self.gate.locations(&self.image, LocationAction::Set)?;
        self.expect_shown()?;
        self.expect_status(&[Status::Queued, Status::Active])
    }

    fn expect_shown(&self) -> Result<()> {
        if self.rules.locations_are_shown {
            return Ok(());
        }
        let message = "locations are not shown, and cannot be changed";
        Err(Error::new(ErrorCode::LocationsHidden, message))
    }

    fn expect_status(&self, legal: &[Status]) -> Result<()> {
        let status = self.image.status();
        if legal.contains(&status) {
            return Ok(());
        }
        let message = format!("image is {status}, so its locations cannot be changed");
        Err(Error::new(ErrorCode::InvalidState, message))
    }

    /// Returns the length of the data behind an url, which must be there.
    fn look(&self, url: &str) -> Result<u64> {
        check_scheme(url)?;
        match self.rules.source.size_bytes(url)? {
            0 => Err(illegal("no data is behind the url of the location")),
            size => Ok(size),
        }
    }

    /// Counts one more copy of the data against the storage of the owner.
    fn charge(&mut self, found: Option<&u64>) -> Result<()> {
        let size = self.image.size().or(found.copied()).unwrap_or_default();
        let sum = self.storage_bytes.saturating_add(size);
        match self.rules.storage_left_bytes {
            Some(left) if sum > left => {
                let message = format!("locations add {sum} bytes, and {left} are left");
                return Err(Error::new(ErrorCode::QuotaExceeded, message));
            }
            _ => self.storage_bytes = sum,
        }
        Ok(())
    }

    /// Returns what is stored of an entry, with the store that the engine or the source names.
    fn location(&self, entry: &Entry) -> Location {
        let mut known = self.image.locations().iter();
        let own = known.find(|it| it.url() == entry.url && it.data().is_some());
        match own {
            Some(own) => entry.to_location(own.store(), own.data()),
            None => entry.to_location(self.rules.source.store(&entry.url).as_deref(), None),
        }
    }

    fn distinct(&self, entries: &[Entry]) -> Result<Vec<Location>> {
        let mut locations = Vec::with_capacity(entries.len());
        for entry in entries {
            let location = self.location(entry);
            if locations.contains(&location) {
                return Err(duplicate());
            }
            locations.push(location);
        }
        Ok(locations)
    }

    /// Makes a queued image active; for an active one, what was added is still to be verified.
    fn settle(
        &mut self,
        added: impl IntoIterator<Item = Location>,
        size: u64,
        learned: Learned,
    ) -> Result<()> {
        if self.image.status() == Status::Queued {
            return self.image.receive(size, learned);
        }
        self.unverified.extend(added);
        Ok(())
    }
}

/// Tests what an url says by itself.
pub(in crate::image) fn check_scheme(url: &str) -> Result<()> {
    let scheme = scheme(url).ok_or_else(|| illegal("url of the location has no scheme"))?;
    if BANNED.contains(&scheme.as_str()) {
        let message = format!("scheme {scheme} is not allowed in a location");
        return Err(illegal(&message));
    }
    Ok(())
}

fn illegal(message: &str) -> Error {
    Error::new(ErrorCode::InvalidLocation, message)
}

fn duplicate() -> Error {
    let message = "the image has this location already";
    Error::new(ErrorCode::DuplicateLocation, message)
}

fn last(message: &str) -> Error {
    Error::new(ErrorCode::LastLocation, message)
}

fn bad_index(token: &str) -> Error {
    let shown: String = token.chars().take(64).collect();
    let message = format!("index {shown:?} of a location is malformed or out of range");
    Error::new(ErrorCode::InvalidLocationIndex, message)
}
