//! The jobs behind a long range: each reads a little, proves it, and brings it into the map.
//!
//! Reads are positioned reads and one behind the other, because of such a stream the system reads
//! ahead better than of any hint to a map; all else of a job goes on beside other jobs.

use std::ops::Range;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::base::{Found, Threads};
use crate::chunk::Verify;
use crate::error::Result;
use crate::id::{ChunkId, PackId};

/// Chunks of one pack that lie back to back.
#[derive(Debug)]
pub(super) struct Run {
    chunks: Vec<(Found, ChunkId)>,
    pub(super) range: Range<u64>,
}

/// Tells that a job has ended, however it did.
#[derive(Debug, Default)]
pub(super) struct Latch {
    is_open: Mutex<bool>,
    opened: Condvar,
}

/// What the jobs of one reader share.
#[derive(Debug)]
pub(super) struct Pump {
    /// Held by the job that reads.
    reading: Mutex<()>,
    /// Memory of jobs that have ended.
    spare: Mutex<Vec<Vec<u8>>>,
    threads: Threads,
    verify: Verify,
}

/// Runs to be read, and the latch that opens when this is dropped.
#[derive(Debug)]
struct Job {
    runs: Vec<Run>,
    ended: Arc<Latch>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Latch {
    pub(super) fn wait(&self) {
        let is_open = locked(&self.is_open);
        drop(self.opened.wait_while(is_open, |is_open| !*is_open));
    }

    pub(super) fn is_open(&self) -> bool {
        *locked(&self.is_open)
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        *locked(&self.ended.is_open) = true;
        self.ended.opened.notify_all();
    }
}

impl Pump {
    pub(super) fn new(threads: Threads, verify: Verify) -> Self {
        Self {
            reading: Mutex::default(),
            spare: Mutex::default(),
            threads,
            verify,
        }
    }

    /// Lets a thread read and prove runs; returns what tells the end.
    pub(super) fn push(self: &Arc<Self>, runs: Vec<Run>) -> Arc<Latch> {
        let (pump, ended) = (Arc::clone(self), Arc::<Latch>::default());
        let job = Job {
            runs,
            ended: Arc::clone(&ended),
        };
        self.threads.submit(Box::new(move || job.run(&pump)));
        ended
    }
}

impl Job {
    fn run(self, pump: &Pump) {
        let mut bytes = locked(&pump.spare).pop().unwrap_or_default();
        let turn = locked(&pump.reading);
        let read = self.read(&mut bytes);
        drop(turn);
        if read.is_ok() {
            self.prove(&bytes, pump.verify);
        }
        locked(&pump.spare).push(bytes);
    }

    /// Reads all runs, one behind the other.
    fn read(&self, bytes: &mut Vec<u8>) -> Result<()> {
        let len: u64 = self
            .runs
            .iter()
            .map(|run| run.range.end - run.range.start)
            .sum();
        bytes.resize(usize::try_from(len).unwrap_or(0), 0);
        let mut rest = &mut bytes[..];
        for run in &self.runs {
            let len = run.range.end - run.range.start;
            let (part, behind) = rest.split_at_mut(usize::try_from(len).unwrap_or(0));
            run.chunks[0].0.pack.read_into(part, run.range.start)?;
            rest = behind;
        }
        Ok(())
    }

    /// Proves the chunks as far as that is to be done, and brings them into the map.
    fn prove(&self, bytes: &[u8], verify: Verify) {
        let mut rest = bytes;
        for run in &self.runs {
            for (found, id) in &run.chunks {
                let (chunk, behind) = rest.split_at(found.place.len_bytes as usize);
                if !found.pack.is_proved(found.place, verify) {
                    let _ = found.pack.prove(found.place, id, chunk);
                }
                rest = behind;
            }
            let _ = run.chunks[0].0.pack.populate(run.range.clone());
        }
    }
}

impl Run {
    pub(super) fn of(found: Found, id: ChunkId) -> Self {
        Self {
            range: found.place.range(),
            chunks: vec![(found, id)],
        }
    }

    pub(super) fn pack(&self) -> PackId {
        self.chunks[0].0.pack.id()
    }

    pub(super) fn is_followed_by(&self, found: &Found) -> bool {
        self.pack() == found.pack.id() && self.range.end == found.place.offset
    }

    pub(super) fn push(&mut self, found: Found, id: ChunkId) {
        self.range.end = found.place.range().end;
        self.chunks.push((found, id));
    }
}
