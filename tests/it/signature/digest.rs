//! Hooks to which a digest says as much as all bytes.

use std::sync::{Arc, Mutex};

use smalti::hash::{Algorithm, Digest, Hasher};
use smalti::signature::{SignatureProperties, SignatureVerifier, Verification};
use smalti::{Engine, ErrorCode, Result, Settings, Timestamp};

use super::hook::{check_queued, create, fill, refused};
use crate::support::caller;

/// A hook to which a digest by an algorithm says enough; it keeps what it is given.
#[derive(Debug, Clone)]
struct ByDigest {
    algorithm: Algorithm,
    told: Arc<Mutex<Vec<String>>>,
}

impl SignatureVerifier for ByDigest {
    fn begin(&self, _: &SignatureProperties, _: Timestamp) -> Result<Box<dyn Verification>> {
        Ok(Box::new(self.clone()))
    }
}

impl Verification for ByDigest {
    fn update(&mut self, bytes: &[u8]) {
        self.told.lock().expect("lock").push(format!("{bytes:?}"));
    }

    fn finish(self: Box<Self>) -> Result<()> {
        self.told.lock().expect("lock").push("end".to_owned());
        Ok(())
    }

    fn algorithm(&self) -> Option<Algorithm> {
        Some(self.algorithm)
    }

    fn finish_by(self: Box<Self>, digest: &Digest) -> Result<()> {
        self.told.lock().expect("lock").push(format!("{digest:?}"));
        match digest.algorithm() == self.algorithm {
            true => Err(refused()),
            false => Ok(()),
        }
    }
}

#[test]
fn a_digest_that_is_computed_anyway_stands_in_for_the_bytes() {
    let digest = |algorithm| {
        let mut hasher = Hasher::new(algorithm);
        hasher.update(b"12");
        format!("{:?}", hasher.finish())
    };
    use Algorithm::{Md5, Sha256, Sha512};
    for (algorithm, legacy_md5, os_hash, stands_in) in [
        (Sha512, true, Some(Sha512), true),
        (Md5, true, Some(Sha512), true),
        (Md5, true, Some(Md5), true),
        (Md5, false, Some(Md5), true),
        (Md5, false, Some(Sha512), false),
        (Sha256, true, Some(Sha512), false),
        (Sha512, true, None, false),
        (Sha512, false, None, false),
    ] {
        let (told, case) = (Arc::default(), (algorithm, legacy_md5, os_hash));
        let hook = ByDigest {
            algorithm,
            told: Arc::clone(&told),
        };
        let settings = Settings {
            legacy_md5,
            hashing_algorithm: os_hash,
            ..Settings::default()
        };
        let builder = Engine::builder_in_memory().settings(settings);
        let engine = builder.signatures(hook).open().expect("open");
        let images = engine.images(&caller());
        let image = create(&images);
        let filled = fill(&images, &image, b"12");
        let told = std::mem::take(&mut *told.lock().expect("lock"));
        if stands_in {
            let error = filled.expect_err("refused");
            assert_eq!(error.code(), ErrorCode::SignatureInvalid, "{case:?}");
            assert_eq!(told, [digest(algorithm)], "{case:?}");
            check_queued(&images, &image);
        } else {
            filled.unwrap_or_else(|error| panic!("{error}: {case:?}"));
            assert_eq!(told, ["[49, 50]", "end"], "{case:?}");
        }
    }
}
