//! The values of the text filters: `WORD`, `eq:WORD` and `in:WORD,"WORD, quoted"`.

use std::fmt::{self, Write};
use std::str::FromStr;

use super::filters::TextTest;
use super::{shown, time};
use crate::error::{Error, ErrorCode, Result};
use crate::limits::QUERY_LIST_MAX;

/// Splits a value into its operator and the rest (Glance: `glance/common/utils.py`,
/// `split_filter_op`). Without a colon, or if the whole is a time, there is no operator.
pub(super) fn split_operator(value: &str) -> (Option<&str>, &str) {
    match value.split_once(':') {
        Some((operator, rest)) if time::seconds_of(value).is_none() => (Some(operator), rest),
        _ => (None, value),
    }
}

/// Makes the error for an operator that a filter does not know.
pub(super) fn unknown_operator(operator: &str, known: &str) -> Error {
    let operator = shown(operator);
    let message = format!("filter operator {operator:?} is not one of {known}");
    Error::new(ErrorCode::InvalidFilterOperator, message)
}

impl FromStr for TextTest {
    type Err = Error;

    fn from_str(value: &str) -> Result<Self> {
        match split_operator(value) {
            (None | Some("eq"), rest) => Ok(Self::Is(rest.to_owned())),
            (Some("in"), rest) => elements(rest).map(Self::of),
            (Some(other), _) => Err(unknown_operator(other, "eq, in")),
        }
    }
}

impl TextTest {
    /// Makes the test for one of some words, which end up ascending, each once.
    pub(super) fn of(mut words: Vec<String>) -> Self {
        words.sort_unstable();
        words.dedup();
        Self::In(words)
    }
}

/// Writes the value that is read back as this test.
impl fmt::Display for TextTest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Is(word) if word.contains(':') => write!(f, "eq:{word}"),
            Self::Is(word) => f.write_str(word),
            Self::In(words) => {
                f.write_str("in:")?;
                words.iter().enumerate().try_for_each(|(at, word)| {
                    f.write_str(if at > 0 { "," } else { "" })?;
                    write_element(word, f)
                })
            }
        }
    }
}

fn write_element(word: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if !word.is_empty() && !word.contains(['"', ',']) {
        return f.write_str(word);
    }
    f.write_char('"')?;
    for char in word.chars() {
        if matches!(char, '"' | '\\') {
            f.write_char('\\')?;
        }
        f.write_char(char)?;
    }
    f.write_char('"')
}

/// Reads the elements of a list; a comma at the end opens no further one.
fn elements(list: &str) -> Result<Vec<String>> {
    let (mut words, mut rest) = (Vec::new(), list);
    while !rest.is_empty() {
        if words.len() == QUERY_LIST_MAX {
            let message = format!("filter lists more than {QUERY_LIST_MAX} values");
            return Err(Error::new(ErrorCode::InvalidFilterValue, message));
        }
        let (word, behind) = element(rest).ok_or_else(|| {
            let message = format!("filter list {:?} has a quote out of place", shown(list));
            Error::new(ErrorCode::InvalidFilterValue, message)
        })?;
        words.push(word);
        rest = behind;
    }
    Ok(words)
}

/// Reads the first element and its comma; nothing if a quote is out of place.
fn element(list: &str) -> Option<(String, &str)> {
    if let Some(quoted) = list.strip_prefix('"') {
        let (word, behind) = unquote(quoted)?;
        let next = behind.strip_prefix(',');
        return next
            .or(behind.is_empty().then_some(""))
            .map(|next| (word, next));
    }
    let (word, behind) = list.split_once(',').unwrap_or((list, ""));
    (!word.contains('"')).then(|| (word.to_owned(), behind))
}

/// Reads up to the closing quote; a backslash takes the meaning from a quote or a backslash
/// (DEV-L7), before anything else it is itself.
fn unquote(text: &str) -> Option<(String, &str)> {
    let (mut word, mut chars) = (String::new(), text.chars());
    loop {
        match chars.next()? {
            '"' => return Some((word, chars.as_str())),
            '\\' if chars.as_str().starts_with(['"', '\\']) => word.extend(chars.next()),
            char => word.push(char),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: &str, expected: TextTest) {
        let test: TextTest = value.parse().unwrap();
        assert_eq!(test, expected, "{value}");
        assert_eq!(
            test.to_string().parse::<TextTest>().unwrap(),
            test,
            "{value}"
        );
    }

    fn one_of(words: &[&str]) -> TextTest {
        TextTest::of(words.iter().map(|&word| word.to_owned()).collect())
    }

    #[test]
    fn plain_values_are_taken_as_they_are() {
        for (value, word) in [
            ("", ""),
            ("a", "a"),
            ("\"a\"", "\"a\""),
            ("eq:", ""),
            ("eq:a:b", "a:b"),
            ("eq:in:a", "in:a"),
            ("2024-01-01T00:00:02Z", "2024-01-01T00:00:02Z"),
            ("2024-01-01 00:00", "2024-01-01 00:00"),
        ] {
            check(value, TextTest::Is(word.to_owned()));
        }
        for value in [
            "a:b",
            ":",
            ":a",
            "EQ:a",
            "neq:a",
            " eq:a",
            "2024-01-01T99:00:00Z",
        ] {
            let error = value.parse::<TextTest>().unwrap_err();
            assert_eq!(error.code(), ErrorCode::InvalidFilterOperator, "{value}");
        }
    }

    #[test]
    fn lists_follow_the_grammar() {
        for (value, words) in [
            ("in:", &[][..]),
            ("in:a", &["a"]),
            ("in:a,", &["a"]),
            ("in:b,a,b", &["a", "b"]),
            ("in:a,,b", &["", "a", "b"]),
            ("in:,", &[""]),
            ("in:,,", &[""]),
            ("in:\"\"", &[""]),
            ("in:a,\"\"", &["", "a"]),
            ("in: a, b ", &[" a", " b "]),
            ("in:\"a,b\",c", &["a,b", "c"]),
            ("in:\"a\",", &["a"]),
            ("in:\"a\\\"b\"", &["a\"b"]),
            ("in:\"a\\\\\",b", &["a\\", "b"]),
            ("in:\"a\\nb\"", &["a\\nb"]),
            ("in:a\\b", &["a\\b"]),
            ("in:a:b", &["a:b"]),
        ] {
            check(value, one_of(words));
        }
        for value in [
            "in:\"a",
            "in:x\"a\"",
            "in:\"a\"x",
            "in:\"",
            "in:a,\"b",
            "in:\"a\\\"",
            "in:a\\\"b",
        ] {
            let error = value.parse::<TextTest>().unwrap_err();
            assert_eq!(error.code(), ErrorCode::InvalidFilterValue, "{value}");
        }
    }

    #[test]
    fn more_values_than_the_limit_are_refused() {
        let value = format!("in:{}", "a,".repeat(QUERY_LIST_MAX));
        check(&value, one_of(&["a"]));
        let error = (value + "a").parse::<TextTest>().unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidFilterValue);
    }
}
