//! Reading and proving on other threads what a long range will hand out next.
//!
//! Errors are the reader's to meet and to tell: what is remembered of a job is what it has proved.

use std::ops::Range;
use std::sync::Arc;

use super::leaf::Walk;
use super::pump::{Latch, Pump, Run};
use crate::base::Found;
use crate::error::Result;
use crate::id::{ChunkId, PackId};
use crate::manifest::Content;

/// Bytes that one job reads, about.
const JOB_BYTES: u64 = 1 << 20;
/// Bytes without anything to do after which nobody looks ahead any more.
const NOTHING_BYTES: u64 = 32 << 20;
/// Bytes that are read, in memory or not, once some were not: the system reads ahead only where
/// somebody follows.
const COLD_BYTES: u64 = 64 << 20;
/// Farther than the system reads ahead by itself, in bytes: what is in memory there was so before.
const BEYOND_BYTES: u64 = 16 << 20;

/// What other threads do for one reader.
#[derive(Debug)]
pub(super) struct Ahead {
    walk: Walk,
    /// Up to where in the image chunks were looked at, and where the last one began that asked for
    /// a job.
    position: u64,
    last_work: u64,
    /// Up to where in the image everything is read; none if it is in memory.
    cold_until: Option<u64>,
    jobs: Vec<Job>,
    pump: Arc<Pump>,
}

/// What a job works on, and whether it has ended.
#[derive(Debug)]
struct Job {
    touches: Vec<(PackId, Range<u64>)>,
    ended: Arc<Latch>,
}

impl Ahead {
    /// Begins at a byte of an image, which is in memory or not.
    pub(super) fn new(walk: Walk, position: u64, is_cached: bool) -> Self {
        let threads = walk.opened.base.offload.threads();
        let pump = Arc::new(Pump::new(threads, walk.opened.options.verify));
        Self {
            walk,
            position,
            last_work: position,
            cold_until: (!is_cached).then_some(position + COLD_BYTES),
            jobs: Vec::new(),
            pump,
        }
    }

    /// Lets other threads read and prove what lies before `until`; `false` if there was nothing to
    /// do for so long that it is not worth to look.
    pub(super) fn advance(&mut self, until: u64) -> bool {
        let end = self.walk.end;
        let until = until.min(end);
        let is_worth = |at| at + JOB_BYTES <= until || at < until && until == end;
        while is_worth(self.position) {
            match self.next_runs(until) {
                Ok(runs) if runs.is_empty() => {}
                Ok(runs) => {
                    self.last_work = self.position;
                    let touches = runs.iter().map(|run| (run.pack(), run.range.clone()));
                    let touches = touches.collect();
                    let ended = self.pump.push(runs);
                    self.jobs.push(Job { touches, ended });
                }
                // The reader meets it, too.
                Err(_) => self.position = until,
            }
        }
        self.position - self.last_work < NOTHING_BYTES
    }

    /// Waits for the jobs that work on a range of a pack.
    pub(super) fn wait(&mut self, pack: PackId, range: &Range<u64>) {
        let meets = |(of, at): &(PackId, Range<u64>)| {
            *of == pack && at.start < range.end && range.start < at.end
        };
        let meeting = |job: &&Job| job.touches.iter().any(meets);
        self.jobs
            .iter()
            .filter(meeting)
            .for_each(|job| job.ended.wait());
        self.jobs.retain(|job| !job.ended.is_open());
    }

    /// Returns the chunks of one job, and steps over them.
    fn next_runs(&mut self, until: u64) -> Result<Vec<Run>> {
        let (mut runs, mut bytes) = (Vec::<Run>::new(), 0);
        while bytes < JOB_BYTES && self.position < until {
            let Some((found, id)) = self.next_chunk()? else {
                continue;
            };
            bytes += u64::from(found.place.len_bytes);
            match runs.last_mut() {
                Some(run) if run.is_followed_by(&found) => run.push(found, id),
                _ => runs.push(Run::of(found, id)),
            }
        }
        Ok(runs)
    }

    /// Steps over a piece; returns it if it is a mapped chunk that is to be proved, or read.
    fn next_chunk(&mut self) -> Result<Option<(Found, ChunkId)>> {
        let index = self.walk.seek(self.position)?;
        let leaf = self.walk.leaf();
        let piece = leaf.page.page().piece(index);
        let (content, range) = piece.expect("the leaf holds the position");
        self.position = leaf.start + range.end;
        let (Content::Own(id) | Content::Public(id)) = content else {
            return Ok(None);
        };
        self.walk.look_up(index)?;
        let found = self.walk.leaf().found(index)?.clone();
        if found.pack.mapped().is_none() {
            return Ok(None);
        }
        let is_proved = (found.pack).is_proved(found.place, self.walk.opened.options.verify);
        let wanted = self.is_cold(&found) || !is_proved;
        Ok(wanted.then_some((found, id)))
    }

    /// Tells whether a chunk is taken for one that is not in memory.
    fn is_cold(&mut self, found: &Found) -> bool {
        let Some(until) = self.cold_until else {
            return false;
        };
        if self.position > until {
            let beyond = found.place.offset + BEYOND_BYTES;
            let is_cached = beyond < found.pack.len_bytes() && found.pack.is_cached(beyond);
            self.cold_until = (!is_cached).then_some(self.position + COLD_BYTES);
        }
        self.cold_until.is_some()
    }
}
