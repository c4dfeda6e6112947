//! Bytes that nothing makes smaller, for measurements.

use std::io::{self, Read};

/// Incompressible bytes by seed, each 8 of them a word of a small generator.
#[derive(Debug)]
pub(crate) struct Pattern {
    state: u64,
    left: u64,
}

impl Pattern {
    /// Makes so many bytes.
    pub(crate) fn new(seed: u64, len_bytes: u64) -> Self {
        Self {
            state: seed,
            left: len_bytes,
        }
    }

    fn word(&mut self) -> [u8; 8] {
        // splitmix64, of public domain.
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.state;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (word ^ (word >> 31)).to_le_bytes()
    }
}

impl Read for Pattern {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let count = usize::try_from(self.left)
            .unwrap_or(usize::MAX)
            .min(buf.len());
        for bytes in buf[..count].chunks_mut(8) {
            let word = self.word();
            bytes.copy_from_slice(&word[..bytes.len()]);
        }
        self.left -= count as u64;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_has_its_length_and_no_repetition() {
        let mut bytes = Vec::new();
        Pattern::new(1, 100_001)
            .read_to_end(&mut bytes)
            .expect("endless before");
        assert_eq!(bytes.len(), 100_001);
        let mut words: Vec<_> = bytes.chunks_exact(8).collect();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), 12_500);
    }
}
