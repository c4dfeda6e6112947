//! Decoded pages of manifests and the places of what they name, kept in bounded memory.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::Found;
use crate::chunk::{Pack, Place};
use crate::id::ChunkKey;
use crate::manifest::Page;

/// A page, and where its pieces were last found.
///
/// Places are hints: the pack is held weakly, so that one which collection has removed is looked
/// up again, and is not kept from the disk by a cache.
#[derive(Debug)]
pub(crate) struct CachedPage {
    page: Page,
    places: Mutex<Vec<Option<(Weak<Pack>, u64)>>>,
}

impl CachedPage {
    pub(crate) fn new(page: Page) -> Self {
        let places = Mutex::new(vec![None; page.piece_count()]);
        Self { page, places }
    }

    pub(crate) fn page(&self) -> &Page {
        &self.page
    }

    /// Returns where pieces were last found, by index.
    pub(crate) fn places(&self) -> MutexGuard<'_, Vec<Option<(Weak<Pack>, u64)>>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns where some pieces were last found, those whose pack is still held.
    pub(super) fn hinted(&self, pieces: Range<usize>) -> Vec<Option<Found>> {
        let places = self.places();
        let found = |index: usize| {
            let (pack, offset) = places.get(index)?.as_ref()?;
            let (_, range) = self.page.piece(index)?;
            let place = Place {
                offset: *offset,
                len_bytes: u32::try_from(range.end - range.start).ok()?,
            };
            Some(Found {
                pack: pack.upgrade()?,
                place,
            })
        };
        pieces.map(found).collect()
    }

    fn memory_bytes(&self) -> usize {
        size_of::<ChunkKey>() + self.page.memory_bytes() + self.page.piece_count() * 24
    }
}

/// Two generations: what is touched moves to the young one; when that is full, the old one goes.
#[derive(Debug)]
pub(crate) struct PageCache {
    half_bytes: usize,
    state: Mutex<Generations>,
}

#[derive(Debug, Default)]
struct Generations {
    young: HashMap<ChunkKey, Arc<CachedPage>>,
    young_bytes: usize,
    old: HashMap<ChunkKey, Arc<CachedPage>>,
}

impl PageCache {
    /// Makes a cache of at most about `max_bytes`.
    pub(crate) fn new(max_bytes: usize) -> Self {
        Self {
            half_bytes: max_bytes / 2,
            state: Mutex::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, Generations> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn get(&self, key: &ChunkKey) -> Option<Arc<CachedPage>> {
        let mut state = self.state();
        if let Some(page) = state.young.get(key) {
            return Some(Arc::clone(page));
        }
        let page = state.old.remove(key)?;
        state.put(self.half_bytes, *key, Arc::clone(&page));
        Some(page)
    }

    pub(crate) fn put(&self, key: ChunkKey, page: Arc<CachedPage>) {
        self.state().put(self.half_bytes, key, page);
    }
}

impl Generations {
    fn put(&mut self, half_bytes: usize, key: ChunkKey, page: Arc<CachedPage>) {
        let bytes = page.memory_bytes();
        if self.young_bytes + bytes > half_bytes {
            self.old = std::mem::take(&mut self.young);
            self.young_bytes = 0;
        }
        if self.young.insert(key, page).is_none() {
            self.young_bytes += bytes;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{ChunkId, ChunkKind};
    use crate::manifest::{decode, encode};

    #[test]
    fn memory_is_bounded_and_what_is_used_stays() {
        let page = Arc::new(CachedPage::new(decode(&encode(0, &[])).expect("valid")));
        let cache = PageCache::new(page.memory_bytes() * 20);
        let key = |n: u8| ChunkKey {
            store: 0,
            domain: 0,
            kind: ChunkKind::Page,
            id: ChunkId([n; 32]),
        };
        for n in 0..100 {
            cache.put(key(n), Arc::clone(&page));
            assert!(cache.get(&key(0)).is_some(), "page 0 is used all the time");
        }
        assert!(
            Arc::strong_count(&page) <= 22,
            "{} are held",
            Arc::strong_count(&page)
        );
        assert!(cache.get(&key(1)).is_none());
    }
}
