//! Data that came in before it was known what it is to be: looked at, and verified, in one pass over
//! what is staged.

use std::fmt;

use super::shared::Ingest;
use super::signed::Verifying;
use crate::error::{Error, ErrorCode, Result};
use crate::image::Image;
use crate::inspect::{self, Claim, Inspector};
use crate::signature::SignatureProperties;

/// What is still to be found out about staged data, before it becomes that of its image.
pub(crate) struct Judging {
    claim: Option<Claim>,
    inspector: Box<Inspector>,
    signature: Option<SignatureProperties>,
    verifying: Option<Verifying>,
}

/// What was found out: the data may become that of an image that still says the same of it.
#[derive(Debug, Default)]
pub(crate) struct Verified {
    claim: Option<Claim>,
    signature: Option<SignatureProperties>,
    virtual_size: Option<u64>,
}

impl fmt::Debug for Judging {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Judging")
            .field("claim", &self.claim)
            .finish_non_exhaustive()
    }
}

impl Judging {
    /// Begins with what an image says of its data.
    ///
    /// # Errors
    /// `SignatureInvalid` if no data can have the signature of the image.
    pub(crate) fn begin(ingest: &Ingest, image: &Image) -> Result<Self> {
        let signature = ingest.signatures.wanted(image)?;
        let now = ingest.base.now();
        Ok(Self {
            claim: Claim::of(image),
            inspector: Box::new(Inspector::new()),
            verifying: ingest.signatures.begin(signature.as_ref(), now)?,
            signature,
        })
    }

    /// Tells whether the bytes are wanted at all.
    pub(crate) fn is_needed(&self) -> bool {
        self.claim.is_some() || self.verifying.is_some()
    }

    /// Takes bytes.
    pub(crate) fn write(&mut self, bytes: &[u8]) {
        self.inspector.write(bytes);
        if let Some(verifying) = &mut self.verifying {
            verifying.update(bytes);
        }
    }

    /// Takes zeros.
    pub(crate) fn skip(&mut self, len_bytes: u64) {
        self.inspector.skip(len_bytes);
        if let Some(verifying) = &mut self.verifying {
            verifying.skip(len_bytes);
        }
    }

    /// Decides, once all bytes were taken.
    ///
    /// # Errors
    /// `InvalidImageData`, `SignatureInvalid`.
    pub(crate) fn finish(self, ingest: &Ingest) -> Result<Verified> {
        let mut virtual_size = None;
        if let Some(claim) = self.claim {
            let verdict = inspect::judge(&self.inspector.finish(), claim, &ingest.inspect)?;
            if let Some(fault) = verdict.tolerated() {
                tracing::warn!(fault, "data is taken that would be refused by default");
            }
            virtual_size = verdict.virtual_size();
        }
        self.verifying.map_or(Ok(()), Verifying::finish)?;
        Ok(Verified {
            claim: self.claim,
            signature: self.signature,
            virtual_size,
        })
    }
}

impl Verified {
    /// Returns the length of the disk that the data describes.
    pub(crate) fn virtual_size(&self) -> Option<u64> {
        self.virtual_size
    }

    /// Tests that an image still says of its data what was found to be true.
    ///
    /// # Errors
    /// `SignatureInvalid`; `InvalidState` if its formats have changed.
    pub(crate) fn expect(&self, ingest: &Ingest, image: &Image) -> Result<()> {
        ingest.signatures.expect(image, self.signature.as_ref())?;
        if Claim::of(image) == self.claim {
            return Ok(());
        }
        let message = "the formats of the image changed while its data was looked at";
        Err(Error::new(ErrorCode::InvalidState, message))
    }
}
