//! Time: stamps in microseconds, and the only door to the clock of the system.

use std::fmt;
use std::sync::OnceLock;
use std::time::Instant;

/// A point in time: microseconds since 1970-01-01T00:00:00Z, without leap seconds.
///
/// Shown as the Images API shows it, in whole seconds: `2026-11-24T08:00:00Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The earliest stamp that can be shown: the first second of year 0.
    pub const MIN: Self = Self(-62_167_219_200_000_000);
    /// The latest stamp that can be shown: the last microsecond of year 9999, less one day.
    pub const MAX: Self = Self(253_402_207_199_999_999);

    /// Makes a stamp from microseconds since the epoch, brought into the range that can be shown.
    pub fn from_micros(micros: i64) -> Self {
        Self(micros.clamp(Self::MIN.0, Self::MAX.0))
    }

    /// Returns microseconds since the epoch.
    pub fn as_micros(self) -> i64 {
        self.0
    }

    /// Returns whole seconds since the epoch, rounded down.
    pub fn as_secs(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stamp = jiff::Timestamp::from_second(self.as_secs()).map_err(|_| fmt::Error)?;
        write!(f, "{stamp}")
    }
}

/// A source of time. Hosts inject their own in tests; [`SystemClock`] is the default.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// Returns the time now. It may repeat and may go backwards; the engine copes with both.
    fn now(&self) -> Timestamp;
}

/// The clock of the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the door to time")]
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap_or_default();
        Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }
}

/// Returns seconds since some moment of this process, 1 or more; they never go backwards.
pub(crate) fn tick() -> u64 {
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed().as_secs() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_show_whole_seconds_in_utc() {
        assert_eq!(
            Timestamp::from_micros(0).to_string(),
            "1970-01-01T00:00:00Z"
        );
        assert_eq!(
            Timestamp::from_micros(999_999).to_string(),
            "1970-01-01T00:00:00Z"
        );
        assert_eq!(
            Timestamp::from_micros(-1).to_string(),
            "1969-12-31T23:59:59Z"
        );
        assert_eq!(Timestamp::from_micros(i64::MAX), Timestamp::MAX);
        assert_eq!(Timestamp::MAX.to_string(), "9999-12-30T21:59:59Z");
        assert_eq!(Timestamp::MIN.to_string(), "0000-01-01T00:00:00Z");
    }
}
