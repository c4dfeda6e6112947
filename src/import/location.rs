//! Locations that callers add by the call made for it: a task that looks at the data there, and
//! computes its digests where that is wanted (Glance: `glance/async_/flows/location_import.py`).

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use super::accept::{Admit, holder, lock_of, take_over};
use super::digests::digests_of;
use super::importer::Importer;
use super::job::{Deed, Job};
use super::step::{Ended, owned};
use super::{Import, Requester};
use crate::error::{Error, ErrorCode, Result};
use crate::hash::Algorithm;
use crate::id::ImageId;
use crate::image::{
    Digest, Entry, Expected, HashCheck, Hashed, Limits, LocationSource, Validation,
};
use crate::index::{Durability, Get, Kv, images, tasks};
use crate::json::{self, Json, Object};
use crate::quota::Kind;
use crate::task::{JsonObject, TaskKind};

/// Longest url, in characters.
const URL_MAX_CHARS: usize = 2048;
/// The algorithms that may vouch for a location.
const ALGORITHMS: [&str; 4] = ["sha1", "sha256", "sha512", "md5"];

/// A location that is to be added to a queued image, and what is said of the data there.
#[derive(Clone, PartialEq, Eq)]
pub struct NewLocation {
    url: String,
    /// Name of an algorithm, and the digest in hex.
    validation: Option<(String, String)>,
}

/// The url may hold secrets.
impl fmt::Debug for NewLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewLocation")
            .field("validation", &self.validation)
            .finish_non_exhaustive()
    }
}

impl NewLocation {
    /// Names a place.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            validation: None,
        }
    }

    /// Says which digest the data has: by `sha1`, `sha256`, `sha512` or `md5`, in hex.
    #[must_use]
    pub fn validation(mut self, algorithm: impl Into<String>, digest: impl Into<String>) -> Self {
        self.validation = Some((algorithm.into(), digest.into()));
        self
    }

    /// Reads a location from a body: `{"url", "validation_data"?: {"os_hash_algo",
    /// "os_hash_value"}}`.
    ///
    /// # Errors
    /// `MalformedJson`, `SchemaViolation`.
    pub fn parse(body: &[u8]) -> Result<Self> {
        let mut object = json::object(body)?;
        let mut location = Self::new(text(&mut object, "url")?);
        match object.take("validation_data") {
            None => {}
            Some(Json::Object(mut proof)) => {
                let algorithm = text(&mut proof, "os_hash_algo")?;
                let digest = text(&mut proof, "os_hash_value")?;
                if let Some((name, _)) = proof.iter().next() {
                    let message = format!("validation_data has {:?}", crate::error::shown(name));
                    return Err(violation(&message));
                }
                location.validation = Some((algorithm, digest));
            }
            Some(_) => return Err(violation("validation_data is no object")),
        }
        location.check()?;
        Ok(location)
    }

    fn check(&self) -> Result<()> {
        let len = self.url.chars().count();
        if len > URL_MAX_CHARS {
            let message = format!("url is {len} characters, limit {URL_MAX_CHARS}");
            return Err(violation(&message));
        }
        match &self.validation {
            Some((algorithm, _)) if !ALGORITHMS.contains(&algorithm.as_str()) => {
                let known = ALGORITHMS.join(", ");
                Err(violation(&format!("os_hash_algo is none of {known}")))
            }
            _ => Ok(()),
        }
    }

    /// Tests the characters of the url.
    ///
    /// # Errors
    /// `UnsupportedCharacter`.
    pub(crate) fn check_characters(&self, limits: &Limits) -> Result<()> {
        self.entry().check_characters(limits)
    }

    /// Tells whether the place is on the web.
    pub(crate) fn is_http(&self) -> bool {
        self.url.to_ascii_lowercase().starts_with("http")
    }

    /// Returns the digest that is said to be that of the data.
    fn digest(&self) -> Result<Option<(Algorithm, Digest)>> {
        let Some((name, text)) = &self.validation else {
            return Ok(None);
        };
        let algorithm: Algorithm = name.parse()?;
        let digest = text.to_ascii_lowercase().parse::<Digest>();
        let digest = digest
            .ok()
            .filter(|it| it.as_bytes().len() == algorithm.len_bytes());
        let digest = digest.ok_or_else(|| {
            let len = algorithm.len_bytes() * 2;
            violation(&format!(
                "os_hash_value is not {len} hex digits, as {name} has"
            ))
        })?;
        Ok(Some((algorithm, digest)))
    }

    fn entry(&self) -> Entry {
        let validation = |(algorithm, digest): &(String, String)| Validation {
            algorithm: algorithm.clone(),
            digest: digest.clone(),
            checksum: None,
        };
        Entry {
            url: self.url.clone(),
            metadata: [].into(),
            validation: self.validation.as_ref().map(validation),
        }
    }
}

fn violation(message: &str) -> Error {
    Error::new(ErrorCode::SchemaViolation, message)
}

fn text(object: &mut Object<'_>, name: &str) -> Result<String> {
    match object.take(name) {
        Some(Json::Text(text)) => Ok(text.into_owned()),
        _ => Err(violation(&format!("{name} is missing or no text"))),
    }
}

impl Importer {
    /// Accepts a location for a queued image, or says why not.
    pub(crate) fn accept_location(
        self: &Arc<Self>,
        id: &ImageId,
        location: &NewLocation,
        who: &Requester,
        admit: &Admit<'_>,
    ) -> Result<Import> {
        location.check()?;
        let counted = self.ingest.count_in();
        let base = self.base();
        base.expect_open()?;
        let test = |get: &dyn Get| {
            let image = images::visible(get, id)?;
            admit(get, &image, &|| {
                image.clone().begin_location("", base.now())
            })?;
            Ok(image)
        };
        base.kv.read(test)?;
        location.digest()?;
        self.check_url(location)?;
        let task = self.new_task(TaskKind::LocationImport, id, input(id), who);
        let now = task.created_at;
        base.kv.write(Durability::Now, |put| {
            let mut image = test(put)?;
            lock_of(holder(put, &image)?.as_ref(), now).expect_free()?;
            take_over(put, &mut image, now)?;
            image.begin_location(&task.id.to_string(), now)?;
            images::put(put, &image)?;
            tasks::insert(put, &task, now)
        })?;
        let job = Job {
            task: task.id,
            image: *id,
            deed: Deed::Locate(location.clone()),
            targets: Vec::new(),
            shows_stores: false,
            noted_at: AtomicI64::new(now.as_micros()),
            _counted: counted,
        };
        Ok(Import {
            importer: Arc::clone(self),
            job: Some(job),
        })
    }

    /// Tests whether a url may be looked at: on the web by the filter of downloads, where there are
    /// any, whatever the source takes, and by what the source itself says.
    fn check_url(&self, location: &NewLocation) -> Result<()> {
        if let (true, Some((_, filter))) = (location.is_http(), &self.sources.web) {
            filter.check(&location.url)?;
        }
        self.sources.locations.check(&location.url)
    }

    /// Adds a location whose task runs.
    pub(super) fn locate(&self, job: &Job, location: &NewLocation) -> Ended {
        match self.add_location(job, location) {
            Ok(message) => Ended {
                message,
                ..Ended::default()
            },
            Err(error) => Ended {
                failure: Some(super::run::told(&error)),
                ..Ended::default()
            },
        }
    }

    fn add_location(&self, job: &Job, location: &NewLocation) -> Result<String> {
        self.begin_task(job)?;
        let source = &*self.sources.locations;
        let at = At {
            size_bytes: source.size_bytes(&location.url)?,
            store: source.store(&location.url),
        };
        let proof = location.digest()?;
        let check = match self.sources.do_secure_hash {
            true => HashCheck::First,
            false => HashCheck::Never,
        };
        let hash = proof.map(|(algorithm, _)| (algorithm.name(), algorithm.len_bytes()));
        // While it is compared the image is importing, and its data counts as staged, too.
        let waits = check == HashCheck::First && proof.is_some();
        let kinds = [Some(Kind::Stored), waits.then_some(Kind::Staged)];
        let mut reserved = Vec::new();
        for kind in kinds.into_iter().flatten() {
            let size_bytes = Some(at.size_bytes);
            let mut one = self.ingest.reserve(&job.image, Some(kind), size_bytes)?.1?;
            one.settle();
            reserved.push(one);
        }
        let now = self.base().now();
        self.base().kv.write(Durability::Now, |put| {
            let mut image = owned(put, &job.image, &job.task)?;
            self.ingest.signatures.refuse_unread(&image)?;
            image.post_location(&location.entry(), &at, hash, check, now)?;
            images::put(put, &image)?;
            match waits {
                true => self.ingest.quota.check_uploading(put, image.owner()),
                false => Ok(()),
            }
        })?;
        drop(reserved);
        match (check, proof) {
            (HashCheck::Never, _) => Ok(String::new()),
            (HashCheck::First, Some(proof)) => {
                self.verify_location(job, location, at.size_bytes, proof)?;
                Ok(String::new())
            }
            (HashCheck::First, None) => Ok(self.hash_later(job, location, at.size_bytes)),
        }
    }

    /// Holds the data against the digest that was said to be its own; only then it is active.
    fn verify_location(
        &self,
        job: &Job,
        location: &NewLocation,
        size_bytes: u64,
        (algorithm, expected): (Algorithm, Digest),
    ) -> Result<()> {
        let found = self.hash(job, location, size_bytes, &[algorithm])?;
        if found.first() != Some(&expected) {
            let message = format!("the data at the location does not have the {algorithm} given");
            return Err(Error::new(ErrorCode::HashConflict, message));
        }
        let now = self.base().now();
        self.base().kv.write(Durability::Now, |put| {
            let mut image = owned(put, &job.image, &job.task)?;
            image.location_verified(now)?;
            images::put(put, &image)
        })
    }

    /// Computes digests of an image that is active already; if that cannot be done there are none.
    fn hash_later(&self, job: &Job, location: &NewLocation, size_bytes: u64) -> String {
        let Some(os_hash) = self.ingest.os_hash else {
            return String::new();
        };
        let mut algorithms = vec![os_hash];
        algorithms.extend(self.ingest.legacy_md5.then_some(Algorithm::Md5));
        let hashed = self
            .hash(job, location, size_bytes, &algorithms)
            .and_then(|found| {
                let now = self.base().now();
                self.base().kv.write(Durability::Now, |put| {
                    let mut image = owned(put, &job.image, &job.task)?;
                    let hashed = Hashed {
                        checksum: found.get(1).copied(),
                        os_hash: (Cow::Borrowed(os_hash.name()), found[0]),
                    };
                    image.hashed(hashed, now);
                    images::put(put, &image)
                })
            });
        match hashed {
            Ok(()) => String::new(),
            Err(error) => format!("no digests: {}", super::run::told(&error)),
        }
    }

    /// Computes digests of the data at a location, and tries again where it cannot be read.
    fn hash(
        &self,
        job: &Job,
        location: &NewLocation,
        size_bytes: u64,
        algorithms: &[Algorithm],
    ) -> Result<Vec<Digest>> {
        let other_len = |done: u64, more: &str| {
            let message = format!("{done} bytes{more} at the location, {size_bytes} expected");
            Error::new(ErrorCode::HashConflict, message)
        };
        let note = |done| match done > size_bytes {
            true => Err(other_len(done, " or more")),
            false => self.note(job, "Hashed", done),
        };
        let once = || {
            let mut body = self.sources.locations.open(&location.url)?;
            digests_of(&mut *body, algorithms, &note)
        };
        let mut left = self.sources.limits.retries;
        loop {
            match once() {
                Err(error) if left > 0 && error.is_retryable() => left -= 1,
                Ok((done, _)) if done != size_bytes => return Err(other_len(done, "")),
                done => return done.map(|(_, digests)| digests),
            }
        }
    }
}

/// What was found at a location.
struct At {
    size_bytes: u64,
    store: Option<String>,
}

impl LocationSource for At {
    fn size_bytes(&self, _url: &str) -> Result<u64> {
        Ok(self.size_bytes)
    }

    fn store(&self, _url: &str) -> Option<String> {
        self.store.clone()
    }

    fn verify(&self, _url: &str, _expected: &Expected<'_>) -> Result<()> {
        Ok(())
    }
}

fn input(id: &ImageId) -> JsonObject {
    let mut input = JsonObject::new();
    input.insert("image_id".to_owned(), id.to_string().into());
    input
}
