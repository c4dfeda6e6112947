//! The bytes of the log: segment header, record, write set. Pure encoding, no files.
//!
//! A record's sum is seeded with a salt of its segment, the segment's number and the record's
//! offset, so that neither stale bytes nor bytes that a tenant chose can pass for a record.

use crate::error::{Error, ErrorCode, Result};
use crate::index::Table;
use crate::sum::sum64;

const MAGIC: [u8; 8] = *b"smaltlog";
const VERSION: u32 = 1;
const SEGMENT_SUM_AT: usize = 56;

/// Length of the segment header with its padding; the first record stands here.
pub(super) const SEGMENT_HEADER_LEN: usize = 4096;
/// Bytes of a record before its payload.
const HEAD_LEN: usize = 24;
const SUM_LEN: usize = 8;
/// Records start at multiples of this.
pub(super) const ALIGN: usize = 8;
/// Length of a witness: a record without a payload.
pub(super) const WITNESS_LEN: usize = HEAD_LEN + SUM_LEN;
/// Longest write set of one record, in bytes.
pub(super) const WRITE_SET_MAX_BYTES: usize = 256 << 20;

/// What a segment header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SegmentHeader {
    pub(super) number: u64,
    /// Sequence number of the first record; all earlier ones stand in earlier segments.
    pub(super) first_seq: u64,
    pub(super) salt: u64,
}

impl SegmentHeader {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(SEGMENT_HEADER_LEN);
        bytes.extend(MAGIC);
        bytes.extend(VERSION.to_le_bytes());
        bytes.extend([0; 4]);
        bytes.extend(self.number.to_le_bytes());
        bytes.extend(self.first_seq.to_le_bytes());
        bytes.extend(self.salt.to_le_bytes());
        bytes.resize(SEGMENT_SUM_AT, 0);
        bytes.extend(sum64(u64::from(VERSION), &bytes).to_le_bytes());
        bytes.resize(SEGMENT_HEADER_LEN, 0);
        bytes
    }

    /// Returns what the header says, or nothing when it is not whole; a newer version is an error.
    pub(super) fn decode(bytes: &[u8], number: u64) -> Result<Option<Self>> {
        let Some(bytes) = bytes.get(..SEGMENT_SUM_AT + SUM_LEN) else {
            return Ok(None);
        };
        let version = read_u32(bytes, 8);
        let sum = sum64(u64::from(version), &bytes[..SEGMENT_SUM_AT]);
        if bytes[..8] != MAGIC || sum != read_u64(bytes, SEGMENT_SUM_AT) {
            return Ok(None);
        }
        if version > VERSION {
            let message = format!("log segment {number} has version {version}, newest {VERSION}");
            return Err(Error::new(ErrorCode::NewerFormat, message));
        }
        let header = Self {
            number: read_u64(bytes, 16),
            first_seq: read_u64(bytes, 24),
            salt: read_u64(bytes, 32),
        };
        Ok((header.number == number).then_some(header))
    }

    fn seed(&self, offset: u64) -> u64 {
        self.salt ^ self.number.rotate_left(40) ^ offset
    }

    /// Returns a record as it stands at `offset`, with its sum. One without a payload is a witness:
    /// it stands in the place of the record `seq`, which is not there yet.
    pub(super) fn encode_record(
        &self,
        offset: u64,
        seq: u64,
        synced_seq: u64,
        payload: &[u8],
    ) -> Result<Vec<u8>> {
        let len = u32::try_from(payload.len()).ok();
        let Some(len) = len.filter(|_| payload.len() <= WRITE_SET_MAX_BYTES) else {
            let message = format!(
                "write set is {} bytes, limit {WRITE_SET_MAX_BYTES}",
                payload.len()
            );
            return Err(Error::new(ErrorCode::Internal, message));
        };
        let mut bytes = Vec::with_capacity(record_len(payload.len()));
        let head = [u64::from(len), seq, synced_seq];
        bytes.extend(len.to_le_bytes());
        bytes.extend(head_check(self.seed(offset), head).to_le_bytes());
        bytes.extend(seq.to_le_bytes());
        bytes.extend(synced_seq.to_le_bytes());
        bytes.extend(payload);
        bytes.resize(bytes.len().next_multiple_of(ALIGN), 0);
        bytes.extend(sum64(self.seed(offset), &bytes).to_le_bytes());
        Ok(bytes)
    }

    /// Returns the record or witness at `offset` of a segment's bytes, if a whole one with a sequence
    /// number within `seqs` stands there.
    pub(super) fn decode_record<'a>(
        &self,
        segment: &'a [u8],
        offset: usize,
        seqs: std::ops::Range<u64>,
    ) -> Option<Record<'a>> {
        let bytes = segment.get(offset..)?;
        let head = bytes.get(..HEAD_LEN)?;
        let (len, check) = (read_u32(head, 0), read_u32(head, 4));
        let (seq, synced_seq) = (read_u64(head, 8), read_u64(head, 16));
        let seed = self.seed(offset as u64);
        if !seqs.contains(&seq) || check != head_check(seed, [u64::from(len), seq, synced_seq]) {
            return None;
        }
        let payload_len = usize::try_from(len).ok()?;
        let len = record_len(payload_len);
        let record = bytes.get(..len)?;
        let (body, sum) = record.split_at(len - SUM_LEN);
        if sum64(seed, body) != read_u64(sum, 0) {
            return None;
        }
        Some(Record {
            seq,
            synced_seq,
            payload: &body[HEAD_LEN..HEAD_LEN + payload_len],
            len,
        })
    }
}

/// A record of the log: the write set of the transactions that were committed together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Record<'a> {
    pub(super) seq: u64,
    /// The newest record that was known to be durable when this one was appended.
    pub(super) synced_seq: u64,
    /// Nothing in a witness.
    pub(super) payload: &'a [u8],
    /// Length of the whole record in the segment.
    pub(super) len: usize,
}

impl Record<'_> {
    /// Tells whether it only says what was durable.
    pub(super) fn is_witness(&self) -> bool {
        self.payload.is_empty()
    }
}

/// Returns the check of a record's head, which lets a search for records pass over bytes that only
/// look like one without summing what would be their payload.
#[expect(clippy::cast_possible_truncation, reason = "half of the sum is wanted")]
fn head_check(seed: u64, head: [u64; 3]) -> u32 {
    let mut bytes = [0; 24];
    for (to, word) in bytes.chunks_exact_mut(8).zip(head) {
        to.copy_from_slice(&word.to_le_bytes());
    }
    sum64(!seed, &bytes) as u32
}

fn record_len(payload_len: usize) -> usize {
    (HEAD_LEN + payload_len).next_multiple_of(ALIGN) + SUM_LEN
}

/// Bytes of a change before its key.
const CHANGE_HEAD_LEN: usize = 10;

/// One change of a write set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change<'a> {
    Put(Table, &'a [u8], &'a [u8]),
    Delete(Table, &'a [u8]),
}

impl<'a> Change<'a> {
    /// Returns how long a change is in a write set, by the lengths of its key and value.
    pub(super) fn len(key_len: usize, value_len: usize) -> usize {
        CHANGE_HEAD_LEN + key_len + value_len
    }

    /// Appends the change to a write set.
    pub(super) fn encode(self, set: &mut Vec<u8>) -> Result<()> {
        let (kind, table, key, value) = match self {
            Self::Put(table, key, value) => (0, table, key, value),
            Self::Delete(table, key) => (1, table, key, &[][..]),
        };
        set.reserve(Self::len(key.len(), value.len()));
        set.extend([kind, table as u8]);
        for part in [key, value] {
            let len = u32::try_from(part.len()).map_err(|_| {
                let message = format!("key or value is {} bytes, limit {}", part.len(), u32::MAX);
                Error::new(ErrorCode::Internal, message)
            })?;
            set.extend(len.to_le_bytes());
        }
        set.extend(key);
        set.extend(value);
        Ok(())
    }

    /// Splits the first change off a write set.
    pub(super) fn decode(set: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (head, rest) = set.split_at_checked(CHANGE_HEAD_LEN)?;
        let table = Table::ALL.get(usize::from(head[1])).copied()?;
        let (key, rest) = rest.split_at_checked(usize::try_from(read_u32(head, 2)).ok()?)?;
        let (value, rest) = rest.split_at_checked(usize::try_from(read_u32(head, 6)).ok()?)?;
        match head[0] {
            0 => Some((Self::Put(table, key, value), rest)),
            1 if value.is_empty() => Some((Self::Delete(table, key), rest)),
            _ => None,
        }
    }
}

/// Reads four bytes at a place that the caller has checked.
pub(super) fn read_u32(bytes: &[u8], at: usize) -> u32 {
    let mut word = [0; 4];
    word.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(word)
}

/// Reads eight bytes at a place that the caller has checked.
pub(super) fn read_u64(bytes: &[u8], at: usize) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(word)
}

/// Returns the sum of a stored value: over table, key and value, with the border between the last
/// two in it.
pub(super) fn value_sum(table: Table, key: &[u8], value: &[u8]) -> u64 {
    sum64(sum64(table as u64, key), value)
}
