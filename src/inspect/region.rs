//! A stretch of the stream that is kept when it passes by.

use super::headers::HEAD_LEN_BYTES;

/// Bytes from a place on, as many as were asked for, or up to the first zero byte.
#[derive(Debug)]
pub(super) struct Region {
    start: u64,
    len_bytes: usize,
    ends_at_zero: bool,
    is_ended: bool,
    bytes: Vec<u8>,
}

impl Region {
    pub(super) fn new(start: u64, len_bytes: usize) -> Self {
        Self {
            start,
            len_bytes,
            ends_at_zero: false,
            is_ended: false,
            bytes: Vec::new(),
        }
    }

    /// Makes a region that ends with the first zero byte, which is kept, or after `len_bytes`.
    pub(super) fn text(start: u64, len_bytes: usize) -> Self {
        Self {
            ends_at_zero: true,
            ..Self::new(start, len_bytes)
        }
    }

    pub(super) fn head() -> Self {
        Self::new(0, HEAD_LEN_BYTES)
    }

    pub(super) fn start(&self) -> u64 {
        self.start
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    pub(super) fn is_complete(&self) -> bool {
        self.is_ended || self.bytes.len() >= self.len_bytes
    }

    /// Returns the memory that is held, in bytes.
    pub(super) fn held_bytes(&self) -> usize {
        self.bytes.capacity()
    }

    /// Returns how far it is from `at` to where the region begins, or else to where it ends.
    pub(super) fn to_border(&self, at: u64) -> u64 {
        match self.start.checked_sub(at) {
            None | Some(0) => (self.len_bytes - self.bytes.len()) as u64,
            Some(ahead) => ahead,
        }
    }

    /// Takes the bytes of the stream at `at`, which do not go beyond the next border.
    pub(super) fn feed(&mut self, at: u64, bytes: &[u8]) {
        if at < self.start || self.is_complete() {
            return;
        }
        let room = self.len_bytes - self.bytes.len();
        let mut taken = &bytes[..bytes.len().min(room)];
        let zero = taken.iter().position(|&byte| byte == 0);
        if let Some(zero) = zero.filter(|_| self.ends_at_zero) {
            taken = &taken[..=zero];
            self.is_ended = true;
        }
        self.bytes.extend_from_slice(taken);
    }
}
