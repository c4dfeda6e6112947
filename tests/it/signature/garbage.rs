//! Certificates and signatures that are cut off or changed anywhere: an error with its code, or an
//! answer, and never a panic.

use smalti::Result;
use smalti::signature::CertificateProvider;

use super::vector::{Vector, place, signed};
use crate::support::Rng;

/// A provider of one certificate.
#[derive(Debug)]
struct Only(Vec<u8>);

impl CertificateProvider for Only {
    fn certificate(&self, _id: &str) -> Result<Vec<u8>> {
        Ok(self.0.clone())
    }
}

fn pem(name: &str) -> Vec<u8> {
    std::fs::read(place().join(format!("{name}.pem"))).expect("a certificate")
}

/// Reads the base64 between the borders of a PEM.
fn der(name: &str) -> Vec<u8> {
    let text = String::from_utf8(pem(name)).expect("ASCII");
    let lines = text.lines().filter(|line| !line.starts_with("-----"));
    base64(&lines.collect::<String>())
}

const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn base64(text: &str) -> Vec<u8> {
    let value = |byte| {
        ALPHABET
            .iter()
            .position(|&letter| letter == byte)
            .unwrap_or(0)
    };
    let groups = text.as_bytes().chunks(4).flat_map(|group| {
        let bits = group.iter().fold(0, |bits, &byte| bits << 6 | value(byte));
        let [.., a, b, c] = bits.to_be_bytes();
        [a, b, c]
    });
    let mut bytes: Vec<u8> = groups.collect();
    bytes.truncate(bytes.len() - text.matches('=').count());
    bytes
}

fn to_base64(bytes: &[u8]) -> String {
    let groups = bytes.chunks(3).flat_map(|group| {
        let byte = |at: usize| u32::from(group.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        let letter = |at: u32| char::from(ALPHABET[(bits >> (18 - 6 * at)) as usize & 63]);
        let letters = [0, 1, 2, 3].map(letter);
        (0..4).map(move |at| if at <= group.len() { letters[at] } else { '=' })
    });
    groups.collect()
}

/// Changes some bytes: flips a bit, sets a byte, cuts out, doubles, or inserts.
fn changed(rng: &mut Rng, bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=rng.below(3) {
        let at = rng.below(bytes.len() as u64) as usize;
        let end = bytes.len().min(at + 1 + rng.below(8) as usize);
        match rng.below(5) {
            0 => bytes[at] ^= 1 << rng.below(8),
            1 => bytes[at] = [0, 1, 0x7f, 0x80, 0xff][rng.below(5) as usize],
            2 if end - at < bytes.len() => drop(bytes.drain(at..end)),
            3 => bytes.splice(at..at, bytes[at..end].to_vec()).for_each(drop),
            _ => bytes.insert(at, rng.below(256) as u8),
        }
    }
    bytes
}

/// Changes one byte or two, and no lengths but those that stand in them: what keeps its form gets as
/// far as the numbers of the key.
fn replaced(rng: &mut Rng, bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=rng.below(2) {
        let at = rng.below(bytes.len() as u64) as usize;
        bytes[at] ^= 1 + rng.below(255) as u8;
    }
    bytes
}

/// One vector for each certificate.
fn one_each() -> Vec<Vector> {
    let mut vectors = signed();
    vectors.dedup_by_key(|vector| vector.certificate.clone());
    assert_eq!(vectors.len(), 9);
    vectors
}

#[test]
fn der_and_pem_are_read_alike_whatever_stands_around() {
    for vector in one_each() {
        let (pem, der) = (pem(&vector.certificate), der(&vector.certificate));
        assert!(vector.holds_by(Only(der.clone())), "{vector:?}");
        let text = |before: &str, after: &[u8]| [before.as_bytes(), &pem, after].concat();
        assert!(vector.holds_by(Only(text("Certificate:\n  0 1\n", b"\n"))));
        // The first of several counts.
        let other = self::pem("rsa-other");
        assert!(vector.holds_by(Only(text("", &other))));
        assert!(!vector.holds_by(Only([&other[..], &pem].concat())));
        assert!(
            !vector.holds_by(Only([&der[..], b"\0"].concat())),
            "more behind it"
        );
        let crlf = String::from_utf8(pem.clone())
            .expect("ASCII")
            .replace('\n', "\r\n");
        assert!(vector.holds_by(Only(crlf.into_bytes())));
    }
}

#[test]
fn a_certificate_cut_off_anywhere_is_refused() {
    for vector in one_each() {
        let (pem, der) = (pem(&vector.certificate), der(&vector.certificate));
        for len in 0..der.len() {
            assert!(
                !vector.holds_by(Only(der[..len].to_vec())),
                "{len}, {vector:?}"
            );
        }
        let end = pem.len() - "\n".len();
        for len in 0..end {
            assert!(
                !vector.holds_by(Only(pem[..len].to_vec())),
                "{len}, {vector:?}"
            );
        }
        assert!(vector.holds_by(Only(pem[..end].to_vec())));
    }
    let vector = &one_each()[0];
    assert!(!vector.holds_by(Only(vec![b'0'; 64 << 10])));
    assert!(!vector.holds_by(Only(
        [pem(&vector.certificate), vec![b'\n'; 64 << 10]].concat()
    )));
}

#[test]
fn a_signature_cut_off_anywhere_or_longer_is_refused() {
    for vector in one_each() {
        let signature = base64(&vector.signature);
        assert_eq!(to_base64(&signature), vector.signature);
        let longer = [&signature[..], b"\0"].concat();
        let wider = [b"\0", &signature[..]].concat();
        let others = (0..signature.len()).map(|len| signature[..len].to_vec());
        for other in others.chain([longer, wider]) {
            let other = Vector {
                signature: to_base64(&other),
                ..vector.clone()
            };
            assert!(!other.holds_by(directory_of(&vector)), "{other:?}");
        }
    }
}

fn directory_of(vector: &Vector) -> Only {
    Only(pem(&vector.certificate))
}

#[test]
fn a_changed_signature_is_refused() {
    let (vectors, mut rng) = (one_each(), Rng(7));
    for round in 0..3_000 {
        let vector = &vectors[round % vectors.len()];
        let signature = base64(&vector.signature);
        let other = changed(&mut rng, &signature);
        if other == signature {
            continue;
        }
        let other = Vector {
            signature: to_base64(&other),
            ..vector.clone()
        };
        assert!(!other.holds_by(directory_of(vector)), "{other:?}");
    }
}

#[test]
fn changed_bits_all_over_a_signature_are_refused() {
    for vector in one_each() {
        let signature = base64(&vector.signature);
        // DSA is slow: there, bits in every place of a byte and in every byte.
        let step = if vector.key_type == "DSA" { 7 } else { 1 };
        for bit in (0..signature.len() * 8).step_by(step) {
            let mut other = signature.clone();
            other[bit / 8] ^= 1 << (bit % 8);
            let other = Vector {
                signature: to_base64(&other),
                ..vector.clone()
            };
            assert!(
                !other.holds_by(directory_of(&vector)),
                "bit {bit}, {vector:?}"
            );
        }
    }
}

#[test]
fn ten_thousand_changed_certificates_and_texts_panic_nowhere() {
    let (vectors, mut rng) = (one_each(), Rng(11));
    let ders: Vec<_> = vectors
        .iter()
        .map(|vector| der(&vector.certificate))
        .collect();
    let (mut read, mut refused) = (0, 0);
    for round in 0..10_000 {
        let at = round % vectors.len();
        let vector = &vectors[at];
        let holds = match round % 10 {
            0 => vector.holds_by(Only(changed(&mut rng, &pem(&vector.certificate)))),
            1 => {
                let text = changed(&mut rng, vector.signature.as_bytes());
                let signature = String::from_utf8_lossy(&text).into_owned();
                let other = Vector {
                    signature,
                    ..vector.clone()
                };
                other.holds_by(directory_of(vector))
            }
            2 | 3 => vector.holds_by(Only(changed(&mut rng, &ders[at]))),
            _ => vector.holds_by(Only(replaced(&mut rng, &ders[at]))),
        };
        *(if holds { &mut read } else { &mut refused }) += 1;
    }
    // Names and the signature of the issuer are not looked at.
    assert!(
        read > 1_000 && refused > 5_000,
        "{read} read, {refused} refused"
    );
}
