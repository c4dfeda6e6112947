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

    /// Begins to verify what is wanted.
    pub(super) fn begin(
        &self,
        wanted: Option<&SignatureProperties>,
        now: Timestamp,
    ) -> Result<Option<Verifying>> {
        let (Some(verifier), Some(wanted)) = (&self.0, wanted) else {
            return Ok(None);
        };
        guarded(|| verifier.begin(wanted, now)).map(|begun| Some(Verifying(begun)))
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
pub(super) struct Verifying(Box<dyn Verification>);

impl Verifying {
    /// Tells whether the bytes taken are those that were signed.
    pub(super) fn finish(self) -> Result<()> {
        guarded(|| self.0.finish())
    }
}

impl Work for Verifying {
    fn take(&mut self, buffer: &Frozen) -> Result<()> {
        self.0.update(buffer);
        Ok(())
    }

    fn zeros(&mut self, len_bytes: u64) -> Result<()> {
        each_zeros(len_bytes, |zeros| self.0.update(zeros));
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
