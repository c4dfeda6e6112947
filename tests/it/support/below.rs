//! A directory of a simulated disk as a disk of its own, so that one log holds what an engine does
//! to all its stores, and a cut of power meets all of them at once.

use std::io::{self, IoSlice};
use std::sync::Arc;

use smalti::disk::sim::SimDisk;
use smalti::disk::{Access, Disk, DiskFile, DiskLock, LockMode, Map, SyncSite};

/// A directory of a simulated disk.
#[derive(Debug)]
pub(crate) struct Below {
    disk: SimDisk,
    dir: &'static str,
    /// A call site whose syncs make nothing durable here.
    left_out: Option<SyncSite>,
}

impl Below {
    pub(crate) fn new(disk: &SimDisk, dir: &'static str, left_out: Option<SyncSite>) -> Self {
        Self {
            disk: disk.clone(),
            dir,
            left_out,
        }
    }

    fn path(&self, path: &str) -> String {
        match path {
            "" => self.dir.to_owned(),
            path => format!("{}/{path}", self.dir),
        }
    }

    fn file(&self, file: Arc<dyn DiskFile>) -> Arc<dyn DiskFile> {
        let left_out = self.left_out;
        Arc::new(FileBelow { file, left_out })
    }
}

impl Disk for Below {
    fn create(&self, path: &str) -> io::Result<Arc<dyn DiskFile>> {
        Ok(self.file(self.disk.create(&self.path(path))?))
    }

    fn open(&self, path: &str, access: Access) -> io::Result<Arc<dyn DiskFile>> {
        Ok(self.file(self.disk.open(&self.path(path), access)?))
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        self.disk.remove(&self.path(path))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.disk.rename(&self.path(from), &self.path(to))
    }

    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        self.disk.list(&self.path(dir))
    }

    fn create_dir(&self, dir: &str) -> io::Result<()> {
        self.disk.create_dir(&self.path(dir))?;
        match dir {
            // The name of a root is durable when it is made.
            "" => self.disk.sync_dir("", SyncSite::Root),
            _ => Ok(()),
        }
    }

    fn sync_dir(&self, dir: &str, site: SyncSite) -> io::Result<()> {
        match self.left_out == Some(site) {
            true => Ok(()),
            false => self.disk.sync_dir(&self.path(dir), site),
        }
    }

    fn lock(&self, path: &str, mode: LockMode) -> io::Result<Box<dyn DiskLock>> {
        self.disk.lock(&self.path(path), mode)
    }
}

#[derive(Debug)]
struct FileBelow {
    file: Arc<dyn DiskFile>,
    left_out: Option<SyncSite>,
}

impl DiskFile for FileBelow {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
        self.file.read_at(buf, offset)
    }

    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<()> {
        self.file.write_at(buf, offset)
    }

    fn write_parts_at(&self, parts: &[IoSlice<'_>], offset: u64) -> io::Result<()> {
        self.file.write_parts_at(parts, offset)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }

    fn sync(&self, site: SyncSite) -> io::Result<()> {
        match self.left_out == Some(site) {
            true => Ok(()),
            false => self.file.sync(site),
        }
    }

    fn map(&self, len: u64) -> io::Result<Map> {
        self.file.map(len)
    }
}
