//! Digests over a stream of bytes.

use std::fmt;

use sha2::digest::DynDigest;

use super::Algorithm;
use super::wide::{self, Stream};
use crate::id::write_hex;

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
        write_hex(self.as_bytes(), f)
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
    state: State,
}

enum State {
    /// With the number of bytes that it has taken beyond whole blocks of 64.
    Md5(md5::Md5, usize),
    Other(Box<dyn DynDigest + Send>),
}

/// Bytes of a block of MD5.
const MD5_BLOCK_BYTES: usize = 64;

impl Hasher {
    /// Makes a hasher that has taken no bytes.
    pub fn new(algorithm: Algorithm) -> Self {
        let other: Box<dyn DynDigest + Send> = match algorithm {
            Algorithm::Md5 => {
                let state = State::Md5(md5::Md5::default(), 0);
                return Self { algorithm, state };
            }
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
        };
        Self {
            algorithm,
            state: State::Other(other),
        }
    }

    /// Returns the algorithm.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.state {
            State::Md5(md5, partial) => {
                md5.update(bytes);
                *partial = (*partial + bytes.len()) % MD5_BLOCK_BYTES;
            }
            State::Other(other) => other.update(bytes),
        }
    }

    /// Lets several hashers take bytes, each its own: MD5 faster than one after the other.
    pub(crate) fn update_all(all: &mut [(&mut Self, &[u8])]) {
        for (hasher, bytes) in &mut *all {
            let head = match &hasher.state {
                State::Md5(_, partial) => partial.wrapping_neg() % MD5_BLOCK_BYTES,
                State::Other(_) => bytes.len(),
            };
            let (head, rest) = bytes.split_at(head.min(bytes.len()));
            hasher.update(head);
            *bytes = rest;
        }
        let whole_blocks = all.iter_mut().filter_map(|(hasher, bytes)| {
            let State::Md5(md5, _) = &mut hasher.state else {
                return None;
            };
            let (whole, tail) = bytes.split_at(bytes.len() - bytes.len() % MD5_BLOCK_BYTES);
            *bytes = tail;
            Some(Stream { md5, bytes: whole })
        });
        wide::take(whole_blocks.collect());
        for (hasher, tail) in all {
            hasher.update(tail);
        }
    }

    /// Returns the digest of all bytes taken.
    pub fn finish(mut self) -> Digest {
        let algorithm = self.algorithm;
        let mut bytes = [0; DIGEST_MAX_BYTES];
        let state: &mut dyn DynDigest = match &mut self.state {
            State::Md5(md5, _) => md5,
            State::Other(other) => &mut **other,
        };
        state
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
    fn hashers_side_by_side_find_what_each_finds_alone() {
        let mut word = 1u64;
        let mut next = |below: u64| {
            word = word.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
            usize::try_from((word >> 33) % below).expect("small")
        };
        for round in 0..60 {
            let count = 1 + round % 40;
            let mut hashers: Vec<Hasher> = (0..count)
                .map(|index| {
                    Hasher::new([Algorithm::Md5, Algorithm::Sha256][usize::from(index % 7 == 6)])
                })
                .collect();
            let mut whole: Vec<Vec<u8>> = vec![Vec::new(); count];
            for _ in 0..4 {
                let parts: Vec<Vec<u8>> = (0..count)
                    .map(|_| {
                        let below = [3, 70, 5000][next(3)];
                        let (len, first) = (next(below), next(256));
                        (0..len)
                            .map(|at| (first + at * 7 + at / 251) % 256)
                            .map(|byte| u8::try_from(byte).expect("a byte"))
                            .collect()
                    })
                    .collect();
                let mut all: Vec<_> = hashers
                    .iter_mut()
                    .zip(parts.iter().map(Vec::as_slice))
                    .collect();
                Hasher::update_all(&mut all);
                whole
                    .iter_mut()
                    .zip(&parts)
                    .for_each(|(whole, part)| whole.extend(part));
            }
            for (hasher, bytes) in hashers.into_iter().zip(&whole) {
                let alone = digest(hasher.algorithm(), bytes, 1 << 20);
                assert_eq!(
                    hasher.finish(),
                    alone,
                    "{count} streams, {} bytes",
                    bytes.len()
                );
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
