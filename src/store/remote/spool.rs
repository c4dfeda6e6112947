//! What of packs is on its way: bytes that grow in files, and which uploads in parts have begun.
//!
//! Files of bytes are worth nothing after a crash, as nobody was told that they are stored. Records
//! of uploads are durable before the first part leaves, so that what a crash left can be given up.

use std::collections::HashSet;
use std::io::{self, IoSlice};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::disk::{Access, Disk, DiskFile, SyncSite};
use crate::error::{Error, ErrorCode, Result};
use crate::id::PackId;
use crate::sum::sum64;

/// Directory of the spool.
const DIR: &str = "spool";
/// First line of a record.
const RECORD: &str = "smalti upload 1";
/// Longest record that is read, in bytes.
const RECORD_MAX_BYTES: u64 = 16 << 10;

/// The directory of packs on their way.
#[derive(Debug)]
pub(super) struct Spool {
    disk: Arc<dyn Disk>,
    /// Packs that grow just now.
    growing: Mutex<HashSet<PackId>>,
}

/// Keeps a pack among those that grow.
#[derive(Debug)]
pub(super) struct Growing {
    spool: Arc<Spool>,
    pack: PackId,
}

fn of(error: io::Error, deed: &str, pack: PackId) -> Error {
    Error::io(format!("{deed} the spool of pack {pack}"), error)
}

impl Spool {
    pub(super) fn new(disk: Arc<dyn Disk>) -> Result<Self> {
        let made = disk.create_dir(DIR);
        made.map_err(|e| Error::io(format!("make directory {DIR}"), e))?;
        Ok(Self {
            disk,
            growing: Mutex::default(),
        })
    }

    fn growing(&self) -> MutexGuard<'_, HashSet<PackId>> {
        self.growing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the empty file of a pack.
    ///
    /// # Errors
    /// `Duplicate` if the pack is on its way already.
    pub(super) fn create(self: &Arc<Self>, pack: PackId) -> Result<(Arc<dyn DiskFile>, Growing)> {
        let file = match self.disk.create(&bytes_of(pack)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let message = format!("create pack {pack}: it is on its way");
                return Err(Error::new(ErrorCode::Duplicate, message).with_source(error));
            }
            Err(error) => return Err(of(error, "create", pack)),
        };
        self.growing().insert(pack);
        let spool = Arc::clone(self);
        Ok((file, Growing { spool, pack }))
    }

    /// Remembers an upload in parts, durably.
    pub(super) fn record(&self, pack: PackId, id: &str) -> Result<()> {
        let failed = |error| of(error, "record an upload in", pack);
        let path = record_of(pack);
        remove(&*self.disk, &path).map_err(failed)?;
        let file = self.disk.create(&path).map_err(failed)?;
        let text = format!("{RECORD}\n{id}\n{:016x}\n", sum64(pack.0, id.as_bytes()));
        let written = file
            .write_parts_at(&[IoSlice::new(text.as_bytes())], 0)
            .and_then(|()| file.sync(SyncSite::PackData))
            .and_then(|()| self.disk.sync_dir(DIR, SyncSite::PackDir));
        written.map_err(failed)
    }

    /// Returns the upload in parts that was begun for a pack; a record that is torn is of one whose
    /// first part never left.
    pub(super) fn recorded(&self, pack: PackId) -> Result<Option<String>> {
        let failed = |error| of(error, "read", pack);
        let file = match self.disk.open(&record_of(pack), Access::Read) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        let len = file.len().map_err(failed)?.min(RECORD_MAX_BYTES);
        let mut text = vec![0; usize::try_from(len).unwrap_or(0)];
        file.read_at(&mut text, 0).map_err(failed)?;
        let text = String::from_utf8(text).unwrap_or_default();
        let mut lines = text.lines();
        let (head, id, sum) = (lines.next(), lines.next(), lines.next());
        let whole = |id: &&str| {
            head == Some(RECORD) && sum == Some(&format!("{:016x}", sum64(pack.0, id.as_bytes())))
        };
        Ok(id.filter(whole).map(str::to_owned))
    }

    /// Forgets a pack that is no longer on its way.
    pub(super) fn forget(&self, pack: PackId) -> Result<()> {
        for path in [bytes_of(pack), record_of(pack)] {
            remove(&*self.disk, &path).map_err(|error| of(error, "remove", pack))?;
        }
        Ok(())
    }

    /// Tells whether a pack grows just now.
    pub(super) fn grows(&self, pack: PackId) -> bool {
        self.growing().contains(&pack)
    }

    /// Returns the packs that a crash, or a store that was dropped, left on their way.
    pub(super) fn left(&self) -> Result<Vec<PackId>> {
        let names = self.disk.list(DIR);
        let names = names.map_err(|e| Error::io(format!("list directory {DIR}"), e))?;
        let growing = self.growing();
        let numbers = names.iter().filter_map(|name| {
            let (digits, _) = name.split_once('.')?;
            u64::from_str_radix(digits, 16).ok().map(PackId)
        });
        let mut left: Vec<PackId> = numbers.filter(|pack| !growing.contains(pack)).collect();
        left.dedup();
        Ok(left)
    }
}

impl Drop for Growing {
    fn drop(&mut self) {
        self.spool.growing().remove(&self.pack);
    }
}

fn bytes_of(pack: PackId) -> String {
    format!("{DIR}/{pack}.part")
}

fn record_of(pack: PackId) -> String {
    format!("{DIR}/{pack}.upload")
}

fn remove(disk: &dyn Disk, path: &str) -> io::Result<()> {
    match disk.remove(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::MemoryDisk;

    #[test]
    fn what_is_left_is_what_nobody_grows() {
        let spool = Arc::new(Spool::new(Arc::new(MemoryDisk::new())).expect("make"));
        let (_file, growing) = spool.create(PackId(1)).expect("make");
        let (_file, gone) = spool.create(PackId(2)).expect("make");
        spool.record(PackId(2), "an id/with=signs").expect("write");
        assert!(spool.create(PackId(1)).is_err());
        drop(gone);
        assert_eq!(spool.left().expect("list"), [PackId(2)]);
        let id = spool.recorded(PackId(2)).expect("read");
        assert_eq!(id.as_deref(), Some("an id/with=signs"));
        spool.forget(PackId(2)).expect("remove");
        drop(growing);
        assert_eq!(spool.left().expect("list"), [PackId(1)]);
        assert_eq!(spool.recorded(PackId(1)).expect("read"), None);
    }

    #[test]
    fn a_torn_record_is_none() {
        let disk = Arc::new(MemoryDisk::new());
        let spool = Spool::new(disk.clone()).expect("make");
        spool.record(PackId(3), "abc").expect("write");
        let file = disk.open("spool/0000000000000003.upload", Access::Write);
        let file = file.expect("it is there");
        for len in (0..file.len().expect("measure")).rev().skip(1) {
            file.set_len(len).expect("cut");
            assert_eq!(spool.recorded(PackId(3)).expect("read"), None, "{len}");
        }
    }
}
