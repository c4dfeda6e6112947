//! What the four properties may say.

use smalti::signature::{HashMethod, KeyType, SignatureProperties};
use smalti::{Engine, ErrorCode};

use super::{NAMES, VALUES, signed_image};
use crate::support::{caller, new_image};

fn parsed([signature, hash, key, certificate]: [&str; 4]) -> smalti::Result<SignatureProperties> {
    SignatureProperties::parse(signature, hash, key, certificate)
}

#[test]
fn well_formed_properties_are_read_as_they_are() {
    for hash in HashMethod::ALL {
        for key in KeyType::ALL {
            let found = parsed([VALUES[0], hash.name(), key.name(), "id"]).expect("read");
            assert_eq!(found.signature(), b"signed");
            assert_eq!((found.hash_method(), found.key_type()), (*hash, *key));
            assert_eq!(found.certificate_id(), "id");
        }
    }
    assert_eq!((HashMethod::ALL.len(), KeyType::ALL.len()), (4, 8));
}

#[test]
fn malformed_properties_are_told_with_their_name() {
    let (long, huge) = ("AAAA".repeat(700), "A".repeat(65_535));
    let (many, fits) = ("i".repeat(256), "\u{e4}".repeat(255));
    let with = |at: usize, value| {
        let mut values = VALUES;
        values[at] = value;
        values
    };
    let cases: &[(usize, &str)] = &[
        (0, ""),
        (0, "="),
        (0, " \n"),
        (0, "c2lnbmV"),
        (0, "c2ln*mVk"),
        (0, "c2lnbmVk\u{e9}"),
        (0, "c2ln-_Vk"),
        (0, &long),
        (0, &huge),
        (1, ""),
        (1, "MD5"),
        (1, "SHA-1"),
        (1, "SHA1"),
        (1, "sha-256"),
        (1, "SHA256"),
        (1, "SHA3-256"),
        (1, "SHA-256 "),
        (2, ""),
        (2, "RSA"),
        (2, "rsa-pss"),
        (2, "ECC_SECP256R1"),
        (2, "ECC_SECP384R1\0"),
        (3, ""),
        (3, &many),
        (3, &huge),
    ];
    for &(at, value) in cases {
        let error = parsed(with(at, value)).expect_err(value);
        assert_eq!(
            (error.code(), error.http_status()),
            (ErrorCode::SignatureInvalid, 400)
        );
        let message = error.message();
        assert!(
            message.starts_with(&format!("{} is ", NAMES[at])),
            "{message}"
        );
        assert!(message.len() < 300, "{message}");
    }
    parsed(with(3, &fits)).expect("as many characters as a name may have");
    let most = "AAAA".repeat(682) + "AAA=";
    assert_eq!(
        parsed(with(0, &most)).expect("fits").signature().len(),
        2_048
    );
}

#[test]
fn verification_is_wanted_only_where_all_four_properties_are() {
    let engine = Engine::in_memory().expect("open");
    let images = engine.images(&caller());
    let image = images.create(signed_image(VALUES)).expect("created");
    let found = SignatureProperties::of(&image).expect("read");
    assert_eq!(found, Some(parsed(VALUES).expect("read")));
    for absent in 0..4 {
        // What is there need not even be well-formed.
        let new = (0..4).filter(|&at| at != absent);
        let new = new.fold(new_image(), |new, at| new.property(NAMES[at], "?"));
        let image = images.create(new).expect("created");
        assert_eq!(SignatureProperties::of(&image).expect("none"), None);
    }
}
