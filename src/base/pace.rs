//! Whether short work may run where it is polled: as long as it turns out to be short.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// What short work takes at most, a busy machine allowed for.
const SHORT: Duration = Duration::from_millis(4);
/// For each `SHORT` that some work took, this many pieces of work are run elsewhere.
const PENALTY: u64 = 100;

/// How many pieces of work are to be run elsewhere, because some were not short.
///
/// So of a hundred pieces of work about one makes a thread wait that must not block, and the longer
/// that waited, the fewer.
#[derive(Debug, Default)]
pub(crate) struct Pace(AtomicU64);

impl Pace {
    /// Tells whether the next piece of work may run here; to be asked once for each.
    pub(crate) fn may_run(&self) -> bool {
        let less = |left: u64| left.checked_sub(1);
        let order = Ordering::Relaxed;
        self.0.fetch_update(order, order, less).is_err()
    }

    /// Runs some work here, and hears how long it takes.
    pub(crate) fn run<T>(&self, work: impl FnOnce() -> T) -> T {
        let begun = Instant::now();
        let done = work();
        self.took(begun.elapsed());
        done
    }

    fn took(&self, time: Duration) {
        let shorts = time.as_nanos() / SHORT.as_nanos();
        let shorts = u64::try_from(shorts).unwrap_or(u64::MAX);
        if shorts > 0 {
            let penalty = shorts.saturating_mul(PENALTY);
            self.0.fetch_max(penalty, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_that_takes_long_sends_what_follows_elsewhere_for_as_long() {
        let pace = Pace::default();
        pace.took(SHORT - Duration::from_nanos(1));
        assert!(pace.may_run());
        pace.took(SHORT * 3);
        pace.took(SHORT);
        for _ in 0..3 * PENALTY {
            assert!(!pace.may_run());
        }
        assert!(pace.may_run());
        pace.took(Duration::MAX);
        assert!(!pace.may_run());
        assert_eq!(pace.run(|| 5), 5);
    }
}
