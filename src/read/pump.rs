//! The jobs behind a long range: each reads a little, proves it, and brings it into the map.
//!
//! Reads are positioned reads and one behind the other, because of such a stream the system reads
//! ahead better than of any hint to a map; all else of a job goes on beside other jobs.

use std::collections::VecDeque;
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

/// Threads that work for one reader at most: while one reads, others prove.
const WORKERS_MAX: usize = 3;

/// What waits for the threads of one reader.
#[derive(Debug)]
pub(super) struct Pump {
    queue: Mutex<Queue>,
    /// Held by the thread that reads, so that jobs are read in order.
    reading: Mutex<()>,
    /// Memory of jobs that have ended.
    spare: Mutex<Vec<Vec<u8>>>,
    threads: Threads,
    verify: Verify,
}

#[derive(Debug, Default)]
struct Queue {
    jobs: VecDeque<Job>,
    workers: usize,
}

/// A thread that works. If the last one ends before its time, nobody waits for what is left.
struct Worker {
    pump: Arc<Pump>,
    has_retired: bool,
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
            queue: Mutex::default(),
            reading: Mutex::default(),
            spare: Mutex::default(),
            threads,
            verify,
        }
    }

    /// Queues runs to be read and proved; returns what tells the end.
    pub(super) fn push(self: &Arc<Self>, runs: Vec<Run>) -> Arc<Latch> {
        let ended = Arc::<Latch>::default();
        let job = Job {
            runs,
            ended: Arc::clone(&ended),
        };
        let mut queue = locked(&self.queue);
        queue.jobs.push_back(job);
        let is_busy = queue.workers == WORKERS_MAX;
        queue.workers += usize::from(!is_busy);
        drop(queue);
        if !is_busy {
            let worker = Worker {
                pump: Arc::clone(self),
                has_retired: false,
            };
            self.threads.submit(Box::new(move || worker.run()));
        }
        ended
    }
}

impl Worker {
    fn run(mut self) {
        let pump = Arc::clone(&self.pump);
        let mut bytes = locked(&pump.spare).pop().unwrap_or_default();
        loop {
            let turn = locked(&pump.reading);
            let Some(job) = self.next() else { break };
            let read = job.read(&mut bytes);
            drop(turn);
            if read.is_ok() {
                job.prove(&bytes, pump.verify);
            }
        }
        locked(&pump.spare).push(bytes);
    }

    fn next(&mut self) -> Option<Job> {
        let mut queue = locked(&self.pump.queue);
        let job = queue.jobs.pop_front();
        if job.is_none() {
            queue.workers -= 1;
            self.has_retired = true;
        }
        job
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if self.has_retired {
            return;
        }
        let mut queue = locked(&self.pump.queue);
        queue.workers -= 1;
        if queue.workers == 0 {
            let left = std::mem::take(&mut queue.jobs);
            drop(queue);
            drop(left);
        }
    }
}

impl Job {
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
