//! The log's append side: segments that grow by zeroed steps, records that are synced together.
//!
//! It refuses to guess: after a failed sync, or when a failed append cannot be taken back, it says
//! so and the owner stops writing.

use std::io;
use std::sync::Arc;

use super::frame::{SEGMENT_HEADER_LEN, SegmentHeader, WITNESS_LEN};
use crate::disk::{Disk, DiskFile, SyncSite, lacked_files};
use crate::error::{Error, ErrorCode, Result};
use crate::sum::sum64;

/// Directory of the segments.
pub(super) const LOG_DIR: &str = "log";
const STEP_BYTES: u64 = 256 << 10;
const SEGMENT_BYTES: u64 = 16 << 20;

/// Returns the path of a segment.
pub(super) fn segment_path(number: u64) -> String {
    format!("{LOG_DIR}/{number:016}.log")
}

/// Why an append failed.
#[derive(Debug)]
pub(super) enum AppendError {
    /// Nothing of it is left, the log goes on.
    Undone(Error),
    /// What is left of it is unknown: no more writes.
    Unknown(Error),
}

/// A segment that is kept.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kept {
    pub(super) number: u64,
    pub(super) first_seq: u64,
    pub(super) len_bytes: u64,
}

#[derive(Debug)]
struct Current {
    file: Arc<dyn DiskFile>,
    header: SegmentHeader,
    /// Where the next record goes.
    end: u64,
    /// Length of the file; zeros from `end` on.
    allocated: u64,
}

/// Appends records.
#[derive(Debug)]
pub(super) struct LogWriter {
    disk: Arc<dyn Disk>,
    current: Option<Current>,
    next_number: u64,
    next_seq: u64,
    synced_seq: u64,
    /// Random; seeds the salts of segments.
    salt: u64,
    /// Closed segments, ascending.
    kept: Vec<Kept>,
}

impl LogWriter {
    /// Makes a writer that goes on behind `last_seq`, in a new segment. Everything up to there is
    /// durable.
    pub(super) fn new(
        disk: Arc<dyn Disk>,
        kept: Vec<Kept>,
        next_number: u64,
        last_seq: u64,
        salt: u64,
    ) -> Self {
        Self {
            salt,
            disk,
            current: None,
            next_number,
            next_seq: last_seq + 1,
            synced_seq: last_seq,
            kept,
        }
    }

    /// Returns the number of the newest record.
    pub(super) fn last_seq(&self) -> u64 {
        self.next_seq - 1
    }

    /// Returns the bytes of all segments that are kept.
    pub(super) fn len_bytes(&self) -> u64 {
        let current = self.current.as_ref().map_or(0, |current| current.allocated);
        self.kept.iter().map(|kept| kept.len_bytes).sum::<u64>() + current
    }

    /// Appends a write set; returns the bytes that it took. It is durable after [`Self::sync`].
    pub(super) fn append(&mut self, set: &[u8]) -> Result<u64, AppendError> {
        let whole = set.len() as u64 + 64;
        match &self.current {
            Some(current) if current.end + whole <= SEGMENT_BYTES => {}
            Some(current) if current.end == SEGMENT_HEADER_LEN as u64 => {}
            _ => self.start_segment()?,
        }
        let Some(current) = &mut self.current else {
            let error = Error::new(ErrorCode::Internal, "log has no segment");
            return Err(AppendError::Unknown(error));
        };
        let record = current
            .header
            .encode_record(current.end, self.next_seq, self.synced_seq, set)
            .map_err(AppendError::Undone)?;
        if let Err(cause) = current.write(&record) {
            let error = Error::io(segment_path(current.header.number), cause);
            // A full disk is an ordinary day: the log is cut back to its last good end, durably,
            // so that no crash can bring the failed record to life.
            if error.code() != ErrorCode::StorageFull || current.cut_back().is_err() {
                return Err(AppendError::Unknown(error));
            }
            self.synced_seq = self.next_seq - 1;
            return Err(AppendError::Undone(error));
        }
        current.end += record.len() as u64;
        self.next_seq += 1;
        Ok(record.len() as u64)
    }

    /// Makes all records durable.
    pub(super) fn sync(&mut self) -> Result<()> {
        if let Some(current) = self
            .current
            .as_ref()
            .filter(|_| self.synced_seq + 1 < self.next_seq)
        {
            let synced = current.file.sync(SyncSite::Log);
            synced.map_err(|cause| Error::io(segment_path(current.header.number), cause))?;
            self.synced_seq = self.next_seq - 1;
            current.witness(self.next_seq, self.synced_seq);
        }
        Ok(())
    }

    fn start_segment(&mut self) -> Result<(), AppendError> {
        self.sync().map_err(AppendError::Unknown)?;
        let header = SegmentHeader {
            number: self.next_number,
            first_seq: self.next_seq,
            salt: sum64(self.salt, &self.next_number.to_le_bytes()),
        };
        let path = segment_path(header.number);
        let current = self.create(&path, header).map_err(|cause| {
            let error = Error::io(&path, cause);
            let removed = match self.disk.remove(&path) {
                Err(cause) => cause.kind() == io::ErrorKind::NotFound,
                Ok(()) => true,
            };
            // No record is in it yet: once it is gone nothing has happened.
            let may_pass = error.code() == ErrorCode::StorageFull || lacked_files(&error);
            match may_pass && removed {
                true => AppendError::Undone(error),
                false => AppendError::Unknown(error),
            }
        })?;
        self.next_number += 1;
        self.end_segment();
        self.current = Some(current);
        Ok(())
    }

    fn create(&self, path: &str, header: SegmentHeader) -> io::Result<Current> {
        let file = self.disk.create(path)?;
        let mut bytes = header.encode();
        bytes.resize(usize::try_from(STEP_BYTES).map_err(io::Error::other)?, 0);
        file.write_at(&bytes, 0)?;
        // The header is durable before the first record, so that a segment without a whole header
        // never held an acknowledged record.
        file.sync(SyncSite::LogDir)?;
        self.disk.sync_dir(LOG_DIR, SyncSite::LogDir)?;
        Ok(Current {
            file,
            header,
            end: SEGMENT_HEADER_LEN as u64,
            allocated: STEP_BYTES,
        })
    }

    /// Ends the open segment; the next append starts another.
    pub(super) fn end_segment(&mut self) {
        if let Some(current) = self.current.take() {
            self.kept.push(Kept {
                number: current.header.number,
                first_seq: current.header.first_seq,
                len_bytes: current.allocated,
            });
        }
    }

    /// Removes the closed segments whose records are all at or before `seq`.
    pub(super) fn trim(&mut self, seq: u64) {
        // A closed segment ends where the next begins.
        let behind = match &self.current {
            Some(current) => current.header.first_seq,
            None => self.next_seq,
        };
        let starts = self.kept.iter().skip(1).map(|kept| kept.first_seq);
        let ends = starts.chain([behind]).zip(&self.kept);
        let covered = ends.take_while(|(end, _)| *end <= seq + 1).count();
        for kept in self.kept.drain(..covered) {
            // A segment that stays behind is found and removed at the next open.
            let _ = self.disk.remove(&segment_path(kept.number));
        }
    }
}

impl Current {
    fn write(&mut self, record: &[u8]) -> io::Result<()> {
        let end = self.end + (record.len() + WITNESS_LEN) as u64;
        if end > self.allocated {
            let allocated = end.next_multiple_of(STEP_BYTES);
            let zeros =
                vec![0; usize::try_from(allocated - self.allocated).map_err(io::Error::other)?];
            self.file.write_at(&zeros, self.allocated)?;
            self.allocated = allocated;
        }
        self.file.write_at(record, self.end)
    }

    /// Writes behind the last record that it is durable, so that its rot is no torn tail. The next
    /// record takes the place. A hint: it is not synced, and what becomes of it is no matter.
    fn witness(&self, next_seq: u64, synced_seq: u64) {
        if self.end + WITNESS_LEN as u64 > self.allocated {
            return;
        }
        let encoded = self
            .header
            .encode_record(self.end, next_seq, synced_seq, &[]);
        let _ = encoded.map(|witness| self.file.write_at(&witness, self.end));
    }

    fn cut_back(&mut self) -> io::Result<()> {
        self.file.set_len(self.end)?;
        self.allocated = self.end;
        self.file.sync(SyncSite::Log)
    }
}
