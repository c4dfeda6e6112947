//! Sizes in bytes as people write and read them: `64KiB`, `1.5 GiB`.

use std::fmt;
use std::str::FromStr;

/// A number of bytes, written with or without a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Size(pub(crate) u64);

/// Units and their bytes; a bare letter is a power of 1024.
const UNITS: [(&str, u64); 14] = [
    ("", 1),
    ("B", 1),
    ("K", 1 << 10),
    ("KiB", 1 << 10),
    ("KB", 1_000),
    ("M", 1 << 20),
    ("MiB", 1 << 20),
    ("MB", 1_000_000),
    ("G", 1 << 30),
    ("GiB", 1 << 30),
    ("GB", 1_000_000_000),
    ("T", 1 << 40),
    ("TiB", 1 << 40),
    ("TB", 1_000_000_000_000),
];

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at(digits);
        let unit = unit.trim_start();
        let known = UNITS
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(unit));
        let bytes = match (number.parse::<u64>(), known) {
            (Ok(number), Some((_, scale))) => number.checked_mul(*scale),
            _ => {
                return Err(format!(
                    "size {text:?} is not a number with B, KiB, MiB, GiB, TiB, KB, MB, GB or TB"
                ));
            }
        };
        let bytes = bytes.ok_or_else(|| format!("size {text:?} is beyond 2^64 bytes"))?;
        Ok(Self(bytes))
    }
}

/// Shows three figures and a unit of 1024.
impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
        if self.0 < 1024 {
            return write!(f, "{} B", self.0);
        }
        let mut unit = 0;
        let mut scaled = self.0;
        while scaled >= 1 << 20 && unit + 1 < units.len() {
            scaled >>= 10;
            unit += 1;
        }
        #[expect(clippy::cast_precision_loss, reason = "below 2^30, and for reading")]
        let value = scaled as f64 / 1024.0;
        let digits = if value < 10.0 { 2 } else { 1 };
        write!(f, "{value:.digits$} {}", units[unit])
    }
}

/// Returns how many bytes a second these are.
pub(crate) fn per_second(bytes: u64, seconds: f64) -> Size {
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rate for reading; `as` saturates"
    )]
    let rate = (bytes as f64 / seconds.max(1e-9)) as u64;
    Size(rate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_with_and_without_units() {
        for (text, bytes) in [
            ("0", 0),
            ("4096", 4096),
            ("1K", 1024),
            ("64KiB", 65_536),
            ("64 kib", 65_536),
            ("1MB", 1_000_000),
            ("2GiB", 2 << 30),
            ("1TiB", 1 << 40),
        ] {
            assert_eq!(text.parse(), Ok(Size(bytes)), "{text}");
        }
    }

    #[test]
    fn what_is_no_size_is_named() {
        for text in ["", "KiB", "-1", "1.5GiB", "5x", "1 2"] {
            let message = text.parse::<Size>().unwrap_err();
            assert!(
                message.starts_with(&format!("size {text:?} is not")),
                "{message}"
            );
        }
        let message = "18446744073709551615K".parse::<Size>().unwrap_err();
        assert!(message.ends_with("beyond 2^64 bytes"), "{message}");
    }

    #[test]
    fn sizes_are_shown_short() {
        for (bytes, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.00 KiB"),
            (10 << 10, "10.0 KiB"),
            (1536 << 20, "1.50 GiB"),
            (1 << 40, "1.00 TiB"),
            (u64::MAX, "16.0 EiB"),
        ] {
            assert_eq!(Size(bytes).to_string(), text);
        }
    }
}
