//! Headers for the range targets: values that are often almost right, with numbers of any length.
//!
//! Nothing here is taken from the crate: it is the other opinion that the crate is held against.

use std::cmp::Ordering;

use arbitrary::Arbitrary;

/// A piece of a header's value.
#[derive(Debug, Arbitrary)]
pub enum Piece {
    /// The unit.
    Unit,
    /// The unit in another case.
    OddUnit,
    /// A byte that has a meaning in some place.
    Mark(u8),
    /// A number near the length of the data.
    Near(i8),
    /// A small number.
    Small(u8),
    /// Any number.
    Number(u64),
    /// A number that may lie beyond `u64`, with leading zeros.
    Long(u8, u128),
    /// Any byte.
    Byte(u8),
}

/// A header's value, and the length of the data in bytes.
#[derive(Debug, Arbitrary)]
pub struct Input {
    /// The length if `small` does not say it.
    pub large: u64,
    /// A small length, where ends are met more often.
    pub small: Option<u8>,
    /// What follows the frame.
    pub value: Value,
}

/// A header's value.
#[derive(Debug, Arbitrary)]
pub enum Value {
    /// Any bytes.
    Raw(Vec<u8>),
    /// Pieces in any order.
    Pieces(Vec<Piece>),
    /// The right form with any numbers, as `Range` and as `Content-Range`.
    Formed(Option<Piece>, Option<Piece>, Option<Piece>),
}

impl Input {
    /// Returns the length of the data in bytes.
    pub fn len_bytes(&self) -> u64 {
        self.small.map_or(self.large, u64::from)
    }

    /// Returns the bytes of a header `Range`.
    pub fn range(&self) -> Vec<u8> {
        self.bytes("bytes=", "-", "")
    }

    /// Returns the bytes of a header `Content-Range`.
    pub fn content_range(&self) -> Vec<u8> {
        self.bytes("bytes ", "-", "/")
    }

    fn bytes(&self, unit: &str, dash: &str, slash: &str) -> Vec<u8> {
        let mut out = Vec::new();
        match &self.value {
            Value::Raw(bytes) => out.extend_from_slice(bytes),
            Value::Pieces(pieces) => pieces.iter().for_each(|piece| self.put(piece, &mut out)),
            Value::Formed(first, last, whole) => {
                out.extend_from_slice(unit.as_bytes());
                first.iter().for_each(|piece| self.put(piece, &mut out));
                out.extend_from_slice(dash.as_bytes());
                last.iter().for_each(|piece| self.put(piece, &mut out));
                out.extend_from_slice(slash.as_bytes());
                whole.iter().for_each(|piece| self.put(piece, &mut out));
            }
        }
        out
    }

    fn put(&self, piece: &Piece, out: &mut Vec<u8>) {
        let text = match piece {
            Piece::Unit => "bytes".to_owned(),
            Piece::OddUnit => "bYtEs".to_owned(),
            Piece::Mark(which) => {
                let marks = ["=", "-", " ", "\t", ",", "/", "*", "  "];
                marks[usize::from(*which) % marks.len()].to_owned()
            }
            Piece::Near(by) => (i128::from(self.len_bytes()) + i128::from(*by)).to_string(),
            Piece::Small(number) => number.to_string(),
            Piece::Number(number) => number.to_string(),
            Piece::Long(zeros, number) => "0".repeat(usize::from(*zeros)) + &number.to_string(),
            Piece::Byte(byte) => return out.push(*byte),
        };
        out.extend_from_slice(text.as_bytes());
    }
}

/// A whole number of any length, kept as its digits without leading zeros.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digits(String);

impl Digits {
    /// Takes one or more ASCII digits.
    pub fn parse(text: &str) -> Option<Self> {
        let all = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        all.then(|| Self(text.trim_start_matches('0').to_owned()))
    }

    /// Returns the number, or `limit` if that is smaller.
    pub fn capped(&self, limit: u64) -> u64 {
        match self.cmp(&Self::from(limit)) {
            Ordering::Less if self.0.is_empty() => 0,
            Ordering::Less => self.0.parse().expect("smaller than a u64"),
            _ => limit,
        }
    }
}

impl From<u64> for Digits {
    fn from(number: u64) -> Self {
        Self(number.to_string().trim_start_matches('0').to_owned())
    }
}

impl Ord for Digits {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.0.len().cmp(&other.0.len())).then_with(|| self.0.cmp(&other.0))
    }
}

impl PartialOrd for Digits {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
