//! What the properties of an image say about the signature over its data.

use std::fmt;
use std::str::FromStr;

use super::base64::{self, Fault};
use super::invalid;
use crate::error::{Error, Result, shown};
use crate::hash::Algorithm;
use crate::image::Image;
use crate::limits::{NAME_MAX_CHARS, SIGNATURE_MAX_BYTES};

/// The signature, in base64.
const SIGNATURE: &str = "img_signature";
/// How the data is hashed.
const HASH_METHOD: &str = "img_signature_hash_method";
/// What kind of key has signed.
const KEY_TYPE: &str = "img_signature_key_type";
/// Where the key is to be found.
const CERTIFICATE: &str = "img_signature_certificate_uuid";

macro_rules! words {
    ($property:ident, $name:ident, $(#[$about:meta])*; $($(#[$doc:meta])* $variant:ident = $word:literal;)*) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name { $($(#[$doc])* $variant,)* }

        impl $name {
            /// Every one of them, in the order of the documents.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Returns the word that the Images API uses.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }

        impl FromStr for $name {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self> {
                let found = Self::ALL.iter().find(|known| known.name() == text);
                found.copied().ok_or_else(|| {
                    let words = [$($word),*].join(", ");
                    invalid(format!("{} is {:?}, not one of {words}", $property, shown(text)))
                })
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.name())
            }
        }
    };
}

words! {
    HASH_METHOD, HashMethod,
    /// How the data is hashed before it is signed. MD5 and SHA-1 are none of these (CVE-2015-8234).
    ;
    /// SHA-224.
    Sha224 = "SHA-224";
    /// SHA-256.
    Sha256 = "SHA-256";
    /// SHA-384.
    Sha384 = "SHA-384";
    /// SHA-512.
    Sha512 = "SHA-512";
}

words! {
    KEY_TYPE, KeyType,
    /// What kind of key has signed, and so how.
    ;
    /// RSA with the padding PSS, MGF1 by the same hash, and the longest salt that fits.
    RsaPss = "RSA-PSS";
    /// DSA.
    Dsa = "DSA";
    /// ECDSA on the binary curve sect571k1.
    EccSect571k1 = "ECC_SECT571K1";
    /// ECDSA on the binary curve sect409k1.
    EccSect409k1 = "ECC_SECT409K1";
    /// ECDSA on the binary curve sect571r1.
    EccSect571r1 = "ECC_SECT571R1";
    /// ECDSA on the binary curve sect409r1.
    EccSect409r1 = "ECC_SECT409R1";
    /// ECDSA on P-521.
    EccSecp521r1 = "ECC_SECP521R1";
    /// ECDSA on P-384.
    EccSecp384r1 = "ECC_SECP384R1";
}

impl HashMethod {
    /// Returns the algorithm that computes it.
    pub fn algorithm(self) -> Algorithm {
        match self {
            Self::Sha224 => Algorithm::Sha224,
            Self::Sha256 => Algorithm::Sha256,
            Self::Sha384 => Algorithm::Sha384,
            Self::Sha512 => Algorithm::Sha512,
        }
    }
}

/// A signature over the data of an image, as four of its properties describe it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignatureProperties {
    signature: Vec<u8>,
    hash_method: HashMethod,
    key_type: KeyType,
    certificate_id: String,
}

impl SignatureProperties {
    /// Reads the properties of an image; `None` unless all four are there, as the Images API has
    /// it (cursive: `signature_utils.should_create_verifier`).
    ///
    /// # Errors
    /// As [`SignatureProperties::parse`].
    pub fn of(image: &Image) -> Result<Option<Self>> {
        let names = [SIGNATURE, HASH_METHOD, KEY_TYPE, CERTIFICATE];
        match names.map(|name| image.property(name)) {
            [Some(signature), Some(hash), Some(key), Some(certificate)] => {
                Self::parse(signature, hash, key, certificate).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// Reads the values of `img_signature`, `img_signature_hash_method`, `img_signature_key_type`
    /// and `img_signature_certificate_uuid`.
    ///
    /// # Errors
    /// `SignatureInvalid` if the signature is empty, longer than
    /// [`SIGNATURE_MAX_BYTES`](crate::limits::SIGNATURE_MAX_BYTES) or no base64, if the hash method
    /// or the key type is unknown, or if the id of the certificate does not have 1 to 255
    /// characters.
    pub fn parse(
        signature: &str,
        hash_method: &str,
        key_type: &str,
        certificate_id: &str,
    ) -> Result<Self> {
        Ok(Self {
            signature: signature_bytes(signature)?,
            hash_method: hash_method.parse()?,
            key_type: key_type.parse()?,
            certificate_id: checked_id(certificate_id)?.to_owned(),
        })
    }

    /// Returns the bytes of the signature: 1 to
    /// [`SIGNATURE_MAX_BYTES`](crate::limits::SIGNATURE_MAX_BYTES), otherwise unknown.
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// Returns how the data was hashed.
    pub fn hash_method(&self) -> HashMethod {
        self.hash_method
    }

    /// Returns what kind of key has signed.
    pub fn key_type(&self) -> KeyType {
        self.key_type
    }

    /// Returns the name of the certificate: 1 to 255 characters that a user has chosen.
    pub fn certificate_id(&self) -> &str {
        &self.certificate_id
    }
}

fn signature_bytes(text: &str) -> Result<Vec<u8>> {
    let bytes = base64::decode(text, SIGNATURE_MAX_BYTES).map_err(|fault| {
        invalid(match fault {
            Fault::Character(at) => format!("{SIGNATURE} is no base64 at byte {at}"),
            Fault::End => format!("{SIGNATURE} is base64 without its proper end"),
            Fault::TooLong => {
                format!("{SIGNATURE} is longer than {SIGNATURE_MAX_BYTES} bytes")
            }
        })
    })?;
    if bytes.is_empty() {
        return Err(invalid(format!("{SIGNATURE} is empty")));
    }
    Ok(bytes)
}

fn checked_id(text: &str) -> Result<&str> {
    match text.chars().take(NAME_MAX_CHARS + 1).count() {
        0 => Err(invalid(format!("{CERTIFICATE} is empty"))),
        count if count > NAME_MAX_CHARS => {
            let message = format!("{CERTIFICATE} is longer than {NAME_MAX_CHARS} characters");
            Err(invalid(message))
        }
        _ => Ok(text),
    }
}
