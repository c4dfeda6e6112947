//! The form of a query string: `name=value&name=value`, with blanks as `+` and bytes as `%XX`.
//!
//! Knows no parameter by its meaning. It refuses what is not UTF-8 and more parameters than anybody
//! needs; a `%` that is followed by no two digits stands for itself, as browsers and Glance hold it.
//!
//! Source: the WHATWG URL standard, "application/x-www-form-urlencoded".

use std::fmt::{self, Write};
use std::str::FromStr;

use crate::error::{Error, ErrorCode, Result};
use crate::limits::QUERY_PARAMS_MAX;

/// The parameters of a query string, decoded, in their order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Parameters(Vec<(String, String)>);

impl Parameters {
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Appends a parameter.
    pub(crate) fn push(&mut self, name: &str, value: impl Into<String>) {
        self.0.push((name.to_owned(), value.into()));
    }

    /// Removes every parameter of a name.
    pub(super) fn remove(&mut self, name: &str) {
        self.0.retain(|(other, _)| other != name);
    }

    /// Makes a parameter stand once and last, with this value.
    pub(super) fn set(&mut self, name: &str, value: impl Into<String>) {
        self.remove(name);
        self.push(name, value);
    }
}

/// Reads a query string without its `?`; empty pieces between `&` are nothing.
impl FromStr for Parameters {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let pieces = || {
            let pieces = text.as_bytes().split(|byte| *byte == b'&');
            pieces.filter(|piece| !piece.is_empty())
        };
        // One more is room for the marker that a link adds.
        expect_few(pieces().count(), QUERY_PARAMS_MAX + 1)?;
        let pairs = pieces().map(|piece| {
            let equals = piece.iter().position(|byte| *byte == b'=');
            let (name, value) = piece.split_at(equals.unwrap_or(piece.len()));
            Ok((decode(name)?, decode(value.get(1..).unwrap_or_default())?))
        });
        pairs.collect::<Result<_>>().map(Self)
    }
}

/// Writes the query string that is read back as these parameters.
impl fmt::Display for Parameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (name, value)) in self.iter().enumerate() {
            if at > 0 {
                f.write_char('&')?;
            }
            encode(name, f)?;
            f.write_char('=')?;
            encode(value, f)?;
        }
        Ok(())
    }
}

/// Refuses more parameters than a limit.
pub(super) fn expect_few(count: usize, limit: usize) -> Result<()> {
    if count > limit {
        let message = format!("query has {count} parameters, limit {QUERY_PARAMS_MAX}");
        return Err(Error::new(ErrorCode::InvalidParameter, message));
    }
    Ok(())
}

fn decode(text: &[u8]) -> Result<String> {
    let (mut bytes, mut rest) = (Vec::with_capacity(text.len()), text);
    while let Some((&first, behind)) = rest.split_first() {
        let (byte, behind) = match (first, behind) {
            (b'%', [high, low, behind @ ..]) if both_digits(*high, *low) => {
                (digit(*high) << 4 | digit(*low), behind)
            }
            (b'+', _) => (b' ', behind),
            _ => (first, behind),
        };
        bytes.push(byte);
        rest = behind;
    }
    String::from_utf8(bytes).map_err(|_| {
        let start = text.get(..64).unwrap_or(text);
        let shown = String::from_utf8_lossy(start);
        let message = format!("{shown:?} in the query is not UTF-8");
        Error::new(ErrorCode::InvalidFilterValue, message)
    })
}

fn both_digits(high: u8, low: u8) -> bool {
    high.is_ascii_hexdigit() && low.is_ascii_hexdigit()
}

/// Returns the value of a hexadecimal digit.
fn digit(byte: u8) -> u8 {
    match byte {
        b'0'..=b'9' => byte - b'0',
        _ => (byte | 0x20) - b'a' + 10,
    }
}

/// Writes a text so that nothing in it has a meaning in a url.
fn encode(text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let has_meaning =
        |char: char| !char.is_ascii_alphanumeric() && !matches!(char, '-' | '.' | '_' | '~');
    // Each piece ends with one character that has a meaning, but for the last.
    text.split_inclusive(has_meaning).try_for_each(|piece| {
        let plain = piece.trim_end_matches(has_meaning);
        f.write_str(plain)?;
        piece
            .bytes()
            .skip(plain.len())
            .try_for_each(|byte| match byte {
                b' ' => f.write_char('+'),
                _ => write_escaped(byte, f),
            })
    })
}

fn write_escaped(byte: u8, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let digit = |nibble: u8| match nibble {
        0..=9 => char::from(b'0' + nibble),
        _ => char::from(b'A' + nibble - 10),
    };
    f.write_char('%')?;
    f.write_char(digit(byte >> 4))?;
    f.write_char(digit(byte & 0xf))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[(&str, &str)], printed: &str) {
        let parameters: Parameters = text.parse().unwrap();
        assert_eq!(parameters.iter().collect::<Vec<_>>(), expected, "{text}");
        assert_eq!(parameters.to_string(), printed, "{text}");
        assert_eq!(printed.parse::<Parameters>().unwrap(), parameters);
    }

    #[test]
    fn forms_are_decoded_and_encoded() {
        check("", &[], "");
        check("&&", &[], "");
        check("a", &[("a", "")], "a=");
        check("=", &[("", "")], "=");
        check("a=b=c&a=d", &[("a", "b=c"), ("a", "d")], "a=b%3Dc&a=d");
        check("a+b=%20c%2b+", &[("a b", " c+ ")], "a+b=+c%2B+");
        check("a=%c3%A9\u{e9}", &[("a", "\u{e9}\u{e9}")], "a=%C3%A9%C3%A9");
        check(
            "a=%&b=%4&c=%g0%",
            &[("a", "%"), ("b", "%4"), ("c", "%g0%")],
            "a=%25&b=%254&c=%25g0%25",
        );
        check("a;b=1", &[("a;b", "1")], "a%3Bb=1");
        check("a=-._~*%00", &[("a", "-._~*\0")], "a=-._~%2A%00");
    }

    #[test]
    fn what_is_not_utf8_is_refused_in_names_and_values() {
        for text in ["a=%FF", "%C3=1", "a=%C3&b", "tag=%ED%A0%80"] {
            let error = text.parse::<Parameters>().unwrap_err();
            assert_eq!(error.code(), ErrorCode::InvalidFilterValue, "{text}");
        }
    }
}
