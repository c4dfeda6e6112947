//! The open packs of an engine: one handle for each, opened at first touch.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::pack::{Pack, Proved};
use crate::error::{Error, ErrorCode, Result};
use crate::id::PackId;
use crate::store::{PackState, Store};

/// Hands out packs by store and number. At most `max_open` are kept; who holds one keeps it alive.
#[derive(Debug)]
pub(crate) struct Packs {
    stores: BTreeMap<u16, Arc<dyn Store>>,
    max_open: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    open: HashMap<(u16, PackId), Slot>,
    /// Packs whose handle is kept, as they come up for letting go.
    kept: VecDeque<(u16, PackId)>,
    /// Packs that were removed while somebody may hold them.
    removed: Vec<Weak<Pack>>,
    /// Counts how often a pack was sealed or removed.
    changes: u64,
}

#[derive(Debug, Default)]
struct Slot {
    pack: Option<Arc<Pack>>,
    proved: Arc<Proved>,
    /// Whether the handle was asked for since it last came up for letting go.
    touched: bool,
    /// Whether the pack is known to be sealed, whatever an older snapshot says.
    sealed: bool,
}

impl Packs {
    /// Takes the stores that are there, by number.
    pub(crate) fn new(stores: BTreeMap<u16, Arc<dyn Store>>, max_open: usize) -> Self {
        Self {
            stores,
            max_open: max_open.max(1),
            state: Mutex::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells whether a store is there.
    pub(crate) fn has_store(&self, number: u16) -> bool {
        self.stores.contains_key(&number)
    }

    /// Returns the stores that are there, by number.
    pub(crate) fn stores(&self) -> impl Iterator<Item = (u16, &Arc<dyn Store>)> {
        self.stores.iter().map(|(number, store)| (*number, store))
    }

    /// Returns a store by number.
    pub(crate) fn store(&self, number: u16) -> Result<&Arc<dyn Store>> {
        self.stores.get(&number).ok_or_else(|| {
            let message = format!("store {number} was not there when the engine was opened");
            Error::new(ErrorCode::StoreUnavailable, message)
        })
    }

    /// Returns the handle of a pack that is open already and reaches to `end`.
    pub(crate) fn opened(&self, store: u16, pack: PackId, end: u64) -> Option<Arc<Pack>> {
        let mut packs = self.state();
        let slot = packs.open.get_mut(&(store, pack))?;
        slot.touched = true;
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
        mut state: PackState,
        end: u64,
    ) -> Result<Arc<Pack>> {
        // The file is opened without the lock, so that nobody waits for the disk who need not. What
        // was opened while some pack was sealed or removed may be of the past: it is opened again.
        loop {
            let (proved, changes) = {
                let mut packs = self.state();
                let slot = packs.open.entry((store, pack)).or_default();
                slot.sealed |= state == PackState::Sealed;
                if slot.sealed {
                    state = PackState::Sealed;
                }
                if let Some(open) = slot.reaching(state, end) {
                    return Ok(open);
                }
                (Arc::clone(&slot.proved), packs.changes)
            };
            let source = self.store(store)?.open(pack, state)?;
            let opened = Arc::new(Pack::new(pack, state, source, proved)?);
            let mut packs = self.state();
            if packs.changes != changes {
                continue;
            }
            let (kept, old) = packs.keep((store, pack), opened, state, end, self.max_open);
            drop(packs);
            // Unmapping takes a while.
            drop(old);
            return Ok(kept);
        }
    }

    /// Returns what is remembered of the chunks of a pack.
    pub(crate) fn proved(&self, store: u16, pack: PackId) -> Arc<Proved> {
        Arc::clone(&self.state().open.entry((store, pack)).or_default().proved)
    }

    /// Lets go of the handle of a pack that was open and is sealed now, so that it will be mapped.
    pub(crate) fn reopen(&self, store: u16, pack: PackId) {
        let mut packs = self.state();
        packs.changes += 1;
        let slot = packs.open.entry((store, pack)).or_default();
        slot.sealed = true;
        slot.proved = Arc::new(slot.proved.sealed());
        let old = slot.pack.take();
        packs.kept.retain(|kept| *kept != (store, pack));
        drop(packs);
        drop(old);
    }

    /// Forgets a pack that is about to be unlinked. Who holds it reads on.
    pub(crate) fn remove(&self, store: u16, pack: PackId) {
        let mut packs = self.state();
        packs.changes += 1;
        packs.removed.retain(|pack| pack.strong_count() > 0);
        let Some(slot) = packs.open.remove(&(store, pack)) else {
            return;
        };
        packs.kept.retain(|kept| *kept != (store, pack));
        packs.removed.extend(slot.pack.as_ref().map(Arc::downgrade));
        drop(packs);
        drop(slot);
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

impl Slot {
    /// Returns the handle if it is of a state and reaches to `end`.
    fn reaching(&mut self, state: PackState, end: u64) -> Option<Arc<Pack>> {
        self.touched = true;
        let fits = |open: &&Arc<Pack>| open.state() == state && open.len_bytes() >= end;
        self.pack.as_ref().filter(fits).cloned()
    }
}

impl State {
    /// Keeps a handle, unless another thread has opened one as good; returns the one kept, and
    /// those that had to go.
    fn keep(
        &mut self,
        key: (u16, PackId),
        opened: Arc<Pack>,
        state: PackState,
        end: u64,
        max_open: usize,
    ) -> (Arc<Pack>, Vec<Arc<Pack>>) {
        let slot = self.open.entry(key).or_default();
        if let Some(open) = slot.reaching(state, end) {
            return (open, vec![opened]);
        }
        let mut old = Vec::new();
        match slot.pack.replace(Arc::clone(&opened)) {
            None => self.kept.push_back(key),
            before => old.extend(before),
        }
        while self.kept.len() > max_open {
            old.extend(self.let_go_of_one());
        }
        (opened, old)
    }

    /// Lets go of the first handle that was not asked for since it came up last.
    fn let_go_of_one(&mut self) -> Option<Arc<Pack>> {
        while let Some(key) = self.kept.pop_front() {
            let Some(slot) = self.open.get_mut(&key) else {
                continue;
            };
            if !std::mem::take(&mut slot.touched) {
                return slot.pack.take();
            }
            self.kept.push_back(key);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use std::io::IoSlice;

    use super::*;
    use crate::chunk::{Place, Verify};
    use crate::disk::MemoryDisk;
    use crate::store::LocalStore;

    fn packs(count: u64, max_open: usize) -> Packs {
        let store = LocalStore::new(Arc::new(MemoryDisk::new()), "packs").expect("make");
        for number in 0..count {
            let mut sink = store.create(PackId(number)).expect("make");
            sink.append(&[IoSlice::new(&[7; 8192])]).expect("append");
        }
        Packs::new([(0, Arc::new(store) as Arc<dyn Store>)].into(), max_open)
    }

    fn kept(packs: &Packs) -> Vec<u64> {
        let state = packs.state();
        let kept = state.open.iter().filter(|(_, slot)| slot.pack.is_some());
        let mut numbers: Vec<u64> = kept.map(|((_, pack), _)| pack.0).collect();
        numbers.sort_unstable();
        assert_eq!(numbers.len(), state.kept.len());
        numbers
    }

    #[test]
    fn few_handles_are_kept_and_among_them_those_in_use() {
        let packs = packs(40, 4);
        let get = |number| packs.get(0, PackId(number), PackState::Open, 8192);
        for number in 1..40 {
            get(0).expect("open");
            get(number).expect("open");
            assert!(kept(&packs).len() <= 4);
        }
        assert!(kept(&packs).contains(&0), "{:?}", kept(&packs));
    }

    #[test]
    fn a_sealed_or_removed_pack_is_kept_no_longer() {
        let packs = packs(3, 8);
        let get = |number, state| packs.get(0, PackId(number), state, 8192);
        let held = get(1, PackState::Open).expect("open");
        get(2, PackState::Open).expect("open");
        packs.remove(0, PackId(1));
        assert_eq!(packs.removed_bytes(), held.len_bytes());
        packs.reopen(0, PackId(2));
        assert_eq!(kept(&packs), Vec::<u64>::new());
        let sealed = get(2, PackState::Sealed).expect("open");
        assert!(sealed.mapped().is_some());
        // A look-up in an older snapshot still takes it for open.
        let again = get(2, PackState::Open).expect("open");
        assert!(Arc::ptr_eq(&again, &sealed));
        assert!(packs.get(0, PackId(9), PackState::Open, 1).is_err());
        assert_eq!(kept(&packs), [2]);
    }

    #[test]
    fn what_is_proved_of_a_pack_that_has_grown_is_remembered() {
        const LEN: usize = 64 << 10;
        let packs = packs(0, 4);
        let mut sink = packs.stores[&0].create(PackId(1)).expect("make");
        let chunk = vec![7; LEN];
        let mut append = |count| {
            for _ in 0..count {
                sink.append(&[IoSlice::new(&chunk)]).expect("append");
            }
        };
        let id = crate::hash::chunk_id(&[&chunk]);
        let place = |number: u64| Place {
            offset: number * LEN as u64,
            len_bytes: 64 << 10,
        };
        append(2);
        let open = packs
            .get(0, PackId(1), PackState::Open, 8192)
            .expect("open");
        open.chunk(place(0), &id, Verify::Once).expect("whole");
        assert!(open.is_proved(place(0), Verify::Once));
        append(1000);
        packs.reopen(0, PackId(1));
        let sealed = packs
            .get(0, PackId(1), PackState::Sealed, 8192)
            .expect("open");
        sealed.chunk(place(900), &id, Verify::Once).expect("whole");
        assert!(sealed.is_proved(place(900), Verify::Once));
    }

    #[test]
    fn threads_that_open_one_pack_share_its_handle() {
        let packs = packs(1, 4);
        let open = || {
            packs
                .get(0, PackId(0), PackState::Sealed, 8192)
                .expect("open")
        };
        std::thread::scope(|scope| {
            let opened: Vec<_> = (0..8).map(|_| scope.spawn(open)).collect();
            let opened = opened
                .into_iter()
                .map(|thread| thread.join().expect("ends"));
            let one = open();
            assert!(opened.into_iter().all(|pack| Arc::ptr_eq(&pack, &one)));
        });
    }
}
