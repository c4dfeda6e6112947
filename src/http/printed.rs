//! Documents of images that were printed for lists, kept in bounded memory, for the next list.
//!
//! A record with its revision never changes, and its document is the same for everybody who sees
//! all of it: only such documents are kept, and nothing has to be taken back.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::id::ImageId;
use crate::sum::sum64;

/// Parts with a lock of their own.
const SHARDS: usize = 16;
/// What an entry takes beside its text, in bytes.
const ENTRY_BYTES: usize = 64;

/// The documents.
#[derive(Debug)]
pub(super) struct PrintedImages {
    shards: [Mutex<Generations>; SHARDS],
    half_bytes: usize,
}

/// Two generations: what is used moves to the young one; when that is full, the old one goes.
#[derive(Debug, Default)]
struct Generations {
    young: HashMap<ImageId, Printed, Seeded>,
    young_bytes: usize,
    old: HashMap<ImageId, Printed, Seeded>,
}

/// Hashes ids under a seed that nobody knows, in less time than the standard way takes.
#[derive(Debug, Clone)]
struct Seeded(u64);

struct IdHasher(u64);

impl Default for Seeded {
    fn default() -> Self {
        Self(RandomState::new().build_hasher().finish())
    }
}

impl BuildHasher for Seeded {
    type Hasher = IdHasher;

    fn build_hasher(&self) -> IdHasher {
        IdHasher(self.0)
    }
}

impl Hasher for IdHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = sum64(self.0, bytes);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[derive(Debug)]
struct Printed {
    revision: u64,
    text: Box<str>,
}

impl PrintedImages {
    /// Keeps documents of at most about so many bytes.
    pub(super) fn new(max_bytes: usize) -> Self {
        Self {
            shards: Default::default(),
            half_bytes: max_bytes / SHARDS / 2,
        }
    }

    /// Appends the document of a revision of an image, if it is here.
    pub(super) fn put_into(&self, (id, revision): (ImageId, u64), text: &mut String) -> bool {
        let mut shard = self.shard(&id);
        if let Some(printed) = shard.young.get(&id) {
            return printed.put_into(revision, text);
        }
        let Some(printed) = shard.old.remove(&id) else {
            return false;
        };
        let is_same = printed.put_into(revision, text);
        if is_same {
            shard.keep(id, printed, self.half_bytes);
        }
        is_same
    }

    /// Keeps the document of a revision of an image.
    pub(super) fn keep(&self, (id, revision): (ImageId, u64), text: &str) {
        if text.len() + ENTRY_BYTES > self.half_bytes {
            return;
        }
        let printed = Printed {
            revision,
            text: text.into(),
        };
        self.shard(&id).keep(id, printed, self.half_bytes);
    }

    fn shard(&self, id: &ImageId) -> MutexGuard<'_, Generations> {
        let shard = usize::from(id.as_bytes()[15]) % SHARDS;
        let shard = self.shards[shard].lock();
        shard.unwrap_or_else(PoisonError::into_inner)
    }
}

impl Generations {
    fn keep(&mut self, id: ImageId, printed: Printed, half_bytes: usize) {
        if self.young_bytes + printed.len_bytes() > half_bytes {
            self.old = std::mem::take(&mut self.young);
            self.young_bytes = 0;
        }
        self.young_bytes += printed.len_bytes();
        if let Some(before) = self.young.insert(id, printed) {
            self.young_bytes -= before.len_bytes();
        }
    }
}

impl Printed {
    fn put_into(&self, revision: u64, text: &mut String) -> bool {
        let is_same = self.revision == revision;
        if is_same {
            text.push_str(&self.text);
        }
        is_same
    }

    fn len_bytes(&self) -> usize {
        ENTRY_BYTES + self.text.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u64) -> ImageId {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&number.to_be_bytes());
        ImageId::from_bytes(bytes)
    }

    fn found(printed: &PrintedImages, number: u64, revision: u64) -> Option<String> {
        let mut text = String::new();
        let is_here = printed.put_into((id(number), revision), &mut text);
        assert_eq!(is_here, !text.is_empty());
        is_here.then_some(text)
    }

    #[test]
    fn a_document_is_found_for_its_revision_alone() {
        let printed = PrintedImages::new(1 << 20);
        printed.keep((id(1), 7), "seven");
        assert_eq!(found(&printed, 1, 7).as_deref(), Some("seven"));
        assert_eq!(found(&printed, 1, 6), None);
        assert_eq!(found(&printed, 2, 7), None);
        printed.keep((id(1), 8), "eight");
        assert_eq!(found(&printed, 1, 7), None);
        assert_eq!(found(&printed, 1, 8).as_deref(), Some("eight"));
    }

    #[test]
    fn memory_is_bounded_and_what_is_used_stays() {
        const HALF: usize = 10 * (ENTRY_BYTES + 100);
        let printed = PrintedImages::new(2 * SHARDS * HALF);
        let text = "x".repeat(100);
        printed.keep((id(0), 0), &text);
        for number in 1..200 {
            assert!(found(&printed, 0, 0).is_some(), "{number}");
            printed.keep((id(number), 0), &text);
            let shard = printed.shard(&id(0));
            let held = shard.young.values().chain(shard.old.values());
            assert!(held.map(Printed::len_bytes).sum::<usize>() <= 2 * HALF);
            let young = shard.young.values().map(Printed::len_bytes);
            assert_eq!(young.sum::<usize>(), shard.young_bytes);
        }
        assert_eq!(found(&printed, 1, 0), None, "nobody used it");
        printed.keep((id(0), 1), &"x".repeat(HALF));
        assert_eq!(found(&printed, 0, 1), None, "it is too long");
    }
}
