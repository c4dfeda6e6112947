//! Errors on demand: which call fails, how, and what it did before it said so.

use std::io;

use rustix::io::Errno;

/// How far a failing call came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Effect {
    /// It did nothing.
    Nothing,
    /// A read or write did at most so many bytes; other calls did nothing.
    First(usize),
    /// It did everything, and then said an error.
    All,
}

#[derive(Debug, Clone, Copy)]
enum Cause {
    Kind(io::ErrorKind),
    Raw(i32),
}

/// A failure of a call.
#[derive(Debug, Clone, Copy)]
pub struct Fault {
    cause: Cause,
    effect: Effect,
    sticky: bool,
}

impl Fault {
    /// The error numbers that fault tests go through: EIO, ENOSPC, EDQUOT, EINTR, EMFILE.
    pub const ERRNOS: [i32; 5] = [
        Errno::IO.raw_os_error(),
        Errno::NOSPC.raw_os_error(),
        Errno::DQUOT.raw_os_error(),
        Errno::INTR.raw_os_error(),
        Errno::MFILE.raw_os_error(),
    ];

    /// Makes a fault of a kind, which happens once and does nothing before.
    pub fn kind(kind: io::ErrorKind) -> Self {
        Self::new(Cause::Kind(kind))
    }

    /// Makes a fault of an error number, which happens once and does nothing before.
    pub fn raw(errno: i32) -> Self {
        Self::new(Cause::Raw(errno))
    }

    fn new(cause: Cause) -> Self {
        Self {
            cause,
            effect: Effect::Nothing,
            sticky: false,
        }
    }

    /// Lets all later calls fail too, until faults are cleared.
    #[must_use]
    pub fn sticky(self) -> Self {
        Self {
            sticky: true,
            ..self
        }
    }

    /// Sets how far the call comes before it fails.
    #[must_use]
    pub fn after(self, effect: Effect) -> Self {
        Self { effect, ..self }
    }

    pub(super) fn effect(&self) -> Effect {
        self.effect
    }

    /// Returns how many of `len` bytes are done before the call fails.
    pub(super) fn reach(&self, len: usize) -> usize {
        match self.effect {
            Effect::Nothing => 0,
            Effect::First(count) => count.min(len),
            Effect::All => len,
        }
    }

    pub(super) fn error(&self) -> io::Error {
        match self.cause {
            Cause::Kind(kind) => io::Error::new(kind, "injected fault"),
            Cause::Raw(errno) => io::Error::from_raw_os_error(errno),
        }
    }
}

/// The calls so far and those that are to fail.
#[derive(Debug, Default)]
pub(super) struct Faults {
    calls: u64,
    planned: Vec<(u64, Fault)>,
}

impl Faults {
    /// Counts a call; returns the fault that it meets.
    pub(super) fn admit(&mut self) -> Option<Fault> {
        let call = self.calls;
        self.calls += 1;
        let hit = |(at, fault): &&(u64, Fault)| *at == call || (fault.sticky && *at < call);
        self.planned.iter().find(hit).map(|(_, fault)| *fault)
    }

    pub(super) fn calls(&self) -> u64 {
        self.calls
    }

    pub(super) fn plan(&mut self, call: u64, fault: Fault) {
        self.planned.push((call, fault));
    }

    pub(super) fn clear(&mut self) {
        self.planned.clear();
    }
}

/// The error of a full disk.
pub(super) fn full() -> io::Error {
    io::Error::from_raw_os_error(Errno::NOSPC.raw_os_error())
}
