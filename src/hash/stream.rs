//! Digests over a stream of bytes.

use std::fmt;

use sha2::digest::DynDigest;

use super::Algorithm;

/// Longest digest, in bytes.
const DIGEST_MAX_BYTES: usize = 64;

/// The digest of some bytes. It is shown as lower-case hex.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest {
    algorithm: Algorithm,
    bytes: [u8; DIGEST_MAX_BYTES],
}

impl Digest {
    /// Returns the algorithm that made it.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Returns its bytes, [`Algorithm::len_bytes`] of them.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.algorithm.len_bytes()]
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = self.as_bytes().iter();
        bytes.try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{self}", self.algorithm)
    }
}

/// Computes one digest over a stream, on the thread of the caller.
pub struct Hasher {
    algorithm: Algorithm,
    state: Box<dyn DynDigest + Send>,
}

impl Hasher {
    /// Makes a hasher that has taken no bytes.
    pub fn new(algorithm: Algorithm) -> Self {
        let state: Box<dyn DynDigest + Send> = match algorithm {
            Algorithm::Sha1 => Box::<sha1::Sha1>::default(),
            Algorithm::Sha224 => Box::<sha2::Sha224>::default(),
            Algorithm::Sha256 => Box::<sha2::Sha256>::default(),
            Algorithm::Sha384 => Box::<sha2::Sha384>::default(),
            Algorithm::Sha512 => Box::<sha2::Sha512>::default(),
            Algorithm::Sha3_224 => Box::<sha3::Sha3_224>::default(),
            Algorithm::Sha3_256 => Box::<sha3::Sha3_256>::default(),
            Algorithm::Sha3_384 => Box::<sha3::Sha3_384>::default(),
            Algorithm::Sha3_512 => Box::<sha3::Sha3_512>::default(),
            Algorithm::Blake2b => Box::<blake2::Blake2b512>::default(),
            Algorithm::Blake2s => Box::<blake2::Blake2s256>::default(),
            Algorithm::Md5 => Box::<md5::Md5>::default(),
        };
        Self { algorithm, state }
    }

    /// Returns the algorithm.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.state.update(bytes);
    }

    /// Returns the digest of all bytes taken.
    pub fn finish(mut self) -> Digest {
        let algorithm = self.algorithm;
        let mut bytes = [0; DIGEST_MAX_BYTES];
        self.state
            .finalize_into_reset(&mut bytes[..algorithm.len_bytes()])
            .expect("the length of each algorithm is in its table");
        Digest { algorithm, bytes }
    }
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hasher({})", self.algorithm)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    /// Published with the documents of the Images API rules; see its `about` for the contents.
    const VECTORS: &str = include_str!("../../tests/vectors/hash.json");

    fn content(name: &str) -> Vec<u8> {
        match name {
            "empty" => Vec::new(),
            "a" | "abc" => name.into(),
            "zeros-4096" => vec![0; 4096],
            "zeros-1MiB" => vec![0; 1 << 20],
            "ramp-1000" => (0..1000u32).map(|i| i.to_le_bytes()[0]).collect(),
            _ => panic!("unknown content {name}"),
        }
    }

    fn digest(algorithm: Algorithm, bytes: &[u8], slice_len: usize) -> Digest {
        let mut hasher = Hasher::new(algorithm);
        bytes
            .chunks(slice_len)
            .for_each(|slice| hasher.update(slice));
        hasher.finish()
    }

    #[test]
    fn digests_are_those_of_the_vectors() {
        let file: Value = serde_json::from_str(VECTORS).expect("json");
        let vectors = file["vectors"].as_array().expect("array");
        assert_eq!(Some(vectors.len() as u64), file["count"].as_u64());
        for vector in vectors {
            let text = |value: &Value| value.as_str().expect("string").to_owned();
            let bytes = content(&text(&vector["content"]));
            let expected = &vector["expect"];
            assert_eq!(Some(bytes.len() as u64), expected["size"].as_u64());
            let algorithm: Algorithm = text(&vector["algorithm"]).parse().expect("known");
            assert_eq!(algorithm.name(), text(&expected["os_hash_algo"]));
            for slice_len in [1, 63, 4096, 1 << 20] {
                let found = digest(algorithm, &bytes, slice_len);
                assert_eq!(found.to_string(), text(&expected["os_hash_value"]));
                let found = digest(Algorithm::Md5, &bytes, slice_len);
                assert_eq!(found.to_string(), text(&expected["checksum"]));
            }
        }
    }

    #[test]
    fn every_algorithm_fills_its_length() {
        for &algorithm in Algorithm::ALL {
            let found = digest(algorithm, b"abc", 1);
            assert_eq!(found.as_bytes().len(), algorithm.len_bytes());
            assert_eq!(found.to_string().len(), 2 * algorithm.len_bytes());
        }
        // FIPS 202 example values, for the two that the vectors leave out.
        let sha3_224 = "e642824c3f8cf24ad09234ee7d3c766fc9a3a5168d0c94ad73b46fdf";
        assert_eq!(digest(Algorithm::Sha3_224, b"abc", 3).to_string(), sha3_224);
        let sha3_384 = "ec01498288516fc926459f58e2c6ad8df9b473cb0fc08c2596da7cf0e49be4b2\
                        98d88cea927ac7f539f1edf228376d25";
        assert_eq!(digest(Algorithm::Sha3_384, b"abc", 3).to_string(), sha3_384);
    }
}
