//! Bounded reading of JSON bodies: what serde_json takes, within bounds of size, depth and count.
//!
//! It owns the tree that a body becomes, and its print. It refuses what is not UTF-8, lone
//! surrogates, bytes behind the value, nesting deeper than 128 and more values than any call of the
//! API needs, so that a small body cannot become a large tree. Pure, and knows nothing of images.

mod object;
mod print;
mod read;

use std::borrow::Cow;

pub(crate) use object::Object;
#[cfg(test)]
pub(crate) use read::parse;
pub(crate) use read::{array, nothing, object};

/// A JSON value. Texts borrow from the body wherever it holds no escapes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Json<'a> {
    /// `null`, which is a value like the others.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// Any number.
    Number(Number),
    /// A string.
    Text(Cow<'a, str>),
    /// An array.
    Array(Vec<Json<'a>>),
    /// An object.
    Object(Object<'a>),
}

// What a body of 1 MiB may become is this, times the most values.
const _: () = assert!(size_of::<Json<'_>>() <= 32);

/// A number. Whole numbers beyond 64 bits are kept as floats.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Number {
    /// A whole number, written without fraction and exponent.
    Integer(i64),
    /// Any other number.
    Float(f64),
}

impl Number {
    /// Returns the whole number that this is (5.0 is 5, as JSON Schema says), at most as large as
    /// 64 bits hold: bounds that follow are smaller.
    pub(crate) fn as_integer(self) -> Option<i64> {
        match self {
            Self::Integer(number) => Some(number),
            #[expect(clippy::cast_possible_truncation, reason = "whole, and saturating")]
            Self::Float(number) if number.is_finite() && number.fract() == 0.0 => {
                Some(number as i64)
            }
            Self::Float(_) => None,
        }
    }
}

impl<'a> Json<'a> {
    /// Makes a text of what is kept elsewhere.
    pub(crate) fn text(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }

    /// Says what the value is, for messages.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::Text(_) => "a string",
            Self::Array(_) => "an array",
            Self::Object(_) => "an object",
        }
    }
}

impl From<bool> for Json<'_> {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Json<'_> {
    fn from(value: i64) -> Self {
        Self::Number(Number::Integer(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_floats_are_integers_and_large_numbers_saturate() {
        for (text, expected) in [
            ("5", Some(5)),
            ("5.0", Some(5)),
            ("-3e2", Some(-300)),
            ("5.5", None),
            ("-0.0", Some(0)),
            ("9223372036854775807", Some(i64::MAX)),
            ("9223372036854775808", Some(i64::MAX)),
            ("99999999999999999999999999", Some(i64::MAX)),
            ("-99999999999999999999999999", Some(i64::MIN)),
        ] {
            let Json::Number(number) = parse(text.as_bytes()).unwrap() else {
                panic!("{text} is a number");
            };
            assert_eq!(number.as_integer(), expected, "{text}");
        }
    }
}
