//! Which blocks are kept, and which one goes next: the one that was not asked for the longest.

use std::collections::BTreeMap;

use super::Key;
use crate::id::PackId;

/// Blocks with what is kept of each, and in which order they were asked for.
#[derive(Debug)]
pub(super) struct Lru<T> {
    kept: BTreeMap<Key, (u64, T)>,
    order: BTreeMap<u64, Key>,
    clock: u64,
    max: usize,
}

impl<T> Lru<T> {
    /// Keeps `max` blocks at most.
    pub(super) fn new(max: usize) -> Self {
        Self {
            kept: BTreeMap::new(),
            order: BTreeMap::new(),
            clock: 0,
            max,
        }
    }

    /// Tells whether a block is kept; that is not asking for it.
    pub(super) fn has(&self, key: &Key) -> bool {
        self.kept.contains_key(key)
    }

    /// Returns what is kept of a block.
    pub(super) fn get(&mut self, key: &Key) -> Option<&mut T> {
        let (stamp, value) = self.kept.get_mut(key)?;
        self.order.remove(stamp);
        self.clock += 1;
        *stamp = self.clock;
        self.order.insert(*stamp, *key);
        Some(value)
    }

    /// Keeps a block; returns those that have to go for it, itself where none is kept.
    pub(super) fn put(&mut self, key: Key, value: T) -> Vec<(Key, T)> {
        self.remove(&key);
        self.clock += 1;
        self.order.insert(self.clock, key);
        self.kept.insert(key, (self.clock, value));
        let mut gone = Vec::new();
        while self.kept.len() > self.max {
            let Some((_, oldest)) = self.order.pop_first() else {
                break;
            };
            gone.extend(self.kept.remove(&oldest).map(|(_, value)| (oldest, value)));
        }
        gone
    }

    /// Lets go of a block.
    pub(super) fn remove(&mut self, key: &Key) {
        if let Some((stamp, _)) = self.kept.remove(key) {
            self.order.remove(&stamp);
        }
    }

    /// Lets go of all blocks of a pack, and returns them.
    pub(super) fn remove_pack(&mut self, pack: PackId) -> Vec<Key> {
        let first = Key {
            pack,
            tag: 0,
            block: 0,
        };
        let of_pack = self
            .kept
            .range(first..)
            .take_while(|(key, _)| key.pack == pack);
        let keys: Vec<Key> = of_pack.map(|(key, _)| *key).collect();
        keys.iter().for_each(|key| self.remove(key));
        keys
    }

    /// Returns the number of blocks kept.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        assert_eq!(self.kept.len(), self.order.len());
        self.kept.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(pack: u64, block: u64) -> Key {
        let pack = PackId(pack);
        Key {
            pack,
            tag: 9,
            block,
        }
    }

    #[test]
    fn the_block_that_was_not_asked_for_the_longest_goes() {
        let mut lru = Lru::new(3);
        for block in 0..3 {
            assert_eq!(lru.put(key(1, block), block), []);
        }
        assert_eq!(lru.get(&key(1, 0)), Some(&mut 0));
        assert_eq!(lru.put(key(2, 0), 7), [(key(1, 1), 1)]);
        assert_eq!(lru.put(key(2, 0), 8), []);
        assert_eq!(lru.remove_pack(PackId(1)), [key(1, 0), key(1, 2)]);
        assert_eq!((lru.len(), lru.has(&key(2, 0))), (1, true));
        assert_eq!(Lru::new(0).put(key(1, 1), ()), [(key(1, 1), ())]);
    }
}
