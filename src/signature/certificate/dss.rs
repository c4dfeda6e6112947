//! DSA, with the sizes of FIPS 186-4.

use dsa::signature::hazmat::PrehashVerifier;
use dsa::{BoxedUint, Components, Signature, VerifyingKey};
use x509_cert::der::asn1::UintRef;
use x509_cert::der::{Decode, Reader, SliceReader};

use super::key::Source;
use crate::error::Result;

/// `id-dsa` of RFC 3279.
const DSA: &str = "1.2.840.10040.4.1";
/// Lengths of the two primes, in bytes.
const SIZES: [(usize, usize); 4] = [(128, 20), (256, 28), (256, 32), (384, 32)];

pub(super) struct Key(VerifyingKey);

impl Key {
    pub(super) fn of(source: &Source<'_>) -> Result<Self> {
        let parameters = match (source.algorithm.as_str(), source.parameters) {
            (DSA, Some(parameters)) => parameters,
            _ => return Err(source.other_type()),
        };
        let bad_key = |_| source.bad_key();
        let [p, q, g] = components(parameters).map_err(bad_key)?;
        let y = UintRef::from_der(source.bytes).map_err(bad_key)?;
        let [p, q, g, y] = [p, q, g, y].map(|number| number.as_bytes());
        if !SIZES.contains(&(p.len(), q.len())) {
            let found = format!("primes of {} and {} bytes", p.len(), q.len());
            return Err(source.bad_size(&found, "128 and 20, 256 and 28 or 32, 384 and 32"));
        }
        // All at the width of the modulus: the arithmetic takes no other.
        let key = || {
            let wide = |bytes| number(bytes, p.len());
            let components =
                Components::from_components(wide(p)?, number(q, q.len())?, wide(g)?).ok()?;
            let y = wide(y).filter(|y| y < components.p().as_ref());
            VerifyingKey::from_components(components, y?).ok()
        };
        key().map(Self).ok_or_else(|| source.bad_key())
    }

    pub(super) fn holds(&self, digest: &[u8], signature: &[u8]) -> bool {
        Signature::try_from(signature)
            .is_ok_and(|signature| self.0.verify_prehash(digest, &signature).is_ok())
    }
}

/// Reads the three numbers that keys may have in common.
fn components(der: &[u8]) -> x509_cert::der::Result<[UintRef<'_>; 3]> {
    let mut reader = SliceReader::new(der)?;
    let numbers = reader.sequence(|inner| -> x509_cert::der::Result<_> {
        Ok([
            UintRef::decode(inner)?,
            UintRef::decode(inner)?,
            UintRef::decode(inner)?,
        ])
    })?;
    reader.finish()?;
    Ok(numbers)
}

/// Makes a number as wide as a length in bytes; none if it is wider.
fn number(bytes: &[u8], len: usize) -> Option<BoxedUint> {
    let bits = u32::try_from(len).ok()? * 8;
    BoxedUint::from_be_slice(bytes, bits).ok()
}
