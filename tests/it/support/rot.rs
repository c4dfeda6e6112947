//! A disk in memory whose bytes may be changed under an engine, and which tells what is read.

#![expect(clippy::cast_possible_truncation, reason = "packs of tests are short")]

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use smalti::disk::{Access, Disk, DiskFile, DiskLock, LockMode, Map, MemoryDisk, SyncSite};

/// A read: path, offset, length.
pub(crate) type ReadOf = (String, u64, usize);

/// Files that rot. Clones are handles of the same disk; locks are always granted.
#[derive(Debug, Clone, Default)]
pub(crate) struct RotDisk {
    files: Arc<Mutex<BTreeMap<String, Arc<RotFile>>>>,
    reads: Arc<Mutex<Vec<ReadOf>>>,
}

#[derive(Debug)]
struct RotFile {
    path: String,
    bytes: Mutex<Vec<u8>>,
    /// What the medium does not give.
    failing: Mutex<Vec<Range<usize>>>,
    reads: Arc<Mutex<Vec<ReadOf>>>,
}

#[derive(Debug)]
struct RotLock;

impl DiskLock for RotLock {}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl RotDisk {
    /// Returns a disk with copies of all files.
    pub(crate) fn copy(&self) -> Self {
        let copy = Self::default();
        for (path, file) in &*locked(&self.files) {
            copy.put(path, locked(&file.bytes).clone());
        }
        copy
    }

    /// Sets the contents of a file.
    pub(crate) fn put(&self, path: &str, bytes: Vec<u8>) {
        let file = RotFile {
            path: path.to_owned(),
            bytes: Mutex::new(bytes),
            failing: Mutex::default(),
            reads: Arc::clone(&self.reads),
        };
        locked(&self.files).insert(path.to_owned(), Arc::new(file));
    }

    /// Returns the contents of a file.
    pub(crate) fn bytes(&self, path: &str) -> Vec<u8> {
        let file = self.file(path).expect("there is such a file");
        locked(&file.bytes).clone()
    }

    /// Returns the paths of all files, ascending.
    pub(crate) fn paths(&self) -> Vec<String> {
        locked(&self.files).keys().cloned().collect()
    }

    /// Changes the contents of a file in place.
    pub(crate) fn change(&self, path: &str, change: impl FnOnce(&mut Vec<u8>)) {
        change(&mut locked(
            &self.file(path).expect("there is such a file").bytes,
        ));
    }

    /// Makes the medium fail wherever bytes of a range are read, or brought into memory by a map
    /// that is made from now on.
    pub(crate) fn fail(&self, path: &str, range: Range<usize>) {
        let file = self.file(path).expect("there is such a file");
        locked(&file.failing).push(range);
    }

    /// Makes the medium give everything of a file again.
    pub(crate) fn heal(&self, path: &str) {
        let file = self.file(path).expect("there is such a file");
        locked(&file.failing).clear();
    }

    /// Returns what was read of packs since this was last asked.
    pub(crate) fn take_reads(&self) -> Vec<ReadOf> {
        std::mem::take(&mut *locked(&self.reads))
    }

    fn file(&self, path: &str) -> io::Result<Arc<RotFile>> {
        let files = locked(&self.files);
        files
            .get(path)
            .cloned()
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl Disk for RotDisk {
    fn create(&self, path: &str) -> io::Result<Arc<dyn DiskFile>> {
        if self.file(path).is_ok() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        self.put(path, Vec::new());
        self.open(path, Access::Write)
    }

    fn open(&self, path: &str, _access: Access) -> io::Result<Arc<dyn DiskFile>> {
        Ok(self.file(path)?)
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        let removed = locked(&self.files).remove(path);
        removed
            .map(drop)
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let bytes = locked(&self.file(from)?.bytes).clone();
        self.remove(from)?;
        self.put(to, bytes);
        Ok(())
    }

    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        let files = locked(&self.files);
        let names = files.keys().filter_map(|path| match dir {
            "" => Some(path.as_str()),
            dir => path.strip_prefix(dir)?.strip_prefix('/'),
        });
        Ok(names
            .filter(|name| !name.contains('/'))
            .map(str::to_owned)
            .collect())
    }

    fn create_dir(&self, _dir: &str) -> io::Result<()> {
        Ok(())
    }

    fn sync_dir(&self, _dir: &str, _site: SyncSite) -> io::Result<()> {
        Ok(())
    }

    fn lock(&self, _path: &str, _mode: LockMode) -> io::Result<Box<dyn DiskLock>> {
        Ok(Box::new(RotLock))
    }
}

impl DiskFile for RotFile {
    fn len(&self) -> io::Result<u64> {
        Ok(locked(&self.bytes).len() as u64)
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
        if self.path.starts_with("packs/") {
            locked(&self.reads).push((self.path.clone(), offset, buf.len()));
        }
        let start = offset as usize;
        let end = start + buf.len();
        if (locked(&self.failing).iter()).any(|bad| bad.start < end && start < bad.end) {
            return Err(io::Error::from_raw_os_error(5));
        }
        let bytes = locked(&self.bytes);
        let found = bytes.get(start..end);
        buf.copy_from_slice(found.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<()> {
        let (start, end) = (offset as usize, offset as usize + buf.len());
        let mut bytes = locked(&self.bytes);
        if bytes.len() < end {
            bytes.resize(end, 0);
        }
        bytes[start..end].copy_from_slice(buf);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        locked(&self.bytes).resize(len as usize, 0);
        Ok(())
    }

    fn sync(&self, _site: SyncSite) -> io::Result<()> {
        Ok(())
    }

    /// Maps a copy: what rots later is seen by who maps later.
    fn map(&self, len: u64) -> io::Result<Map> {
        let copy = MemoryDisk::new().create("copy")?;
        copy.write_at(&locked(&self.bytes), 0)?;
        Ok(copy.map(len)?.failing(&locked(&self.failing)))
    }
}
