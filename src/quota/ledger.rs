//! Reservations: bytes that are on their way, by owner.
//!
//! A limit is tested against what the index counts and what is reserved. Both are looked at under
//! one lock, and a reservation ends only after its bytes are counted: so a byte may be seen twice
//! for a moment, and never not at all. Who would be refused in that moment waits for its end.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::limits::{LimitSource, ProjectLimits, Usage, UsageOf};
use crate::error::{Error, ErrorCode, Result};
use crate::id::ProjectId;
use crate::index::owners::{self, Use};
use crate::index::{Get, Kv, RedbKv};
use crate::limits::MIB;

/// Which sum a reservation is part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// Data of images, each copy counted.
    Stored,
    /// Data that is staged, or being copied.
    Staged,
}

/// What projects may use, and what is on its way.
pub(crate) struct Quota {
    source: Option<Arc<dyn LimitSource>>,
    /// Bytes and images of each project, where no source of limits is given.
    storage_bytes: Option<u64>,
    images_max: Option<u32>,
    ledger: Mutex<Ledger>,
    /// Reservations whose bytes were being counted have ended.
    settled: Condvar,
}

type Ledger = HashMap<(Option<ProjectId>, Kind), Entry>;

#[derive(Debug, Default)]
struct Entry {
    reserved: u128,
    /// Reservations whose bytes are being counted.
    settling: usize,
    /// What the index counts, as long as no reservation has ended since it was looked up.
    counted: Option<u128>,
}

impl fmt::Debug for Quota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Quota")
            .field("storage_bytes", &self.storage_bytes)
            .finish_non_exhaustive()
    }
}

impl Quota {
    /// Takes a source of limits, or, where there is none, bytes (0 for no limit) and images.
    pub(crate) fn new(
        source: Option<Arc<dyn LimitSource>>,
        storage_bytes: u64,
        images_max: Option<u32>,
    ) -> Arc<Self> {
        Arc::new(Self {
            source,
            storage_bytes: Some(storage_bytes).filter(|&bytes| bytes > 0),
            images_max,
            ledger: Mutex::default(),
            settled: Condvar::new(),
        })
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, ledger: MutexGuard<'a, Ledger>) -> MutexGuard<'a, Ledger> {
        let waited = self.settled.wait(ledger);
        waited.unwrap_or_else(PoisonError::into_inner)
    }

    fn limits(&self, owner: Option<&ProjectId>) -> Option<ProjectLimits> {
        self.source.as_ref().map(|source| source.limits(owner))
    }

    fn limit_bytes(&self, owner: Option<&ProjectId>, kind: Kind) -> Option<u128> {
        let mib = match (self.limits(owner), kind) {
            (Some(limits), Kind::Stored) => limits.image_size_total?,
            (Some(limits), Kind::Staged) => limits.image_stage_total?,
            (None, Kind::Stored) => return self.storage_bytes.map(u128::from),
            (None, Kind::Staged) => return None,
        };
        Some(u128::from(mib) * u128::from(MIB))
    }

    /// Returns what a project uses of its limits; nothing where no source of limits is given.
    pub(crate) fn usage(&self, get: &dyn Get, owner: Option<&ProjectId>) -> Result<Option<Usage>> {
        let Some(limits) = self.limits(owner) else {
            return Ok(None);
        };
        let used = owners::uses(get, owner)?;
        let mib = |bytes: u128| u64::try_from(bytes / u128::from(MIB)).unwrap_or(u64::MAX);
        let of = |usage, limit| UsageOf { usage, limit };
        Ok(Some(Usage {
            image_size_total: of(mib(used.stored_bytes), limits.image_size_total),
            image_stage_total: of(mib(used.staged_bytes), limits.image_stage_total),
            image_count_total: of(used.images, limits.image_count_total),
            image_count_uploading: of(used.uploading, limits.image_count_uploading),
        }))
    }

    /// Tests that an owner may have another image, in the transaction that is to add it.
    ///
    /// # Errors
    /// `QuotaExceeded`.
    pub(crate) fn check_create(&self, get: &dyn Get, owner: Option<&ProjectId>) -> Result<()> {
        let limit = match self.limits(owner) {
            Some(limits) => limits.image_count_total,
            None => self.images_max.map(u64::from),
        };
        let count = || owners::uses(get, owner).map(|it| it.images + 1);
        check_count(limit, "images", count)
    }

    /// Tests the number of images of an owner whose data comes in, in the transaction that has
    /// added one.
    ///
    /// # Errors
    /// `QuotaExceeded`.
    pub(crate) fn check_uploading(&self, get: &dyn Get, owner: Option<&ProjectId>) -> Result<()> {
        let limit = self.limits(owner).and_then(|it| it.image_count_uploading);
        let count = || owners::uses(get, owner).map(|it| it.uploading);
        check_count(limit, "images whose data comes in", count)
    }

    /// Reserves bytes that are to come, or, where their number is not known, sees that there is
    /// room for any. Bytes of no kind count for no limit.
    ///
    /// # Errors
    /// `QuotaExceeded`.
    pub(crate) fn reserve(
        self: &Arc<Self>,
        kv: &RedbKv,
        owner: Option<&ProjectId>,
        kind: Option<Kind>,
        bytes: Option<u64>,
    ) -> Result<Reservation> {
        let limit = kind.and_then(|kind| self.limit_bytes(owner, kind));
        // Without a limit nothing is reserved, whatever the kind.
        let kind = kind.unwrap_or(Kind::Stored);
        let mut reservation = Reservation {
            quota: Arc::clone(self),
            key: (owner.cloned(), kind),
            limit,
            bytes: 0,
            is_settling: false,
        };
        match bytes {
            Some(bytes) => reservation.grow(kv, bytes)?,
            None if limit.is_some() => {
                reservation.grow(kv, 1)?;
                reservation.shrink(0);
            }
            None => {}
        }
        Ok(reservation)
    }

    /// Runs a transaction that adds data without a reservation, while nobody makes one; it is told
    /// how many bytes its owner may add.
    pub(crate) fn alone<R>(
        &self,
        owner: Option<&ProjectId>,
        run: impl FnOnce(&dyn Fn(&dyn Get) -> Result<Option<u64>>) -> R,
    ) -> R {
        let Some(limit) = self.limit_bytes(owner, Kind::Stored) else {
            return run(&|_| Ok(None));
        };
        let key = (owner.cloned(), Kind::Stored);
        let mut ledger = self.ledger();
        while ledger.get(&key).is_some_and(|entry| entry.settling > 0) {
            ledger = self.wait(ledger);
        }
        let entry = ledger.entry(key).or_default();
        entry.counted = None;
        let reserved = entry.reserved;
        let done = run(&|get| {
            let used = owners::uses(get, owner)?.stored_bytes + reserved;
            let left = limit.saturating_sub(used);
            Ok(Some(u64::try_from(left).unwrap_or(u64::MAX)))
        });
        ledger.retain(|_, entry| entry.reserved > 0);
        done
    }
}

/// Bytes that are on their way. They are free again when it is dropped, which is after they were
/// counted, or when no more of them come.
#[derive(Debug)]
pub(crate) struct Reservation {
    quota: Arc<Quota>,
    key: (Option<ProjectId>, Kind),
    limit: Option<u128>,
    bytes: u64,
    is_settling: bool,
}

impl Reservation {
    /// Says that the bytes are being counted from now on, until this is dropped.
    pub(crate) fn settle(&mut self) {
        if self.bytes > 0 && !self.is_settling {
            self.is_settling = true;
            if let Some(entry) = self.quota.ledger().get_mut(&self.key) {
                entry.settling += 1;
            }
        }
    }

    /// Reserves up to a number of bytes in all.
    ///
    /// # Errors
    /// `QuotaExceeded`: then it holds what it held.
    pub(crate) fn grow(&mut self, kv: &RedbKv, bytes: u64) -> Result<()> {
        let Some(limit) = self.limit.filter(|_| bytes > self.bytes) else {
            return Ok(());
        };
        let more = u128::from(bytes - self.bytes);
        let (owner, kind) = &self.key;
        let look = || kv.read(|get| counted(get, owner.as_ref(), *kind));
        let mut ledger = self.quota.ledger();
        loop {
            let entry = ledger.entry(self.key.clone()).or_default();
            let remembered = entry.counted;
            let mut used = remembered.map_or_else(look, Ok)?;
            if used + entry.reserved + more > limit && remembered.is_some() {
                // Something may have been deleted.
                used = look()?;
            }
            entry.counted = Some(used);
            let sum = used + entry.reserved + more;
            if sum <= limit {
                entry.reserved += more;
                self.bytes = bytes;
                return Ok(());
            }
            if entry.settling == 0 {
                ledger.retain(|_, entry| entry.reserved > 0);
                let message = format!("project would have {sum} bytes, limit {limit}");
                return Err(Error::new(ErrorCode::QuotaExceeded, message));
            }
            ledger = self.quota.wait(ledger);
        }
    }

    /// Gives all bytes back but some.
    fn shrink(&mut self, bytes: u64) {
        let less = u128::from(self.bytes.saturating_sub(bytes));
        if less == 0 {
            return;
        }
        self.bytes = bytes;
        let mut ledger = self.quota.ledger();
        if let Some(entry) = ledger.get_mut(&self.key) {
            entry.reserved -= less;
            // They may be counted now.
            entry.counted = None;
            entry.settling -= usize::from(self.is_settling);
            if entry.reserved == 0 {
                ledger.remove(&self.key);
            }
        }
        if std::mem::take(&mut self.is_settling) {
            self.quota.settled.notify_all();
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.shrink(0);
    }
}

fn counted(get: &dyn Get, owner: Option<&ProjectId>, kind: Kind) -> Result<u128> {
    let Use {
        stored_bytes,
        staged_bytes,
        ..
    } = owners::uses(get, owner)?;
    Ok(match kind {
        Kind::Stored => stored_bytes,
        Kind::Staged => staged_bytes,
    })
}

fn check_count(limit: Option<u64>, what: &str, count: impl FnOnce() -> Result<u64>) -> Result<()> {
    let Some(limit) = limit else {
        return Ok(());
    };
    let count = count()?;
    if count > limit {
        let message = format!("project would have {count} {what}, limit {limit}");
        return Err(Error::new(ErrorCode::QuotaExceeded, message));
    }
    Ok(())
}
