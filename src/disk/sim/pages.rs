//! Contents of a simulated file: pages shared between the live disk and all its crash images.
//!
//! A copy costs one counter; a write copies only the pages that it touches.

use std::sync::Arc;

use bytes::Bytes;

use crate::sum::sum64;

const PAGE_LEN_BYTES: usize = 4096;

type Page = Arc<[u8; PAGE_LEN_BYTES]>;

/// Bytes of one file. A page that is `None` is zero, as are all bytes behind `len`.
#[derive(Debug, Clone, Default)]
pub(super) struct Pages {
    len: usize,
    pages: Arc<Vec<Option<Page>>>,
}

impl Pages {
    pub(super) fn of(bytes: &[u8]) -> Self {
        let mut pages = Self::default();
        pages.write(0, bytes);
        pages
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Fills `buf` from `offset`; false, and nothing read, if the file ends before.
    pub(super) fn read(&self, offset: usize, buf: &mut [u8]) -> bool {
        let Some(end) = offset.checked_add(buf.len()) else {
            return false;
        };
        if end > self.len {
            return false;
        }
        let mut done = 0;
        while done < buf.len() {
            let (number, within, len) = piece(offset + done, buf.len() - done);
            let target = &mut buf[done..done + len];
            match self.pages.get(number) {
                Some(Some(page)) => target.copy_from_slice(&page[within..within + len]),
                _ => target.fill(0),
            }
            done += len;
        }
        true
    }

    /// Writes all of `bytes` at `offset`, growing the file where needed.
    pub(super) fn write(&mut self, offset: usize, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        self.grow(offset + bytes.len());
        let pages = Arc::make_mut(&mut self.pages);
        let mut done = 0;
        while done < bytes.len() {
            let (number, within, len) = piece(offset + done, bytes.len() - done);
            put(&mut pages[number], within, &bytes[done..done + len]);
            done += len;
        }
    }

    /// Makes the file at least `len` bytes long; new bytes are zero.
    pub(super) fn grow(&mut self, len: usize) {
        if len > self.len {
            self.set_len(len);
        }
    }

    pub(super) fn set_len(&mut self, len: usize) {
        let pages = Arc::make_mut(&mut self.pages);
        pages.resize(len.div_ceil(PAGE_LEN_BYTES), None);
        if len < self.len
            && let Some(Some(last)) = pages.last_mut()
            && !len.is_multiple_of(PAGE_LEN_BYTES)
        {
            Arc::make_mut(last)[len % PAGE_LEN_BYTES..].fill(0);
        }
        self.len = len;
    }

    /// Returns a digest of length and bytes; pages of zeros cost next to nothing.
    pub(super) fn digest(&self, seed: u64) -> u64 {
        let seed = sum64(seed, &(self.len as u64).to_le_bytes());
        let pages = self.pages.iter().enumerate();
        pages.fold(seed, |digest, (number, page)| match page {
            // A page that is there may be zero as well.
            Some(page) if page.iter().any(|byte| *byte != 0) => {
                sum64(digest ^ number as u64, &page[..])
            }
            _ => digest,
        })
    }

    pub(super) fn to_bytes(&self) -> Bytes {
        let mut bytes = vec![0; self.len];
        self.read(0, &mut bytes);
        Bytes::from(bytes)
    }
}

/// Returns the page number, the offset within the page and the length of the first piece.
fn piece(offset: usize, len: usize) -> (usize, usize, usize) {
    let within = offset % PAGE_LEN_BYTES;
    let len = len.min(PAGE_LEN_BYTES - within);
    (offset / PAGE_LEN_BYTES, within, len)
}

fn put(slot: &mut Option<Page>, within: usize, bytes: &[u8]) {
    if let Ok(whole) = <&[u8; PAGE_LEN_BYTES]>::try_from(bytes) {
        let zero = whole.iter().all(|byte| *byte == 0);
        *slot = (!zero).then(|| Arc::new(*whole));
        return;
    }
    let page = slot.get_or_insert_with(|| Arc::new([0; PAGE_LEN_BYTES]));
    Arc::make_mut(page)[within..within + bytes.len()].copy_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_behave_as_a_vector_of_bytes() {
        let mut pages = Pages::default();
        let mut model: Vec<u8> = Vec::new();
        let mut random: u64 = 7;
        let mut draw = |bound: u64| {
            random = random
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            usize::try_from((random >> 33) % bound).unwrap()
        };
        for step in 0..2000 {
            if draw(4) == 0 {
                let len = draw(20_000);
                pages.set_len(len);
                model.resize(len, 0);
            } else {
                let (offset, len) = (draw(16_000), [1, 511, 4096, 9000][draw(4)]);
                let offset = if draw(2) == 0 {
                    offset / 4096 * 4096
                } else {
                    offset
                };
                let bytes = vec![u8::try_from(step % 3).unwrap(); len];
                pages.write(offset, &bytes);
                model.resize(model.len().max(offset + len), 0);
                model[offset..offset + len].copy_from_slice(&bytes);
            }
            assert_eq!(pages.to_bytes(), model, "step {step}");
        }
    }

    #[test]
    fn a_copy_does_not_see_later_writes() {
        let mut pages = Pages::of(b"before");
        let copy = pages.clone();
        pages.write(0, b"after!");
        pages.set_len(3);
        assert_eq!(&copy.to_bytes()[..], b"before");
        assert_eq!(&pages.to_bytes()[..], b"aft");
    }

    #[test]
    fn reads_over_the_end_are_refused() {
        let pages = Pages::of(b"four");
        assert!(pages.read(0, &mut [0; 4]));
        assert!(!pages.read(1, &mut [0; 4]));
        assert!(!pages.read(usize::MAX, &mut [0; 4]));
    }
}
