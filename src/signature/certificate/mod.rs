//! The verifier that has public keys from X.509 certificates.
//!
//! It verifies what cursive verifies, the library of the Images API's service, with three
//! differences: a certificate counts only within its dates, an elliptic curve must be the one that
//! the key type names, and binary curves are refused. It builds no chain: whom a certificate is
//! from, what it may be used for, and whether it was revoked, is the business of the provider.

mod curves;
mod directory;
mod dss;
mod key;
mod pss;
mod x509;

use std::fmt;

use self::key::{PublicKey, Signed};
use self::x509::Certificate;
use super::{SignatureProperties, SignatureVerifier, Verification, invalid};
use crate::clock::Timestamp;
use crate::error::{ErrorKind, Result, shown};
use crate::hash::{Algorithm, Digest, Hasher};
use crate::limits::CERTIFICATE_MAX_BYTES;

pub use directory::CertificateDirectory;

/// Has certificates by their names. Those it hands out are trusted: it is the place to test chains,
/// usages and revocation.
pub trait CertificateProvider: fmt::Debug + Send + Sync + 'static {
    /// Returns a certificate, as DER or as PEM; of several in one PEM the first counts. The name
    /// has 1 to 255 characters that a user has chosen, so it may be anything.
    ///
    /// # Errors
    /// `NotFound` or `SignatureInvalid` if there is none that counts: either is `SignatureInvalid`
    /// for the upload. Any other error ends the upload as it is.
    fn certificate(&self, id: &str) -> Result<Vec<u8>>;
}

/// Verifies signatures by RSA-PSS, DSA, and ECDSA on P-384 and P-521.
///
/// A salt of RSA-PSS must be as long as fits, which is what cursive asks for. Whether it gets that
/// hangs on the library below it: `cryptography` 41 refuses other salts, 48 and 50 take them. A host
/// whose users sign with shorter ones, as modules of FIPS 140 do, says so by
/// [`with_any_salt`](Self::with_any_salt).
///
/// # Examples
/// ```no_run
/// use smalti::Engine;
/// use smalti::signature::{CertificateDirectory, CertificateVerifier};
///
/// // Holds a file ID.pem or ID.der for each `img_signature_certificate_uuid` that is trusted.
/// let certificates = CertificateDirectory::new("/etc/images/certificates");
/// let engine = Engine::builder("/var/lib/images")
///     .signatures(CertificateVerifier::new(certificates))
///     .open()?;
/// # Ok::<(), smalti::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct CertificateVerifier<P> {
    provider: P,
    salt: Salt,
}

/// Which salts of RSA-PSS are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Salt {
    Longest,
    Any,
}

impl<P: CertificateProvider> CertificateVerifier<P> {
    /// Makes a verifier that trusts the certificates of a provider.
    pub fn new(provider: P) -> Self {
        let salt = Salt::Longest;
        Self { provider, salt }
    }

    /// Takes salts of RSA-PSS of every length.
    #[must_use]
    pub fn with_any_salt(mut self) -> Self {
        self.salt = Salt::Any;
        self
    }

    fn certificate(&self, id: &str) -> Result<Vec<u8>> {
        let bytes = self.provider.certificate(id).map_err(|error| {
            if error.kind() != ErrorKind::NotFound {
                return error;
            }
            let message = format!("certificate {:?} is not there", shown(id));
            invalid(message).with_source(error)
        })?;
        if bytes.len() > CERTIFICATE_MAX_BYTES {
            let (id, len) = (shown(id), bytes.len());
            let message =
                format!("certificate {id:?} is {len} bytes, limit {CERTIFICATE_MAX_BYTES}");
            return Err(invalid(message));
        }
        Ok(bytes)
    }
}

impl<P: CertificateProvider> SignatureVerifier for CertificateVerifier<P> {
    fn begin(
        &self,
        signature: &SignatureProperties,
        now: Timestamp,
    ) -> Result<Box<dyn Verification>> {
        key::check_type(signature.key_type())?;
        let bytes = self.certificate(signature.certificate_id())?;
        let certificate = Certificate::read(&bytes)?;
        certificate.check_time(now)?;
        let key = PublicKey::of(&certificate, signature.key_type())?;
        let claim = Claim {
            key,
            signature: signature.clone(),
            salt: self.salt,
        };
        Ok(Box::new(Running {
            claim,
            hasher: Hasher::new(signature.hash_method().algorithm()),
        }))
    }
}

/// What an image says of its data, with the key of its certificate.
struct Claim {
    key: PublicKey,
    signature: SignatureProperties,
    salt: Salt,
}

impl Claim {
    /// Tests that it holds for data that has a digest.
    fn check(&self, digest: &Digest) -> Result<()> {
        let hash_method = self.signature.hash_method();
        let signed = Signed {
            hash_method,
            digest: digest.as_bytes(),
            signature: self.signature.signature(),
            salt: self.salt,
        };
        if digest.algorithm() == hash_method.algorithm() && self.key.holds(&signed) {
            return Ok(());
        }
        Err(invalid("the signature of the image is not one of its data"))
    }
}

/// The verification of one upload.
struct Running {
    claim: Claim,
    hasher: Hasher,
}

impl Verification for Running {
    fn update(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
    }

    fn finish(self: Box<Self>) -> Result<()> {
        let Self { claim, hasher } = *self;
        claim.check(&hasher.finish())
    }

    fn algorithm(&self) -> Option<Algorithm> {
        Some(self.hasher.algorithm())
    }

    fn finish_by(self: Box<Self>, digest: &Digest) -> Result<()> {
        self.claim.check(digest)
    }
}
