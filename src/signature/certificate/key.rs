//! The public key of a certificate, of the type that the image says.

use super::super::{HashMethod, KeyType, invalid};
use super::x509::{Certificate, malformed};
use super::{Salt, curves, dss, pss};
use crate::error::{Error, Result};

/// A public key that verifies.
pub(super) enum PublicKey {
    Pss(pss::Key),
    Dss(Box<dss::Key>),
    P384(Box<curves::P384>),
    P521(Box<curves::P521>),
}

/// Refuses the types that are not verified here.
pub(super) fn check_type(key_type: KeyType) -> Result<()> {
    match key_type {
        KeyType::RsaPss | KeyType::Dsa | KeyType::EccSecp384r1 | KeyType::EccSecp521r1 => Ok(()),
        KeyType::EccSect571k1
        | KeyType::EccSect409k1
        | KeyType::EccSect571r1
        | KeyType::EccSect409r1 => {
            let message = format!("signatures on binary curves are not verified: {key_type}");
            Err(invalid(message))
        }
    }
}

impl PublicKey {
    /// Takes the key of a certificate if it is of a type.
    pub(super) fn of(certificate: &Certificate, key_type: KeyType) -> Result<Self> {
        check_type(key_type)?;
        let parameters = certificate.parameters()?;
        let source = Source {
            algorithm: certificate.algorithm().to_string(),
            parameters: parameters.as_deref(),
            bytes: certificate.key_bytes()?,
            key_type,
        };
        match key_type {
            KeyType::RsaPss => pss::Key::of(&source).map(Self::Pss),
            KeyType::Dsa => dss::Key::of(&source).map(|key| Self::Dss(Box::new(key))),
            KeyType::EccSecp521r1 => curves::P521::of(&source).map(|key| Self::P521(Box::new(key))),
            _ => curves::P384::of(&source).map(|key| Self::P384(Box::new(key))),
        }
    }

    /// Tells whether a signature is one of the data that has a digest.
    pub(super) fn holds(&self, signed: &Signed<'_>) -> bool {
        match self {
            Self::Pss(key) => key.holds(signed),
            Self::Dss(key) => key.holds(signed.digest, signed.signature),
            Self::P384(key) => key.holds(signed.digest, signed.signature),
            Self::P521(key) => key.holds(signed.digest, signed.signature),
        }
    }
}

/// A signature, and the digest of what may be its data.
pub(super) struct Signed<'a> {
    pub(super) hash_method: HashMethod,
    pub(super) digest: &'a [u8],
    pub(super) signature: &'a [u8],
    pub(super) salt: Salt,
}

/// A public key as a certificate has it.
pub(super) struct Source<'a> {
    /// In dots and digits.
    pub(super) algorithm: String,
    /// In DER, with tag and length.
    pub(super) parameters: Option<&'a [u8]>,
    pub(super) bytes: &'a [u8],
    /// What the image says.
    pub(super) key_type: KeyType,
}

impl Source<'_> {
    /// Makes the error for a key of another type.
    pub(super) fn other_type(&self) -> Error {
        let key_type = self.key_type;
        invalid(format!("the certificate has no public key for {key_type}"))
    }

    /// Makes the error for a key of the right type that is none.
    pub(super) fn bad_key(&self) -> Error {
        malformed("its public key is none")
    }

    /// Makes the error for a key of a size that is not taken.
    pub(super) fn bad_size(&self, found: &str, allowed: &str) -> Error {
        invalid(format!(
            "the public key of the certificate has {found}, not {allowed}"
        ))
    }
}
