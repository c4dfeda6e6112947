//! `Content-Range`: parse, print and parse agree, nothing panics, and the answer to a request that
//! carries it is that of an oracle.
#![no_main]

use std::ops::Range;

use libfuzzer_sys::fuzz_target;
use smalti::range::{ContentRange, Selection, select};
use smalti_fuzz::range::{Digits, Input};

/// Answers by section 2.3 of the specification, on text.
fn oracle(value: &[u8], len: u64) -> Option<Range<u64>> {
    let text = std::str::from_utf8(value).ok()?;
    let (range, whole) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let (first, last) = (Digits::parse(first)?, Digits::parse(last)?);
    if whole != "*" && last >= Digits::parse(whole)? {
        return None;
    }
    if last < first || last >= Digits::from(len) {
        return None;
    }
    Some(first.capped(len)..last.capped(len) + 1)
}

fuzz_target!(|input: Input| {
    let (value, len) = (input.content_range(), input.len_bytes());
    if let Ok(asked) = ContentRange::try_from(&value[..]) {
        assert_eq!(asked.to_string().parse(), Ok(asked));
    }
    match select(Some(len), None, Some(&value)) {
        Ok(chosen) => {
            let range = chosen.range();
            assert_eq!(Some(&range), oracle(&value, len).as_ref());
            // What the answer says about itself reads back as the same bytes.
            let said = chosen.content_range().expect("a part").to_string();
            let again = select(Some(len), None, Some(said.as_bytes()));
            assert_eq!(
                again.ok(),
                Some(Selection::Part {
                    range,
                    len_bytes: len
                })
            );
        }
        Err(error) => assert_eq!((error.http_status(), oracle(&value, len)), (416, None)),
    }
});
