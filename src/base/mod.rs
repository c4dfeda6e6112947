//! What all flows stand on: the index, the packs, leases, time and randomness of one engine.
//!
//! `index` and `chunk` never know each other; this is where both are held, and where a key of the
//! index becomes bytes of a pack.

mod offload;
#[cfg(feature = "tokio")]
mod pace;
mod pages;
mod random;
mod stores;

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::chunk::{Pack, Packs, Place, Verify};
use crate::clock::{Clock, Timestamp};
use crate::disk::DiskLock;
use crate::error::{Error, ErrorCode, ErrorKind, Result};
use crate::id::{ChunkKey, ChunkKind, PackId};
use crate::index::places;
use crate::index::refs::child_key;
use crate::index::rows::{ChunkRow, PackFate};
use crate::index::{Get, Kv, RedbKv};
use crate::lease::Leases;
use crate::manifest::{Page, decode};
use crate::store::PackState;

pub(crate) use offload::{Offload, Threads};
pub(crate) use pages::{CachedPage, PageCache};
pub use random::{Random, SystemRandom};
pub(crate) use stores::{Known, Stores};

/// The shared ground of one engine.
#[derive(Debug)]
pub(crate) struct Base {
    pub(crate) kv: RedbKv,
    pub(crate) packs: Packs,
    pub(crate) stores: Stores,
    pub(crate) leases: Arc<Leases>,
    pub(crate) pages: PageCache,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    closing: AtomicBool,
    /// Where asynchronous callers have their blocking calls run, and long reads their proofs.
    pub(crate) offload: Offload,
    /// Whether short calls of asynchronous callers may run where they are polled.
    #[cfg(feature = "tokio")]
    pub(crate) pace: pace::Pace,
    closed: AtomicBool,
    /// Held as long as anything of the engine may read or write: until it is closed, or the last
    /// upload, reader and collection is dropped. The last field, so that it goes last.
    lock: Mutex<Option<Box<dyn DiskLock>>>,
}

/// A chunk whose pack is at hand.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) pack: Arc<Pack>,
    pub(crate) place: Place,
}

/// How often a chunk is looked up again after its pack went away under the look-up.
const RESOLVE_TRIES: usize = 16;

impl Base {
    pub(crate) fn new(
        kv: RedbKv,
        (packs, stores): (Packs, Stores),
        page_cache_bytes: usize,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Self {
        let pages = PageCache::new(page_cache_bytes);
        let (leases, closing) = (Arc::default(), AtomicBool::new(false));
        Self {
            kv,
            packs,
            stores,
            leases,
            pages,
            clock,
            random,
            closing,
            offload: Offload::new(),
            #[cfg(feature = "tokio")]
            pace: pace::Pace::default(),
            closed: AtomicBool::new(false),
            lock: Mutex::default(),
        }
    }

    /// Takes the lock of the directory into keeping.
    pub(crate) fn keep_lock(&self, lock: Box<dyn DiskLock>) {
        *self.lock.lock().unwrap_or_else(PoisonError::into_inner) = Some(lock);
    }

    /// Lets go of the directory.
    pub(crate) fn release_lock(&self) {
        *self.lock.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Refuses the bytes of running uploads from now on.
    pub(crate) fn end_uploads(&self) {
        self.closed.store(true, Ordering::SeqCst);
    }

    /// Tests that running uploads may go on.
    pub(crate) fn expect_uploads(&self) -> Result<()> {
        if self.closed.load(Ordering::SeqCst) {
            return Err(Error::new(ErrorCode::Closed, "the engine is closed"));
        }
        Ok(())
    }

    /// Refuses new calls from now on.
    pub(crate) fn begin_close(&self) {
        self.closing.store(true, Ordering::SeqCst);
    }

    /// Tests that the engine is open.
    pub(crate) fn expect_open(&self) -> Result<()> {
        if self.closing.load(Ordering::SeqCst) {
            return Err(Error::new(ErrorCode::Closed, "the engine is closed"));
        }
        Ok(())
    }

    /// Passes on what a store answered. After a failed sync nothing is known to be durable, so
    /// nothing is acknowledged any more until the engine is opened again.
    pub(crate) fn trust<T>(&self, done: Result<T>) -> Result<T> {
        done.map_err(|error| match error.code() {
            ErrorCode::Poisoned => self.kv.poison(error),
            _ => error,
        })
    }

    /// Returns the time now.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Returns the pack and place of a chunk; absent chunks are damage.
    pub(crate) fn find(&self, key: &ChunkKey) -> Result<Found> {
        let mut found = self.find_all(std::slice::from_ref(key))?;
        found.pop().ok_or_else(|| missing(key))
    }

    /// Returns packs and places of chunks, in their order.
    ///
    /// Compaction may unlink a pack between look-up and opening: then it is looked up again.
    pub(crate) fn find_all(&self, keys: &[ChunkKey]) -> Result<Vec<Found>> {
        let mut tries = RESOLVE_TRIES;
        loop {
            match self.kv.read(|get| self.find_in(get, keys)) {
                Err(error) if error.kind() == ErrorKind::NotFound && tries > 0 => tries -= 1,
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    return Err(Error::corrupt(error.message().to_owned()).with_source(error));
                }
                done => return done,
            }
        }
    }

    fn find_in(&self, get: &dyn Get, keys: &[ChunkKey]) -> Result<Vec<Found>> {
        let find = |key: &ChunkKey| {
            let row = places::chunk(get, key)?.ok_or_else(|| missing(key))?;
            if row.is_lost() {
                return Err(lost(key));
            }
            self.open(get, key.store, &row)
        };
        keys.iter().map(find).collect()
    }

    /// Opens the pack of a row that was read from the same snapshot.
    pub(crate) fn open(&self, get: &dyn Get, store: u16, row: &ChunkRow) -> Result<Found> {
        let place = Place {
            offset: row.offset,
            len_bytes: row.len_bytes,
        };
        let (id, end) = (PackId(row.pack), place.range().end);
        if let Some(pack) = self.packs.opened(store, id, end) {
            return Ok(Found { pack, place });
        }
        let state = match places::known_pack(get, store, id)?.fate {
            PackFate::Open => PackState::Open,
            PackFate::Sealed | PackFate::Dead => PackState::Sealed,
        };
        Ok(Found {
            pack: self.packs.get(store, id, state, end)?,
            place,
        })
    }

    /// Returns a page of a manifest, proved by its identity, from memory where it is there.
    pub(crate) fn page(&self, key: &ChunkKey) -> Result<Arc<CachedPage>> {
        if let Some(page) = self.pages.get(key) {
            return Ok(page);
        }
        let page = Arc::new(CachedPage::new(self.page_from_pack(key)?));
        self.pages.put(*key, Arc::clone(&page));
        Ok(page)
    }

    /// Reads a page of a manifest from its pack.
    pub(crate) fn page_from_pack(&self, key: &ChunkKey) -> Result<Page> {
        let found = self.find(key)?;
        let bytes = found.pack.chunk(found.place, &key.id, Verify::Always)?;
        decode(&bytes)
    }

    /// Looks a piece up again whose bytes were not as they should be where a hint led; `None` if
    /// it is there and nowhere else.
    pub(crate) fn elsewhere(
        &self,
        key: &ChunkKey,
        page: &CachedPage,
        index: usize,
        before: &Found,
    ) -> Result<Option<Found>> {
        page.places()[index] = None;
        let found = self.pieces(key, page, index..index + 1)?.pop().flatten();
        Ok(found.filter(|now| now.place != before.place || now.pack.id() != before.pack.id()))
    }

    /// Returns packs and places of pieces of a page, by index; none for zero runs.
    pub(crate) fn pieces(
        &self,
        key: &ChunkKey,
        page: &CachedPage,
        pieces: Range<usize>,
    ) -> Result<Vec<Option<Found>>> {
        let first = pieces.start;
        let mut found = page.hinted(pieces.clone());
        let level = page.page().level();
        let absent = found
            .iter()
            .zip(pieces)
            .filter(|(found, _)| found.is_none());
        let absent: Vec<(usize, ChunkKey, u64)> = absent
            .filter_map(|(_, index)| {
                let (content, range) = page.page().piece(index)?;
                let key = child_key(key, level, content)?;
                Some((index, key, range.end - range.start))
            })
            .collect();
        if absent.is_empty() {
            return Ok(found);
        }
        let keys: Vec<ChunkKey> = absent.iter().map(|(_, key, _)| *key).collect();
        let new = self.find_all(&keys)?;
        let mut places = page.places();
        for ((index, key, len_bytes), new) in absent.into_iter().zip(new) {
            if len_bytes != u64::from(new.place.len_bytes) {
                let (id, has) = (key.id, new.place.len_bytes);
                let message = format!("chunk {id} is {has} bytes, its page says {len_bytes}");
                return Err(Error::corrupt(message));
            }
            places[index] = Some((Arc::downgrade(&new.pack), new.place.offset));
            found[index - first] = Some(new);
        }
        Ok(found)
    }
}

fn missing(key: &ChunkKey) -> Error {
    Error::corrupt(format!("{} is not in the index", named(key)))
}

/// Makes the error for a chunk that the packs did not hold when the index was made anew.
pub(crate) fn lost(key: &ChunkKey) -> Error {
    let key = named(key);
    Error::corrupt(format!("{key} is in no pack since the index was made anew"))
}

fn named(key: &ChunkKey) -> String {
    let what = match key.kind {
        ChunkKind::Data => "chunk",
        ChunkKind::Page => "manifest page",
    };
    format!("{what} {} of domain {}", key.id, key.domain)
}
