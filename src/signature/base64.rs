//! Base64 with the alphabet of RFC 4648, section 4, read within a bound.

/// What stands in the way of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// A character, by its place in the text, that belongs to no base64.
    Character(usize),
    /// The text ends within a byte, is padded otherwise than it must, or has bits behind its last
    /// byte that are not zero.
    End,
    /// There are more bytes than the bound.
    TooLong,
}

/// Reads a text of at most `max_bytes` bytes. Line breaks, blanks and tabs are skipped, as tools
/// break long texts; padding is needed, and every text stands for bytes of its own.
pub(super) fn decode(text: &str, max_bytes: usize) -> Result<Vec<u8>, Fault> {
    let (mut bytes, mut group, mut padding) = (Vec::new(), Group::default(), 0);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' => {}
            b'=' if padding < 2 => padding += 1,
            _ if padding > 0 => return Err(Fault::Character(at)),
            _ => group.take(value(byte).ok_or(Fault::Character(at))?, &mut bytes),
        }
        if bytes.len() > max_bytes {
            return Err(Fault::TooLong);
        }
    }
    match group.is_whole_with(padding) {
        true => Ok(bytes),
        false => Err(Fault::End),
    }
}

/// Bits that are no byte yet.
#[derive(Debug, Default)]
struct Group {
    bits: u32,
    bit_count: u32,
}

impl Group {
    fn take(&mut self, value: u8, bytes: &mut Vec<u8>) {
        self.bits = self.bits << 6 | u32::from(value);
        self.bit_count += 6;
        if self.bit_count >= 8 {
            self.bit_count -= 8;
            let [.., byte] = (self.bits >> self.bit_count).to_be_bytes();
            bytes.push(byte);
            self.bits &= (1 << self.bit_count) - 1;
        }
    }

    /// Tells whether the text ends here with so much padding.
    fn is_whole_with(&self, padding: u32) -> bool {
        self.bits == 0 && self.bit_count == 2 * padding
    }
}

fn value(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<&[u8], Fault>) {
        let found = decode(text, 6);
        assert_eq!(
            found.as_deref(),
            expected.as_ref().map(|bytes| *bytes),
            "{text:?}"
        );
    }

    #[test]
    fn base64_is_read_as_the_vectors_of_its_rfc_say() {
        for (text, bytes) in [
            ("", ""),
            ("Zg==", "f"),
            ("Zm8=", "fo"),
            ("Zm9v", "foo"),
            ("Zm9vYg==", "foob"),
            ("Zm9vYmE=", "fooba"),
            ("Zm9vYmFy", "foobar"),
            ("Zm9v\nYm\r\nFy \t\n", "foobar"),
        ] {
            check(text, Ok(bytes.as_bytes()));
        }
        check("+/+/", Ok(&[0xfb, 0xff, 0xbf]));
    }

    #[test]
    fn what_is_no_base64_is_refused_with_its_place() {
        for text in [
            "Z", "Zg", "Zg=", "Zm8", "Zm9=", "Zh==", "=", "==", "Zm9v=", "Zm9vZ",
        ] {
            check(text, Err(Fault::End));
        }
        check("Zg===", Err(Fault::Character(4)));
        check("Zg==Zg==", Err(Fault::Character(4)));
        check("Zm-v", Err(Fault::Character(2)));
        check("Z\u{e9}9v", Err(Fault::Character(1)));
        check("Zm9vYmFyYg==", Err(Fault::TooLong));
    }
}
