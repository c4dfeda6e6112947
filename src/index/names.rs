//! Snapshots of the names: what cannot be rebuilt from packs, in a form that needs no redb.
//!
//! A snapshot and the log behind it hold every name. `restore` reads both when the index is lost;
//! log segments go only when a durable snapshot covers them.

use std::collections::BTreeMap;
use std::ops::{Bound, ControlFlow};
use std::sync::Arc;

use super::frame::{Change, read_u32, read_u64};
use super::replay::LogReader;
use crate::disk::{Access, Disk, DiskFile, SyncSite};
use crate::error::{Error, ErrorCode, Result};
use crate::index::{Get, Order, Table};
use crate::sum::sum64;

/// Directory of the snapshots.
pub(super) const NAMES_DIR: &str = "names";
const MAGIC: [u8; 8] = *b"smaltnam";
const VERSION: u32 = 1;
const HEADER_LEN: usize = 32;
const ENTRY_HEAD_LEN: usize = 9;
const SUM_LEN: usize = 8;
const END: u8 = 0xff;
const BUFFER_LEN: usize = 1 << 20;

fn path(seq: u64) -> String {
    format!("{NAMES_DIR}/{seq:016}.names")
}

/// A snapshot that is durable.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Snapshot {
    /// The newest log record that it holds.
    pub(super) seq: u64,
    /// Its length.
    pub(super) len_bytes: u64,
}

/// Returns the numbers of the snapshots, ascending, and removes what a crash left half written.
pub(super) fn list(disk: &dyn Disk, access: Access) -> Result<Vec<u64>> {
    let names = match disk.list(NAMES_DIR) {
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        listed => listed.map_err(|cause| Error::io("list names", cause))?,
    };
    let mut seqs = Vec::new();
    for name in names {
        match name.strip_suffix(".names").map(str::parse) {
            Some(Ok(seq)) => seqs.push(seq),
            _ if access == Access::Write && name.ends_with(".tmp") => {
                let _ = disk.remove(&format!("{NAMES_DIR}/{name}"));
            }
            _ => {}
        }
    }
    seqs.sort_unstable();
    Ok(seqs)
}

/// Returns the newest snapshot by name; the file is not read.
pub(super) fn newest(disk: &dyn Disk, access: Access) -> Result<Snapshot> {
    let Some(seq) = list(disk, access)?.pop() else {
        return Ok(Snapshot::default());
    };
    let len = disk
        .open(&path(seq), Access::Read)
        .and_then(|file| file.len());
    let len_bytes = len.map_err(|cause| Error::io(path(seq), cause))?;
    Ok(Snapshot { seq, len_bytes })
}

/// Makes the names of the snapshots durable.
pub(super) fn sync_dir(disk: &dyn Disk) -> Result<()> {
    let synced = disk.sync_dir(NAMES_DIR, SyncSite::Names);
    synced.map_err(|cause| Error::io("sync names", cause))
}

/// Writes a snapshot of the names in `view`, which hold all records up to `seq`, makes it durable,
/// and then removes older ones.
pub(super) fn write(disk: &dyn Disk, view: &dyn Get, seq: u64) -> Result<Snapshot> {
    let (done, temporary) = (path(seq), format!("{NAMES_DIR}/{seq:016}.tmp"));
    let _ = disk.remove(&temporary);
    let written = write_file(disk, &temporary, view, seq);
    let len_bytes = written.inspect_err(|_| {
        let _ = disk.remove(&temporary);
    })?;
    let named = disk
        .rename(&temporary, &done)
        .and_then(|()| disk.sync_dir(NAMES_DIR, SyncSite::Names));
    named.map_err(|cause| Error::io(&done, cause))?;
    for older in list(disk, Access::Write)? {
        if older < seq {
            let _ = disk.remove(&path(older));
        }
    }
    Ok(Snapshot { seq, len_bytes })
}

fn write_file(disk: &dyn Disk, path: &str, view: &dyn Get, seq: u64) -> Result<u64> {
    let io = |cause| Error::io(path, cause);
    let file = disk.create(path).map_err(io)?;
    let mut out = Out::new(file, seq);
    for table in Table::NAMES {
        let mut failed = Ok(());
        let all = Bound::Unbounded;
        view.scan(table, all, all, Order::Ascending, &mut |key, value| {
            failed = out.entry(table as u8, key, value);
            match failed {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(()),
            }
        })?;
        failed.map_err(io)?;
    }
    let count = out.count.to_le_bytes();
    out.entry(END, &count, &[]).map_err(io)?;
    out.flush().map_err(io)?;
    out.file.sync(SyncSite::Names).map_err(io)?;
    Ok(out.offset)
}

struct Out {
    file: Arc<dyn DiskFile>,
    seq: u64,
    count: u64,
    offset: u64,
    buffer: Vec<u8>,
}

impl Out {
    fn new(file: Arc<dyn DiskFile>, seq: u64) -> Self {
        let mut buffer = Vec::with_capacity(BUFFER_LEN);
        buffer.extend(MAGIC);
        buffer.extend(VERSION.to_le_bytes());
        buffer.extend([0; 4]);
        buffer.extend(seq.to_le_bytes());
        buffer.extend(sum64(u64::from(VERSION), &buffer).to_le_bytes());
        Self {
            file,
            seq,
            count: 0,
            offset: 0,
            buffer,
        }
    }

    fn entry(&mut self, table: u8, key: &[u8], value: &[u8]) -> std::io::Result<()> {
        let start = self.buffer.len();
        self.buffer.push(table);
        for part in [key, value] {
            let len = u32::try_from(part.len()).map_err(std::io::Error::other)?;
            self.buffer.extend(len.to_le_bytes());
        }
        self.buffer.extend(key);
        self.buffer.extend(value);
        let sum = sum64(seed(self.seq, self.count), &self.buffer[start..]);
        self.buffer.extend(sum.to_le_bytes());
        self.count += 1;
        if self.buffer.len() >= BUFFER_LEN {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.write_at(&self.buffer, self.offset)?;
        self.offset += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }
}

fn seed(seq: u64, count: u64) -> u64 {
    seq.rotate_left(32) ^ count
}

/// What hears of a name.
pub(crate) type Hear<'h> = dyn FnMut(Table, &[u8], &[u8]) -> Result<()> + 'h;

/// Lends every name that snapshot and log hold to `f`, by table and key; returns the newest record
/// that they hold.
///
/// # Errors
///
/// `Corrupt` when no whole snapshot reaches the log, or when the log is damaged.
pub(crate) fn restore(disk: &Arc<dyn Disk>, f: &mut Hear<'_>) -> Result<u64> {
    let mut damage = None;
    let mut whole = None;
    for seq in list(&**disk, Access::Read)?.into_iter().rev() {
        match read(&**disk, seq, &mut |_, _, _| Ok(())) {
            Ok(()) => {
                whole = Some(seq);
                break;
            }
            Err(error) if error.code() == ErrorCode::Corrupt => damage = Some(error),
            Err(error) => return Err(error),
        }
    }
    let log = LogReader::open(Arc::clone(disk))?;
    let (mut changes, last) = match (changes(&log, whole.unwrap_or(0)), damage) {
        (Ok(found), _) if whole.is_some() || !log.is_empty() => found,
        (Ok(_), None) => return Err(Error::corrupt("neither a snapshot of names nor a log")),
        (_, Some(damage)) => return Err(damage),
        (Err(error), None) => return Err(error),
    };
    if let Some(seq) = whole {
        read(&**disk, seq, &mut |table, key, value| {
            // What the log changed is lent below.
            match changes.contains_key(&(table, key.to_vec())) {
                true => Ok(()),
                false => f(table, key, value),
            }
        })?;
    }
    changes.retain(|_, value| value.is_some());
    for ((table, key), value) in &changes {
        f(*table, key, value.as_deref().unwrap_or_default())?;
    }
    Ok(last)
}

type Changes = BTreeMap<(Table, Vec<u8>), Option<Vec<u8>>>;

/// Returns what the log did to names behind `after`, and its last record.
fn changes(log: &LogReader, after: u64) -> Result<(Changes, u64)> {
    let mut changes = Changes::new();
    let last = log.records(after, &mut |_, _| {}, &mut |record| {
        let mut set = record.payload;
        while !set.is_empty() {
            let (change, rest) = Change::decode(set).ok_or_else(|| unreadable(record.seq))?;
            set = rest;
            let (table, key, value) = match change {
                Change::Put(table, key, value) => (table, key, Some(value.to_vec())),
                Change::Delete(table, key) => (table, key, None),
            };
            if Table::NAMES.contains(&table) {
                changes.insert((table, key.to_vec()), value);
            }
        }
        Ok(())
    })?;
    Ok((changes, last))
}

/// Makes the error for a whole record whose write set cannot be read.
pub(super) fn unreadable(seq: u64) -> Error {
    Error::corrupt(format!("log record {seq} is whole but cannot be read"))
}

/// Lends the entries of a snapshot to `f`, checking each; an end mark with the right count must
/// follow the last.
fn read(disk: &dyn Disk, seq: u64, f: &mut Hear<'_>) -> Result<()> {
    let path = path(seq);
    let io = |cause| Error::io(&path, cause);
    let file = disk.open(&path, Access::Read).map_err(io)?;
    let mut input = In {
        len: file.len().map_err(io)?,
        file,
        offset: 0,
        buffer: Vec::new(),
    };
    let damaged = |at| Error::corrupt(format!("{path}: damaged at offset {at}"));
    let header = input
        .take(HEADER_LEN)
        .map_err(io)?
        .ok_or_else(|| damaged(0))?;
    let version = read_u32(header, 8);
    if header[..8] != MAGIC
        || read_u64(header, 16) != seq
        || sum64(u64::from(version), &header[..24]) != read_u64(header, 24)
    {
        return Err(damaged(0));
    }
    if version > VERSION {
        let message = format!("{path} has version {version}, newest {VERSION}");
        return Err(Error::new(ErrorCode::NewerFormat, message));
    }
    let mut count = 0;
    loop {
        let at = input.offset;
        let entry = input.entry().map_err(io)?.ok_or_else(|| damaged(at))?;
        let (body, sum) = entry.split_at(entry.len() - SUM_LEN);
        if sum64(seed(seq, count), body) != read_u64(sum, 0) {
            return Err(damaged(at));
        }
        let key_len = read_u32(body, 1) as usize;
        let (key, value) = body[ENTRY_HEAD_LEN..].split_at(key_len);
        if body[0] == END {
            return match key == count.to_le_bytes() && value.is_empty() {
                true if input.offset == input.len => Ok(()),
                _ => Err(damaged(at)),
            };
        }
        let table = Table::ALL.get(usize::from(body[0])).copied();
        f(table.ok_or_else(|| damaged(at))?, key, value)?;
        count += 1;
    }
}

struct In {
    file: Arc<dyn DiskFile>,
    len: u64,
    offset: u64,
    buffer: Vec<u8>,
}

impl In {
    /// Returns the next `len` bytes and steps over them, or nothing if the file ends before.
    fn take(&mut self, len: usize) -> std::io::Result<Option<&[u8]>> {
        if !self.peek(len)? {
            return Ok(None);
        }
        self.offset += len as u64;
        Ok(Some(&self.buffer[..len]))
    }

    fn entry(&mut self) -> std::io::Result<Option<&[u8]>> {
        if !self.peek(ENTRY_HEAD_LEN)? {
            return Ok(None);
        }
        let parts = [1, 5].map(|at| read_u32(&self.buffer, at) as usize);
        self.take(ENTRY_HEAD_LEN + parts[0] + parts[1] + SUM_LEN)
    }

    fn peek(&mut self, len: usize) -> std::io::Result<bool> {
        if self.len - self.offset < len as u64 {
            return Ok(false);
        }
        self.buffer.resize(len, 0);
        self.file.read_at(&mut self.buffer, self.offset)?;
        Ok(true)
    }
}
