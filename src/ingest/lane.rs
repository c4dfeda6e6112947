//! Lanes: work on the buffers of one upload, in order, on whichever thread is free.
//!
//! A lane is run by one thread at a time: by the pool, a buffer a turn while others wait so that
//! lanes share the threads fairly, or by the caller where the pool is crowded or gone, and in
//! `finish`. The bytes that wait are bounded by the ring of the upload, not here.

use std::any::Any;
use std::collections::VecDeque;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::error::{Error, ErrorCode, Result};
use crate::hash::{Algorithm, Hasher};

use super::gang::Gang;
use super::pool::{Pool, Runnable, Threads};
use super::ring::Frozen;

/// What a lane does with each buffer.
pub(crate) trait Work: Send + 'static {
    /// Takes the next buffer of the stream. After an error it is given no more.
    fn take(&mut self, buffer: &Frozen) -> Result<()>;

    /// Takes `len_bytes` zeros as the next bytes of the stream.
    fn zeros(&mut self, len_bytes: u64) -> Result<()>;

    /// Lets the work of several lanes of a gang take a buffer each.
    fn take_together(_all: &mut [(&mut Self, &[u8])])
    where
        Self: Sized,
    {
        unreachable!("only lanes of a gang take turns together")
    }
}

/// What waits in a lane.
pub(super) enum Item {
    Bytes(Frozen),
    Zeros(u64),
}

impl Work for Hasher {
    fn take(&mut self, buffer: &Frozen) -> Result<()> {
        self.update(buffer);
        Ok(())
    }

    fn zeros(&mut self, len_bytes: u64) -> Result<()> {
        each_zeros(len_bytes, |zeros| self.update(zeros));
        Ok(())
    }

    fn take_together(all: &mut [(&mut Self, &[u8])]) {
        Self::update_all(all);
    }
}

/// Makes the error for a panic, with its message.
pub(super) fn panicked(what: impl fmt::Display, panic: &(dyn Any + Send)) -> Error {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    let text = text.unwrap_or("no message");
    Error::new(ErrorCode::Internal, format!("{what} panicked: {text}"))
}

/// Calls `take` with pieces of `len_bytes` zeros.
pub(super) fn each_zeros(mut len_bytes: u64, mut take: impl FnMut(&[u8])) {
    static ZEROS: [u8; 1 << 16] = [0; 1 << 16];
    while len_bytes > 0 {
        let step = usize::try_from(len_bytes)
            .unwrap_or(usize::MAX)
            .min(ZEROS.len());
        take(&ZEROS[..step]);
        len_bytes -= step as u64;
    }
}

/// The caller's end of a lane. Dropping it gives the lane up.
pub(crate) struct Lane<W: Work>(Arc<Shared<W>>);

pub(super) struct Shared<W> {
    name: &'static str,
    /// Lanes of other uploads with which this one may take turns.
    gang: Option<Arc<Gang<W>>>,
    state: Mutex<State<W>>,
    /// Told each time a turn ends.
    rested: Condvar,
    threads: Arc<Threads>,
}

pub(super) struct State<W> {
    pub(super) queue: VecDeque<Item>,
    /// Away while a thread runs the lane; gone after a panic.
    work: Option<W>,
    is_running: bool,
    /// Whether the pool holds a turn of this lane.
    is_scheduled: bool,
    /// Whether the lane takes nothing more; the error is there until a caller has got it.
    has_failed: bool,
    failure: Option<Error>,
}

impl Lane<Hasher> {
    /// Makes a lane that computes a digest; MD5 together with other uploads.
    pub(crate) fn digest(algorithm: Algorithm, pool: &Pool, gang: &Arc<Gang<Hasher>>) -> Self {
        let gang = (algorithm == Algorithm::Md5).then(|| Arc::clone(gang));
        Self::make(algorithm.name(), pool, Hasher::new(algorithm), gang)
    }
}

impl<W: Work> Lane<W> {
    /// Makes a lane with nothing to do; the name is for messages.
    pub(crate) fn new(name: &'static str, pool: &Pool, work: W) -> Self {
        Self::make(name, pool, work, None)
    }

    fn make(name: &'static str, pool: &Pool, work: W, gang: Option<Arc<Gang<W>>>) -> Self {
        let state = State {
            queue: VecDeque::new(),
            work: Some(work),
            is_running: false,
            is_scheduled: false,
            has_failed: false,
            failure: None,
        };
        Self(Arc::new(Shared {
            name,
            gang,
            state: Mutex::new(state),
            rested: Condvar::new(),
            threads: pool.threads().clone(),
        }))
    }

    /// Gives the lane the next buffer.
    ///
    /// # Errors
    /// What the work answered to an earlier buffer; `Internal` if it panicked.
    pub(crate) fn push(&self, buffer: Frozen) -> Result<()> {
        self.push_item(Item::Bytes(buffer))
    }

    /// Gives the lane a run of zeros.
    ///
    /// # Errors
    /// As of `push`.
    pub(crate) fn push_zeros(&self, len_bytes: u64) -> Result<()> {
        self.push_item(Item::Zeros(len_bytes))
    }

    fn push_item(&self, item: Item) -> Result<()> {
        let shared = &self.0;
        let mut state = shared.lock();
        state.check(shared.name)?;
        state.queue.push_back(item);
        match &shared.gang {
            // Who runs it now lets it wait again.
            Some(_) if state.is_running => {}
            Some(gang) if shared.threads.is_crowded() => {
                let buffers = state.queue.len();
                drop(state);
                gang.wait(shared, buffers, shared.threads.uploads());
            }
            None if shared.threads.is_crowded() => drop(shared.drain(state)),
            _ => Shared::schedule(shared, state),
        }
        Ok(())
    }

    /// Waits until every buffer is taken, helping on this thread, and returns the work.
    ///
    /// # Errors
    /// As of `push`.
    pub(crate) fn finish(self) -> Result<W> {
        let shared = &self.0;
        let mut state = shared.rest(shared.lock());
        while !state.queue.is_empty() {
            state = match &shared.gang {
                Some(gang) => {
                    drop(state);
                    gang.turn(shared);
                    shared.lock()
                }
                None => shared.drain(state),
            };
            state = shared.rest(state);
        }
        if let Some(gang) = &shared.gang {
            gang.leave(shared);
        }
        state.check(shared.name)?;
        let gone = || {
            Error::new(
                ErrorCode::Internal,
                format!("lane {} is empty", shared.name),
            )
        };
        state.work.take().ok_or_else(gone)
    }

    /// Drops every buffer that waits, waits for the one being taken, and returns the work unless
    /// it panicked.
    pub(crate) fn abort(self) -> Option<W> {
        self.give_up()
    }

    fn give_up(&self) -> Option<W> {
        let mut state = self.0.lock();
        state.has_failed = true;
        let waiting = std::mem::take(&mut state.queue);
        if let Some(gang) = &self.0.gang {
            gang.leave(&self.0);
        }
        let mut state = self.0.rest(state);
        let work = state.work.take();
        drop(state);
        drop(waiting);
        work
    }
}

impl<W: Work> Drop for Lane<W> {
    fn drop(&mut self) {
        drop(self.give_up());
    }
}

impl<W: Work> fmt::Debug for Lane<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Lane({})", self.0.name)
    }
}

impl<W> State<W> {
    fn check(&mut self, name: &str) -> Result<()> {
        if !self.has_failed {
            return Ok(());
        }
        let again = || Error::new(ErrorCode::Internal, format!("lane {name} failed before"));
        Err(self.failure.take().unwrap_or_else(again))
    }
}

impl<W: Work> Shared<W> {
    fn lock(&self) -> MutexGuard<'_, State<W>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until no thread runs the lane.
    fn rest<'a>(&'a self, mut state: MutexGuard<'a, State<W>>) -> MutexGuard<'a, State<W>> {
        while state.is_running {
            state = (self.rested.wait(state)).unwrap_or_else(PoisonError::into_inner);
        }
        state
    }

    /// Takes turns on this thread until nothing waits; at once when another thread runs the lane,
    /// which then sees to the rest.
    fn drain<'a>(&'a self, mut state: MutexGuard<'a, State<W>>) -> MutexGuard<'a, State<W>> {
        while !state.is_running && !state.queue.is_empty() {
            state = self.turn(state);
        }
        state
    }

    /// Takes one buffer, without the lock; only called while no thread runs the lane.
    fn turn<'a>(&'a self, mut state: MutexGuard<'a, State<W>>) -> MutexGuard<'a, State<W>> {
        let Some(item) = state.queue.pop_front() else {
            return state;
        };
        let Some(mut work) = state.work.take() else {
            return state;
        };
        state.is_running = true;
        drop(state);
        let taken = catch_unwind(AssertUnwindSafe(|| match &item {
            Item::Bytes(buffer) => work.take(buffer),
            Item::Zeros(len_bytes) => work.zeros(*len_bytes),
        }));
        drop(item);
        let (work, failure) = match taken {
            Ok(answer) => (Some(work), answer.err()),
            Err(panic) => {
                // What a panic left behind may panic again when it is dropped.
                let _ = catch_unwind(AssertUnwindSafe(|| drop(work)));
                (None, Some(self.panicked(panic.as_ref())))
            }
        };
        self.end_as(work, failure)
    }

    /// Begins a turn that other lanes take, too: returns the work and the buffer. Zeros that stand
    /// before it are taken here; none if there is no buffer, or if another thread runs the lane.
    pub(super) fn begin_together(&self) -> Option<(W, Frozen)> {
        let mut state = self.lock();
        while !state.is_running {
            match state.queue.front()? {
                Item::Zeros(_) => state = self.turn(state),
                Item::Bytes(_) => {
                    let work = state.work.take()?;
                    state.is_running = true;
                    let Some(Item::Bytes(buffer)) = state.queue.pop_front() else {
                        unreachable!("it was there just above");
                    };
                    return Some((work, buffer));
                }
            }
        }
        None
    }

    /// Ends a turn, with the work or with the panic that it ended in; a lane that has more to take
    /// waits in its gang again.
    pub(super) fn end_together(
        self: &Arc<Self>,
        ended: Result<W, &(dyn Any + Send)>,
        gang: &Gang<W>,
    ) {
        let state = match ended {
            Ok(work) => self.end_as(Some(work), None),
            Err(panic) => self.end_as(None, Some(self.panicked(panic))),
        };
        if !state.queue.is_empty() {
            gang.wait_again(self);
        }
    }

    fn end_as(&self, work: Option<W>, failure: Option<Error>) -> MutexGuard<'_, State<W>> {
        let mut state = self.lock();
        state.is_running = false;
        state.work = work;
        if failure.is_some() {
            state.has_failed = true;
            state.failure = failure;
        }
        if state.has_failed {
            state.queue.clear();
        }
        self.rested.notify_all();
        state
    }

    fn panicked(&self, panic: &(dyn Any + Send)) -> Error {
        panicked(format_args!("lane {}", self.name), panic)
    }

    /// Sees to it that a thread takes what waits: one that runs the lane now, one of the pool, or
    /// this one.
    fn schedule(self: &Arc<Self>, mut state: MutexGuard<'_, State<W>>) {
        if state.is_running || state.is_scheduled || state.queue.is_empty() {
            return;
        }
        state.is_scheduled = true;
        drop(state);
        if !self.threads.schedule(self.clone()) {
            let mut state = self.lock();
            state.is_scheduled = false;
            drop(self.drain(state));
        }
    }
}

impl<W: Work> Runnable for Shared<W> {
    fn run(self: Arc<Self>) {
        let mut state = self.lock();
        state.is_scheduled = false;
        while !state.is_running && !state.queue.is_empty() {
            state = self.turn(state);
            if !self.threads.is_idle() {
                return Shared::schedule(&self, state);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use proptest::prelude::*;

    use super::*;
    use crate::hash::{Algorithm, Digest};
    use crate::ingest::ring::Ring;

    const ALGORITHMS: [Algorithm; 3] = [Algorithm::Md5, Algorithm::Sha512, Algorithm::Blake2b];

    /// Never crowded.
    fn roomy(threads: usize) -> Pool {
        Pool::with_threads(threads, usize::MAX)
    }

    fn frozen(ring: &Ring, bytes: &[u8]) -> Frozen {
        let mut buffer = ring.take();
        assert_eq!(buffer.fill(bytes), bytes.len());
        buffer.freeze()
    }

    fn digest(algorithm: Algorithm, bytes: &[u8]) -> Digest {
        let mut hasher = Hasher::new(algorithm);
        hasher.update(bytes);
        hasher.finish()
    }

    fn byte(number: usize) -> u8 {
        u8::try_from(number % 251).unwrap_or(0)
    }

    struct Copy(Vec<u8>);

    impl Work for Copy {
        fn take(&mut self, buffer: &Frozen) -> Result<()> {
            self.0.extend_from_slice(buffer);
            Ok(())
        }

        fn zeros(&mut self, len_bytes: u64) -> Result<()> {
            let len = usize::try_from(len_bytes).expect("few");
            self.0.resize(self.0.len() + len, 0);
            Ok(())
        }
    }

    /// Fails or panics at a byte that says so, and counts itself while it lives.
    struct Picky(Arc<AtomicUsize>);

    impl Picky {
        fn new(alive: &Arc<AtomicUsize>) -> Self {
            alive.fetch_add(1, Ordering::SeqCst);
            Self(alive.clone())
        }
    }

    impl Drop for Picky {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Ordering::SeqCst);
        }
    }

    impl Work for Picky {
        fn take(&mut self, buffer: &Frozen) -> Result<()> {
            match buffer.first() {
                Some(b'e') => Err(Error::new(ErrorCode::StorageFull, "disk is full")),
                Some(b'p') => panic!("byte is {}", buffer[0]),
                _ => Ok(()),
            }
        }

        fn zeros(&mut self, _len_bytes: u64) -> Result<()> {
            Ok(())
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        #[test]
        fn order_and_digests_hold_while_the_pool_is_crowded_and_not(
            lens in prop::collection::vec((0..100_000usize, any::<bool>()), 0..30),
            threads in 1..4usize,
        ) {
            let pool = Pool::with_threads(threads, 2);
            let (ring, _upload) = (Ring::new(3), pool.enter());
            let copy = Lane::new("copy", &pool, Copy(Vec::new()));
            let hashers = ALGORITHMS.map(|a| Lane::new(a.name(), &pool, Hasher::new(a)));
            let mut whole = Vec::new();
            for (index, &(len, crowded)) in lens.iter().enumerate() {
                let other = crowded.then(|| pool.enter());
                let bytes: Vec<u8> = (0..len).map(|i| byte(i * 31 + i / 255 + index)).collect();
                let buffer = frozen(&ring, &bytes);
                for lane in &hashers {
                    lane.push(buffer.clone())?;
                }
                copy.push(buffer)?;
                whole.extend_from_slice(&bytes);
                drop(other);
            }
            for (lane, algorithm) in hashers.into_iter().zip(ALGORITHMS) {
                prop_assert_eq!(lane.finish()?.finish(), digest(algorithm, &whole));
            }
            prop_assert!(copy.finish()?.0 == whole);
            prop_assert!(ring.memory_bytes() <= 3 << 20);
        }
    }

    /// Pushes the bytes one by one, then finishes; returns the first error and the second.
    fn run(pool: &Pool, script: &[u8]) -> (Option<Error>, Option<Error>) {
        let alive = Arc::new(AtomicUsize::new(0));
        let ring = Ring::new(2);
        let lane = Lane::new("picky", pool, Picky::new(&alive));
        let mut errors = Vec::new();
        for byte in script {
            errors.extend(lane.push(frozen(&ring, &[*byte])).err());
        }
        errors.extend(lane.finish().err());
        assert_eq!(alive.load(Ordering::SeqCst), 0);
        drop((ring.take(), ring.take()));
        let mut errors = errors.into_iter();
        (errors.next(), errors.next())
    }

    #[test]
    fn an_error_or_panic_reaches_the_caller_and_frees_the_buffers() {
        for pool in [roomy(1), roomy(3), Pool::with_threads(2, 0)] {
            for _ in 0..50 {
                let (first, second) = run(&pool, b"..e......");
                let first = first.expect("failed");
                assert_eq!(first.code(), ErrorCode::StorageFull);
                if let Some(second) = second {
                    assert_eq!(second.message(), "lane picky failed before");
                }
                assert!(run(&pool, b".....").0.is_none());
            }
            let (first, _) = run(&pool, b"..p......");
            let first = first.expect("failed");
            assert_eq!(first.code(), ErrorCode::Internal);
            assert_eq!(first.message(), "lane picky panicked: byte is 112");
        }
    }

    #[test]
    fn a_lane_given_up_frees_its_buffers_and_its_work() {
        let pool = roomy(2);
        let alive = Arc::new(AtomicUsize::new(0));
        let ring = Ring::new(4);
        for round in 0..200 {
            let lane = Lane::new("picky", &pool, Picky::new(&alive));
            for _ in 0..4 {
                lane.push(frozen(&ring, b".")).expect("pushed");
            }
            if round % 2 == 0 {
                assert!(lane.abort().is_some());
            } else {
                drop(lane);
            }
            assert_eq!(alive.load(Ordering::SeqCst), 0);
        }
        let all: Vec<_> = (0..4).map(|_| ring.take()).collect();
        assert_eq!(all.len(), 4);
    }

    #[test]
    fn lanes_outlive_their_pool() {
        let pool = roomy(2);
        let ring = Ring::new(2);
        let lane = Lane::new("copy", &pool, Copy(Vec::new()));
        lane.push(frozen(&ring, b"ab")).expect("pushed");
        drop(pool);
        for _ in 0..5 {
            lane.push(frozen(&ring, b"cd")).expect("pushed");
        }
        assert_eq!(lane.finish().expect("whole").0, b"abcdcdcdcdcd");
    }

    fn upload(pool: &Pool, seed: usize) {
        let (ring, _active) = (Ring::new(2), pool.enter());
        let lanes = ALGORITHMS.map(|a| Lane::new(a.name(), pool, Hasher::new(a)));
        let mut whole = Vec::new();
        for step in 0..20 {
            let bytes = vec![byte(seed + step); 1 + (seed * 7919 + step * 104_729) % 20_000];
            let buffer = frozen(&ring, &bytes);
            for lane in &lanes {
                lane.push(buffer.clone()).expect("pushed");
            }
            whole.extend_from_slice(&bytes);
        }
        for (lane, algorithm) in lanes.into_iter().zip(ALGORITHMS) {
            let found = lane.finish().expect("whole").finish();
            assert_eq!(found, digest(algorithm, &whole));
        }
        assert!(ring.memory_bytes() <= 2 << 20);
    }

    #[test]
    fn many_uploads_share_few_threads_without_a_deadlock() {
        for (threads, cores) in [(2, usize::MAX), (3, usize::MAX), (3, 2), (2, 32), (2, 0)] {
            let pool = Pool::with_threads(threads, cores);
            std::thread::scope(|scope| {
                for seed in 0..64 {
                    let pool = &pool;
                    scope.spawn(move || upload(pool, seed));
                }
            });
        }
    }
}
