//! The codec of records: an envelope of kind and version around a bincode body.
//!
//! The only folder that knows bincode. Stored bytes are input: decoding never panics, allocates at
//! most a fixed multiple of what it was given, takes the whole input and accepts only what encoding
//! would have written. The checksum is not here; `kv` adds it to every value.
//!
//! ```text
//! [kind u8][version u8][body: little-endian varints, bincode 2 "standard"]
//! ```

mod body;

use bincode::config::{self, Configuration, Limit, LittleEndian, Varint};
use bincode::de::read::{BorrowReader, Reader};
use bincode::de::{BorrowDecoder, DecoderImpl};
use bincode::enc::write::Writer;
use bincode::error::{DecodeError, EncodeError};
pub(crate) use bincode::{BorrowDecode, Encode};
pub(crate) use body::Body;

use crate::error::{Error, ErrorCode, Result};

/// Longest record, in bytes. The limits of the rooms above keep what hosts write below it.
pub(crate) const RECORD_MAX_BYTES: usize = 16 << 20;
/// Length of kind and version.
const HEAD_LEN: usize = 2;

/// The kinds of records. A number is never used for anything else again.
pub(crate) mod kind {
    /// An image.
    pub(crate) const IMAGE: u8 = 1;
    /// What remains of a deleted image.
    pub(crate) const TOMBSTONE: u8 = 2;
    /// A project that an image is shared with.
    pub(crate) const MEMBER: u8 = 3;
    /// A task.
    pub(crate) const TASK: u8 = 4;
    /// Data that is staged for an import.
    pub(crate) const STAGED: u8 = 5;
    /// A copy of data in the cache.
    pub(crate) const CACHED: u8 = 6;
    /// Where a chunk lies.
    pub(crate) const CHUNK: u8 = 16;
    /// A pack.
    pub(crate) const PACK: u8 = 17;
    /// An upload that runs.
    pub(crate) const SESSION: u8 = 18;
    /// References to be given back.
    pub(crate) const RELEASE: u8 = 19;
}

/// A stored form. Derive `Encode` and `Decode` (`BorrowDecode` where it borrows), then name it.
///
/// No `usize`, no hash map, no collection of a type without size, no float.
pub(crate) trait Record: Encode {
    /// First byte, from [`kind`].
    const KIND: u8;
    /// Second byte: the version that is written, and the newest that is read. From 1 on.
    const VERSION: u8;
    /// What messages call it.
    const NAME: &'static str;

    /// Tests what the types alone don't say; the message tells what was found and expected.
    fn check(&self) -> Result<(), String> {
        Ok(())
    }
}

/// Returns the bytes of a record.
///
/// # Errors
/// `Internal` when it breaks its own rules or is longer than [`RECORD_MAX_BYTES`].
pub(crate) fn encode<R: Record>(record: &R) -> Result<Vec<u8>> {
    let internal = |what: String| Error::new(ErrorCode::Internal, format!("{}: {what}", R::NAME));
    record.check().map_err(internal)?;
    let mut out = Out(Vec::with_capacity(128));
    out.0.extend_from_slice(&[R::KIND, R::VERSION]);
    bincode::encode_into_writer(record, &mut out, config::standard())
        .map_err(|error| internal(error.to_string()))?;
    let len = out.0.len();
    if len > RECORD_MAX_BYTES {
        return Err(internal(format!(
            "record is {len} bytes, limit {RECORD_MAX_BYTES}"
        )));
    }
    Ok(out.0)
}

/// Reads a record, borrowing from the bytes where its type does.
///
/// # Errors
/// `NewerFormat` for a version that a newer release wrote, else `Corrupt` with what was found and
/// expected.
pub(crate) fn decode<'a, R>(bytes: &'a [u8]) -> Result<R>
where
    R: Record + BorrowDecode<'a, ()>,
{
    let body = open::<R>(bytes)?;
    // The limit counts memory, and no element takes more than 32 times its shortest encoding.
    let record: R = match body.len() {
        ..0x1001 => read::<R, 0x2_0000>(body)?,
        0x1001..0x1_0001 => read::<R, 0x20_0000>(body)?,
        0x1_0001..0x10_0001 => read::<R, 0x200_0000>(body)?,
        _ => read::<R, 0x2000_0000>(body)?,
    };
    record.check().map_err(|what| corrupt::<R>(what))?;
    Ok(record)
}

/// Makes the error for a record that is damaged.
pub(crate) fn corrupt<R: Record>(what: impl std::fmt::Display) -> Error {
    Error::corrupt(format!("{} record: {what}", R::NAME))
}

/// Tests kind, version and length, and returns the body.
fn open<R: Record>(bytes: &[u8]) -> Result<&[u8]> {
    let [kind, version, body @ ..] = bytes else {
        let len = bytes.len();
        return Err(corrupt::<R>(format!(
            "{len} bytes found, at least {HEAD_LEN} expected"
        )));
    };
    if *kind != R::KIND {
        return Err(corrupt::<R>(format!(
            "kind {kind} found, {} expected",
            R::KIND
        )));
    }
    if *version == 0 {
        return Err(corrupt::<R>("version 0 found, 1 or more expected"));
    }
    if *version > R::VERSION {
        let message = format!(
            "{} record has version {version}, newest known {}",
            R::NAME,
            R::VERSION
        );
        return Err(Error::new(ErrorCode::NewerFormat, message));
    }
    if bytes.len() > RECORD_MAX_BYTES {
        let len = bytes.len();
        return Err(corrupt::<R>(format!(
            "{len} bytes found, limit {RECORD_MAX_BYTES}"
        )));
    }
    Ok(body)
}

type Bounded<const N: usize> = Configuration<LittleEndian, Varint, Limit<N>>;

/// Reads a body, which must end where the record ends, within `N` bytes of memory.
fn read<'a, R, const N: usize>(body: &'a [u8]) -> Result<R>
where
    R: Record + BorrowDecode<'a, ()>,
{
    let config: Bounded<N> = config::standard().with_limit::<N>();
    let len = body.len();
    let mut decoder = DecoderImpl::new(Strict::new(body), config, ());
    let record = R::borrow_decode(&mut decoder)
        .map_err(|error| corrupt::<R>(format!("body of {len} bytes: {error}")))?;
    let read = decoder.borrow_reader();
    if let Some(rest) = read.wide {
        let at = HEAD_LEN + len - rest;
        let len = HEAD_LEN + len;
        return Err(corrupt::<R>(format!(
            "not in its canonical form at byte {at} of {len}"
        )));
    }
    if !read.rest.is_empty() {
        let used = len - read.rest.len();
        return Err(corrupt::<R>(format!(
            "body of {len} bytes found, {used} expected"
        )));
    }
    Ok(record)
}

/// Writes to a vector.
struct Out(Vec<u8>);

impl Writer for Out {
    fn write(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}

/// Reads from a slice, and notes the first integer that is wider than its number needs: nothing
/// else in a body can be written in two ways.
///
/// Where a whole integer of the widest kind is at hand, bincode looks at it and then steps over what
/// it was; near the end it reads its mark, a single byte, and then the rest. It reads nothing else
/// in such steps. The fuzz target `record` and the tests below would see it change.
struct Strict<'a> {
    rest: &'a [u8],
    /// The mark of an integer of which the rest is to be read.
    mark: u8,
    /// How many bytes were left at the first integer that is too wide.
    wide: Option<usize>,
}

impl<'a> Strict<'a> {
    fn new(rest: &'a [u8]) -> Self {
        Self {
            rest,
            mark: 0,
            wide: None,
        }
    }

    #[inline]
    fn note(&mut self, mark: u8, number: &[u8], left: usize) {
        let narrow = match (mark, number.len()) {
            (251, 2) => number[1] == 0 && number[0] < 251,
            (252, 4) => number[2..] == [0; 2],
            (253, 8) => number[4..] == [0; 4],
            _ => false,
        };
        if narrow && self.wide.is_none() {
            self.wide = Some(left);
        }
    }
}

impl Reader for Strict<'_> {
    #[inline]
    fn read(&mut self, out: &mut [u8]) -> Result<(), DecodeError> {
        let left = self.rest.len();
        let mark = std::mem::take(&mut self.mark);
        let bytes = self.take_bytes(out.len())?;
        out.copy_from_slice(bytes);
        match bytes {
            [byte] => self.mark = *byte,
            _ => self.note(mark, bytes, left + 1),
        }
        Ok(())
    }

    #[inline]
    fn peek_read(&mut self, len: usize) -> Option<&[u8]> {
        self.rest.get(..len)
    }

    #[inline]
    fn consume(&mut self, len: usize) {
        let left = self.rest.len();
        let (bytes, rest) = self.rest.split_at_checked(len).unwrap_or((self.rest, &[]));
        self.rest = rest;
        self.mark = 0;
        if let [mark, number @ ..] = bytes
            && len > 1
        {
            self.note(*mark, number, left);
        }
    }
}

impl<'a> BorrowReader<'a> for Strict<'a> {
    #[inline]
    fn take_bytes(&mut self, len: usize) -> Result<&'a [u8], DecodeError> {
        self.mark = 0;
        let Some((bytes, rest)) = self.rest.split_at_checked(len) else {
            let additional = len - self.rest.len();
            return Err(DecodeError::UnexpectedEnd { additional });
        };
        self.rest = rest;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use bincode::Decode;

    use super::*;

    #[derive(Debug, PartialEq, Encode, Decode)]
    struct Small {
        number: u64,
        text: Option<String>,
        list: Vec<u32>,
    }

    impl Record for Small {
        const KIND: u8 = 200;
        const VERSION: u8 = 2;
        const NAME: &'static str = "small";

        fn check(&self) -> Result<(), String> {
            match self.number {
                13 => Err("number 13 found, any other expected".to_owned()),
                _ => Ok(()),
            }
        }
    }

    fn small(number: u64) -> Small {
        Small {
            number,
            text: Some("ab".to_owned()),
            list: vec![1, 300],
        }
    }

    #[track_caller]
    fn check(bytes: &[u8], code: ErrorCode, text: &str) {
        let error = decode::<Small>(bytes).unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert!(error.to_string().contains(text), "{error}");
    }

    #[test]
    fn a_record_is_kind_version_and_body() {
        let bytes = encode(&small(7)).unwrap();
        assert_eq!(bytes, [200, 2, 7, 1, 2, b'a', b'b', 2, 1, 251, 44, 1]);
        assert_eq!(decode::<Small>(&bytes).unwrap(), small(7));
    }

    #[test]
    fn whatever_encoding_would_not_write_is_refused() {
        use ErrorCode::{Corrupt, NewerFormat};
        check(&[], Corrupt, "0 bytes found");
        check(&[200], Corrupt, "1 bytes found");
        check(&[1, 1, 0, 0, 0], Corrupt, "kind 1 found, 200 expected");
        check(&[200, 0, 0, 0, 0], Corrupt, "version 0");
        check(&[200, 3, 0, 0, 0], NewerFormat, "version 3, newest known 2");
        check(
            &[200, 2, 0, 0, 0, 9],
            Corrupt,
            "body of 4 bytes found, 3 expected",
        );
        check(&[200, 2, 0, 0], Corrupt, "body of 2 bytes");
        check(
            &[200, 2, 251, 7, 0, 0, 0],
            Corrupt,
            "canonical form at byte 2 of 7",
        );
        check(&[200, 2, 0, 2, 0], Corrupt, "body of 3 bytes");
        check(&[200, 2, 0, 1, 1, 0xff, 0], Corrupt, "body of 5 bytes");
        check(&[200, 2, 13, 0, 0], Corrupt, "number 13 found");
        assert_eq!(encode(&small(13)).unwrap_err().code(), ErrorCode::Internal);
    }

    #[test]
    fn an_integer_wider_than_its_number_needs_is_refused_wherever_it_stands() {
        let number = |number: u64, width: usize| match width {
            1 => vec![number.to_le_bytes()[0]],
            _ => {
                let mark = 250 + u8::try_from(width.ilog2()).unwrap();
                [&[mark], &number.to_le_bytes()[..width]].concat()
            }
        };
        let needs = |number: u64| match number {
            ..251 => 1,
            251..0x1_0000 => 2,
            0x1_0000..0x1_0000_0000 => 4,
            _ => 8,
        };
        let edges = [0, 1, 250, 251, 252, 255, 256, 0xffff, 0x1_0000];
        let edges = edges
            .into_iter()
            .chain([0xffff_ffff, 0x1_0000_0000, u64::MAX]);
        let mut refused = 0;
        for value in edges {
            for width in [1, 2, 4, 8] {
                if width < needs(value) {
                    continue;
                }
                let far = [&[200, 2][..], &number(value, width), &[1, 1, b'a', 2, 3, 4]].concat();
                let near = [&[200, 2][..], &number(value, width), &[0, 0]].concat();
                let mut found = vec![far, near];
                if value <= u64::from(u32::MAX) && width < 8 {
                    // As the last thing of all, and as a length.
                    found.push([&[200, 2, 9, 0, 1][..], &number(value, width)].concat());
                }
                for bytes in found {
                    match decode::<Small>(&bytes) {
                        Ok(read) => {
                            assert_eq!(width, needs(value), "{bytes:?}");
                            assert_eq!(encode(&read).unwrap(), bytes);
                        }
                        Err(error) => {
                            assert_ne!(width, needs(value), "{bytes:?}: {error}");
                            assert!(error.message().contains("canonical"), "{error}");
                            refused += 1;
                        }
                    }
                }
            }
        }
        assert!(refused > 40, "{refused}");
        check(
            &[200, 2, 9, 0, 251, 0, 0],
            ErrorCode::Corrupt,
            "byte 4 of 7",
        );
    }

    #[test]
    fn a_forged_length_is_refused_before_memory_is_taken() {
        let huge = [253, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f];
        let list = [&[200, 2, 0, 0], &huge[..]].concat();
        check(&list, ErrorCode::Corrupt, "body of 11 bytes");
        let text = [&[200, 2, 0, 1], &huge[..]].concat();
        check(&text, ErrorCode::Corrupt, "body of 11 bytes");
    }
}
