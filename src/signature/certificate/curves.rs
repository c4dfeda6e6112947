//! ECDSA on the two prime curves of the Images API; signatures are in DER.

use x509_cert::der::Decode;
use x509_cert::der::asn1::ObjectIdentifier;

use super::key::Source;
use crate::error::Result;

/// `id-ecPublicKey` of RFC 5480.
const EC: &str = "1.2.840.10045.2.1";

macro_rules! curve {
    ($(#[$doc:meta])* $name:ident, $curve:ident, $oid:literal) => {
        $(#[$doc])*
        pub(super) struct $name($curve::ecdsa::VerifyingKey);

        impl $name {
            pub(super) fn of(source: &Source<'_>) -> Result<Self> {
                if source.algorithm != EC || named(source.parameters).as_deref() != Some($oid) {
                    return Err(source.other_type());
                }
                let key = $curve::ecdsa::VerifyingKey::from_sec1_bytes(source.bytes);
                key.map(Self).map_err(|_| source.bad_key())
            }

            pub(super) fn holds(&self, digest: &[u8], signature: &[u8]) -> bool {
                use $curve::ecdsa::signature::hazmat::PrehashVerifier;
                $curve::ecdsa::Signature::from_der(signature)
                    .is_ok_and(|signature| self.0.verify_prehash(digest, &signature).is_ok())
            }
        }
    };
}

curve!(
    /// A key on P-384, which the API calls secp384r1.
    P384, p384, "1.3.132.0.34"
);
curve!(
    /// A key on P-521, which the API calls secp521r1.
    P521, p521, "1.3.132.0.35"
);

/// Returns the name of a curve, in dots and digits; none of one that is described by numbers.
fn named(parameters: Option<&[u8]>) -> Option<String> {
    let oid: ObjectIdentifier = ObjectIdentifier::from_der(parameters?).ok()?;
    Some(oid.to_string())
}
