//! The flow of one upload: queued to saving, lanes, and one transaction to active or back.

use std::borrow::Cow;
use std::sync::Arc;

use super::expect::{check_expected, expect, size_mismatch};
use super::gang::Gang;
use super::goal::{Algorithms, Goal};
use super::lane::Lane;
use super::pool::Pool;
use super::shared::{Counted, Ingest};
use super::signed::Verifying;
use super::storer::{Stored, Storer};
use super::upload::{Lanes, UploadOptions};
use crate::chunk::CutterKind;
use crate::clock::Timestamp;
use crate::error::{Error, ErrorCode, Result};
use crate::hash::{self, Algorithm, Hasher};
use crate::id::ImageId;
use crate::image::{ContainerFormat, DataRef, Digest, Image, Location, Uploaded};
use crate::index::places::{self, Counter};
use crate::index::refs::{self, Target};
use crate::index::rows::SessionRow;
use crate::index::{Durability, Get, Kv, Put, images, stores};
use crate::inspect::{self, Claim, Inspector};
use crate::quota::Reservation;
use crate::signature::SignatureProperties;

/// One upload, from its begin to its end.
#[derive(Debug)]
pub(crate) struct Flow {
    ingest: Arc<Ingest>,
    id: ImageId,
    target: Target,
    cutter: CutterKind,
    /// What the image says that the bytes are, where they are looked at.
    claim: Option<Claim>,
    options: UploadOptions,
    /// What is verified, and the verification unless its lane has it.
    signature: Option<SignatureProperties>,
    verifying: Option<Verifying>,
    /// Computed of the bytes: the MD5, and the multihash.
    algorithms: Algorithms,
    goal: Goal,
    /// The bytes that have come, and those that were declared.
    reserved: Reservation,
    _counted: Counted,
}

impl Ingest {
    /// Begins to take bytes in: the image that `admit` allows enters the status for it.
    ///
    /// `admit` is policy, and runs in the transaction that acts on it.
    pub(crate) fn begin(
        self: &Arc<Self>,
        id: ImageId,
        options: UploadOptions,
        goal: Goal,
        admit: &dyn Fn(&dyn Get, &Image) -> Result<()>,
    ) -> Result<Flow> {
        let declared = options.expected_len_bytes.unwrap_or(0);
        // Whether the store takes data, and whether the image may be so long, counts after the state
        // of the image; that there is such a store counts before.
        let store = match goal.is_own() {
            true => Ok(stores::OWN),
            false => self.base.stores.to_write(options.store.as_deref()),
        };
        let store = match store {
            Err(error) if error.code() == ErrorCode::UnknownStore => return Err(error),
            store => store.and_then(|store| self.check_cap(declared).map(|()| store)),
        };
        let algorithms = goal.algorithms(self.algorithms());
        check_expected(&options, algorithms)?;
        // Counted before the test, so that a close either sees it or is seen.
        let counted = self.count_in();
        self.base.expect_open()?;
        self.take_back_leftovers();
        let now = self.base.now();
        let (reserved, begun) = loop {
            let (owner, reserved) =
                self.reserve(&id, goal.kind(), Some(declared).filter(|&len| len > 0))?;
            let begun = self.base.kv.write(Durability::Now, |put| {
                let image = images::visible(put, &id)?;
                admit(put, &image)?;
                match image.owner() == owner.as_ref() {
                    true => self
                        .enter(put, image, &goal, &store, &reserved, now)
                        .map(Some),
                    // Given to another since bytes were reserved for the old one.
                    false => Ok(None),
                }
            })?;
            if let Some(begun) = begun {
                break (reserved?, begun);
            }
        };
        let Begun {
            target,
            image,
            signature,
        } = begun;
        let verifying = match self.signatures.begin(signature.as_ref(), now) {
            Ok(verifying) => verifying,
            Err(error) => return Err(self.taken_back(target.session, error)),
        };
        let cutter = options.cutter.unwrap_or_else(|| cutter_for(&image));
        Ok(Flow {
            ingest: Arc::clone(self),
            id,
            target,
            cutter,
            claim: Claim::of(&image).filter(|_| goal.is_judged()),
            options,
            algorithms,
            signature,
            verifying,
            goal,
            reserved,
            _counted: counted,
        })
    }

    /// Moves an image into the status for its bytes, and begins a session.
    fn enter(
        &self,
        put: &mut dyn Put,
        mut image: Image,
        goal: &Goal,
        store: &Result<u16>,
        reserved: &Result<Reservation>,
        now: Timestamp,
    ) -> Result<Begun> {
        let revision = image.revision();
        goal.enter(&mut image, now)?;
        let store = *store.as_ref().map_err(Error::again)?;
        let signature = match goal.is_judged() {
            true => self.signatures.wanted(&image)?,
            false => None,
        };
        if image.revision() != revision {
            images::put(put, &image)?;
            self.quota.check_uploading(put, image.owner())?;
        }
        reserved.as_ref().map_err(Error::again)?;
        let session = places::next(put, Counter::NextSession, 1)?;
        let row = SessionRow {
            image: *image.id().as_bytes(),
            started_at: now.as_micros(),
        };
        places::put_session(put, session, &row)?;
        let domain = images::domain(put, &image, self.dedup_across_owners)?;
        let target = Target {
            session,
            store,
            domain,
        };
        Ok(Begun {
            target,
            image,
            signature,
        })
    }
}

/// What the transaction that begins an upload has found.
struct Begun {
    target: Target,
    image: Image,
    signature: Option<SignatureProperties>,
}

/// Formats that pack files back to back are cut at any byte, all others on block borders.
fn cutter_for(image: &Image) -> CutterKind {
    match image.container_format() {
        Some(ContainerFormat::Ova | ContainerFormat::Docker) => CutterKind::FastCdc,
        _ => CutterKind::Blocks,
    }
}

/// What the digest lanes found.
struct Digests {
    checksum: Option<Digest>,
    os_hash: Option<(Cow<'static, str>, Digest)>,
}

impl Flow {
    pub(super) fn pool(&self) -> &Pool {
        &self.ingest.pool
    }

    pub(super) fn gang(&self) -> &Arc<Gang<Hasher>> {
        &self.ingest.gang
    }

    pub(super) fn cutter(&self) -> CutterKind {
        self.cutter
    }

    /// Returns what looks at the bytes as they pass, where that is wanted.
    pub(super) fn inspector(&self) -> Option<Box<Inspector>> {
        self.claim.map(|_| Box::new(Inspector::new()))
    }

    pub(super) fn checksum_algorithm(&self) -> Option<Algorithm> {
        self.algorithms.0
    }

    /// Returns the algorithm of the multihash lane; none where the checksum lane computes it.
    pub(super) fn os_hash_algorithm(&self) -> Option<Algorithm> {
        self.algorithms
            .1
            .filter(|&algorithm| Some(algorithm) != self.checksum_algorithm())
    }

    /// Returns the verification that the bytes are to be given to, once; none where a digest that
    /// is computed anyway stands in for them.
    pub(super) fn take_verifying(&mut self) -> Option<Verifying> {
        let computed = [self.checksum_algorithm(), self.os_hash_algorithm()];
        self.verifying
            .take_if(|verifying| !verifying.takes_one_of(&computed))
    }

    pub(super) fn storer(&self) -> Storer {
        let Ingest {
            base,
            open_packs,
            bounds,
            ..
        } = &*self.ingest;
        Storer::new(
            Arc::clone(base),
            Arc::clone(open_packs),
            self.target,
            *bounds,
            self.cutter,
        )
    }

    /// Tests the bytes taken so far against their bounds, and reserves them for the owner.
    pub(super) fn check_len(&mut self, len_bytes: u64) -> Result<()> {
        self.ingest.base.expect_uploads()?;
        match self.options.expected_len_bytes {
            Some(expected) if len_bytes > expected => Err(size_mismatch(len_bytes, expected)),
            _ => {
                self.ingest.check_cap(len_bytes)?;
                self.reserved.grow(&self.ingest.base.kv, len_bytes)
            }
        }
    }

    /// Ends the upload, with an active image or with nothing.
    pub(super) fn finish(
        mut self,
        lanes: Lanes,
        len_bytes: u64,
        inspector: Option<Box<Inspector>>,
    ) -> Result<Image> {
        let passed = self.check_whole_len(len_bytes);
        let virtual_size = match passed.and_then(|()| self.judge(inspector)) {
            Ok(virtual_size) => virtual_size,
            Err(error) => return Err(self.abort_with(lanes, self.unless_gone(error))),
        };
        let Lanes {
            checksum,
            os_hash,
            signature,
            storer,
        } = lanes;
        // The storing lane syncs while the digests catch up.
        let stored = storer.finish().and_then(Storer::finish);
        // Each lane is finished, whatever became of the others.
        let digests = [checksum, os_hash].map(|lane| lane.map(|lane| lane.finish()).transpose());
        let verifying = signature.map(Lane::finish).transpose();
        let ended =
            stored.and_then(|stored| self.complete(stored, virtual_size, digests, verifying));
        ended.map_err(|error| self.take_back(error))
    }

    fn check_whole_len(&self, len_bytes: u64) -> Result<()> {
        match self.options.expected_len_bytes {
            Some(expected) if len_bytes != expected => Err(size_mismatch(len_bytes, expected)),
            _ => Ok(()),
        }
    }

    /// Decides by what the bytes are; returns the length of the disk that they describe.
    fn judge(&self, inspector: Option<Box<Inspector>>) -> Result<Option<u64>> {
        let (Some(claim), Some(inspector)) = (self.claim, inspector) else {
            return Ok(None);
        };
        let verdict = inspect::judge(&inspector.finish(), claim, &self.ingest.inspect)?;
        if let Some(fault) = verdict.tolerated() {
            tracing::warn!(image = %self.id, fault, "data is taken that would be refused by default");
        }
        Ok(verdict.virtual_size())
    }

    fn complete(
        &mut self,
        stored: Stored,
        virtual_size: Option<u64>,
        [checksum, os_hash]: [Result<Option<Hasher>>; 2],
        verifying: Result<Option<Verifying>>,
    ) -> Result<Image> {
        let by_digest = self.verifying.take();
        let named = || {
            let found = [checksum?, os_hash?].map(|hasher| hasher.map(Hasher::finish));
            let digests = self.digests(&found)?;
            verifying?.map_or(Ok(()), Verifying::finish)?;
            by_digest.map_or(Ok(()), |verifying| verifying.finish_by(&found))?;
            self.commit(&stored, virtual_size, &digests)
        };
        match named() {
            Ok(image) => {
                stored.done();
                Ok(image)
            }
            Err(error) => Err(stored.abandon(error)),
        }
    }

    fn digests(&self, [checksum, os_hash]: &[Option<hash::Digest>; 2]) -> Result<Digests> {
        let digest = |found: &hash::Digest| Digest::from_bytes(found.as_bytes());
        let checksum = checksum.as_ref().map(digest).transpose()?;
        let os_hash = os_hash.as_ref().map(digest).transpose()?;
        let os_hash = match (os_hash, self.algorithms.1) {
            (Some(digest), Some(algorithm)) => Some((algorithm.name().into(), digest)),
            (None, Some(Algorithm::Md5)) => checksum.map(|digest| ("md5".into(), digest)),
            _ => None,
        };
        expect(self.options.expected_checksum, checksum, "MD5")?;
        expect(
            self.options.expected_hash,
            os_hash.as_ref().map(|(_, digest)| *digest),
            "hash",
        )?;
        Ok(Digests { checksum, os_hash })
    }

    /// The one transaction in which bytes that came in reach their goal.
    fn commit(
        &mut self,
        stored: &Stored,
        virtual_size: Option<u64>,
        digests: &Digests,
    ) -> Result<Image> {
        self.reserved.settle();
        let base = &self.ingest.base;
        let now = base.now();
        let store = base.stores.of_number(self.target.store);
        let store = store.map_or("", |store| &store.name);
        let data = DataRef {
            store: stored.root.store,
            domain: stored.root.domain,
            root: stored.root.id,
            len_bytes: stored.len_bytes,
            zero_bytes: stored.zero_bytes,
            cutter: self.cutter.code(),
        };
        base.kv.write(Durability::Now, |put| {
            let image = self.still_waiting(put)?;
            if self.goal.is_judged() {
                let Ingest { signatures, .. } = &*self.ingest;
                signatures.expect(&image, self.signature.as_ref())?;
            }
            stored.name(put)?;
            refs::hand_over_root(put, self.target.session, &stored.root)?;
            // With the id in the case of the record, not in that of whoever uploads.
            let location = Location::in_store(store, image.id(), data);
            let learned = Uploaded {
                size: stored.len_bytes,
                virtual_size,
                checksum: digests.checksum,
                os_hash: digests.os_hash.clone(),
                location,
            };
            self.goal.reach(put, image, learned, now)
        })
    }

    /// Returns why an upload fails: a delete of its image goes before what is wrong with its data.
    fn unless_gone(&self, why: Error) -> Error {
        let read = self.ingest.base.kv.read(|get| self.still_waiting(get));
        match read {
            Err(gone) if gone.code() == ErrorCode::GoneDuringUpload => gone,
            _ => why,
        }
    }

    fn still_waiting(&self, get: &dyn Get) -> Result<Image> {
        let gone = || {
            let message = format!("image {} was deleted while its data came in", self.id);
            Error::new(ErrorCode::GoneDuringUpload, message)
        };
        places::session(get, self.target.session)?.ok_or_else(gone)?;
        let image = images::find(get, &self.id)?.ok_or_else(gone)?;
        self.goal.expect(&image)?;
        Ok(image)
    }

    /// Gives the upload up.
    pub(super) fn abort(&self, lanes: Lanes) -> Result<()> {
        drop(lanes.checksum);
        drop(lanes.os_hash);
        drop(lanes.signature);
        if let Some(storer) = lanes.storer.abort() {
            let _ = storer.abandon(internal("the upload was given up"));
        }
        self.ingest.take_back(self.target.session)
    }

    fn abort_with(&self, lanes: Lanes, why: Error) -> Error {
        if let Err(error) = self.abort(lanes) {
            tracing::error!(%error, "a failed upload could not be taken back");
        }
        why
    }

    fn take_back(&self, why: Error) -> Error {
        self.ingest.taken_back(self.target.session, why)
    }
}

fn internal(message: &str) -> Error {
    Error::new(ErrorCode::Internal, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::hash_name;

    #[test]
    fn records_name_every_algorithm_without_a_copy() {
        for algorithm in Algorithm::ALL {
            let name = hash_name(algorithm.name());
            assert_eq!(name, algorithm.name());
            assert!(matches!(name, Cow::Borrowed(_)), "{name}");
        }
    }
}
