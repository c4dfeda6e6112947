//! `sum64`: the checksum of records, log entries and descriptors. It finds rot, not malice.
//!
//! Part of the format (`docs/format.md`, "Checksums"): the constants never change. Identity and
//! image digests are elsewhere; this one is made to cost less than the look-up it guards.

const SEEDS: [u64; 4] = [
    0x9e37_79b9_7f4a_7c15,
    0xd1b5_4a32_d192_ed03,
    0xabc9_8388_fb8f_ac03,
    0x8cb9_2ba7_2f3d_8dd7,
];

/// Returns the 64-bit checksum of `bytes` under `seed`.
pub(crate) fn sum64(seed: u64, bytes: &[u8]) -> u64 {
    let mut state = fold(seed ^ SEEDS[0], bytes.len() as u64 ^ SEEDS[1]);
    let (blocks, rest) = bytes.as_chunks::<64>();
    if !blocks.is_empty() {
        state = fold_blocks(state, blocks);
    }
    let (pairs, rest) = rest.as_chunks::<16>();
    for pair in pairs {
        state = fold_pair(state, pair);
    }
    let (low, high) = rest.split_at(rest.len().min(8));
    state = fold(word(low) ^ SEEDS[2] ^ state, word(high) ^ SEEDS[1]);
    fold(state ^ SEEDS[0], SEEDS[3])
}

/// Takes in blocks by four states side by side: one alone would wait for each product.
fn fold_blocks(state: u64, blocks: &[[u8; 64]]) -> u64 {
    let mut states = SEEDS.map(|seed| state ^ seed);
    for block in blocks {
        for (state, pair) in states.iter_mut().zip(block.as_chunks::<16>().0) {
            *state = fold_pair(*state, pair);
        }
    }
    let [first, others @ ..] = states;
    others.iter().fold(first, |state, other| {
        fold(state ^ SEEDS[2], other ^ SEEDS[3])
    })
}

fn fold_pair(state: u64, pair: &[u8; 16]) -> u64 {
    let [x, y] = [0, 8].map(|at| pair[at..].first_chunk().copied().map(u64::from_le_bytes));
    let (x, y) = (x.unwrap_or_default(), y.unwrap_or_default());
    fold(x ^ SEEDS[2] ^ state, y ^ SEEDS[3])
}

/// Returns up to eight bytes as a little-endian word.
fn word(bytes: &[u8]) -> u64 {
    let mut padded = [0; 8];
    padded[..bytes.len()].copy_from_slice(bytes);
    u64::from_le_bytes(padded)
}

/// Multiplies to 128 bits and folds the halves, keeping both factors in the result so that a
/// zero factor loses nothing.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the two halves are taken apart"
)]
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    (product as u64) ^ ((product >> 64) as u64) ^ a.rotate_left(32) ^ b
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flipped_bit_and_every_cut_changes_the_sum() {
        let bytes: Vec<u8> = (0..200u8).map(|i| i.wrapping_mul(37)).collect();
        for len in 0..bytes.len() {
            let whole = sum64(7, &bytes[..len]);
            assert_ne!(whole, sum64(8, &bytes[..len]));
            assert_ne!(whole, sum64(7, &bytes[..=len]));
            for bit in 0..len * 8 {
                let mut bad = bytes[..len].to_vec();
                bad[bit / 8] ^= 1 << (bit % 8);
                assert_ne!(whole, sum64(7, &bad), "length {len}, bit {bit}");
            }
        }
    }

    #[test]
    fn zeros_of_every_length_differ() {
        let sums: std::collections::HashSet<u64> =
            (0..200).map(|len| sum64(0, &vec![0; len])).collect();
        assert_eq!(sums.len(), 200);
    }

    #[test]
    fn the_function_is_part_of_the_format() {
        assert_eq!(sum64(0, b""), GOLDEN[0]);
        assert_eq!(sum64(1, b"smalti"), GOLDEN[1]);
        assert_eq!(sum64(2, &[0xff; 33]), GOLDEN[2]);
        let bytes: Vec<u8> = (0..100).collect();
        assert_eq!(sum64(3, &bytes), GOLDEN[3], "{:#x}", sum64(3, &bytes));
    }

    const GOLDEN: [u64; 4] = [
        0xdafec8c82dd48b67,
        0xccba486aff9efbcc,
        0x5a85727ec320e149,
        0xfa6ba2e63b3c439b,
    ];
}
