//! The open packs of an engine: one handle for each, opened at first touch.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::pack::{Pack, Proved};
use crate::error::{Error, ErrorCode, Result};
use crate::id::PackId;
use crate::store::{PackState, Store};

/// Hands out packs by store and number. At most `max_open` are kept; who holds one keeps it alive.
#[derive(Debug)]
pub(crate) struct Packs {
    stores: Vec<Arc<dyn Store>>,
    max_open: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    open: HashMap<(u16, PackId), Slot>,
    /// Packs that were removed while somebody may hold them.
    removed: Vec<Weak<Pack>>,
    /// Counts touches, to find the handle that was not touched longest.
    clock: u64,
    held: usize,
}

#[derive(Debug, Default)]
struct Slot {
    pack: Option<Arc<Pack>>,
    proved: Arc<Proved>,
    touched: u64,
}

impl Packs {
    pub(crate) fn new(stores: Vec<Arc<dyn Store>>, max_open: usize) -> Self {
        Self {
            stores,
            max_open: max_open.max(1),
            state: Mutex::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns a store by number.
    pub(crate) fn store(&self, number: u16) -> Result<&Arc<dyn Store>> {
        self.stores.get(usize::from(number)).ok_or_else(|| {
            let message = format!(
                "store {number} is not among the {} given",
                self.stores.len()
            );
            Error::new(ErrorCode::StoreUnavailable, message)
        })
    }

    /// Returns the handle of a pack that is open already and reaches to `end`.
    pub(crate) fn opened(&self, store: u16, pack: PackId, end: u64) -> Option<Arc<Pack>> {
        let mut packs = self.state();
        packs.clock += 1;
        let clock = packs.clock;
        let slot = packs.open.get_mut(&(store, pack))?;
        slot.touched = clock;
        slot.pack.clone().filter(|open| open.len_bytes() >= end)
    }

    /// Returns an open handle of a pack.
    ///
    /// A handle of a pack that was open is good for what the pack held when it was opened, so an
    /// open pack is opened again when it must reach to `end`.
    pub(crate) fn get(
        &self,
        store: u16,
        pack: PackId,
        state: PackState,
        end: u64,
    ) -> Result<Arc<Pack>> {
        let mut packs = self.state();
        packs.clock += 1;
        let clock = packs.clock;
        let slot = packs.open.entry((store, pack)).or_default();
        slot.touched = clock;
        if let Some(open) = &slot.pack
            && open.state() == state
            && open.len_bytes() >= end
        {
            return Ok(Arc::clone(open));
        }
        let proved = Arc::clone(&slot.proved);
        let source = self.store(store)?.open(pack, state)?;
        let opened = Arc::new(Pack::new(pack, state, source, proved)?);
        if slot.pack.replace(Arc::clone(&opened)).is_none() {
            packs.held += 1;
        }
        if packs.held > self.max_open {
            packs.let_go_of_oldest();
        }
        Ok(opened)
    }

    /// Returns what is remembered of the chunks of a pack.
    pub(crate) fn proved(&self, store: u16, pack: PackId) -> Arc<Proved> {
        Arc::clone(&self.state().open.entry((store, pack)).or_default().proved)
    }

    /// Lets go of the handle of a pack that was open and is sealed now, so that it will be mapped.
    pub(crate) fn reopen(&self, store: u16, pack: PackId) {
        let mut packs = self.state();
        let slot = packs.open.get_mut(&(store, pack));
        if slot.is_some_and(|slot| slot.pack.take().is_some()) {
            packs.held -= 1;
        }
    }

    /// Forgets a pack that is about to be unlinked. Who holds it reads on.
    pub(crate) fn remove(&self, store: u16, pack: PackId) {
        let mut packs = self.state();
        packs.removed.retain(|pack| pack.strong_count() > 0);
        let Some(slot) = packs.open.remove(&(store, pack)) else {
            return;
        };
        if let Some(open) = slot.pack {
            packs.held -= 1;
            packs.removed.push(Arc::downgrade(&open));
        }
    }

    /// Returns the bytes of removed packs that somebody still holds.
    pub(crate) fn removed_bytes(&self) -> u64 {
        self.state()
            .removed
            .iter()
            .filter_map(Weak::upgrade)
            .map(|pack| pack.len_bytes())
            .sum()
    }
}

impl State {
    fn let_go_of_oldest(&mut self) {
        let held = self.open.values_mut().filter(|slot| slot.pack.is_some());
        if let Some(oldest) = held.min_by_key(|slot| slot.touched) {
            oldest.pack = None;
            self.held -= 1;
        }
    }
}
