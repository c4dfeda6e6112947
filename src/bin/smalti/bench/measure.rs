//! Calls that are timed, and what comes of the times.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::fault::Outcome;
use crate::size::per_second;

/// What calls of one kind took.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Measured {
    name: &'static str,
    /// Of each call, ascending, in microseconds.
    times_us: Vec<u64>,
    /// From the first begin to the last end.
    wall: Duration,
    /// Of all calls; 0 where they move no data.
    bytes: u64,
}

/// Runs `call` on so many threads, on each until it says that it has had enough; it is given the
/// numbers of thread and call, and returns how many bytes it moved.
///
/// # Errors
/// The first error of a thread; the others end after the call that they are in.
pub(super) fn measure(
    name: &'static str,
    threads: u16,
    call: impl Fn(u16, u64) -> Outcome<Option<u64>> + Sync,
) -> Outcome<Measured> {
    let begun = Instant::now();
    let results: Vec<Outcome<Timed>> = std::thread::scope(|scope| {
        let call = &call;
        let spawn = |thread| scope.spawn(move || repeat(|count| call(thread, count)));
        let threads: Vec<_> = (0..threads).map(spawn).collect();
        let join = |thread: std::thread::ScopedJoinHandle<'_, _>| match thread.join() {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        threads.into_iter().map(join).collect()
    });
    let wall = begun.elapsed();
    let (mut times_us, mut bytes) = (Vec::new(), 0);
    for result in results {
        let timed = result?;
        times_us.extend(timed.times_us);
        bytes += timed.bytes;
    }
    times_us.sort_unstable();
    Ok(Measured {
        name,
        times_us,
        wall,
        bytes,
    })
}

/// What the calls of one thread took.
#[derive(Debug, Default)]
struct Timed {
    times_us: Vec<u64>,
    bytes: u64,
}

/// Calls until it is enough.
fn repeat(call: impl Fn(u64) -> Outcome<Option<u64>>) -> Outcome<Timed> {
    let mut timed = Timed::default();
    loop {
        let begun = Instant::now();
        let Some(count) = call(timed.times_us.len() as u64)? else {
            return Ok(timed);
        };
        timed.bytes += count;
        let time_us = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
        timed.times_us.push(time_us);
    }
}

impl Measured {
    /// Returns the time that so many of 100 calls stayed within, in microseconds.
    fn percentile_us(&self, percent: usize) -> u64 {
        let last = self.times_us.len().saturating_sub(1);
        self.times_us
            .get(last * percent / 100)
            .copied()
            .unwrap_or(0)
    }

    fn calls_per_second(&self) -> u64 {
        per_second(self.times_us.len() as u64, self.wall.as_secs_f64()).0
    }

    /// Returns the document.
    pub(super) fn to_json(&self) -> Value {
        let seconds = self.wall.as_secs_f64();
        json!({
            "name": self.name,
            "calls": self.times_us.len(),
            "seconds": seconds,
            "bytes": self.bytes,
            "bytes_per_second": per_second(self.bytes, seconds).0,
            "calls_per_second": self.calls_per_second(),
            "p50_us": self.percentile_us(50),
            "p99_us": self.percentile_us(99),
        })
    }

    /// Returns the row for a reader.
    pub(super) fn row(&self) -> [String; 5] {
        let rate = match self.bytes {
            0 => format!("{}/s", self.calls_per_second()),
            bytes => format!("{}/s", per_second(bytes, self.wall.as_secs_f64())),
        };
        [
            self.name.to_owned(),
            self.times_us.len().to_string(),
            rate,
            time(self.percentile_us(50)),
            time(self.percentile_us(99)),
        ]
    }
}

fn time(us: u64) -> String {
    match us {
        0..10_000 => format!("{us} us"),
        10_000..10_000_000 => format!("{} ms", us / 1000),
        _ => format!("{} s", us / 1_000_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Fault;

    #[test]
    fn calls_of_all_threads_are_counted() {
        let call = |_, count| Ok((count < 10).then_some(5));
        let measured = measure("x", 3, call).unwrap();
        assert_eq!((measured.times_us.len(), measured.bytes), (30, 150));
        assert!(measured.times_us.is_sorted());
        let failed = measure("x", 3, |thread, _| match thread {
            1 => Err(Fault::usage("no")),
            _ => Ok(None),
        });
        assert_eq!(failed, Err(Fault::usage("no")));
    }

    #[test]
    fn percentiles_are_times_of_calls() {
        let measured = Measured {
            name: "x",
            times_us: (1..=100).collect(),
            wall: Duration::from_secs(2),
            bytes: 0,
        };
        let row = ["x", "100", "50/s", "50 us", "99 us"].map(str::to_owned);
        assert_eq!(measured.row(), row);
        assert_eq!(measured.to_json()["calls_per_second"], 50);
    }
}
