//! Lanes of several uploads that work side by side, because together they are faster.
//!
//! A lane that is given a buffer waits here until so many others wait that their turns fill the
//! lanes of a vector, or until its own buffers become many. Whoever brings the last one takes a
//! turn of each, on its own thread.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::lane::{Shared, Work};
use super::ring::Frozen;
use crate::hash::{Hasher, WIDTH};

/// Buffers of one lane that wait at most; a ring has several more.
const WAITING_MAX: usize = 6;

/// Lanes that wait for each other.
pub(crate) struct Gang<W> {
    waiting: Mutex<Vec<Arc<Shared<W>>>>,
    width: usize,
}

/// A lane in its turn: its work and what that is to take.
struct Turn<W> {
    lane: Arc<Shared<W>>,
    work: W,
    buffer: Frozen,
}

impl Gang<Hasher> {
    /// Makes a gang as wide as digests gain by it.
    pub(crate) fn of_digests() -> Self {
        Self::new(WIDTH)
    }
}

impl<W: Work> Gang<W> {
    /// Makes a gang whose turns are of `width` lanes at most.
    fn new(width: usize) -> Self {
        Self {
            waiting: Mutex::default(),
            width,
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<Arc<Shared<W>>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets a lane wait that has `buffers` to take, of `uploads` that may have some; takes a turn
    /// if that is enough.
    pub(super) fn wait(&self, lane: &Arc<Shared<W>>, buffers: usize, uploads: usize) {
        let mut waiting = self.waiting();
        join(&mut waiting, lane);
        let is_enough = waiting.len() >= self.width.min(uploads) || buffers >= WAITING_MAX;
        drop(waiting);
        if is_enough {
            self.turn(lane);
        }
    }

    /// Takes a turn of a lane and of others that wait.
    pub(super) fn turn(&self, lane: &Arc<Shared<W>>) {
        let mut lanes = vec![Arc::clone(lane)];
        {
            let mut waiting = self.waiting();
            waiting.retain(|other| !Arc::ptr_eq(other, lane));
            let count = waiting.len().min(self.width - 1);
            lanes.extend(waiting.drain(..count));
        }
        let begun = lanes.into_iter().filter_map(|lane| {
            let (work, buffer) = lane.begin_together()?;
            Some(Turn { lane, work, buffer })
        });
        let mut turns: Vec<Turn<W>> = begun.collect();
        let mut all: Vec<_> = turns
            .iter_mut()
            .map(|t| (&mut t.work, &*t.buffer))
            .collect();
        let taken = catch_unwind(AssertUnwindSafe(|| W::take_together(&mut all)));
        drop(all);
        for Turn { lane, work, buffer } in turns {
            // The lane rests before its buffer is free: who gets that buffer may have to run it.
            match &taken {
                Ok(()) => lane.end_together(Ok(work), self),
                Err(panic) => lane.end_together(Err(panic.as_ref()), self),
            }
            drop(buffer);
        }
    }

    /// Lets a lane wait again that has more to take; called while its state is locked.
    pub(super) fn wait_again(&self, lane: &Arc<Shared<W>>) {
        join(&mut self.waiting(), lane);
    }

    /// Lets a lane wait no more.
    pub(super) fn leave(&self, lane: &Arc<Shared<W>>) {
        self.waiting().retain(|other| !Arc::ptr_eq(other, lane));
    }
}

fn join<W>(waiting: &mut Vec<Arc<Shared<W>>>, lane: &Arc<Shared<W>>) {
    if !waiting.iter().any(|other| Arc::ptr_eq(other, lane)) {
        waiting.push(Arc::clone(lane));
    }
}

impl<W> fmt::Debug for Gang<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Gang of {}", self.width)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Result;
    use crate::hash::Algorithm;
    use crate::ingest::lane::Lane;
    use crate::ingest::pool::Pool;
    use crate::ingest::ring::Ring;

    fn bytes(seed: usize, len: usize) -> Vec<u8> {
        let byte = |at: usize| u8::try_from((at * 31 + at / 255 + seed * 7) % 251).unwrap_or(0);
        (0..len).map(byte).collect()
    }

    /// Feeds a stream of buffers and zeros to a lane, and returns what it found.
    fn feed(lane: Lane<Hasher>, ring: &Ring, seed: usize) -> Result<String> {
        for (number, part) in bytes(seed, 300_000 + seed * 1000)
            .chunks(20_000 + seed)
            .enumerate()
        {
            let mut buffer = ring.take();
            assert_eq!(buffer.fill(part), part.len());
            lane.push(buffer.freeze())?;
            if number % 3 == seed % 3 {
                lane.push_zeros(77)?;
            }
        }
        Ok(lane.finish()?.finish().to_string())
    }

    fn expected(seed: usize) -> String {
        let mut hasher = Hasher::new(Algorithm::Md5);
        for (number, part) in bytes(seed, 300_000 + seed * 1000)
            .chunks(20_000 + seed)
            .enumerate()
        {
            hasher.update(part);
            if number % 3 == seed % 3 {
                hasher.update(&[0; 77]);
            }
        }
        hasher.finish().to_string()
    }

    #[test]
    fn lanes_of_many_uploads_find_their_own_digests() {
        for (threads, uploads) in [(0, 1), (2, 3), (2, 16), (1, 40)] {
            let pool = Pool::with_threads(threads, 1);
            let gang = Arc::new(Gang::of_digests());
            std::thread::scope(|scope| {
                for seed in 0..uploads {
                    let (pool, gang) = (&pool, &gang);
                    scope.spawn(move || {
                        let (ring, _active) = (Ring::new(6), pool.enter());
                        let lane = Lane::digest(Algorithm::Md5, pool, gang);
                        assert_eq!(feed(lane, &ring, seed).expect("whole"), expected(seed));
                    });
                }
            });
            assert!(gang.waiting().is_empty());
        }
    }

    #[test]
    fn a_lane_given_up_leaves_its_gang() {
        let pool = Pool::with_threads(1, 0);
        let gang = Arc::new(Gang::of_digests());
        let (_first, _second) = (pool.enter(), pool.enter());
        let ring = Ring::new(2);
        for _ in 0..50 {
            let lane = Lane::digest(Algorithm::Md5, &pool, &gang);
            lane.push(ring.take().freeze()).expect("pushed");
            assert_eq!(gang.waiting().len(), 1);
            drop(lane);
            assert!(gang.waiting().is_empty());
        }
        drop((ring.take(), ring.take()));
    }
}
