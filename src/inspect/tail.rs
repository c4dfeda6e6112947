//! The last bytes of the stream.

/// How many bytes are kept: a footer of VMDK between its two markers.
pub(super) const TAIL_LEN_BYTES: usize = 1536;

/// Keeps the last bytes of a stream, at a cost for each call and none for each byte.
#[derive(Debug, Default)]
pub(super) struct Tail {
    /// At most three times what is kept, so that bytes are moved seldom.
    bytes: Vec<u8>,
}

impl Tail {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        let last = &bytes[bytes.len().saturating_sub(TAIL_LEN_BYTES)..];
        if last.len() == TAIL_LEN_BYTES {
            self.bytes.clear();
        } else if self.bytes.len() > 2 * TAIL_LEN_BYTES {
            self.bytes.drain(..self.bytes.len() - TAIL_LEN_BYTES);
        }
        self.bytes.extend_from_slice(last);
    }

    pub(super) fn push_zeros(&mut self, len_bytes: u64) {
        let len = usize::try_from(len_bytes).unwrap_or(TAIL_LEN_BYTES);
        self.push(&[0; TAIL_LEN_BYTES][..len.min(TAIL_LEN_BYTES)]);
    }

    /// Returns the last bytes, all of them where there were fewer.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[self.bytes.len().saturating_sub(TAIL_LEN_BYTES)..]
    }

    pub(super) fn held_bytes(&self) -> usize {
        self.bytes.capacity()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_is_the_end_however_the_stream_is_cut() {
        let all: Vec<u8> = (0..9000u32).map(|n| n.to_le_bytes()[0]).collect();
        for step in [1, 7, 512, 1535, 1536, 1537, 4000, 9000] {
            let mut tail = Tail::default();
            all.chunks(step).for_each(|bytes| tail.push(bytes));
            assert_eq!(tail.bytes(), &all[9000 - TAIL_LEN_BYTES..], "{step}");
            assert!(tail.held_bytes() <= 4 * TAIL_LEN_BYTES, "{step}");
            tail.push_zeros(3);
            assert_eq!(tail.bytes()[TAIL_LEN_BYTES - 4..], [39, 0, 0, 0], "{step}");
            tail.push_zeros(u64::MAX);
            assert_eq!(tail.bytes(), [0; TAIL_LEN_BYTES]);
        }
    }
}
