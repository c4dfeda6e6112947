//! RSA with the padding PSS and MGF1 by the hash of the data (cursive:
//! `signature_utils.create_verifier_for_pss`).

use rsa::pss::{Signature, VerifyingKey};
use rsa::sha2::{Sha224, Sha256, Sha384, Sha512};
use rsa::signature::hazmat::PrehashVerifier;
use rsa::traits::PublicKeyParts;
use rsa::{BoxedUint, Error};
use x509_cert::der::asn1::UintRef;
use x509_cert::der::{Decode, Reader, SliceReader};

use super::super::HashMethod;
use super::Salt;
use super::key::{Signed, Source};
use crate::error::Result;

/// `rsaEncryption` of RFC 8017.
const ANY_RSA: &str = "1.2.840.113549.1.1.1";
/// `id-RSASSA-PSS`, for keys that sign in no other way.
const ONLY_PSS: &str = "1.2.840.113549.1.1.10";
/// The DER of NULL.
const NULL: &[u8] = &[5, 0];
/// Sizes of keys, in bits.
const SIZES: std::ops::RangeInclusive<usize> = 1024..=8192;

pub(super) struct Key(rsa::PublicKey);

impl Key {
    pub(super) fn of(source: &Source<'_>) -> Result<Self> {
        match (source.algorithm.as_str(), source.parameters) {
            (ANY_RSA, None | Some(NULL)) | (ONLY_PSS, None) => {}
            // A key that is tied to a hash and a salt would have to be tested against them.
            _ => return Err(source.other_type()),
        }
        let [n, e] = numbers(source.bytes).map_err(|_| source.bad_key())?;
        let bits = n.bit_width_vartime();
        let key = rsa::PublicKey::new_with_size_limits(n, e, SIZES);
        key.map(Self).map_err(|error| match error {
            Error::ModulusTooSmall | Error::ModulusTooLarge => {
                source.bad_size(&format!("{bits} bits"), "1024 to 8192")
            }
            _ => source.bad_key(),
        })
    }

    pub(super) fn holds(&self, signed: &Signed<'_>) -> bool {
        let Ok(signature) = Signature::try_from(signed.signature) else {
            return false;
        };
        let salt_len = match signed.salt {
            Salt::Longest => self.longest_salt(signed.digest.len()).map(Some),
            Salt::Any => Some(None),
        };
        let Some(salt_len) = salt_len else {
            return false;
        };
        macro_rules! holds {
            ($hash:ty) => {{
                let key = self.0.clone();
                let key = match salt_len {
                    Some(len) => VerifyingKey::<$hash>::new_with_salt_len(key, len),
                    None => VerifyingKey::<$hash>::new_with_auto_salt_len(key),
                };
                key.verify_prehash(signed.digest, &signature).is_ok()
            }};
        }
        match signed.hash_method {
            HashMethod::Sha224 => holds!(Sha224),
            HashMethod::Sha256 => holds!(Sha256),
            HashMethod::Sha384 => holds!(Sha384),
            HashMethod::Sha512 => holds!(Sha512),
        }
    }

    /// Returns the length that a salt has at most beside a digest, in bytes (RFC 8017, 9.1.1).
    fn longest_salt(&self, digest_len: usize) -> Option<usize> {
        let bits = usize::try_from(self.0.n().bit_width_vartime()).ok()?;
        bits.checked_sub(1)?.div_ceil(8).checked_sub(digest_len + 2)
    }
}

/// Reads modulus and exponent.
fn numbers(der: &[u8]) -> x509_cert::der::Result<[BoxedUint; 2]> {
    let mut reader = SliceReader::new(der)?;
    let numbers = reader.sequence(|inner| -> x509_cert::der::Result<_> {
        let [n, e] = [UintRef::decode(inner)?, UintRef::decode(inner)?];
        Ok([n, e].map(|number| BoxedUint::from_be_slice_vartime(number.as_bytes())))
    })?;
    reader.finish()?;
    Ok(numbers)
}
