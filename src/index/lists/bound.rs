//! Bounds on the numbers of images, as ranges of the codes that columns and orders hold.

use std::ops::RangeInclusive;

use super::facts::Fact;
use super::rows::stamp_of_micros;
use crate::query::{Filters, NumberField, NumberTest, TimeField, TimeTest};

/// A bound on a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bound {
    pub(super) fact: Fact,
    /// Never empty.
    codes: RangeInclusive<u64>,
    /// Whether it is what lies outside that passes.
    is_outside: bool,
}

impl Bound {
    /// Returns the bounds that filters set; nothing where no number can pass.
    pub(super) fn all(filters: &Filters) -> Option<Vec<Self>> {
        let numbers = filters.numbers.iter();
        let numbers = numbers.map(|(field, test, bound)| of_number(*field, *test, *bound));
        let times = filters.times.iter();
        let times = times.map(|(field, test, bound)| of_time(*field, *test, *bound));
        numbers.chain(times).collect()
    }

    /// Lets just one code pass.
    pub(super) fn is(fact: Fact, code: u64) -> Self {
        Self {
            fact,
            codes: code..=code,
            is_outside: false,
        }
    }

    /// Tells whether a number passes, by its code.
    pub(super) fn passes(&self, code: u64) -> bool {
        // One comparison, as this is asked for a million numbers.
        let (first, last) = (*self.codes.start(), *self.codes.end());
        (code.wrapping_sub(first) <= last.wrapping_sub(first)) != self.is_outside
    }

    /// Tells whether no code from 1 to `most`, `least` or more, passes, and neither does 0.
    pub(super) fn excludes(&self, least: u64, most: u64) -> bool {
        let apart = *self.codes.end() < least || *self.codes.start() > most;
        !self.is_outside && apart && !self.passes(0)
    }

    /// Returns the codes that pass, if these are one range.
    pub(super) fn range(&self) -> Option<&RangeInclusive<u64>> {
        (!self.is_outside).then_some(&self.codes)
    }
}

fn of_number(field: NumberField, test: NumberTest, bound: i64) -> Option<Bound> {
    // Code 0 is null, which passes no bound.
    let (fact, least) = match field {
        NumberField::Size => (Fact::Size, 1),
        NumberField::VirtualSize => (Fact::VirtualSize, 1),
        NumberField::MinRam => (Fact::MinRam, 0),
        NumberField::MinDisk => (Fact::MinDisk, 0),
    };
    let code = u64::try_from(bound).ok().map(|bound| bound + least);
    let codes = match test {
        NumberTest::Is => code?..=code?,
        NumberTest::Min => code.unwrap_or(least)..=u64::MAX,
        NumberTest::Max => least..=code?,
    };
    Some(Bound {
        fact,
        codes,
        is_outside: false,
    })
}

fn of_time(field: TimeField, test: TimeTest, seconds: i64) -> Option<Bound> {
    let fact = match field {
        TimeField::CreatedAt => Fact::CreatedAt,
        TimeField::UpdatedAt => Fact::UpdatedAt,
    };
    let first = seconds.saturating_mul(1_000_000);
    let (first, last) = (
        stamp_of_micros(first),
        stamp_of_micros(first.saturating_add(999_999)),
    );
    let codes = match test {
        TimeTest::Gt => last.checked_add(1)?..=u64::MAX,
        TimeTest::Gte => first..=u64::MAX,
        TimeTest::Lt => 0..=first.checked_sub(1)?,
        TimeTest::Lte => 0..=last,
        TimeTest::Eq | TimeTest::Neq => first..=last,
    };
    Some(Bound {
        fact,
        codes,
        is_outside: test == TimeTest::Neq,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::index::lists::rows::stamp;

    #[test]
    fn a_bound_passes_the_codes_of_what_its_test_passes() {
        let tests = [NumberTest::Is, NumberTest::Min, NumberTest::Max];
        for (test, bound) in tests
            .into_iter()
            .flat_map(|test| [i64::MIN, -1, 0, 1, 7, i64::MAX].map(|bound| (test, bound)))
        {
            for (field, least) in [(NumberField::Size, 1), (NumberField::MinRam, 0)] {
                let found = of_number(field, test, bound);
                let passes = |code| found.as_ref().is_some_and(|found| found.passes(code));
                for number in [0, 1, 6, 7, 8, i64::MAX.cast_unsigned()] {
                    let expected = test.passes(number, bound);
                    assert_eq!(
                        passes(number + least),
                        expected,
                        "{number} {test:?} {bound}"
                    );
                }
                assert!(least == 0 || !passes(0), "null {test:?} {bound}");
            }
        }
    }

    #[test]
    fn a_time_passes_by_whole_seconds() {
        use TimeTest::{Eq, Gt, Gte, Lt, Lte, Neq};
        let edges = [-1, 0, 1, 999_999, 1_000_000, 1_999_999, 2_000_000];
        for test in [Gt, Gte, Lt, Lte, Eq, Neq] {
            let found = of_time(TimeField::CreatedAt, test, 1).unwrap();
            for micros in edges {
                let at = Timestamp::from_micros(micros);
                let expected = test.passes(at.as_secs(), 1);
                assert_eq!(found.passes(stamp(at)), expected, "{micros} {test:?}");
            }
        }
    }

    #[test]
    fn what_is_excluded_does_not_pass() {
        let bound = of_number(NumberField::MinDisk, NumberTest::Is, 77).unwrap();
        assert!(bound.excludes(1, 76) && bound.excludes(78, 90));
        assert!(!bound.excludes(1, 77) && !bound.excludes(77, 90));
        let none = of_number(NumberField::MinDisk, NumberTest::Max, 5).unwrap();
        assert!(!none.excludes(6, 9), "0 passes");
    }
}
