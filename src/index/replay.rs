//! The log's read side: which records follow a point, where the log ends, and whether it may.
//!
//! A record that is not whole ends the log when it can be a write that a crash cut short. When a
//! later record, or a later segment, proves that it had been durable, it is damage and an error.

use std::sync::Arc;

use super::frame::{ALIGN, Record, SEGMENT_HEADER_LEN, SegmentHeader};
use super::log::{Kept, LOG_DIR, segment_path};
use crate::disk::{Access, Disk, SyncSite};
use crate::error::{Error, Result};

/// The segments of a log as they lie on the disk.
#[derive(Debug)]
pub(super) struct LogReader {
    disk: Arc<dyn Disk>,
    segments: Vec<Found>,
}

#[derive(Debug)]
struct Found {
    number: u64,
    len_bytes: u64,
    /// Nothing when the header is not whole.
    header: Option<SegmentHeader>,
}

impl LogReader {
    /// Lists the segments and reads their headers.
    pub(super) fn open(disk: Arc<dyn Disk>) -> Result<Self> {
        let mut segments = Vec::new();
        let names = match disk.list(LOG_DIR) {
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            listed => listed.map_err(|cause| Error::io("list log", cause))?,
        };
        for name in names {
            let Some(number) = name.strip_suffix(".log").and_then(|stem| stem.parse().ok()) else {
                continue;
            };
            let path = segment_path(number);
            let read = || {
                let file = disk.open(&path, Access::Read)?;
                let len_bytes = file.len()?;
                let mut bytes = vec![
                    0;
                    SEGMENT_HEADER_LEN.min(
                        usize::try_from(len_bytes).unwrap_or(SEGMENT_HEADER_LEN)
                    )
                ];
                file.read_at(&mut bytes, 0)?;
                Ok((len_bytes, bytes))
            };
            let (len_bytes, bytes) = read().map_err(|cause| Error::io(&path, cause))?;
            segments.push(Found {
                number,
                len_bytes,
                header: SegmentHeader::decode(&bytes, number)?,
            });
        }
        segments.sort_by_key(|found| found.number);
        Ok(Self { disk, segments })
    }

    /// Tells whether there is no segment.
    pub(super) fn is_empty(&self) -> bool {
        self.segments.is_empty()
    }

    /// Returns a number for the next segment.
    pub(super) fn next_number(&self) -> u64 {
        self.segments.last().map_or(1, |found| found.number + 1)
    }

    /// Returns the segments with a whole header.
    pub(super) fn kept(&self) -> Vec<Kept> {
        let kept = self.segments.iter().filter_map(|found| {
            Some(Kept {
                number: found.number,
                first_seq: found.header?.first_seq,
                len_bytes: found.len_bytes,
            })
        });
        kept.collect()
    }

    /// Makes durable what may stand in memory of the operating system alone: the records behind the
    /// last one that is known to be durable.
    ///
    /// They are written again first, because a sync that failed before, in a process that is gone,
    /// may have left them there as if they were on the disk.
    pub(super) fn secure_tail(&self) -> Result<()> {
        let last = self.segments.iter().rev();
        let last = last.filter_map(|found| Some((found, found.header?))).next();
        let Some((found, header)) = last else {
            return Ok(());
        };
        let bytes = self.read(found)?;
        let (mut at, mut synced_seq, mut records) = (SEGMENT_HEADER_LEN, 0, Vec::new());
        let decode = |at| header.decode_record(&bytes, at, 0..u64::MAX);
        while let Some(record) = decode(at).filter(|record| !record.is_witness()) {
            records.push((record.seq, at));
            (at, synced_seq) = (at + record.len, synced_seq.max(record.synced_seq));
        }
        let first = records.iter().find(|(seq, _)| *seq > synced_seq);
        let start = first.map_or(at, |(_, at)| *at);
        let used = bytes.iter().rposition(|byte| *byte != 0);
        let end = used.map_or(start, |used| used + 1).max(start);
        let path = segment_path(found.number);
        let secure = || {
            let file = self.disk.open(&path, Access::Write)?;
            file.write_at(&bytes[start..end], start as u64)?;
            file.sync(SyncSite::Log)
        };
        secure().map_err(|cause| Error::io(&path, cause))
    }

    /// Removes segments that a crash left without a header, which never held a record.
    pub(super) fn remove_unfinished(&self) -> Result<()> {
        for found in self.segments.iter().filter(|found| found.header.is_none()) {
            let path = segment_path(found.number);
            let removed = self.disk.remove(&path);
            removed.map_err(|cause| Error::io(&path, cause))?;
        }
        Ok(())
    }

    /// Lends every record behind `after` to `f`, in order; returns the number of the last record,
    /// or `after` if there is none.
    ///
    /// `progress` hears bytes that were read and bytes in all.
    pub(super) fn records(
        &self,
        after: u64,
        progress: &mut dyn FnMut(u64, u64),
        f: &mut dyn FnMut(Record<'_>) -> Result<()>,
    ) -> Result<u64> {
        let start = self.segments.iter().rposition(|found| {
            found
                .header
                .is_some_and(|header| header.first_seq <= after + 1)
        });
        let rest = &self.segments[start.unwrap_or(0)..];
        let total = rest.iter().map(|found| found.len_bytes).sum();
        let mut read = 0;
        let mut last = after;
        for (at, found) in rest.iter().enumerate() {
            let bytes = self.read(found)?;
            let next = rest[at + 1..].iter().find_map(|next| next.header);
            match found.header {
                Some(header) if header.first_seq > last + 1 => {
                    return Err(missing(last + 1, header.number, 0));
                }
                Some(header) => {
                    let limit = next.map(|next| next.first_seq);
                    last = Walk {
                        header,
                        bytes: &bytes,
                        limit,
                        last,
                    }
                    .run(f)?;
                }
                None if bytes.iter().skip(SEGMENT_HEADER_LEN).any(|byte| *byte != 0) => {
                    let path = segment_path(found.number);
                    return Err(Error::corrupt(format!("{path}: header is damaged")));
                }
                None => {}
            }
            read += found.len_bytes;
            progress(read, total);
        }
        Ok(last)
    }

    fn read(&self, found: &Found) -> Result<Vec<u8>> {
        let path = segment_path(found.number);
        let read = || {
            let file = self.disk.open(&path, Access::Read)?;
            let len = usize::try_from(file.len()?).map_err(std::io::Error::other)?;
            let mut bytes = vec![0; len];
            file.read_at(&mut bytes, 0)?;
            Ok(bytes)
        };
        read().map_err(|cause| Error::io(&path, cause))
    }
}

/// One segment on the way.
struct Walk<'a> {
    header: SegmentHeader,
    bytes: &'a [u8],
    /// First record of the next segment: what is not before it was never acknowledged.
    limit: Option<u64>,
    /// Newest record that is in hand.
    last: u64,
}

impl<'a> Walk<'a> {
    fn run(mut self, f: &mut dyn FnMut(Record<'_>) -> Result<()>) -> Result<u64> {
        let mut offset = SEGMENT_HEADER_LEN;
        let mut expected = self.header.first_seq;
        loop {
            let record = self.decode(offset, expected, expected + 1);
            let Some(record) = record.filter(|record| !record.is_witness()) else {
                match self.resume(offset, expected)? {
                    Some((at, seq)) => (offset, expected) = (at, seq),
                    None => break,
                }
                continue;
            };
            if record.seq > self.last {
                f(record)?;
                self.last = record.seq;
            }
            offset += record.len;
            expected = record.seq + 1;
        }
        match self.limit {
            // The next segment was begun only when all records before it were durable.
            Some(limit) if limit > self.last + 1 => Err(self.missing(offset, expected)),
            _ => Ok(self.last),
        }
    }

    /// Returns the record or witness at `offset` if its number lies within the bounds.
    fn decode(&self, offset: usize, from: u64, to: u64) -> Option<Record<'a>> {
        let to = to.min(self.limit.unwrap_or(u64::MAX));
        self.header.decode_record(self.bytes, offset, from..to)
    }

    /// Looks behind a place without a whole record. Returns where to go on when what is lost is in
    /// hand already, nothing when the log ends here, and an error when the log went on.
    fn resume(&self, offset: usize, expected: u64) -> Result<Option<(usize, u64)>> {
        let needed = expected.max(self.last + 1);
        let mut at = offset + ALIGN;
        while at < self.bytes.len() {
            let Some(record) = self.decode(at, expected + 1, u64::MAX) else {
                at += ALIGN;
                continue;
            };
            if record.seq <= needed {
                return Ok(Some((at, record.seq)));
            }
            if record.synced_seq >= needed {
                return Err(self.missing(offset, expected));
            }
            at += record.len;
        }
        Ok(None)
    }

    fn missing(&self, offset: usize, seq: u64) -> Error {
        missing(seq, self.header.number, offset)
    }
}

fn missing(seq: u64, segment: u64, offset: usize) -> Error {
    Error::corrupt(format!(
        "{}: record {seq} is missing or damaged at offset {offset}",
        segment_path(segment)
    ))
}
