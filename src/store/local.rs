//! Packs as files of one directory.

use std::io::{self, IoSlice};
use std::ops::Range;
use std::sync::Arc;

use super::{PackSink, PackSource, PackState, Store, owner};
use crate::disk::{Access, Disk, DiskFile, Map, SyncSite, is_out_of_files};
use crate::error::{Error, ErrorCode, Result};
use crate::id::PackId;

/// Written bytes start on their way to the medium in steps of this length.
const WRITEBACK_STEP_BYTES: u64 = 8 << 20;

/// A store whose packs are files of one directory of a disk.
#[derive(Debug, Clone)]
pub struct LocalStore {
    disk: Arc<dyn Disk>,
    dir: String,
}

impl LocalStore {
    /// Takes a directory of a disk, and makes it where it is missing.
    ///
    /// # Errors
    /// `Unavailable` if the disk fails.
    pub fn new(disk: Arc<dyn Disk>, dir: impl Into<String>) -> Result<Self> {
        let dir = dir.into();
        disk.create_dir(&dir)
            .map_err(|e| Error::io(format!("make directory {dir}"), e))?;
        Ok(Self { disk, dir })
    }

    /// Takes a directory that must be there, and writes nothing.
    pub(crate) fn existing(disk: Arc<dyn Disk>, dir: impl Into<String>) -> Self {
        Self {
            disk,
            dir: dir.into(),
        }
    }

    fn path(&self, pack: PackId) -> String {
        format!("{}/{pack}.pack", self.dir)
    }
}

/// Makes the error for a failed sync: what it covered may be lost, whatever a later one says.
///
/// Where it was not even tried, for want of a file handle, nothing is lost.
fn unsynced(deed: &str, pack: PackId, error: io::Error) -> Error {
    if is_out_of_files(&error) {
        return failed(deed, pack, error);
    }
    Error::new(ErrorCode::Poisoned, format!("{deed} pack {pack}: {error}")).with_source(error)
}

fn failed(deed: &str, pack: PackId, error: io::Error) -> Error {
    let deed = format!("{deed} pack {pack}");
    match error.kind() {
        io::ErrorKind::NotFound => {
            Error::new(ErrorCode::NotFound, format!("{deed}: no such pack")).with_source(error)
        }
        io::ErrorKind::AlreadyExists => {
            Error::new(ErrorCode::Duplicate, format!("{deed}: it exists")).with_source(error)
        }
        io::ErrorKind::UnexpectedEof => {
            Error::corrupt(format!("{deed}: {error}")).with_source(error)
        }
        _ => Error::io(deed, error),
    }
}

impl Store for LocalStore {
    fn claim(&self, owner: &str, known: bool) -> Result<()> {
        owner::claim(&*self.disk, &self.dir, owner, known)
    }

    fn create(&self, pack: PackId) -> Result<Box<dyn PackSink>> {
        let file = self
            .disk
            .create(&self.path(pack))
            .map_err(|e| failed("create", pack, e))?;
        Ok(Box::new(self.sink(pack, file, 0)))
    }

    fn resume(&self, pack: PackId, len_bytes: u64) -> Result<Box<dyn PackSink>> {
        let open = self.disk.open(&self.path(pack), Access::Write);
        let file = open.map_err(|e| failed("open", pack, e))?;
        let actual = file.len().map_err(|e| failed("measure", pack, e))?;
        if actual < len_bytes {
            let message = format!("pack {pack} is {actual} bytes, the index knows {len_bytes}");
            return Err(Error::corrupt(message));
        }
        if actual > len_bytes {
            file.set_len(len_bytes)
                .map_err(|e| failed("cut back", pack, e))?;
        }
        Ok(Box::new(self.sink(pack, file, len_bytes)))
    }

    fn open(&self, pack: PackId, state: PackState) -> Result<Arc<dyn PackSource>> {
        let open = self.disk.open(&self.path(pack), Access::Read);
        let file = open.map_err(|e| failed("open", pack, e))?;
        let map = match state {
            PackState::Open => None,
            PackState::Sealed => {
                let len = file.len().map_err(|e| failed("measure", pack, e))?;
                Some(file.map(len).map_err(|e| failed("map", pack, e))?)
            }
        };
        Ok(Arc::new(LocalSource { pack, file, map }))
    }

    fn list(&self) -> Result<Vec<PackId>> {
        let names = self.disk.list(&self.dir);
        let names = names.map_err(|e| Error::io(format!("list directory {}", self.dir), e))?;
        let numbers = names.iter().filter_map(|name| {
            let digits = name
                .strip_suffix(".pack")
                .filter(|digits| digits.len() == 16)?;
            u64::from_str_radix(digits, 16).ok().map(PackId)
        });
        Ok(numbers.collect())
    }

    fn delete(&self, pack: PackId) -> Result<()> {
        match self.disk.remove(&self.path(pack)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(failed("delete", pack, error));
            }
            _ => {}
        }
        // Or a crash brings the file back after the index has forgotten it.
        let sync = self.disk.sync_dir(&self.dir, SyncSite::PackGone);
        sync.map_err(|e| unsynced("sync directory of", pack, e))
    }
}

impl LocalStore {
    fn sink(&self, pack: PackId, file: Arc<dyn DiskFile>, len_bytes: u64) -> LocalSink {
        LocalSink {
            store: self.clone(),
            pack,
            file,
            len_bytes,
            written_back: len_bytes,
            named: false,
        }
    }
}

#[derive(Debug)]
struct LocalSink {
    store: LocalStore,
    pack: PackId,
    file: Arc<dyn DiskFile>,
    len_bytes: u64,
    /// Bytes before this are on their way to the medium.
    written_back: u64,
    /// Whether the name of the file is known to be durable.
    named: bool,
}

impl LocalSink {
    fn sync_as(&mut self, site: SyncSite) -> Result<()> {
        self.file
            .sync(site)
            .map_err(|e| unsynced("sync", self.pack, e))?;
        if !self.named {
            let sync = self.store.disk.sync_dir(&self.store.dir, SyncSite::PackDir);
            sync.map_err(|e| unsynced("sync directory of", self.pack, e))?;
            self.named = true;
        }
        Ok(())
    }
}

impl PackSink for LocalSink {
    fn len_bytes(&self) -> u64 {
        self.len_bytes
    }

    fn append(&mut self, parts: &[IoSlice<'_>]) -> Result<()> {
        let len: u64 = parts.iter().map(|part| part.len() as u64).sum();
        let write = self.file.write_parts_at(parts, self.len_bytes);
        write.map_err(|e| failed("write", self.pack, e))?;
        self.len_bytes += len;
        let waiting = self.len_bytes - self.written_back;
        if waiting >= WRITEBACK_STEP_BYTES {
            self.file.start_writeback(self.written_back, waiting);
            self.written_back = self.len_bytes;
        }
        Ok(())
    }

    fn cut_back(&mut self, len_bytes: u64) -> Result<()> {
        self.file
            .set_len(len_bytes)
            .map_err(|e| failed("cut back", self.pack, e))?;
        self.len_bytes = len_bytes;
        self.written_back = self.written_back.min(len_bytes);
        Ok(())
    }

    fn sync(&mut self) -> Result<()> {
        self.sync_as(SyncSite::PackData)
    }

    fn seal(&mut self) -> Result<()> {
        self.sync_as(SyncSite::PackSeal)
    }
}

#[derive(Debug)]
struct LocalSource {
    pack: PackId,
    file: Arc<dyn DiskFile>,
    map: Option<Map>,
}

impl PackSource for LocalSource {
    fn len_bytes(&self) -> Result<u64> {
        self.file.len().map_err(|e| failed("measure", self.pack, e))
    }

    fn read_into(&self, buf: &mut [u8], offset: u64) -> Result<()> {
        self.file.read_at(buf, offset).map_err(|error| {
            let place = format!("pack {}, offset {offset}, {} bytes", self.pack, buf.len());
            match error.kind() {
                io::ErrorKind::UnexpectedEof => {
                    Error::corrupt(format!("{place}: the pack ends before")).with_source(error)
                }
                _ => Error::io(format!("read {place}"), error),
            }
        })
    }

    fn map(&self) -> Option<&Map> {
        self.map.as_ref()
    }

    fn will_need(&self, range: Range<u64>) {
        self.file
            .will_need(range.start, range.end.saturating_sub(range.start));
    }

    fn is_cached(&self, offset: u64) -> bool {
        self.file.is_cached(offset)
    }

    fn forget(&self, range: Range<u64>) {
        self.file
            .forget(range.start, range.end.saturating_sub(range.start));
    }
}
