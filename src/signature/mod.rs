//! Signatures over the data of images: the four properties that ask for one, and the hook that
//! verifies it while the bytes come in.
//!
//! An image that carries `img_signature`, `img_signature_hash_method`, `img_signature_key_type` and
//! `img_signature_certificate_uuid` becomes active only if its data verifies, where the host has
//! given the engine a [`SignatureVerifier`]; without one these are properties as any other. With
//! the feature `signature` there is `CertificateVerifier`, which has public keys from X.509
//! certificates.
//!
//! This room signs nothing and trusts nobody: whose certificates count is the business of who
//! provides them.

mod base64;
#[cfg(feature = "signature")]
mod certificate;
mod properties;

use std::fmt;

use crate::clock::Timestamp;
use crate::error::{Error, ErrorCode, Result};
use crate::hash::{Algorithm, Digest};

#[cfg(feature = "signature")]
pub use certificate::{CertificateDirectory, CertificateProvider, CertificateVerifier};
pub use properties::{HashMethod, KeyType, SignatureProperties};

/// Verifies signatures over the data of images, for an engine that was given it by
/// [`Builder::signatures`](crate::engine::Builder::signatures).
pub trait SignatureVerifier: fmt::Debug + Send + Sync + 'static {
    /// Begins to verify the data of one upload, before any of its bytes. It may take its time to
    /// look a key up, on the thread that begins the upload and outside every transaction.
    ///
    /// # Errors
    /// `SignatureInvalid` if no data can have this signature: the key is not there, does not count
    /// at the time `now`, or is of another type. Any other error ends the upload likewise.
    fn begin(
        &self,
        signature: &SignatureProperties,
        now: Timestamp,
    ) -> Result<Box<dyn Verification>>;
}

/// The verification of the data of one upload.
pub trait Verification: Send + 'static {
    /// Takes the next bytes: pieces of any length, in order, on one thread at a time.
    fn update(&mut self, bytes: &[u8]);

    /// Tells whether the bytes taken are those that were signed.
    ///
    /// # Errors
    /// `SignatureInvalid` if they are not.
    fn finish(self: Box<Self>) -> Result<()>;

    /// Returns the algorithm of which a digest says as much as all bytes. Where the engine computes
    /// this digest anyway, it gives it to [`finish_by`](Self::finish_by), and no bytes at all, so
    /// that nothing is hashed twice. By default there is none.
    fn algorithm(&self) -> Option<Algorithm> {
        None
    }

    /// Tells whether bytes that have a digest are those that were signed; called in place of
    /// everything else, and only where [`algorithm`](Self::algorithm) says so.
    ///
    /// # Errors
    /// `SignatureInvalid` if they are not. By default `Internal`.
    fn finish_by(self: Box<Self>, digest: &Digest) -> Result<()> {
        let algorithm = digest.algorithm();
        let message = format!("a digest by {algorithm} is nothing to this verification");
        Err(Error::new(ErrorCode::Internal, message))
    }
}

/// Makes the error for a signature that does not hold, or that none can hold.
fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorCode::SignatureInvalid, message)
}
