//! The identity of chunks.

use crate::id::ChunkId;

/// Returns the identity of the bytes of `parts`, one after the other.
///
/// A chunk in one part is hashed fastest; parts serve chunks that lie across buffers.
pub(crate) fn chunk_id(parts: &[&[u8]]) -> ChunkId {
    if let [whole] = parts {
        return ChunkId(blake3::hash(whole).into());
    }
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(part);
    }
    ChunkId(hasher.finalize().into())
}

/// Returns 128 bits that prove the bytes of `parts` to who knows the key.
pub(crate) fn keyed_sum(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new_keyed(key);
    for part in parts {
        hasher.update(part);
    }
    let mut sum = [0; 16];
    sum.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identity_is_blake3_however_the_bytes_are_parted() {
        let bytes: Vec<u8> = (0..200_000u32)
            .map(|i| (i * 7 + i / 251).to_le_bytes()[0])
            .collect();
        let whole = chunk_id(&[&bytes]);
        for at in [0, 1, 1023, 1024, 65_536, 199_999, 200_000] {
            let (head, tail) = bytes.split_at(at);
            assert_eq!(chunk_id(&[head, &[], tail]), whole, "parted at {at}");
        }
        // The test vector of the BLAKE3 paper's repository for no input.
        let empty = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262";
        assert_eq!(chunk_id(&[]).to_string(), empty);
        assert_eq!(chunk_id(&[&[]]).to_string(), empty);
    }
}
