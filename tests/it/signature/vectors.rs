//! What certificates verify, and what they do not.

use smalti::signature::{CertificateVerifier, KeyType};
use smalti::{ErrorCode, Timestamp};

use super::vector::{Vector, directory, middle, signed, vectors};

/// The first second of 2026 and of 2036, between which most certificates count.
const FROM_SECS: i64 = 1_767_225_600;
const UNTIL_SECS: i64 = 2_082_758_400;

#[test]
fn every_signature_holds_as_its_vector_says() {
    for vector in vectors() {
        assert_eq!(vector.holds_by(directory()), vector.holds, "{vector:?}");
        // Where cursive says otherwise, this is on purpose: see docs/semantics.md.
        let is_bent = ["salt of ", "another curve", "another time"];
        if !is_bent.iter().any(|start| vector.about.starts_with(start)) {
            assert_eq!(vector.holds, vector.cursive, "{vector:?}");
        }
    }
}

#[test]
fn a_host_may_take_salts_of_any_length() {
    let verifier = CertificateVerifier::new(directory()).with_any_salt();
    for vector in vectors() {
        let holds = vector.holds || vector.about.starts_with("salt of ");
        let found = vector.verify(&verifier, middle(), 100);
        assert_eq!(found.is_ok(), holds, "{vector:?}");
    }
}

#[test]
fn pieces_of_any_length_give_the_same_answer() {
    let verifier = CertificateVerifier::new(directory());
    for vector in signed() {
        for piece_bytes in [1, 2, 3, 7, 63, 64, 65, 127, 128, 129, 1 << 20] {
            let found = vector.verify(&verifier, middle(), piece_bytes);
            found.unwrap_or_else(|error| panic!("{error}: {piece_bytes}, {vector:?}"));
        }
    }
    let vector = &signed()[0];
    let properties = vector.properties().expect("read");
    let begun = smalti::signature::SignatureVerifier::begin(&verifier, &properties, middle());
    let mut verification = begun.expect("begun");
    for piece in ["", &vector.data, ""] {
        verification.update(piece.as_bytes());
    }
    verification.finish().expect("it holds");
}

/// Flips a bit of a text of ASCII letters, so that another letter comes out.
fn flipped(text: &str, at: usize) -> String {
    let mut bytes = text.as_bytes().to_vec();
    bytes[at] ^= 1;
    String::from_utf8(bytes).expect("ASCII")
}

#[test]
fn one_changed_bit_of_the_data_is_refused() {
    for vector in signed() {
        let last = vector.data.len() - 1;
        for at in [0, 1, last / 2, last - 1, last] {
            let data = flipped(&vector.data, at);
            let other = Vector {
                data,
                ..vector.clone()
            };
            assert!(!other.holds_by(directory()), "{other:?}");
        }
        for data in [
            "".to_owned(),
            vector.data[1..].to_owned(),
            format!("{}\0", vector.data),
        ] {
            let other = Vector {
                data,
                ..vector.clone()
            };
            assert!(!other.holds_by(directory()), "{other:?}");
        }
    }
}

#[test]
fn another_certificate_method_or_type_is_refused() {
    let names = |of: fn(&Vector) -> &String| {
        let mut names: Vec<_> = signed().iter().map(|vector| of(vector).clone()).collect();
        names.sort();
        names.dedup();
        names
    };
    let mut certificates = names(|vector| &vector.certificate);
    certificates.extend(["rsa-other", "p256", "absent"].map(str::to_owned));
    let methods = names(|vector| &vector.hash_method);
    for vector in signed() {
        let others = certificates.iter().map(|name| Vector {
            certificate: name.clone(),
            ..vector.clone()
        });
        let others = others.chain(methods.iter().map(|name| Vector {
            hash_method: name.clone(),
            ..vector.clone()
        }));
        let others = others.chain(KeyType::ALL.iter().map(|key| Vector {
            key_type: key.name().to_owned(),
            ..vector.clone()
        }));
        for other in others {
            let is_same = other.certificate == vector.certificate
                && other.hash_method == vector.hash_method
                && other.key_type == vector.key_type;
            assert_eq!(other.holds_by(directory()), is_same, "{other:?}");
        }
    }
}

#[test]
fn certificates_count_from_their_first_second_to_their_last() {
    let verifier = CertificateVerifier::new(directory());
    let check = |vector: &Vector, micros: i64, expected: Option<&str>| {
        let found = vector.verify(&verifier, Timestamp::from_micros(micros), 100);
        let found = found.err();
        assert_eq!(
            found.as_ref().map(|e| e.code()),
            expected.map(|_| ErrorCode::SignatureInvalid)
        );
        assert_eq!(found.as_ref().map(|error| error.message()), expected);
    };
    let (from, until) = (FROM_SECS * 1_000_000, UNTIL_SECS * 1_000_000);
    let early =
        "the certificate counts from 2026-01-01T00:00:00Z on, and it is 2025-12-31T23:59:59Z";
    let late = "the certificate counts until 2036-01-01T00:00:00Z, and it is 2036-01-01T00:00:00Z";
    for vector in signed()
        .iter()
        .filter(|vector| vector.certificate != "rsa-pss-only")
    {
        check(vector, from, None);
        check(vector, until, None);
        check(vector, from - 1, Some(early));
        check(vector, until + 1, Some(late));
    }
    let named = |name: &str| {
        let found = vectors()
            .into_iter()
            .find(|vector| vector.certificate == name);
        found.expect("a vector")
    };
    check(&named("rsa-expired"), from, None);
    check(&named("rsa-future"), until, None);
}

#[test]
fn what_is_refused_says_why() {
    let vector = signed().remove(0);
    let (huge, zeros) = ("A".repeat(2_728), "AAAA".repeat(64));
    let cases: &[(&str, &str, &str, &str)] = &[
        (
            "ECC_SECT571K1",
            "rsa-2048",
            &vector.signature,
            "signatures on binary curves are not verified: ECC_SECT571K1",
        ),
        (
            "ECC_SECT409K1",
            "absent",
            &vector.signature,
            "signatures on binary curves are not verified: ECC_SECT409K1",
        ),
        (
            "ECC_SECT571R1",
            "rsa-2048",
            &vector.signature,
            "signatures on binary curves are not verified: ECC_SECT571R1",
        ),
        (
            "ECC_SECT409R1",
            "rsa-2048",
            &vector.signature,
            "signatures on binary curves are not verified: ECC_SECT409R1",
        ),
        (
            "RSA-PSS",
            "absent",
            &vector.signature,
            "certificate \"absent\" is not there",
        ),
        (
            "RSA-PSS",
            "p384",
            &vector.signature,
            "the certificate has no public key for RSA-PSS",
        ),
        (
            "DSA",
            "rsa-2048",
            &vector.signature,
            "the certificate has no public key for DSA",
        ),
        (
            "ECC_SECP384R1",
            "p521",
            &vector.signature,
            "the certificate has no public key for ECC_SECP384R1",
        ),
        (
            "ECC_SECP521R1",
            "p256",
            &vector.signature,
            "the certificate has no public key for ECC_SECP521R1",
        ),
        (
            "RSA-PSS",
            "rsa-2048",
            &huge,
            "the signature of the image is not one of its data",
        ),
        (
            "DSA",
            "dsa-1024",
            &huge,
            "the signature of the image is not one of its data",
        ),
        (
            "ECC_SECP384R1",
            "p384",
            &huge,
            "the signature of the image is not one of its data",
        ),
        (
            "RSA-PSS",
            "rsa-2048",
            &zeros,
            "the signature of the image is not one of its data",
        ),
        (
            "DSA",
            "dsa-3072",
            &zeros,
            "the signature of the image is not one of its data",
        ),
        (
            "ECC_SECP521R1",
            "p521",
            &zeros,
            "the signature of the image is not one of its data",
        ),
        // Both numbers zero, and both one.
        (
            "DSA",
            "dsa-2048",
            "MAYCAQACAQA=",
            "the signature of the image is not one of its data",
        ),
        (
            "DSA",
            "dsa-2048",
            "MAYCAQECAQE=",
            "the signature of the image is not one of its data",
        ),
        (
            "ECC_SECP384R1",
            "p384",
            "MAYCAQACAQA=",
            "the signature of the image is not one of its data",
        ),
        (
            "ECC_SECP384R1",
            "p384",
            "MAYCAQECAQE=",
            "the signature of the image is not one of its data",
        ),
        (
            "ECC_SECP521R1",
            "p521",
            "MAYCAQECAQE=",
            "the signature of the image is not one of its data",
        ),
    ];
    for &(key_type, certificate, signature, message) in cases {
        let other = Vector {
            key_type: key_type.to_owned(),
            certificate: certificate.to_owned(),
            signature: signature.to_owned(),
            ..vector.clone()
        };
        let found = other.verify(&CertificateVerifier::new(directory()), middle(), 100);
        let error = found.expect_err(message);
        assert_eq!(
            (error.code(), error.message()),
            (ErrorCode::SignatureInvalid, message)
        );
    }
}
