//! Blocks of packs near at hand: a few in memory, many in files of this machine.
//!
//! It owns what is fetched, and that no block is fetched twice at a time. It answers nothing about
//! what is stored: it holds bytes of objects that somebody has seen to be there.

mod block;
mod fetch;
mod flight;
mod lru;

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use self::fetch::Fetch;
use self::flight::Flight;
use self::lru::Lru;
use super::bucket::Bucket;
use crate::disk::Disk;
use crate::error::{Error, Result};
use crate::id::PackId;

pub(super) use self::block::BLOCK_LEN_BYTES;
pub(super) use self::fetch::tag;

/// Blocks that are kept in memory.
const RECENT_BLOCKS: usize = 48;
/// Blocks that one request fetches at most, beginning at a multiple of as many where it can: services
/// store parts as they were sent, and do more for a range that lies in two of them.
pub(super) const RUN_BLOCKS: u64 = 8;

/// What a block is known by: the pack, which object of that name it was, and the number in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Key {
    pub(super) pack: PackId,
    pub(super) tag: u64,
    pub(super) block: u64,
}

/// An object that was seen to be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Object {
    pub(super) pack: PackId,
    /// Tells the object from any other that ever had its name.
    pub(super) tag: u64,
    pub(super) len_bytes: u64,
}

/// The cache of a store.
#[derive(Debug)]
pub(super) struct Cache {
    bucket: Bucket,
    disk: Arc<dyn Disk>,
    state: Mutex<State>,
}

/// Where a block that comes is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keep {
    /// In a file, for whoever reads it again.
    InFile,
    /// In memory until it was read: it is part of a long read in order, as which it may not come
    /// again soon, while what it would drive out of the files may.
    UntilRead,
}

/// A block in memory.
#[derive(Debug)]
struct Recent {
    bytes: Bytes,
    /// Whether it has to be written to a file if it goes before it was read.
    is_owed: bool,
}

#[derive(Debug)]
struct State {
    recent: Lru<Recent>,
    shelved: Lru<()>,
    flights: HashMap<Key, Arc<Flight>>,
}

/// Where a block is.
enum Whereabouts {
    Here(Bytes),
    Shelved,
    Flying(Arc<Flight>),
}

impl Object {
    fn key(&self, block: u64) -> Key {
        Key {
            pack: self.pack,
            tag: self.tag,
            block,
        }
    }

    /// Returns the number of its blocks.
    pub(super) fn blocks(&self) -> u64 {
        self.len_bytes.div_ceil(BLOCK_LEN_BYTES)
    }

    /// Returns the bytes of the object that a block is.
    fn range(&self, block: u64) -> Range<u64> {
        let start = block * BLOCK_LEN_BYTES;
        start..self.len_bytes.min(start + BLOCK_LEN_BYTES)
    }
}

impl State {
    fn has(&self, key: &Key) -> bool {
        self.recent.has(key) || self.shelved.has(key) || self.flights.contains_key(key)
    }
}

impl Cache {
    /// Takes the blocks that are in files, and removes what no more than begins to be one.
    pub(super) fn open(bucket: Bucket, disk: Arc<dyn Disk>, max_bytes: u64) -> Result<Self> {
        let failed =
            |deed: &str, error| Error::io(format!("{deed} directory {}", block::DIR), error);
        disk.create_dir(block::DIR).map_err(|e| failed("make", e))?;
        let files = usize::try_from(max_bytes / block::FILE_LEN_BYTES).unwrap_or(usize::MAX);
        let mut shelved = Lru::new(files);
        for name in disk.list(block::DIR).map_err(|e| failed("list", e))? {
            match block::parse(&name) {
                Some(key) => {
                    let gone = shelved.put(key, ());
                    gone.iter().for_each(|(key, ())| unlink(&*disk, key));
                }
                None => {
                    let _ = disk.remove(&format!("{}/{name}", block::DIR));
                }
            }
        }
        let state = State {
            recent: Lru::new(RECENT_BLOCKS),
            shelved,
            flights: HashMap::new(),
        };
        Ok(Self {
            bucket,
            disk,
            state: Mutex::new(state),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns a part of a block, which is fetched where it is not near.
    ///
    /// # Errors
    /// `NotFound` if the object is gone, `Corrupt` if it is another, `StoreUnavailable`.
    pub(super) fn part(
        self: &Arc<Self>,
        object: &Object,
        block: u64,
        part: Range<usize>,
    ) -> Result<Bytes> {
        let key = object.key(block);
        let bytes = match self.find(object, block) {
            Whereabouts::Here(bytes) => bytes,
            Whereabouts::Flying(flight) => flight.wait()?,
            Whereabouts::Shelved => {
                if let Some(bytes) = block::read(&*self.disk, &key, &part) {
                    return Ok(bytes);
                }
                tracing::debug!(pack = %key.pack, block, "a cached block is damaged or gone");
                self.drop_block(&key);
                match self.find(object, block) {
                    Whereabouts::Here(bytes) => bytes,
                    Whereabouts::Flying(flight) => flight.wait()?,
                    Whereabouts::Shelved => return self.part(object, block, part),
                }
            }
        };
        match part.end <= bytes.len() {
            true => Ok(bytes.slice(part)),
            false => Err(Error::corrupt(format!("pack {}: it ends before", key.pack))),
        }
    }

    fn find(self: &Arc<Self>, object: &Object, block: u64) -> Whereabouts {
        let (key, mut state) = (object.key(block), self.state());
        if let Some(recent) = state.recent.get(&key) {
            recent.is_owed = false;
            return Whereabouts::Here(recent.bytes.clone());
        }
        if let Some(flight) = state.flights.get(&key) {
            return Whereabouts::Flying(flight.awaited());
        }
        if state.shelved.get(&key).is_some() {
            return Whereabouts::Shelved;
        }
        let flight = Arc::<Flight>::default().awaited();
        state.flights.insert(key, Arc::clone(&flight));
        drop(state);
        Fetch::new(self, object, block..block + 1, Keep::InFile).start();
        Whereabouts::Flying(flight)
    }

    /// Fetches those of some blocks that are not near, and waits for none.
    pub(super) fn want(self: &Arc<Self>, object: &Object, blocks: Range<u64>, keep: Keep) {
        let mut runs: Vec<Range<u64>> = Vec::new();
        let mut state = self.state();
        for block in blocks.start..blocks.end.min(object.blocks()) {
            let key = object.key(block);
            if state.has(&key) {
                continue;
            }
            state.flights.insert(key, Arc::default());
            match runs.last_mut() {
                Some(run) if run.end == block && block % RUN_BLOCKS != 0 => run.end += 1,
                _ => runs.push(block..block + 1),
            }
        }
        drop(state);
        for run in runs {
            Fetch::new(self, object, run, keep).start();
        }
    }

    /// Tells whether a block is in memory.
    pub(super) fn is_here(&self, object: &Object, block: u64) -> bool {
        self.state().recent.has(&object.key(block))
    }

    /// Lets go of some blocks, so that they are fetched again.
    pub(super) fn forget(&self, object: &Object, blocks: Range<u64>) {
        for block in blocks.start..blocks.end.min(object.blocks()) {
            self.drop_block(&object.key(block));
        }
    }

    /// Lets go of a pack.
    pub(super) fn forget_pack(&self, pack: PackId) {
        let mut state = self.state();
        state.recent.remove_pack(pack);
        let shelved = state.shelved.remove_pack(pack);
        drop(state);
        shelved.iter().for_each(|key| unlink(&*self.disk, key));
    }

    fn drop_block(&self, key: &Key) {
        let mut state = self.state();
        state.recent.remove(key);
        let was_shelved = state.shelved.has(key);
        state.shelved.remove(key);
        drop(state);
        if was_shelved {
            unlink(&*self.disk, key);
        }
    }

    /// Takes a block that has come; returns those that have to be written to files now.
    fn landed(&self, key: Key, bytes: Bytes, keep: Keep) -> Vec<(Key, Bytes)> {
        let mut state = self.state();
        let flight = state.flights.remove(&key);
        let is_read = flight.as_ref().is_some_and(|flight| flight.is_awaited());
        let recent = Recent {
            bytes: bytes.clone(),
            is_owed: keep == Keep::UntilRead && !is_read,
        };
        let gone = state.recent.put(key, recent);
        drop(state);
        if let Some(flight) = flight {
            flight.land(Ok(bytes.clone()));
        }
        let owed = gone.into_iter().filter(|(_, gone)| gone.is_owed);
        let mut due: Vec<_> = owed.map(|(key, gone)| (key, gone.bytes)).collect();
        if keep == Keep::InFile {
            due.push((key, bytes));
        }
        due
    }

    /// Takes note that blocks do not come. Whoever is told of it finds none of them still flying.
    fn lost(&self, object: &Object, blocks: Range<u64>, why: &Error) {
        let mut state = self.state();
        let flights = blocks.filter_map(|block| state.flights.remove(&object.key(block)));
        let flights: Vec<_> = flights.collect();
        drop(state);
        flights.iter().for_each(|flight| flight.land(Err(why)));
    }

    /// Writes a block to its file, and removes those that go for it. A cache that cannot be written
    /// is none.
    fn shelve(&self, key: Key, bytes: &[u8]) {
        if let Err(error) = block::write(&*self.disk, &key, bytes) {
            tracing::debug!(pack = %key.pack, %error, "a block is not cached");
            return;
        }
        let gone = self.state().shelved.put(key, ());
        gone.iter().for_each(|(key, ())| unlink(&*self.disk, key));
    }
}

fn unlink(disk: &dyn Disk, key: &Key) {
    let _ = disk.remove(&block::path(key));
}
