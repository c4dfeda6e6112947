//! The digests an image may be recorded with, by their Images API names.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorCode, Result};

macro_rules! algorithms {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $len:literal;)*) => {
        /// An algorithm of `os_hash_algo`, written as the Images API writes it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        #[non_exhaustive]
        pub enum Algorithm { $($(#[$doc])* $variant,)* }

        impl Algorithm {
            /// Every algorithm, in the order of the documents.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Returns the name, as records and settings write it.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// Returns the length of the digest, in bytes.
            pub fn len_bytes(self) -> usize {
                match self { $(Self::$variant => $len,)* }
            }
        }
    };
}

algorithms! {
    /// SHA-1.
    Sha1 = "sha1", 20;
    /// SHA-224.
    Sha224 = "sha224", 28;
    /// SHA-256.
    Sha256 = "sha256", 32;
    /// SHA-384.
    Sha384 = "sha384", 48;
    /// SHA-512, the default of the Images API.
    Sha512 = "sha512", 64;
    /// SHA3-224.
    Sha3_224 = "sha3_224", 28;
    /// SHA3-256.
    Sha3_256 = "sha3_256", 32;
    /// SHA3-384.
    Sha3_384 = "sha3_384", 48;
    /// SHA3-512.
    Sha3_512 = "sha3_512", 64;
    /// BLAKE2b without a key, at its full 64 bytes.
    Blake2b = "blake2b", 64;
    /// BLAKE2s without a key, at its full 32 bytes.
    Blake2s = "blake2s", 32;
    /// MD5, which is also what `checksum` holds.
    Md5 = "md5", 16;
}

impl FromStr for Algorithm {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let found = Self::ALL.iter().find(|known| known.name() == text);
        found.copied().ok_or_else(|| {
            let shown: String = text.chars().take(64).collect();
            let names: Vec<&str> = Self::ALL.iter().map(|known| known.name()).collect();
            let names = names.join(", ");
            let message = format!("hash algorithm {shown:?} is not one of {names}");
            Error::new(ErrorCode::InvalidSettings, message)
        })
    }
}

impl TryFrom<String> for Algorithm {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<Algorithm> for String {
    fn from(algorithm: Algorithm) -> Self {
        algorithm.name().to_owned()
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back_and_nothing_else_is() {
        for &algorithm in Algorithm::ALL {
            let read: Algorithm = algorithm.to_string().parse().expect("known");
            assert_eq!(read, algorithm);
        }
        for text in ["", "SHA512", "sha-512", "sha512 ", "sha3-256", "crc32"] {
            let error = text.parse::<Algorithm>().expect_err(text);
            assert_eq!(error.code(), ErrorCode::InvalidSettings);
            assert!(error.message().contains(&format!("{text:?}")), "{error}");
        }
    }
}
