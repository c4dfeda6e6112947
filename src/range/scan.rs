//! Reading the value of a header, and where it departs from its form.

use std::error::Error as StdError;
use std::fmt;

use crate::error::{Error, ErrorCode, Result};

/// Why a header is no range, and where.
///
/// It becomes an [`Error`] with the code `MultiRange` for more than one range, otherwise
/// `RangeNotSatisfiable`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParseError {
    pub(super) at: usize,
    pub(super) what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    SeveralRanges,
    Expected(&'static str),
}

impl ParseError {
    /// Returns the offset in the value, in bytes, at which it departs from the form.
    pub fn at(&self) -> usize {
        self.at
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.what {
            What::SeveralRanges => {
                write!(f, "range has a comma at byte {}, limit 1 range", self.at)
            }
            What::Expected(form) => write!(f, "range lacks {form} at byte {}", self.at),
        }
    }
}

impl StdError for ParseError {}

impl From<ParseError> for Error {
    fn from(error: ParseError) -> Self {
        let code = match error.what {
            What::SeveralRanges => ErrorCode::MultiRange,
            What::Expected(_) => ErrorCode::RangeNotSatisfiable,
        };
        Self::new(code, error.to_string()).with_source(error)
    }
}

/// A place in the value of a header.
pub(super) struct Scan<'a> {
    pub(super) value: &'a [u8],
    pub(super) at: usize,
}

impl Scan<'_> {
    pub(super) fn unexpected(&self, form: &'static str) -> ParseError {
        let what = What::Expected(form);
        ParseError { at: self.at, what }
    }

    pub(super) fn skip(&mut self, wanted: fn(u8) -> bool) {
        while self.value.get(self.at).is_some_and(|&byte| wanted(byte)) {
            self.at += 1;
        }
    }

    pub(super) fn unit(&mut self, same: fn(&[u8], &[u8]) -> bool) -> Result<(), ParseError> {
        let unit = b"bytes";
        match self.value.get(self.at..self.at + unit.len()) {
            Some(found) if same(found, unit) => self.at += unit.len(),
            _ => return Err(self.unexpected("the unit `bytes`")),
        }
        Ok(())
    }

    pub(super) fn byte(&mut self, wanted: u8) -> Result<(), ParseError> {
        if self.value.get(self.at) != Some(&wanted) {
            return Err(self.unexpected(match wanted {
                b'=' => "`=`",
                b'-' => "`-`",
                b'/' => "`/`",
                b'*' => "`*`",
                _ => "a blank",
            }));
        }
        self.at += 1;
        Ok(())
    }

    /// Reads ASCII digits, of any count; the value ends at `u64::MAX`.
    pub(super) fn number(&mut self) -> Option<u64> {
        let start = self.at;
        self.skip(|byte| byte.is_ascii_digit());
        let digits = self.value.get(start..self.at)?;
        let digits = digits.iter().map(|byte| u64::from(byte - b'0'));
        digits.fold(None, |number, digit| {
            let number = number.unwrap_or(0u64).saturating_mul(10);
            Some(number.saturating_add(digit))
        })
    }

    pub(super) fn some_number(&mut self) -> Result<u64, ParseError> {
        let missing = self.unexpected("a number");
        self.number().ok_or(missing)
    }

    pub(super) fn end(&self) -> Result<(), ParseError> {
        if self.at < self.value.len() {
            return Err(self.unexpected("its end"));
        }
        Ok(())
    }
}

/// Between the parts of a range only blanks may stand; a tab is malformed there.
pub(super) fn is_blank(byte: u8) -> bool {
    byte == b' '
}

/// Around the value of any header (RFC 9110, section 5.6.3).
pub(super) fn is_blank_or_tab(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}
