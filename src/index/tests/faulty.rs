//! A disk that fails on demand.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::disk::{Access, Disk, DiskFile, DiskLock, LockMode, Map, MemoryDisk, SyncSite};

/// A disk whose calls fail on demand, and that can be copied as a power cut leaves it.
#[derive(Debug, Clone)]
pub(super) struct Faulty {
    inner: Arc<dyn Disk>,
    switches: Arc<Switches>,
}

#[derive(Default)]
struct Switches {
    /// Syncs at this site fail.
    failing_sync: Mutex<Option<SyncSite>>,
    /// Bytes that can still be written behind the ends of files.
    room: Mutex<Option<u64>>,
    /// Opening a file fails so.
    failing_open: Mutex<Option<io::ErrorKind>>,
    /// Reading the file fails once, after so many reads.
    failing_read: Mutex<Option<(&'static str, u32)>>,
    /// What happens when a file below this path is made, once.
    on_create: Mutex<Option<(&'static str, Deed)>>,
    /// What happens when a file is opened, once.
    on_open: Mutex<Option<(&'static str, Deed)>>,
    /// How many syncs of the log there were.
    log_syncs: AtomicU64,
    /// How long each of them takes.
    log_sync_time: Mutex<Duration>,
}

type Deed = Box<dyn FnOnce() + Send>;

impl std::fmt::Debug for Switches {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Switches").finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct FaultyFile {
    path: String,
    inner: Arc<dyn DiskFile>,
    disk: Faulty,
}

impl Faulty {
    pub(super) fn new() -> (Self, Arc<dyn Disk>) {
        Self::over(Arc::new(MemoryDisk::new()))
    }

    /// Makes one whose files lie on another disk.
    pub(super) fn over(inner: Arc<dyn Disk>) -> (Self, Arc<dyn Disk>) {
        let disk = Self {
            inner,
            switches: Arc::default(),
        };
        (disk.clone(), Arc::new(disk))
    }

    /// Lets each sync of the log take so long.
    pub(super) fn slow_log(&self, time: Duration) {
        *self.switches.log_sync_time.lock().unwrap() = time;
    }

    /// Returns how often the log was synced.
    pub(super) fn log_syncs(&self) -> u64 {
        self.switches.log_syncs.load(Ordering::Relaxed)
    }

    pub(super) fn fail_sync(&self, site: Option<SyncSite>) {
        *self.switches.failing_sync.lock().unwrap() = site;
    }

    pub(super) fn set_room(&self, room: Option<u64>) {
        *self.switches.room.lock().unwrap() = room;
    }

    pub(super) fn fail_open(&self, kind: Option<io::ErrorKind>) {
        *self.switches.failing_open.lock().unwrap() = kind;
    }

    /// Lets one read of a file fail, after `after` others.
    pub(super) fn fail_read(&self, path: &'static str, after: Option<u32>) {
        *self.switches.failing_read.lock().unwrap() = after.map(|after| (path, after));
    }

    /// Does something when the next file is made whose path begins so.
    pub(super) fn on_create(&self, path: &'static str, deed: impl FnOnce() + Send + 'static) {
        *self.switches.on_create.lock().unwrap() = Some((path, Box::new(deed)));
    }

    /// Does something when a file is opened next.
    pub(super) fn on_open(&self, path: &'static str, deed: impl FnOnce() + Send + 'static) {
        *self.switches.on_open.lock().unwrap() = Some((path, Box::new(deed)));
    }

    fn check_read(&self, path: &str) -> io::Result<()> {
        let mut failing = self.switches.failing_read.lock().unwrap();
        match &mut *failing {
            Some((of, 0)) if *of == path => {
                *failing = None;
                Err(io::Error::other("medium error"))
            }
            Some((of, after)) if *of == path => {
                *after -= 1;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn check_sync(&self, site: SyncSite) -> io::Result<()> {
        if site == SyncSite::Log {
            self.switches.log_syncs.fetch_add(1, Ordering::Relaxed);
            let time = *self.switches.log_sync_time.lock().unwrap();
            std::thread::sleep(time);
        }
        match *self.switches.failing_sync.lock().unwrap() {
            Some(failing) if failing == site => Err(io::Error::other("medium error")),
            _ => Ok(()),
        }
    }

    fn file(&self, path: &str, inner: Arc<dyn DiskFile>) -> Arc<dyn DiskFile> {
        let (path, disk) = (path.to_owned(), self.clone());
        Arc::new(FaultyFile { path, inner, disk })
    }
}

impl Disk for Faulty {
    fn create(&self, path: &str) -> io::Result<Arc<dyn DiskFile>> {
        let deed = self
            .switches
            .on_create
            .lock()
            .unwrap()
            .take_if(|(below, _)| path.starts_with(*below));
        if let Some((_, deed)) = deed {
            deed();
        }
        Ok(self.file(path, self.inner.create(path)?))
    }

    fn open(&self, path: &str, access: Access) -> io::Result<Arc<dyn DiskFile>> {
        let mut on_open = self.switches.on_open.lock().unwrap();
        let deed = on_open.take_if(|(of, _)| *of == path);
        drop(on_open);
        if let Some((_, deed)) = deed {
            deed();
        }
        match *self.switches.failing_open.lock().unwrap() {
            Some(kind) => Err(kind.into()),
            None => Ok(self.file(path, self.inner.open(path, access)?)),
        }
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        let len = self.inner.open(path, Access::Read)?.len()?;
        if let Some(room) = &mut *self.switches.room.lock().unwrap() {
            *room += len;
        }
        self.inner.remove(path)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.inner.rename(from, to)
    }

    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        self.inner.list(dir)
    }

    fn create_dir(&self, dir: &str) -> io::Result<()> {
        self.inner.create_dir(dir)
    }

    fn sync_dir(&self, dir: &str, site: SyncSite) -> io::Result<()> {
        self.check_sync(site)?;
        self.inner.sync_dir(dir, site)
    }

    fn lock(&self, path: &str, mode: LockMode) -> io::Result<Box<dyn DiskLock>> {
        self.inner.lock(path, mode)
    }
}

impl DiskFile for FaultyFile {
    fn len(&self) -> io::Result<u64> {
        self.inner.len()
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
        self.disk.check_read(&self.path)?;
        self.inner.read_at(buf, offset)
    }

    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<()> {
        let len = self.inner.len()?;
        let grown = (offset + buf.len() as u64).saturating_sub(len);
        if let Some(room) = &mut *self.disk.switches.room.lock().unwrap() {
            if *room < grown {
                // As a real disk does: what fits is written, then the call fails.
                let fits = (buf.len() as u64 - (grown - *room)).min(buf.len() as u64);
                self.inner.write_at(&buf[..fits as usize], offset)?;
                *room = 0;
                return Err(io::ErrorKind::StorageFull.into());
            }
            *room -= grown;
        }
        self.inner.write_at(buf, offset)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let old = self.inner.len()?;
        if let Some(room) = &mut *self.disk.switches.room.lock().unwrap() {
            if len > old + *room {
                return Err(io::ErrorKind::StorageFull.into());
            }
            *room = *room + old - len;
        }
        self.inner.set_len(len)
    }

    fn sync(&self, site: SyncSite) -> io::Result<()> {
        self.disk.check_sync(site)?;
        self.inner.sync(site)
    }

    fn map(&self, len: u64) -> io::Result<Map> {
        self.inner.map(len)
    }
}
