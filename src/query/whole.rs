//! Whole numbers of any length, as limits and filters hold them.
//!
//! Blanks may stand around, a sign before; the digits are ASCII, without groups (DEV-L11). There is
//! no overflow: what is too large ends at the last number there is (DEV-L19).

/// A whole number: its sign and how large it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Whole {
    is_negative: bool,
    magnitude: u64,
}

impl Whole {
    /// Reads a number; nothing if the text is none.
    pub(super) fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let magnitude = digits.bytes().fold(0u64, |number, byte| {
            number
                .saturating_mul(10)
                .saturating_add(u64::from(byte - b'0'))
        });
        let is_negative = text.starts_with('-') && magnitude > 0;
        Some(Self {
            is_negative,
            magnitude,
        })
    }

    /// Returns the number, or the end of the type that it lies beyond.
    pub(super) fn signed(self) -> i64 {
        match (i64::try_from(self.magnitude), self.is_negative) {
            (Ok(magnitude), true) => -magnitude,
            (Ok(magnitude), false) => magnitude,
            (Err(_), true) => i64::MIN,
            (Err(_), false) => i64::MAX,
        }
    }

    /// Returns the number unless it is negative.
    pub(super) fn unsigned(self) -> Option<u64> {
        (!self.is_negative).then_some(self.magnitude)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_saturate_and_have_one_spelling() {
        for (text, signed, unsigned) in [
            ("0", 0, Some(0)),
            ("-0", 0, Some(0)),
            (" +007\t", 7, Some(7)),
            ("-5", -5, None),
            (
                "9223372036854775807",
                i64::MAX,
                Some(1 << 63).map(|n: u64| n - 1),
            ),
            ("9223372036854775808", i64::MAX, Some(1 << 63)),
            ("-9223372036854775808", i64::MIN, None),
            ("18446744073709551615", i64::MAX, Some(u64::MAX)),
            ("99999999999999999999999", i64::MAX, Some(u64::MAX)),
            ("-99999999999999999999999", i64::MIN, None),
        ] {
            let whole = Whole::read(text).expect(text);
            assert_eq!(
                (whole.signed(), whole.unsigned()),
                (signed, unsigned),
                "{text}"
            );
        }
        for text in [
            "", " ", "+", "-", "+-1", "- 1", "1_000", "1.0", "0x1", "1e3", "\u{661}", "1 2",
        ] {
            assert_eq!(Whole::read(text), None, "{text:?}");
        }
    }
}
