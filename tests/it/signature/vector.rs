//! The vectors in `tests/vectors/signature`, made by `tests/signature_vectors.py`.

use std::path::{Path, PathBuf};

use serde_json::Value;
use smalti::signature::{
    CertificateDirectory, CertificateProvider, CertificateVerifier, SignatureProperties,
    SignatureVerifier,
};
use smalti::{ErrorCode, NewImage, Result, Timestamp};

use super::signed_image;

/// A signature, and whether it is one of some data.
#[derive(Debug, Clone)]
pub(crate) struct Vector {
    pub(crate) about: String,
    pub(crate) certificate: String,
    pub(crate) key_type: String,
    pub(crate) hash_method: String,
    pub(crate) signature: String,
    pub(crate) data: String,
    pub(crate) holds: bool,
    /// What cursive says.
    pub(crate) cursive: bool,
}

impl Vector {
    fn of(value: &Value) -> Self {
        let text = |name: &str| value[name].as_str().expect("a text").to_owned();
        let word = |name: &str| value[name].as_bool().expect("yes or no");
        Self {
            about: text("about"),
            certificate: text("certificate"),
            key_type: text("key_type"),
            hash_method: text("hash_method"),
            signature: text("signature"),
            data: text("data"),
            holds: word("holds"),
            cursive: word("cursive"),
        }
    }

    fn values(&self) -> [&str; 4] {
        [
            &self.signature,
            &self.hash_method,
            &self.key_type,
            &self.certificate,
        ]
    }

    pub(crate) fn properties(&self) -> Result<SignatureProperties> {
        let [signature, hash, key, certificate] = self.values();
        SignatureProperties::parse(signature, hash, key, certificate)
    }

    /// An image that may be filled with the data.
    pub(crate) fn image(&self) -> NewImage {
        signed_image(self.values())
    }

    /// Verifies it in pieces.
    pub(crate) fn verify(
        &self,
        verifier: &dyn SignatureVerifier,
        now: Timestamp,
        piece_bytes: usize,
    ) -> Result<()> {
        let mut verification = verifier.begin(&self.properties()?, now)?;
        for piece in self.data.as_bytes().chunks(piece_bytes) {
            verification.update(piece);
        }
        verification.finish()
    }

    /// Tells whether it holds in the middle of 2026; it is an error with the right code if not.
    #[track_caller]
    pub(crate) fn holds_by(&self, provider: impl CertificateProvider) -> bool {
        let found = self.verify(&CertificateVerifier::new(provider), middle(), usize::MAX);
        if let Err(error) = &found {
            assert_eq!(error.code(), ErrorCode::SignatureInvalid, "{error}");
        }
        found.is_ok()
    }
}

pub(crate) fn vectors() -> Vec<Vector> {
    let text = std::fs::read(place().join("vectors.json")).expect("vectors");
    let values: Value = serde_json::from_slice(&text).expect("JSON");
    let vectors: Vec<_> = values
        .as_array()
        .expect("a list")
        .iter()
        .map(Vector::of)
        .collect();
    assert!(vectors.len() > 150, "only {} vectors", vectors.len());
    vectors
}

/// The vectors that hold, one for each key and hash method.
pub(crate) fn signed() -> Vec<Vector> {
    let mut vectors = vectors();
    vectors.retain(|vector| vector.holds && vector.about == "signed" && vector.data.len() > 100);
    assert_eq!(vectors.len(), 9 * 4);
    vectors
}

pub(crate) fn place() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/signature")
}

pub(crate) fn directory() -> CertificateDirectory {
    CertificateDirectory::new(place())
}

/// The middle of December 2026, when most certificates count; those of OpenSSL from their making.
pub(crate) fn middle() -> Timestamp {
    Timestamp::from_micros(1_797_300_000_000_000)
}
