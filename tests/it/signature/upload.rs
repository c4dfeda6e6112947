//! Signed data into an engine that has certificates.

use smalti::signature::CertificateVerifier;
use smalti::{Algorithm, Clock, Engine, ErrorCode, Settings, Status, Timestamp};

use super::vector::{directory, middle, signed, vectors};
use crate::support::{caller, read_all};

/// A clock that stands.
#[derive(Debug)]
struct Standing(Timestamp);

impl Clock for Standing {
    fn now(&self) -> Timestamp {
        self.0
    }
}

/// An engine in memory that verifies by the certificates of the vectors.
pub(crate) fn verifying(now: Timestamp) -> Engine {
    with(now, Settings::default())
}

fn with(now: Timestamp, settings: Settings) -> Engine {
    let builder = Engine::builder_in_memory()
        .clock(Standing(now))
        .settings(settings);
    let verifier = CertificateVerifier::new(directory());
    builder.signatures(verifier).open().expect("open")
}

#[test]
fn signed_data_becomes_an_image_and_other_data_does_not() {
    // Whether the digest that was signed is computed anyway, or not.
    let multihashes = [Algorithm::Sha512, Algorithm::Sha256, Algorithm::Sha3_512];
    for multihash in multihashes.map(Some).into_iter().chain([None]) {
        let settings = Settings {
            hashing_algorithm: multihash,
            ..Settings::default()
        };
        check_all(&with(middle(), settings));
    }
}

fn check_all(engine: &Engine) {
    let images = engine.images(&caller());
    for vector in vectors() {
        let image = images.create(vector.image()).expect("created");
        let fill = |data: &[u8]| {
            let mut upload = images.upload(image.id())?;
            upload.read_from(&mut &*data)?;
            upload.finish()
        };
        let error = fill(b"other data").expect_err("refused");
        assert_eq!(error.code(), ErrorCode::SignatureInvalid, "{vector:?}");
        let queued = images.show(image.id()).expect("shown");
        assert_eq!((queued.status(), queued.size()), (Status::Queued, None));
        assert!(images.open(image.id()).expect("open").is_none());
        match fill(vector.data.as_bytes()) {
            Ok(image) => {
                assert!(vector.holds && image.status() == Status::Active);
                assert_eq!(read_all(&images, image.id()), vector.data.as_bytes());
            }
            Err(error) => assert!(!vector.holds, "{error}: {vector:?}"),
        }
    }
}

#[test]
fn the_clock_of_the_engine_says_which_certificates_count() {
    let late = verifying(Timestamp::from_micros(2_100_000_000_000_000));
    let images = late.images(&caller());
    let vector = signed().remove(0);
    let image = images.create(vector.image()).expect("created");
    let error = images.upload(image.id()).expect_err("expired");
    assert_eq!(error.code(), ErrorCode::SignatureInvalid);
    assert!(
        error.message().contains("counts until 2036-01-01"),
        "{error}"
    );
    let status = images.show(image.id()).expect("shown").status();
    assert_eq!(status, Status::Queued);
}
