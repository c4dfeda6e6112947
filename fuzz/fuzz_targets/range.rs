//! `Range`: parse, print and parse agree, nothing panics, and the answer is that of an oracle.
#![no_main]

use std::ops::Range;

use libfuzzer_sys::fuzz_target;
use smalti::range::{ByteRange, Selection, select};
use smalti_fuzz::range::{Digits, Input};

/// Answers by section 2.2 of the specification, on text: the bytes or the status.
fn oracle(value: &[u8], len: u64) -> Result<Range<u64>, u16> {
    if value.contains(&b',') {
        return Err(400);
    }
    resolve(std::str::from_utf8(value).map_err(|_| 416u16)?, len).ok_or(416)
}

fn resolve(text: &str, len: u64) -> Option<Range<u64>> {
    let text = text.trim_matches([' ', '\t']);
    if !text.get(..5)?.eq_ignore_ascii_case("bytes") {
        return None;
    }
    let numbers = text[5..].trim_start_matches(' ').strip_prefix('=')?;
    let (first, last) = numbers.split_once('-')?;
    let (first, last) = (first.trim_matches(' '), last.trim_matches(' '));
    if first.is_empty() {
        let count = Digits::parse(last)?.capped(len);
        return (count > 0).then(|| len - count..len);
    }
    let first = Digits::parse(first)?;
    if first >= Digits::from(len) {
        return None;
    }
    let start = first.capped(len);
    if last.is_empty() {
        return Some(start..len);
    }
    let last = Digits::parse(last)?;
    (last >= first).then(|| start..last.capped(len - 1) + 1)
}

fuzz_target!(|input: Input| {
    let (value, len) = (input.range(), input.len_bytes());
    if let Ok(asked) = ByteRange::try_from(&value[..]) {
        assert_eq!(asked.to_string().parse(), Ok(asked));
    }
    // The other header is not looked at when this one is there.
    let answer = select(Some(len), Some(&value), Some(b"bytes 0-0/*"));
    let expected = oracle(&value, len);
    match &answer {
        Ok(Selection::Part { range, len_bytes }) => {
            assert_eq!((Ok(range), *len_bytes), (expected.as_ref(), len));
        }
        Ok(other) => panic!("{other:?} for a range"),
        Err(error) => assert_eq!(Err(error.http_status()), expected, "{error}"),
    }
    assert_eq!(
        select(None, Some(&value), None).ok(),
        Some(Selection::NoData)
    );
});
