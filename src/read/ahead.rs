//! Proving on other threads what a long range will hand out next.
//!
//! Reading from the medium, proving and the reader's own work then go on beside each other. What a
//! job finds is remembered by the pack alone: errors are met again, and told, by the reader.

use std::ops::Range;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use crate::base::{Found, Offload};
use crate::chunk::Verify;
use crate::id::{ChunkId, PackId};

/// Bytes that one job proves, about.
const JOB_BYTES: u64 = 2 << 20;

/// Chunks of one pack that lie back to back.
#[derive(Debug)]
struct Run {
    chunks: Vec<(Found, ChunkId)>,
    range: Range<u64>,
}

/// The jobs of one reader.
#[derive(Debug, Default)]
pub(super) struct Proving {
    jobs: Vec<Job>,
}

#[derive(Debug)]
struct Job {
    touches: Vec<(PackId, Range<u64>)>,
    ended: Arc<Latch>,
}

/// Tells that a job has ended, however it did.
#[derive(Debug, Default)]
struct Latch {
    is_open: Mutex<bool>,
    opened: Condvar,
}

struct OpensLatch(Arc<Latch>);

impl Drop for OpensLatch {
    fn drop(&mut self) {
        *self
            .0
            .is_open
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = true;
        self.0.opened.notify_all();
    }
}

impl Proving {
    /// Lets other threads prove chunks, which stand in the order in which they will be needed.
    pub(super) fn begin(&mut self, offload: &Offload, chunks: Vec<(Found, ChunkId)>) {
        let (mut runs, mut bytes) = (Vec::<Run>::new(), 0);
        for (found, id) in chunks {
            let (pack, range) = (found.pack.id(), found.place.range());
            if bytes >= JOB_BYTES {
                self.submit(offload, std::mem::take(&mut runs));
                bytes = 0;
            }
            bytes += range.end - range.start;
            match runs.last_mut() {
                Some(run) if run.pack() == pack && run.range.end == range.start => {
                    run.range.end = range.end;
                    run.chunks.push((found, id));
                }
                _ => runs.push(Run {
                    chunks: vec![(found, id)],
                    range,
                }),
            }
        }
        self.submit(offload, runs);
    }

    fn submit(&mut self, offload: &Offload, runs: Vec<Run>) {
        if runs.is_empty() {
            return;
        }
        let touches = runs.iter().map(|run| (run.pack(), run.range.clone()));
        let (touches, ended) = (touches.collect(), Arc::<Latch>::default());
        let opens = OpensLatch(Arc::clone(&ended));
        self.jobs.push(Job { touches, ended });
        offload.submit(Box::new(move || {
            runs.iter().for_each(Run::prove);
            drop(opens);
        }));
    }

    /// Waits for the jobs that work on a range of a pack.
    pub(super) fn wait(&mut self, pack: PackId, range: &Range<u64>) {
        let meets = |(of, at): &(PackId, Range<u64>)| {
            *of == pack && at.start < range.end && range.start < at.end
        };
        for job in self.jobs.iter().filter(|job| job.touches.iter().any(meets)) {
            let is_open = job.ended.is_open.lock();
            let is_open = is_open.unwrap_or_else(PoisonError::into_inner);
            let opened = job.ended.opened.wait_while(is_open, |is_open| !*is_open);
            drop(opened);
        }
        self.jobs.retain(|job| !job.ended.is_open());
    }
}

impl Latch {
    fn is_open(&self) -> bool {
        *self.is_open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Run {
    fn pack(&self) -> PackId {
        self.chunks[0].0.pack.id()
    }

    fn prove(&self) {
        let pack = &self.chunks[0].0.pack;
        if pack.bring(self.range.clone()).is_ok() {
            for (found, id) in &self.chunks {
                let _ = pack.check(found.place, id, Verify::Once);
            }
        }
    }
}
