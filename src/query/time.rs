//! ISO 8601 times, as filters give them, to whole seconds since the epoch.
//!
//! It reads `YYYY`, `YYYY-MM`, `YYYY-MM-DD` and `YYYYMMDD`; behind a full date, `T` or a blank, then
//! hours, minutes and seconds with or without colons, the latter two optional, a fraction, which is
//! dropped (DEV-L10), and `Z` or an offset. It refuses week dates, ordinal dates, leap seconds and
//! hour 24, as Glance does (`oslo_utils.timeutils.parse_isotime`).

const SECS_PER_DAY: i64 = 86_400;

/// Returns the whole seconds since the epoch that a time stands for; nothing if it is none.
pub(crate) fn seconds_of(text: &str) -> Option<i64> {
    let mut scan = Scan(text.as_bytes());
    let days = scan.date()?;
    if scan.0.is_empty() {
        return Some(days.number * SECS_PER_DAY);
    }
    if !days.is_full || !(scan.take(b'T') || scan.take(b' ')) {
        return None;
    }
    let seconds = scan.time_of_day()?;
    let offset = scan.offset()?;
    scan.0
        .is_empty()
        .then(|| days.number * SECS_PER_DAY + seconds - offset)
}

/// A date as the number of days since the epoch.
struct Days {
    number: i64,
    /// Whether the text named the day; only then may a time follow.
    is_full: bool,
}

/// What is still to be read.
struct Scan<'a>(&'a [u8]);

impl Scan<'_> {
    /// Skips a byte if it is next.
    fn take(&mut self, byte: u8) -> bool {
        match self.0.split_first() {
            Some((&first, rest)) if first == byte => {
                self.0 = rest;
                true
            }
            _ => false,
        }
    }

    /// Reads exactly so many digits.
    fn digits(&mut self, count: usize) -> Option<i64> {
        let (digits, rest) = self.0.split_at_checked(count)?;
        let value = digits.iter().try_fold(0, |value, byte| {
            let digit = byte.is_ascii_digit().then(|| i64::from(byte - b'0'))?;
            Some(value * 10 + digit)
        })?;
        self.0 = rest;
        Some(value)
    }

    /// Reads two digits below a bound.
    fn pair(&mut self, bound: i64) -> Option<i64> {
        self.digits(2).filter(|value| *value < bound)
    }

    fn date(&mut self) -> Option<Days> {
        let year = self.digits(4)?;
        let partial = |month| {
            let number = days_since_epoch(year, month, 1)?;
            let is_full = false;
            Some(Days { number, is_full })
        };
        if self.0.is_empty() {
            return partial(1);
        }
        let is_extended = self.take(b'-');
        let month = self.digits(2)?;
        if is_extended && self.0.is_empty() {
            return partial(month);
        }
        if is_extended && !self.take(b'-') {
            return None;
        }
        let number = days_since_epoch(year, month, self.digits(2)?)?;
        let is_full = true;
        Some(Days { number, is_full })
    }

    /// Reads hours, then minutes, then seconds with their fraction, as far as these are there.
    fn time_of_day(&mut self) -> Option<i64> {
        let mut seconds = self.pair(24)? * 3600;
        for unit in [60, 1] {
            let has_colon = self.take(b':');
            if !has_colon && !self.0.first().is_some_and(u8::is_ascii_digit) {
                return Some(seconds);
            }
            seconds += self.pair(60)? * unit;
        }
        self.skip_fraction()?;
        Some(seconds)
    }

    fn skip_fraction(&mut self) -> Option<()> {
        if self.take(b'.') || self.take(b',') {
            let count = self
                .0
                .iter()
                .take_while(|byte| byte.is_ascii_digit())
                .count();
            self.0 = self.0.get(count..).filter(|_| count > 0)?;
        }
        Some(())
    }

    /// Reads the offset from UTC in seconds; none at all is UTC.
    fn offset(&mut self) -> Option<i64> {
        if self.0.is_empty() || self.take(b'Z') {
            return Some(0);
        }
        let sign = match (self.take(b'+'), self.take(b'-')) {
            (true, false) => 1,
            (false, true) => -1,
            _ => return None,
        };
        let hours = self.pair(24)?;
        let has_minutes = self.take(b':') || !self.0.is_empty();
        let minutes = if has_minutes { self.pair(60)? } else { 0 };
        Some(sign * (hours * 3600 + minutes * 60))
    }
}

/// Returns the day of a date of the Gregorian calendar; nothing if there is no such date.
fn days_since_epoch(year: i64, month: i64, day: i64) -> Option<i64> {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let len = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 => 28 + i64::from(is_leap),
        _ => return None,
    };
    if !(1..=len).contains(&day) {
        return None;
    }
    // Years that begin in March have their leap day last, so that months have a formula.
    let march_year = year - i64::from(month < 3);
    let march_month = (month + 9) % 12;
    let day_of_year = (153 * march_month + 2) / 5 + day - 1;
    let leap_days =
        march_year.div_euclid(4) - march_year.div_euclid(100) + march_year.div_euclid(400);
    // 1970-01-01 is day 719,468 of the count that begins with March of year 0.
    Some(march_year * 365 + leap_days + day_of_year - 719_468)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let stamp = seconds_of(text).map(|secs| Timestamp::from_micros(secs * 1_000_000));
        let shown = stamp.map(|stamp| stamp.to_string());
        assert_eq!(shown.as_deref(), Some(expected), "{text}");
    }

    #[test]
    fn each_form_of_a_time_is_read() {
        check("2024", "2024-01-01T00:00:00Z");
        check("2024-07", "2024-07-01T00:00:00Z");
        check("2024-02-29", "2024-02-29T00:00:00Z");
        check("20240229", "2024-02-29T00:00:00Z");
        check("2024-02-29T13", "2024-02-29T13:00:00Z");
        check("2024-02-29 13:14", "2024-02-29T13:14:00Z");
        check("2024-02-29T1314", "2024-02-29T13:14:00Z");
        check("20240229T131415", "2024-02-29T13:14:15Z");
        check("20240229T131415.999999999999Z", "2024-02-29T13:14:15Z");
        check("2024-02-29T13:14:15,5", "2024-02-29T13:14:15Z");
        check("2024-02-29T13Z", "2024-02-29T13:00:00Z");
        check("2024-02-29T13-01", "2024-02-29T14:00:00Z");
        check("2024-02-29T13:14+0130", "2024-02-29T11:44:00Z");
        check("2024-03-01T00:00:00+00:01", "2024-02-29T23:59:00Z");
        check("2023-12-31T19:00:02-05:00", "2024-01-01T00:00:02Z");
        check("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z");
        check("0000", "0000-01-01T00:00:00Z");
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "0",
            "202",
            "20240",
            "202401",
            "2024-1",
            "2024-",
            "2024-13",
            "2024-00",
            "2024-W01",
            "2024-001",
            "2024-01-32",
            "2023-02-29",
            "1900-02-29",
            "2024-01-00",
            "2024-0101",
            "202401-01",
            "2024-01-01T",
            "2024-01-01T1",
            "2024-01-01T24",
            "2024-01-01T00:60",
            "2024-01-01T00:00:60",
            "2024-01-01T00:",
            "2024-01-01T00:00:",
            "2024-01-01T00:00:00.",
            "2024-01-01T00.5",
            "2024-01-01Z",
            "2024-01-01+05",
            "2024-01Z",
            "2024-01 00:00",
            "2024-01-01T00:00:00z",
            "2024-01-01t00:00:00",
            "2024-01-01T00:00:00+5",
            "2024-01-01T00:00:00+24",
            "2024-01-01T00:00:00+05:",
            "2024-01-01T00:00:00+05:60",
            "2024-01-01T00:00:00+-5",
            "2024-01-01T00:00:00Z ",
            " 2024",
            "2024-01-01  00",
            "+2024",
            "-2024",
            "\u{662}024",
            "now",
            "1700000000",
        ] {
            assert_eq!(seconds_of(text), None, "{text:?}");
        }
    }

    #[test]
    fn every_day_of_five_centuries_follows_the_one_before() {
        let mut expected = seconds_of("1599-12-31").unwrap();
        for year in 1600..2100 {
            for month in 1..=12 {
                for day in 1..=31 {
                    let text = format!("{year:04}-{month:02}-{day:02}");
                    if let Some(seconds) = seconds_of(&text) {
                        assert_eq!(seconds, expected + SECS_PER_DAY, "{text}");
                        expected = seconds;
                    }
                }
            }
        }
        check("2099-12-31", "2099-12-31T00:00:00Z");
        check("1600-01-01", "1600-01-01T00:00:00Z");
    }
}
