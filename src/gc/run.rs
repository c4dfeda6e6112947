//! A collection that runs, step by step.

use serde::Serialize;
use std::sync::Arc;

use super::compact::{Compaction, Ground};
use super::moving::Moving;
use super::orphans;
use super::plan::GcPlan;
use super::sweep::{self, Sweeper};
use super::whole::{self, PackOf, Picked};
use super::{Collector, GcOptions, Turn};
use crate::base::Base;
use crate::error::{ErrorKind, Result};
use crate::index::{Kv, places};
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
    /// Packs without live chunks are unlinked.
    Unlink,
    /// Open packs that rest or hold much garbage are sealed.
    Seal,
    /// Live chunks are copied out of packs with much garbage.
    Compact,
}

/// How far a collection is, after a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct GcProgress {
    /// What the step did.
    pub phase: GcPhase,
    /// Packs that are still to be unlinked, sealed or copied in this phase, as far as is known.
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
    /// Packs of which the index knew nothing, and that were deleted: a store that is reached over a
    /// network may come to have such.
    pub orphan_packs: u64,
    /// Damage that was met; what is damaged, and what hangs on it, was left alone.
    pub damaged: Vec<String>,
}

/// A collection that runs. Not calling [`Gc::step`] pauses it; dropping it ends it, and the next
/// one goes on from there. Each step is short: a few thousand rows, a few packs, or one batch of
/// copied bytes.
#[derive(Debug)]
#[must_use = "nothing is collected before `step` or `run`"]
pub struct Gc {
    base: Arc<Base>,
    open_packs: Arc<OpenPacks>,
    bounds: PackBounds,
    options: GcOptions,
    state: State,
    /// A pack that is being filled, where it is not named before it is sealed.
    moving: Option<Moving>,
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
        dead: Vec<PackOf>,
        then: Then,
    },
    Seal {
        left: Vec<PackOf>,
        copy: Vec<PackOf>,
    },
    Compact {
        left: Vec<PackOf>,
        now: Option<Box<Compaction>>,
    },
    Orphans {
        stores: Vec<u16>,
    },
    Over,
}

/// What follows when dead packs are unlinked.
#[derive(Debug)]
enum Then {
    /// Looking for packs to seal and to copy: first of all dead ones go, so that a full disk has
    /// room for footers and copies.
    Pick,
    /// Copying.
    Compact(Vec<PackOf>),
    /// Nothing.
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
            moving: None,
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
            State::Unlink { dead, then } => (GcPhase::Unlink, self.unlink(dead, then)?),
            State::Seal { left, copy } => (GcPhase::Seal, self.seal(left, copy)?),
            State::Compact { left, now } => (GcPhase::Compact, self.compact(left, now)?),
            State::Orphans { stores } => (GcPhase::Unlink, self.orphans(stores)?),
            State::Over => {
                // Room that the index gave up when the disk was full is taken again if it is there.
                let _ = self.base.kv.restore_reserve();
                self.state = State::Over;
                return Ok(None);
            }
        };
        self.state = next;
        let packs_left = match &self.state {
            State::Unlink { dead, .. } => dead.len(),
            State::Seal { left, .. } => left.len(),
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
            return self.unlink_then(Then::Pick);
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

    /// Goes on to unlink what is dead by now.
    fn unlink_then(&self, then: Then) -> Result<State> {
        let dead = whole::dead(&self.base)?;
        Ok(State::Unlink { dead, then })
    }

    fn unlink(&mut self, mut dead: Vec<PackOf>, then: Then) -> Result<State> {
        whole::unlink_some(&self.base, &mut dead, &mut self.report)?;
        if !dead.is_empty() {
            return Ok(State::Unlink { dead, then });
        }
        Ok(match then {
            Then::Pick => {
                let Picked { seal, copy } = whole::pick(&self.base, &self.options)?;
                State::Seal { left: seal, copy }
            }
            Then::Compact(left) if !left.is_empty() => State::Compact { left, now: None },
            Then::Compact(_) | Then::Over => State::Orphans {
                stores: orphans::stores(&self.base),
            },
        })
    }

    fn seal(&mut self, mut left: Vec<PackOf>, mut copy: Vec<PackOf>) -> Result<State> {
        let Some(pack) = left.pop() else {
            return self.unlink_then(Then::Compact(copy));
        };
        if whole::seal(&self.ground(), pack, &self.options)? {
            copy.push(pack);
        }
        Ok(State::Seal { left, copy })
    }

    fn orphans(&mut self, mut stores: Vec<u16>) -> Result<State> {
        let Some(store) = stores.pop() else {
            return Ok(State::Over);
        };
        orphans::delete(&self.base, store, &mut self.report)?;
        Ok(State::Orphans { stores })
    }

    fn ground(&self) -> Ground<'_> {
        Ground {
            base: &self.base,
            open_packs: &self.open_packs,
            bounds: self.bounds,
        }
    }

    fn compact(&mut self, mut left: Vec<PackOf>, now: Option<Box<Compaction>>) -> Result<State> {
        let mut now = match (now, left.pop()) {
            (Some(now), next) => {
                left.extend(next);
                now
            }
            (None, Some((store, pack))) => match Compaction::begin(&self.base, store, pack) {
                Ok(begun) => Box::new(begun),
                Err(error) if error.is_unreadable() || error.kind() == ErrorKind::NotFound => {
                    let row = self.base.kv.read(|get| places::pack(get, store, pack))?;
                    if row.is_none() {
                        // It was emptied since it was picked, and unlinked.
                        return Ok(State::Compact { left, now: None });
                    }
                    tracing::error!(%pack, %error, "a damaged pack is left as it is");
                    self.report.damaged.push(error.message().to_owned());
                    return Ok(State::Compact { left, now: None });
                }
                Err(error) => return Err(error),
            },
            (None, None) => {
                if let Some(moving) = self.moving.take() {
                    moving.seal(&mut self.report)?;
                }
                return self.unlink_then(Then::Over);
            }
        };
        let ground = Ground {
            base: &self.base,
            open_packs: &self.open_packs,
            bounds: self.bounds,
        };
        let more = now.step(&ground, &mut self.moving, &mut self.report)?;
        Ok(State::Compact {
            left,
            now: more.then_some(now),
        })
    }
}
