//! A collection that runs, step by step.

use serde::Serialize;
use std::sync::Arc;

use super::compact::{self, Compaction};
use super::plan::{GcPlan, is_worth_a_copy};
use super::sweep::{self, Sweeper};
use super::{Collector, GcOptions, Turn};
use crate::base::Base;
use crate::error::{Error, ErrorKind, Result};
use crate::id::PackId;
use crate::index::rows::PackFate;
use crate::index::{Durability, Kv, places};
use crate::ingest::{OpenPacks, PackBounds};

/// What a collection is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum GcPhase {
    /// References of deleted images and failed uploads are given back.
    Release,
    /// Rows of chunks that nothing refers to are removed.
    Sweep,
    /// Packs without live chunks are unlinked, those that rest are sealed.
    Unlink,
    /// Live chunks are copied out of packs with much garbage.
    Compact,
}

/// How far a collection is, after a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct GcProgress {
    /// What the step did.
    pub phase: GcPhase,
    /// Packs that are still to be copied, as far as is known.
    pub packs_left: usize,
    /// Bytes that have left the disk so far.
    pub freed_bytes: u64,
    /// Bytes that were copied so far.
    pub copied_bytes: u64,
}

/// What a collection has done.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct GcReport {
    /// References that were given back.
    pub released_references: u64,
    /// Chunks and manifest pages whose rows were removed.
    pub swept_chunks: u64,
    /// Bytes of these.
    pub swept_bytes: u64,
    /// Chunks that were kept because an upload or a reader needs them.
    pub leased_chunks: u64,
    /// Chunks that were copied.
    pub copied_chunks: u64,
    /// Bytes of these.
    pub copied_bytes: u64,
    /// Packs that were unlinked.
    pub unlinked_packs: u64,
    /// Bytes of these.
    pub freed_bytes: u64,
    /// Damage that was met; what is damaged, and what hangs on it, was left alone.
    pub damaged: Vec<String>,
}

/// A collection that runs. Not calling [`Gc::step`] pauses it; dropping it ends it, and the next
/// one goes on from there. Each step is short: a few thousand rows, or one batch of copied bytes.
#[derive(Debug)]
#[must_use = "nothing is collected before `step` or `run`"]
pub struct Gc {
    base: Arc<Base>,
    open_packs: Arc<OpenPacks>,
    bounds: PackBounds,
    options: GcOptions,
    state: State,
    report: GcReport,
    turn: Arc<Turn>,
}

#[derive(Debug)]
enum State {
    Release {
        swept: bool,
    },
    Sweep {
        sweeper: Sweeper,
        swept_before: u64,
    },
    Unlink {
        then: Vec<(u16, PackId)>,
    },
    Compact {
        left: Vec<(u16, PackId)>,
        now: Option<Box<Compaction>>,
    },
    Over,
}

impl Gc {
    pub(crate) fn begin(
        collector: &Collector,
        base: Arc<Base>,
        open_packs: Arc<OpenPacks>,
        bounds: PackBounds,
        options: GcOptions,
    ) -> Result<Self> {
        options.check()?;
        let turn = collector.begin()?;
        let state = State::Release { swept: false };
        let report = GcReport::default();
        Ok(Self {
            base,
            open_packs,
            bounds,
            options,
            state,
            report,
            turn: Arc::new(turn),
        })
    }

    /// Returns what a collection with these options would do, as far as one snapshot shows it.
    pub(crate) fn plan(base: &Base, options: &GcOptions) -> Result<GcPlan> {
        options.check()?;
        GcPlan::make(base, options)
    }

    /// Returns what was done so far.
    pub fn report(&self) -> &GcReport {
        &self.report
    }

    /// Runs to the end and returns what was done.
    ///
    /// # Errors
    /// As [`Gc::step`].
    pub fn run(mut self) -> Result<GcReport> {
        while self.step()?.is_some() {}
        Ok(std::mem::take(&mut self.report))
    }

    /// Does a little; `None` when there is nothing more to do.
    ///
    /// # Errors
    /// `Corrupt` where the index contradicts itself: nothing more is removed then. `Full`,
    /// `Unavailable`. Whatever was done stays done.
    pub fn step(&mut self) -> Result<Option<GcProgress>> {
        let turn = Arc::clone(&self.turn);
        let _step = turn.enter();
        self.base.expect_open()?;
        // After a failed step the walk begins anew.
        let state = std::mem::replace(&mut self.state, State::Release { swept: false });
        let (phase, next) = match state {
            State::Release { swept } => (GcPhase::Release, self.release(swept)?),
            State::Sweep {
                sweeper,
                swept_before,
            } => (GcPhase::Sweep, self.sweep(sweeper, swept_before)?),
            State::Unlink { then } => (GcPhase::Unlink, self.unlink(then)?),
            State::Compact { left, now } => (GcPhase::Compact, self.compact(left, now)?),
            State::Over => {
                // Room that the index gave up when the disk was full is taken again if it is there.
                let _ = self.base.kv.restore_reserve();
                self.state = State::Over;
                return Ok(None);
            }
        };
        self.state = next;
        let packs_left = match &self.state {
            State::Unlink { then } => then.len(),
            State::Compact { left, now } => left.len() + usize::from(now.is_some()),
            _ => 0,
        };
        let GcReport {
            freed_bytes,
            copied_bytes,
            ..
        } = self.report;
        Ok(Some(GcProgress {
            phase,
            packs_left,
            freed_bytes,
            copied_bytes,
        }))
    }

    fn release(&mut self, swept: bool) -> Result<State> {
        if sweep::release(&self.base, &mut self.report)? {
            return Ok(State::Release { swept: false });
        }
        if swept {
            return self.pick();
        }
        let swept_before = self.report.swept_chunks;
        Ok(State::Sweep {
            sweeper: Sweeper::default(),
            swept_before,
        })
    }

    fn sweep(&mut self, mut sweeper: Sweeper, swept_before: u64) -> Result<State> {
        if sweeper.step(&self.base, &mut self.report)? {
            return Ok(State::Sweep {
                sweeper,
                swept_before,
            });
        }
        // Pages that went have freed what they named, so the walk is made until it finds nothing.
        Ok(State::Release {
            swept: self.report.swept_chunks == swept_before,
        })
    }

    /// Picks the packs to be copied, and seals open ones that rest or hold too much garbage.
    fn pick(&mut self) -> Result<State> {
        // First of all, so that a full disk has room for footers and copies.
        self.unlink_dead()?;
        let now_ms = self.base.now().as_micros() / 1000;
        let rows = self.base.kv.read(|get| places::packs(get))?;
        let mut worth = Vec::new();
        for (store, pack, row) in rows {
            let garbage = is_worth_a_copy(&row, &self.options);
            if self.base.leases.is_pack_held(store, pack) {
                continue;
            }
            match row.fate {
                PackFate::Sealed if row.live_chunks > 0 && garbage => worth.push((store, pack)),
                PackFate::Open => {
                    let age_ms = now_ms.saturating_sub(row.written_at / 1000);
                    let rests =
                        u64::try_from(age_ms).is_ok_and(|a| a >= self.options.seal_after_ms);
                    let idle = row.live_chunks == 0 || garbage || rests;
                    if idle && self.seal(store, pack)? && garbage {
                        worth.push((store, pack));
                    }
                }
                _ => {}
            }
        }
        Ok(State::Unlink { then: worth })
    }

    /// Takes an open pack out of use: declared dead if it is empty, sealed if not. `false` if an
    /// upload uses it, or if it is not sealed now.
    fn seal(&self, store: u16, pack: PackId) -> Result<bool> {
        let taken = self
            .open_packs
            .take(|w| (w.store(), w.pack()) == (store, pack));
        let Some(mut writer) = taken.into_iter().next() else {
            return Ok(false);
        };
        // Read again: an upload may have filled it since the walk over all packs. Nobody can now.
        let named = writer.mark();
        let row = match self
            .base
            .kv
            .read(|get| places::known_pack(get, store, pack))
        {
            Ok(row) => row,
            Err(error) => {
                self.open_packs.give_back(writer);
                return Err(error);
            }
        };
        if row.live_chunks == 0 {
            drop(writer);
            self.set_fate(store, pack, PackFate::Dead, None)?;
            return Ok(false);
        }
        let len_bytes = match self.base.trust(writer.seal()) {
            Ok(len_bytes) => len_bytes,
            Err(error) => {
                self.open_packs
                    .give_back_as_it_was(&self.base, writer, named);
                return Err(error);
            }
        };
        self.set_fate(store, pack, PackFate::Sealed, Some(len_bytes))?;
        self.base.packs.reopen(store, pack);
        Ok(true)
    }

    fn set_fate(
        &self,
        store: u16,
        pack: PackId,
        fate: PackFate,
        len_bytes: Option<u64>,
    ) -> Result<()> {
        self.base.kv.write(Durability::Now, |put| {
            let mut row = places::known_pack(put, store, pack)?;
            row.fate = fate;
            row.len_bytes = len_bytes.unwrap_or(row.len_bytes);
            places::put_pack(put, store, pack, &row)
        })
    }

    fn unlink(&mut self, then: Vec<(u16, PackId)>) -> Result<State> {
        self.unlink_dead()?;
        if then.is_empty() {
            return Ok(State::Over);
        }
        Ok(State::Compact {
            left: then,
            now: None,
        })
    }

    /// Unlinks every pack that holds nothing live and that no upload needs.
    fn unlink_dead(&mut self) -> Result<()> {
        let dead = self.base.kv.write(Durability::Now, |put| {
            let mut dead = Vec::new();
            for (store, pack, mut row) in places::packs(put)? {
                let empty = row.fate != PackFate::Open && row.live_chunks == 0;
                if row.fate == PackFate::Dead && !empty {
                    let chunks = row.live_chunks;
                    let what = format!("pack {pack} is dead and holds {chunks} live chunks");
                    return Err(Error::corrupt(what));
                }
                if empty && !self.base.leases.is_pack_held(store, pack) {
                    row.fate = PackFate::Dead;
                    // Said again where it was said before: a name goes when this is durable.
                    places::put_pack(put, store, pack, &row)?;
                    dead.push((store, pack, row.len_bytes));
                }
            }
            Ok(dead)
        })?;
        for (store, pack, len_bytes) in dead {
            self.base
                .trust(self.base.packs.store(store)?.delete(pack))?;
            self.base.packs.remove(store, pack);
            self.base.kv.write(Durability::Later, |put| {
                places::delete_pack(put, store, pack)
            })?;
            self.report.unlinked_packs += 1;
            self.report.freed_bytes += len_bytes;
        }
        Ok(())
    }

    fn compact(
        &mut self,
        mut left: Vec<(u16, PackId)>,
        now: Option<Box<Compaction>>,
    ) -> Result<State> {
        let mut now = match (now, left.pop()) {
            (Some(now), next) => {
                left.extend(next);
                now
            }
            (None, Some((store, pack))) => match Compaction::begin(&self.base, store, pack) {
                Ok(begun) => Box::new(begun),
                Err(error) if error.is_unreadable() || error.kind() == ErrorKind::NotFound => {
                    tracing::error!(%pack, %error, "a damaged pack is left as it is");
                    self.report.damaged.push(error.message().to_owned());
                    return Ok(State::Compact { left, now: None });
                }
                Err(error) => return Err(error),
            },
            (None, None) => return Ok(State::Unlink { then: Vec::new() }),
        };
        let ground = compact::Ground {
            base: &self.base,
            open_packs: &self.open_packs,
            bounds: self.bounds,
        };
        let more = now.step(&ground, &mut self.report)?;
        Ok(State::Compact {
            left,
            now: more.then_some(now),
        })
    }
}
