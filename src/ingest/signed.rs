//! The signature over the data of one upload: what the image asks for, and the host's hook.
//!
//! The hook is the host's code, so a panic in it is an error of the upload and no more.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::lane::{Work, each_zeros, panicked};
use super::ring::Frozen;
use crate::clock::Timestamp;
use crate::error::{Error, ErrorCode, Result};
use crate::hash::{Algorithm, Digest};
use crate::image::Image;
use crate::signature::{SignatureProperties, SignatureVerifier, Verification};

/// Who verifies signatures, if somebody does.
#[derive(Debug, Clone, Default)]
pub(crate) struct Signatures(pub(crate) Option<Arc<dyn SignatureVerifier>>);

impl Signatures {
    /// Reads what an image asks to be verified; nothing where nobody verifies.
    pub(super) fn wanted(&self, image: &Image) -> Result<Option<SignatureProperties>> {
        match &self.0 {
            Some(_) => SignatureProperties::of(image),
            None => Ok(None),
        }
    }

    /// Refuses an image whose data would have to be verified, and does not come by here.
    pub(crate) fn refuse_unread(&self, image: &Image) -> Result<()> {
        if self.wanted(image)?.is_none() {
            return Ok(());
        }
        let message = "the image has a signature, and data at a location is not verified";
        Err(Error::new(ErrorCode::SignatureInvalid, message))
    }

    /// Begins to verify what is wanted.
    pub(super) fn begin(
        &self,
        wanted: Option<&SignatureProperties>,
        now: Timestamp,
    ) -> Result<Option<Verifying>> {
        let (Some(verifier), Some(wanted)) = (&self.0, wanted) else {
            return Ok(None);
        };
        let begin = || {
            let verification = verifier.begin(wanted, now)?;
            let algorithm = verification.algorithm();
            Ok(Some(Verifying {
                verification,
                algorithm,
            }))
        };
        guarded(begin)
    }

    /// Tests that an image still asks for what was verified.
    pub(super) fn expect(
        &self,
        image: &Image,
        verified: Option<&SignatureProperties>,
    ) -> Result<()> {
        if self.wanted(image)?.as_ref() == verified {
            return Ok(());
        }
        let message = "the signature of the image changed while its data came in";
        Err(Error::new(ErrorCode::SignatureInvalid, message))
    }
}

/// A verification that takes the bytes of an upload.
pub(super) struct Verifying {
    verification: Box<dyn Verification>,
    /// By which a digest stands in for all bytes.
    algorithm: Option<Algorithm>,
}

impl Verifying {
    /// Tells whether the bytes taken are those that were signed.
    pub(super) fn finish(self) -> Result<()> {
        guarded(|| self.verification.finish())
    }

    /// Tells whether a digest by one of these stands in for all bytes.
    pub(super) fn takes_one_of(&self, computed: &[Option<Algorithm>]) -> bool {
        self.algorithm.is_some() && computed.contains(&self.algorithm)
    }

    /// Tells whether the bytes that have these digests are those that were signed; it has taken no
    /// bytes.
    pub(super) fn finish_by(self, digests: &[Option<Digest>]) -> Result<()> {
        let mut digests = digests.iter().flatten();
        let digest = digests.find(|digest| Some(digest.algorithm()) == self.algorithm);
        let absent = || {
            Error::new(
                ErrorCode::Internal,
                "the digest that was signed is not there",
            )
        };
        let digest = digest.ok_or_else(absent)?;
        guarded(|| self.verification.finish_by(digest))
    }
}

impl Verifying {
    /// Takes bytes.
    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.verification.update(bytes);
    }

    /// Takes zeros.
    pub(super) fn skip(&mut self, len_bytes: u64) {
        each_zeros(len_bytes, |zeros| self.verification.update(zeros));
    }
}

impl Work for Verifying {
    fn take(&mut self, buffer: &Frozen) -> Result<()> {
        self.update(buffer);
        Ok(())
    }

    fn zeros(&mut self, len_bytes: u64) -> Result<()> {
        self.skip(len_bytes);
        Ok(())
    }
}

impl fmt::Debug for Verifying {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Verifying")
    }
}

fn guarded<T>(call: impl FnOnce() -> Result<T>) -> Result<T> {
    let caught = catch_unwind(AssertUnwindSafe(call));
    caught.unwrap_or_else(|panic| Err(panicked("the verifier of signatures", panic.as_ref())))
}
