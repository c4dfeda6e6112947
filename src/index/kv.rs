//! `kv`: the ordered byte map that the index stands on.
//!
//! Named tables of byte keys and values, snapshot reads, serializable writes. A closure may run more
//! than once, so it has no side effects; when a write fails, nothing of it remains. Values are lent
//! to callbacks and not copied on the way out. `contract` is the suite that each engine runs.

use std::ops::{Bound, ControlFlow};

use crate::error::Result;

/// The tables of the index; `docs/format.md` describes keys and values of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Table {
    /// Counters and marks of the engine.
    Meta = 0,
    /// Images by id.
    Images = 1,
    /// Deleted ids, kept for ever.
    Tombstones = 2,
    /// Dedup domains by name.
    Domains = 3,
    /// Places of chunks and manifest pages by store, domain, kind and identity.
    Chunks = 4,
    /// Packs by store and id.
    Packs = 5,
    /// Packs that are open or waiting to be unlinked.
    ActivePacks = 6,
    /// Uploads that are running.
    Sessions = 7,
    /// Pages and chunks that a running upload holds.
    Holds = 8,
    /// References to be given back by collection, in order of arrival.
    Releases = 9,
    /// Chunks that nothing refers to.
    Unreferenced = 10,
    /// Members by image and project.
    Members = 11,
    /// Owners by number: slots and counts.
    Owners = 12,
    /// Records by part of the lists, scope and time of creation.
    Views = 13,
    /// Slots of images by part, order and what it orders by.
    Orders = 14,
    /// Slots by part, field and value, in blocks.
    Postings = 15,
    /// Numbers of images by slot, in columns.
    Facts = 16,
    /// Slots of images by part, member and its status.
    Shares = 17,
    /// Deleted images whose data waits to be removed, by time of the delete.
    Scrubs = 18,
    /// Numbers of stores by name.
    Stores = 19,
    /// Tasks by id.
    Tasks = 20,
    /// Tasks by image and time of creation.
    ImageTasks = 21,
    /// Tasks that have ended, by when they vanish.
    TaskEnds = 22,
    /// Staged data by image.
    Staged = 23,
    /// Copies of data in the cache, by image.
    Cached = 24,
    /// Images that wait to be cached, by number and by image.
    CacheQueue = 25,
}

impl Table {
    /// Every table, by number.
    pub(crate) const ALL: [Self; 26] = [
        Self::Meta,
        Self::Images,
        Self::Tombstones,
        Self::Domains,
        Self::Chunks,
        Self::Packs,
        Self::ActivePacks,
        Self::Sessions,
        Self::Holds,
        Self::Releases,
        Self::Unreferenced,
        Self::Members,
        Self::Owners,
        Self::Views,
        Self::Orders,
        Self::Postings,
        Self::Facts,
        Self::Shares,
        Self::Scrubs,
        Self::Stores,
        Self::Tasks,
        Self::ImageTasks,
        Self::TaskEnds,
        Self::Staged,
        Self::Cached,
        Self::CacheQueue,
    ];

    /// Tables that cannot be rebuilt from packs: names and the counters behind them.
    pub(crate) const NAMES: [Self; 10] = [
        Self::Meta,
        Self::Images,
        Self::Tombstones,
        Self::Domains,
        Self::Members,
        Self::Stores,
        Self::Tasks,
        Self::ImageTasks,
        Self::TaskEnds,
        Self::Staged,
    ];

    /// Returns the name under which the table is stored.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Meta => "meta",
            Self::Images => "images",
            Self::Tombstones => "tombstones",
            Self::Domains => "domains",
            Self::Chunks => "chunks",
            Self::Packs => "packs",
            Self::ActivePacks => "active_packs",
            Self::Sessions => "sessions",
            Self::Holds => "holds",
            Self::Releases => "releases",
            Self::Unreferenced => "unreferenced",
            Self::Members => "members",
            Self::Owners => "owners",
            Self::Views => "views",
            Self::Orders => "orders",
            Self::Postings => "postings",
            Self::Facts => "facts",
            Self::Shares => "shares",
            Self::Scrubs => "scrubs",
            Self::Stores => "stores",
            Self::Tasks => "tasks",
            Self::ImageTasks => "image_tasks",
            Self::TaskEnds => "task_ends",
            Self::Staged => "staged",
            Self::Cached => "cached",
            Self::CacheQueue => "cache_queue",
        }
    }
}

/// Direction of a scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// From the smallest key.
    Ascending,
    /// From the largest key.
    Descending,
}

/// When a write is safe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durability {
    /// Durable when the call returns.
    Now,
    /// Visible when the call returns, durable with the next write that is `Now`; a crash before
    /// takes it back whole, never in part.
    Later,
}

/// What a read sees: one snapshot (or, in a write, the snapshot and the writes so far).
pub(crate) trait Get {
    /// Lends the value of a key to `f` and returns whether there is one.
    fn get(&self, table: Table, key: &[u8], f: &mut dyn FnMut(&[u8])) -> Result<bool>;

    /// Lends the pairs between two bounds to `f`, in order, until it breaks.
    fn scan(
        &self,
        table: Table,
        from: Bound<&[u8]>,
        to: Bound<&[u8]>,
        order: Order,
        f: &mut dyn FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<()>;
}

/// Lends pairs as [`Get::scan`] does, to what may fail: its first error ends the scan.
pub(crate) fn try_scan(
    get: &dyn Get,
    table: Table,
    (from, to): (Bound<&[u8]>, Bound<&[u8]>),
    order: Order,
    f: &mut dyn FnMut(&[u8], &[u8]) -> Result<ControlFlow<()>>,
) -> Result<()> {
    let mut failed = Ok(());
    get.scan(table, from, to, order, &mut |key, value| {
        f(key, value).unwrap_or_else(|error| {
            failed = Err(error);
            ControlFlow::Break(())
        })
    })?;
    failed
}

/// What a write does, beside reading.
pub(crate) trait Put: Get {
    /// Sets the value of a key.
    fn put(&mut self, table: Table, key: &[u8], value: &[u8]) -> Result<()>;
    /// Removes a key; none is no error.
    fn delete(&mut self, table: Table, key: &[u8]) -> Result<()>;
}

/// An ordered byte map with snapshot reads and serializable writes.
pub(crate) trait Kv: Send + Sync {
    /// Runs `f` on one snapshot.
    ///
    /// It runs again, on a newer one, when the engine below was opened anew meanwhile: what it did
    /// with the first must not count twice. It is not called within a write.
    fn read<R>(&self, f: impl FnMut(&dyn Get) -> Result<R>) -> Result<R>;

    /// Runs `f` in a write transaction, which commits when `f` returns `Ok`, and else leaves
    /// nothing.
    ///
    /// Writes of other threads may be committed together with it. `f` may see what they changed, and
    /// whatever it returns then, the call returns it only when that is committed. If the commit
    /// fails, the error is the same for all of them: nothing of any remains, or, where that is
    /// unknown, the handle is poisoned.
    fn write<R>(
        &self,
        durability: Durability,
        f: impl FnMut(&mut dyn Put) -> Result<R>,
    ) -> Result<R>;
}
