//! A stage on which runs repeat: simulated disk, time and chance by count, lanes in line.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use smalti::Random;
use smalti::clock::{Clock, Timestamp};
use smalti::disk::SyncSite;
use smalti::disk::sim::SimDisk;
use smalti::engine::Builder;
use smalti::gc::GcOptions;
use smalti::{Engine, NamedStore, Result, Settings};

use super::Rng;
use super::below::Below;
use super::elsewhere::with_sources;

/// The store in the directory of an engine that has two.
pub(crate) const FAST: &str = "fast";
/// The other one, in a directory of the same simulated disk.
pub(crate) const SLOW: &str = "slow";

/// Time that moves on by a millisecond whenever somebody looks.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ticks(Arc<AtomicI64>);

impl Clock for Ticks {
    fn now(&self) -> Timestamp {
        let ticks = self.0.fetch_add(1, Ordering::Relaxed);
        Timestamp::from_micros(1_700_000_000_000_000 + ticks * 1000)
    }
}

/// Chance by seed.
#[derive(Debug, Clone)]
pub(crate) struct Dice(Arc<Mutex<Rng>>);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(Rng(seed))))
    }
}

impl Random for Dice {
    fn bytes(&self) -> [u8; 16] {
        let mut bytes = [0; 16];
        self.0.lock().expect("whole").fill(&mut bytes);
        bytes
    }
}

/// Settings under which a few small calls roll packs, seal them and make checkpoints.
pub(crate) fn settings() -> Settings {
    Settings {
        hashing_algorithm: None,
        legacy_md5: false,
        pack_len_bytes: 1 << 20,
        seal_from_bytes: 192 << 10,
        checkpoint_log_bytes: 64 << 10,
        reserve_len_bytes: 0,
        index_cache_bytes: 1 << 20,
        page_cache_bytes: 1 << 20,
        ..Settings::default()
    }
}

/// Collects all garbage there is.
pub(crate) fn all_garbage() -> GcOptions {
    GcOptions {
        min_garbage_ratio: 0.0,
        seal_after_ms: 0,
    }
}

/// What outlives an engine: time, chance and settings of one run.
#[derive(Debug, Clone)]
pub(crate) struct Stage {
    pub(crate) settings: Settings,
    clock: Ticks,
    dice: Dice,
    stores: Stores,
}

/// The stores of an engine.
#[derive(Debug, Clone, Copy)]
enum Stores {
    /// The one in its directory, which has no name.
    One,
    /// `fast`, which is that one, and `slow`, where a sync may be left out.
    Two(Option<SyncSite>),
}

impl Stage {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            settings: settings(),
            clock: Ticks::default(),
            dice: Dice::new(seed),
            stores: Stores::One,
        }
    }

    /// Makes it for an engine with two stores.
    pub(crate) fn with_stores(seed: u64) -> Self {
        Self::leaving_out(seed, None)
    }

    /// Makes it for an engine in whose second store the syncs of a call site are left out.
    pub(crate) fn leaving_out(seed: u64, site: Option<SyncSite>) -> Self {
        Self {
            stores: Stores::Two(site),
            ..Self::new(seed)
        }
    }

    pub(crate) fn open(&self, disk: &SimDisk) -> Result<Engine> {
        let builder = Builder::on_disk(Arc::new(disk.clone()))
            .settings(self.settings.clone())
            .clock(self.clock.clone())
            .random(self.dice.clone())
            .lanes_in_line();
        let builder = match self.stores {
            Stores::One => builder,
            Stores::Two(left_out) => {
                let slow = Arc::new(Below::new(disk, SLOW, left_out));
                with_sources(builder)
                    .store(NamedStore::own(FAST))
                    .store(NamedStore::on_disk(SLOW, slow))
            }
        };
        builder.open()
    }
}
