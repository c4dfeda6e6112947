//! A store that is far: it counts the bytes that are read from it, fails and stalls as told.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use smalti::disk::MemoryDisk;
use smalti::id::PackId;
use smalti::store::{LocalStore, PackSink, PackSource, PackState, Store};
use smalti::{Error, ErrorCode, Result};

/// How reads go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Fine,
    /// They fail once so many bytes were read.
    FailsAfter(u64),
    /// They wait once so many bytes were read, for another mode.
    WaitsAfter(u64),
}

#[derive(Debug)]
struct State {
    read_bytes: u64,
    mode: Mode,
    waiting: usize,
}

/// The store. Clones are handles of the same.
#[derive(Debug, Clone)]
pub(super) struct Far {
    store: LocalStore,
    state: Arc<(Mutex<State>, Condvar)>,
}

#[derive(Debug)]
struct FarPack(Arc<dyn PackSource>, Far);

impl Far {
    pub(super) fn new() -> Self {
        let state = State {
            read_bytes: 0,
            mode: Mode::Fine,
            waiting: 0,
        };
        let disk = Arc::new(MemoryDisk::new());
        Self {
            store: LocalStore::new(disk, "packs").expect("memory"),
            state: Arc::new((Mutex::new(state), Condvar::new())),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets how reads go from now on, counting from nothing.
    pub(super) fn set(&self, mode: Mode) {
        let mut state = self.state();
        (state.mode, state.read_bytes) = (mode, 0);
        self.state.1.notify_all();
    }

    pub(super) fn read_bytes(&self) -> u64 {
        self.state().read_bytes
    }

    /// Tells whether a read waits.
    pub(super) fn is_waiting(&self) -> bool {
        self.state().waiting > 0
    }

    fn read(&self, len: usize) -> Result<()> {
        let mut state = self.state();
        state.read_bytes += len as u64;
        loop {
            match state.mode {
                Mode::FailsAfter(limit) if state.read_bytes > limit => {
                    return Err(Error::new(ErrorCode::StoreUnavailable, "the link is down"));
                }
                Mode::WaitsAfter(limit) if state.read_bytes > limit => {
                    state.waiting += 1;
                    state = self
                        .state
                        .1
                        .wait(state)
                        .unwrap_or_else(PoisonError::into_inner);
                    state.waiting -= 1;
                }
                _ => return Ok(()),
            }
        }
    }
}

impl Store for Far {
    fn claim(&self, owner: &str, known: bool) -> Result<()> {
        self.store.claim(owner, known)
    }

    fn create(&self, pack: PackId) -> Result<Box<dyn PackSink>> {
        self.store.create(pack)
    }

    fn resume(&self, pack: PackId, len_bytes: u64) -> Result<Box<dyn PackSink>> {
        self.store.resume(pack, len_bytes)
    }

    fn open(&self, pack: PackId, state: PackState) -> Result<Arc<dyn PackSource>> {
        let pack = self.store.open(pack, state)?;
        Ok(Arc::new(FarPack(pack, self.clone())))
    }

    fn list(&self) -> Result<Vec<PackId>> {
        self.store.list()
    }

    fn delete(&self, pack: PackId) -> Result<()> {
        self.store.delete(pack)
    }
}

/// Maps nothing, so that each read is seen.
impl PackSource for FarPack {
    fn len_bytes(&self) -> Result<u64> {
        self.0.len_bytes()
    }

    fn read_into(&self, buf: &mut [u8], offset: u64) -> Result<()> {
        self.1.read(buf.len())?;
        self.0.read_into(buf, offset)
    }
}
