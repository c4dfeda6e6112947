//! Leases: what running uploads and open readers still need, kept from collection.
//!
//! Counts in memory only: a crash ends all leases together with their holders. Looking a chunk up
//! and leasing it happens inside [`Leases::look`]; collection removes chunks inside
//! [`Leases::sweep`], which waits for looks and keeps new ones out. So nothing can be found and
//! then vanish before it is leased.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

#[cfg(feature = "tokio")]
use std::sync::TryLockError;

use crate::id::{ChunkKey, PackId};

/// The leases of one engine.
#[derive(Debug, Default)]
pub(crate) struct Leases {
    gate: RwLock<()>,
    counts: Mutex<HashMap<ChunkKey, usize>>,
    packs: Mutex<HashMap<(u16, PackId), usize>>,
}

/// A pack that holds bytes of a running upload which nothing names yet.
#[derive(Debug)]
pub(crate) struct HeldPack {
    leases: Arc<Leases>,
    pack: (u16, PackId),
}

impl Drop for HeldPack {
    fn drop(&mut self) {
        let mut packs = self.leases.packs();
        if let Some(count) = packs.get_mut(&self.pack) {
            *count -= 1;
            if *count == 0 {
                packs.remove(&self.pack);
            }
        }
    }
}

/// Proof that nothing is swept while something is looked up.
#[derive(Debug)]
pub(crate) struct Look<'a> {
    leases: &'a Arc<Leases>,
    _gate: RwLockReadGuard<'a, ()>,
}

/// Proof that nothing is looked up while chunks are removed.
#[derive(Debug)]
pub(crate) struct Sweep<'a> {
    leases: &'a Leases,
    _gate: RwLockWriteGuard<'a, ()>,
}

/// Leased chunks; dropping it gives them all back.
#[derive(Debug)]
pub(crate) struct Leased {
    leases: Arc<Leases>,
    keys: Vec<ChunkKey>,
}

impl Leases {
    fn counts(&self) -> MutexGuard<'_, HashMap<ChunkKey, usize>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn packs(&self) -> MutexGuard<'_, HashMap<(u16, PackId), usize>> {
        self.packs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps collection away from a pack while it may grow or hold what is not named yet.
    pub(crate) fn hold_pack(self: &Arc<Self>, store: u16, pack: PackId) -> HeldPack {
        *self.packs().entry((store, pack)).or_insert(0) += 1;
        HeldPack {
            leases: Arc::clone(self),
            pack: (store, pack),
        }
    }

    /// Tells whether a running upload needs a pack as it is.
    pub(crate) fn is_pack_held(&self, store: u16, pack: PackId) -> bool {
        self.packs().contains_key(&(store, pack))
    }

    /// Keeps collection from removing anything until the look is dropped.
    pub(crate) fn look(self: &Arc<Self>) -> Look<'_> {
        let gate = self.gate.read().unwrap_or_else(PoisonError::into_inner);
        Look {
            leases: self,
            _gate: gate,
        }
    }

    /// As [`Leases::look`], but nothing where that would wait for a sweep.
    #[cfg(feature = "tokio")]
    pub(crate) fn try_look(self: &Arc<Self>) -> Option<Look<'_>> {
        let gate = match self.gate.try_read() {
            Ok(gate) => gate,
            Err(TryLockError::Poisoned(gate)) => gate.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        Some(Look {
            leases: self,
            _gate: gate,
        })
    }

    /// Waits for running looks and keeps new ones out until the sweep is dropped.
    pub(crate) fn sweep(&self) -> Sweep<'_> {
        let gate = self.gate.write().unwrap_or_else(PoisonError::into_inner);
        Sweep {
            leases: self,
            _gate: gate,
        }
    }

    /// Makes an empty set of leases.
    pub(crate) fn none(self: &Arc<Self>) -> Leased {
        Leased {
            leases: Arc::clone(self),
            keys: Vec::new(),
        }
    }

    /// Returns the number of leased chunks.
    #[cfg(test)]
    pub(crate) fn count(&self) -> usize {
        self.counts().len()
    }
}

impl Look<'_> {
    /// Leases chunks that were found during this look.
    pub(crate) fn lease(&self, keys: &[ChunkKey], into: &mut Leased) {
        if keys.is_empty() {
            return;
        }
        let mut counts = self.leases.counts();
        for key in keys {
            *counts.entry(*key).or_insert(0) += 1;
        }
        into.keys.extend_from_slice(keys);
    }
}

impl Sweep<'_> {
    /// Tells whether somebody needs a chunk.
    pub(crate) fn is_leased(&self, key: &ChunkKey) -> bool {
        self.leases.counts().contains_key(key)
    }
}

impl Leased {
    /// Returns the number of leases, repeated ones counted as often as they were taken.
    pub(crate) fn count(&self) -> usize {
        self.keys.len()
    }

    /// Gives all back.
    pub(crate) fn clear(&mut self) {
        if self.keys.is_empty() {
            return;
        }
        let mut counts = self.leases.counts();
        for key in self.keys.drain(..) {
            if let Some(count) = counts.get_mut(&key) {
                *count -= 1;
                if *count == 0 {
                    counts.remove(&key);
                }
            }
        }
    }
}

impl Drop for Leased {
    fn drop(&mut self) {
        self.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{ChunkId, ChunkKind};

    #[test]
    fn a_chunk_is_kept_until_its_last_lease_ends() {
        let leases = Arc::new(Leases::default());
        let key = |byte| ChunkKey {
            store: 0,
            domain: 1,
            kind: ChunkKind::Data,
            id: ChunkId([byte; 32]),
        };
        let (mut one, mut two) = (leases.none(), leases.none());
        leases.look().lease(&[key(1), key(2), key(1)], &mut one);
        leases.look().lease(&[key(1)], &mut two);
        assert!(leases.sweep().is_leased(&key(1)));
        one.clear();
        assert!(leases.sweep().is_leased(&key(1)));
        assert!(!leases.sweep().is_leased(&key(2)));
        drop(two);
        assert!(!leases.sweep().is_leased(&key(1)));
        assert_eq!(leases.count(), 0);
    }
}
