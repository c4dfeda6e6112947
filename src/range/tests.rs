//! Borders of ranges, and the words of errors.

use std::ops::{Bound, Range};

use super::{ByteRange, ContentRange, ReadRange, select};
use crate::error::{ErrorCode, Result};

#[track_caller]
fn check(result: Result<Range<u64>>, expected: Option<Range<u64>>) {
    match (result, expected) {
        (Ok(range), expected) => assert_eq!(Some(range), expected),
        (Err(error), None) => assert_eq!(error.code(), ErrorCode::RangeNotSatisfiable),
        (Err(error), Some(expected)) => panic!("{error}, expected {expected:?}"),
    }
}

#[test]
fn ranges_at_the_end_of_all_numbers_neither_overflow_nor_lose_a_byte() {
    let max = u64::MAX;
    let from_to = |first, last| ByteRange::FromTo { first, last };
    for (asked, len, expected) in [
        (ByteRange::From(max), max, None),
        (ByteRange::From(max - 1), max, Some(max - 1..max)),
        (from_to(0, max), max, Some(0..max)),
        (from_to(max - 1, max - 1), max, Some(max - 1..max)),
        (from_to(max, max), max, None),
        (ByteRange::Suffix(max), max, Some(0..max)),
        (ByteRange::Suffix(0), max, None),
        (ByteRange::Suffix(1), 0, None),
        (ByteRange::From(0), 0, None),
    ] {
        check(asked.within(len), expected);
    }
    let part = |last, complete| ContentRange::Part {
        first: 0,
        last,
        complete,
    };
    check(part(max, None).within(max), None);
    check(part(max - 1, Some(max)).within(max), Some(0..max));
    check(part(max - 1, Some(max - 1)).within(max), None);
    check(ContentRange::Unsatisfied { complete: 1 }.within(1), None);
}

#[test]
fn ranges_of_rust_hold_as_for_a_slice() {
    check((0..0).within(0), Some(0..0));
    check((7..7).within(10), Some(7..7));
    check((10..10).within(10), Some(10..10));
    check((11..11).within(10), None);
    check((..).within(0), Some(0..0));
    check((..=9).within(10), Some(0..10));
    check((0..=10).within(10), None);
    check((..4).within(10), Some(0..4));
    check((11..).within(10), None);
    check((0..=u64::MAX).within(u64::MAX), None);
    let (start, end) = (5, 3);
    check((start..end).within(10), None);
    check(
        (Bound::Excluded(u64::MAX), Bound::Unbounded).within(10),
        None,
    );
}

#[test]
fn parse_errors_name_the_offset_and_what_is_missing() {
    for (value, message) in [
        ("", "range lacks the unit `bytes` at byte 0"),
        (" items=0-4", "range lacks the unit `bytes` at byte 1"),
        ("bytes 0-4", "range lacks `=` at byte 6"),
        ("bytes=\t0-4", "range lacks `-` at byte 6"),
        ("bytes=-", "range lacks a number at byte 7"),
        ("bytes=0-4/10", "range lacks its end at byte 9"),
        (
            "bytes=0-1,3-4",
            "range has a comma at byte 9, limit 1 range",
        ),
    ] {
        let error = value.parse::<ByteRange>().map_err(|e| e.to_string());
        assert_eq!(error, Err(message.to_owned()), "{value:?}");
    }
    for (value, message) in [
        ("bytes=0-4/10", "range lacks a blank at byte 5"),
        ("bytes  0-4/10", "range lacks a number at byte 6"),
        ("bytes */*", "range lacks a number at byte 8"),
        ("bytes 0-4/", "range lacks a number at byte 10"),
        ("bytes 0-4/10 ", "range lacks its end at byte 12"),
    ] {
        let error = value.parse::<ContentRange>().map_err(|e| e.to_string());
        assert_eq!(error, Err(message.to_owned()), "{value:?}");
    }
}

#[test]
fn a_range_that_selects_nothing_is_named_with_the_size() {
    let error = select(Some(10), Some(b"bytes = 10 -"), None).expect_err("past the end");
    assert_eq!(error.message(), "range bytes=10- selects none of 10 bytes");
    let error = select(Some(10), None, Some(b"bytes 0-14/20")).expect_err("past the end");
    assert_eq!(
        error.message(),
        "range bytes 0-14/20 is no part of 10 bytes"
    );
}
