//! A body read field by field, for the record that lists read by the hundred.
//!
//! The form is that of [`decode`](super::decode), and as strict: an integer has its shortest form, a
//! flag is 0 or 1, nothing is left over. What is lent are the bytes themselves, so that who reads
//! decides what becomes of them; nothing here takes memory.

use super::{Record, corrupt, open};
use crate::error::{Error, Result};

/// Largest integer that is a byte of its own.
const BYTE_MAX: u8 = 250;

/// What is left of the body of a record.
pub(crate) struct Body<'a> {
    rest: &'a [u8],
    /// Length of the record, in bytes.
    len: usize,
    /// Makes the error of the kind of record.
    corrupt: fn(String) -> Error,
}

impl<'a> Body<'a> {
    /// Begins to read a record: kind, version and length are those of its type.
    ///
    /// # Errors
    /// As [`decode`](super::decode).
    pub(crate) fn open<R: Record>(bytes: &'a [u8]) -> Result<Self> {
        Ok(Self {
            rest: open::<R>(bytes)?,
            len: bytes.len(),
            corrupt: corrupt::<R>,
        })
    }

    /// Ends the reading, at the end of the record.
    pub(crate) fn finish(self) -> Result<()> {
        match self.rest.len() {
            0 => Ok(()),
            left => Err(self.error(format!("{left} bytes too many"))),
        }
    }

    /// Makes an error that tells what was found and expected.
    #[cold]
    pub(crate) fn error(&self, what: impl Into<String>) -> Error {
        let (at, len) = (self.len - self.rest.len(), self.len);
        (self.corrupt)(format!("{} before byte {at} of {len}", what.into()))
    }

    #[inline(always)]
    pub(crate) fn byte(&mut self) -> Result<u8> {
        let Some((byte, rest)) = self.rest.split_first() else {
            return Err(self.short());
        };
        self.rest = rest;
        Ok(*byte)
    }

    #[inline(always)]
    pub(crate) fn flag(&mut self) -> Result<bool> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            byte => Err(self.error(format!("flag {byte} found, 0 or 1 expected"))),
        }
    }

    /// Reads a field that may be absent.
    #[inline]
    pub(crate) fn option<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<Option<T>> {
        match self.flag()? {
            true => read(self).map(Some),
            false => Ok(None),
        }
    }

    /// Reads an unsigned integer of the type of the field.
    #[inline(always)]
    pub(crate) fn integer<T: TryFrom<u64>>(&mut self) -> Result<T> {
        let number = match self.byte()? {
            byte @ ..=BYTE_MAX => u64::from(byte),
            mark => self.wide(mark)?,
        };
        let narrow = T::try_from(number);
        narrow.map_err(|_| self.error(format!("number {number} is beyond its field")))
    }

    /// Reads a signed integer: zigzag, so that small ones of either sign are short.
    #[inline]
    pub(crate) fn signed(&mut self) -> Result<i64> {
        let folded: u64 = self.integer()?;
        let half = (folded >> 1).cast_signed();
        Ok(half ^ -(folded & 1).cast_signed())
    }

    /// Reads bytes of a length that the type says.
    #[inline]
    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let Some((bytes, rest)) = self.rest.split_first_chunk() else {
            return Err(self.short());
        };
        self.rest = rest;
        Ok(*bytes)
    }

    /// Reads bytes behind their length.
    #[inline(always)]
    pub(crate) fn bytes(&mut self) -> Result<&'a [u8]> {
        let len = self.integer()?;
        let Some((bytes, rest)) = self.rest.split_at_checked(len) else {
            return Err(self.short());
        };
        self.rest = rest;
        Ok(bytes)
    }

    /// Reads a text.
    #[inline]
    pub(crate) fn text(&mut self) -> Result<&'a str> {
        let bytes = self.bytes()?;
        std::str::from_utf8(bytes).map_err(|_| self.error("text not in UTF-8"))
    }

    /// Reads how many elements follow, none of them shorter than `least` bytes: what is asked for is
    /// never more memory than a fixed multiple of what is there.
    #[inline]
    pub(crate) fn count(&mut self, least: usize) -> Result<usize> {
        let count: usize = self.integer()?;
        match count <= self.rest.len() / least {
            true => Ok(count),
            false => Err(self.error(format!("{count} elements found, more than there are bytes"))),
        }
    }

    /// Returns the length of the next texts together, so that memory is taken for them once. Only a
    /// hint, and short where not all of them are there: reading them tells.
    #[inline]
    pub(crate) fn texts_len(&self, count: usize) -> usize {
        let mut rest = self.rest;
        let mut next = || {
            let len;
            (len, rest) = length(rest)?;
            rest = rest.get(len..)?;
            Some(len)
        };
        (0..count).map_while(|_| next()).sum()
    }

    /// Reads the integer behind a mark that tells its width.
    fn wide(&mut self, mark: u8) -> Result<u64> {
        let (number, least) = match mark {
            251 => (u16::from_le_bytes(self.array()?).into(), 251),
            252 => (u32::from_le_bytes(self.array()?).into(), 1 << 16),
            253 => (u64::from_le_bytes(self.array()?), 1 << 32),
            _ => return Err(self.error(format!("mark {mark} found, 251 to 253 expected"))),
        };
        match number >= least {
            true => Ok(number),
            false => Err(self.error("integer not in its canonical form")),
        }
    }

    #[cold]
    fn short(&self) -> Error {
        self.error(format!("{} bytes left, more expected", self.rest.len()))
    }
}

/// Reads a length of whatever form, and returns what follows it.
#[inline]
fn length(rest: &[u8]) -> Option<(usize, &[u8])> {
    let (mark, rest) = rest.split_first()?;
    let width = match *mark {
        byte @ ..=BYTE_MAX => return Some((byte.into(), rest)),
        251 => 2,
        252 => 4,
        _ => 8,
    };
    let (given, rest) = rest.split_at_checked(width)?;
    let mut bytes = [0; 8];
    bytes[..width].copy_from_slice(given);
    Some((usize::try_from(u64::from_le_bytes(bytes)).ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::super::{BorrowDecode, Encode, decode, encode};
    use super::*;

    /// A field of each type.
    #[derive(Debug, PartialEq, Encode, BorrowDecode)]
    struct All<'a> {
        byte: u8,
        flag: bool,
        wide: Option<u64>,
        middle: u32,
        narrow: u16,
        signed: i64,
        array: [u8; 3],
        bytes: &'a [u8],
        text: &'a str,
    }

    impl Record for All<'_> {
        const KIND: u8 = 201;
        const VERSION: u8 = 1;
        const NAME: &'static str = "all";
    }

    fn read(bytes: &[u8]) -> Result<All<'_>> {
        let mut body = Body::open::<All<'_>>(bytes)?;
        let all = All {
            byte: body.byte()?,
            flag: body.flag()?,
            wide: body.option(Body::integer)?,
            middle: body.integer()?,
            narrow: body.integer()?,
            signed: body.signed()?,
            array: body.array()?,
            bytes: body.bytes()?,
            text: body.text()?,
        };
        body.finish()?;
        Ok(all)
    }

    /// Reads by hand and by the derived decoder, and compares.
    #[track_caller]
    fn check(bytes: &[u8]) -> bool {
        let (ours, derived) = (read(bytes), decode::<All<'_>>(bytes));
        let codes = [ours.as_ref().err(), derived.as_ref().err()].map(|it| it.map(Error::code));
        assert_eq!(codes[0], codes[1], "{ours:?} {derived:?} {bytes:?}");
        assert_eq!(ours.ok(), derived.ok(), "{bytes:?}");
        codes[0].is_none()
    }

    fn all(number: u64) -> All<'static> {
        All {
            byte: 251,
            flag: true,
            wide: Some(number),
            middle: u32::try_from(number).unwrap_or(u32::MAX),
            narrow: u16::try_from(number).unwrap_or(u16::MAX),
            signed: number.cast_signed(),
            array: [1, 254, 255],
            bytes: &[0xff; 3],
            text: "\u{e9}",
        }
    }

    #[test]
    fn whatever_the_derived_decoder_reads_is_read_and_nothing_else() {
        let edges = [0, 1, 250, 251, 255, 256, 0xffff, 0x1_0000, 0xffff_ffff];
        let (mut taken, mut refused) = (0, 0);
        for number in edges.into_iter().chain([1 << 32, 1 << 63, u64::MAX]) {
            let bytes = encode(&all(number)).unwrap();
            assert!(check(&bytes));
            (0..bytes.len()).for_each(|len| assert!(!check(&bytes[..len])));
            assert!(!check(&[&bytes[..], &[0]].concat()));
            for at in 0..bytes.len() {
                for byte in 0..=255 {
                    let mut changed = bytes.clone();
                    changed[at] = byte;
                    match check(&changed) {
                        true => taken += 1,
                        false => refused += 1,
                    }
                }
            }
        }
        assert!(taken > 10_000 && refused > 10_000, "{taken} {refused}");
    }

    #[test]
    fn the_length_of_texts_is_known_before_they_are_read() {
        let texts = [0, 1, 250, 251, 65_535, 65_536].map(|len| "x".repeat(len));
        let mut bytes = vec![201, 1];
        for text in &texts {
            bytes.extend(encode(&Text(text)).unwrap().split_off(2));
        }
        let len = |bytes, count| Body::open::<All<'_>>(bytes).unwrap().texts_len(count);
        for count in 0..=texts.len() {
            let expected: usize = texts[..count].iter().map(String::len).sum();
            assert_eq!(len(&bytes, count), expected);
        }
        assert_eq!(len(&bytes, usize::MAX), len(&bytes, texts.len()));
        assert_eq!(len(&bytes[..bytes.len() - 1], 9), len(&bytes, 5));
        assert_eq!(len(&[&[201, 1], &[255; 9][..]].concat(), 1), 0);
    }

    #[derive(Encode)]
    struct Text<'a>(&'a str);

    impl Record for Text<'_> {
        const KIND: u8 = 202;
        const VERSION: u8 = 1;
        const NAME: &'static str = "text";
    }

    #[test]
    fn a_forged_count_is_refused() {
        let count = |bytes: &[u8], least| Body::open::<All<'_>>(bytes).unwrap().count(least);
        assert_eq!(count(&[201, 1, 2, 0, 0, 0, 0], 2).unwrap(), 2);
        assert!(count(&[201, 1, 3, 0, 0, 0, 0], 2).is_err());
        assert!(count(&[201, 1, 253, 0, 0, 0, 0, 0, 0, 0, 128], 1).is_err());
    }
}
