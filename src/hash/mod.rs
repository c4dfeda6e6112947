//! stub
use crate::id::ChunkId;
pub(crate) fn chunk_id(parts: &[&[u8]]) -> ChunkId {
    let mut h = blake3::Hasher::new();
    parts.iter().for_each(|p| {
        h.update(p);
    });
    ChunkId(*h.finalize().as_bytes())
}
/// Returns 128 bits that prove `parts` to who knows the key.
pub(crate) fn keyed_sum(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new_keyed(key);
    parts.iter().for_each(|part| {
        hasher.update(part);
    });
    let mut sum = [0; 16];
    sum.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    sum
}
