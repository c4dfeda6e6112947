//! A disk in memory: for engines without a directory, and the ground that simulated disks build on.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use super::{Access, Disk, DiskFile, DiskLock, LockMode, Map, SyncSite};

/// Files that live as long as the disk does; syncs are free.
#[derive(Debug, Clone, Default)]
pub struct MemoryDisk {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    files: BTreeMap<String, Arc<MemoryFile>>,
    locks: BTreeMap<String, Held>,
}

#[derive(Debug, Clone, Copy)]
enum Held {
    Shared(usize),
    Exclusive,
}

impl MemoryDisk {
    /// Makes an empty disk.
    pub fn new() -> Self {
        Self::default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Disk for MemoryDisk {
    fn create(&self, path: &str) -> io::Result<Arc<dyn DiskFile>> {
        let mut state = self.state();
        if state.files.contains_key(path) {
            return Err(io::Error::new(
                io::ErrorKind::AlreadyExists,
                path.to_owned(),
            ));
        }
        let file = Arc::new(MemoryFile::default());
        state.files.insert(path.to_owned(), Arc::clone(&file));
        Ok(file)
    }

    fn open(&self, path: &str, _access: Access) -> io::Result<Arc<dyn DiskFile>> {
        match self.state().files.get(path) {
            Some(file) => Ok(Arc::<MemoryFile>::clone(file)),
            None => Err(missing(path)),
        }
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        self.state()
            .files
            .remove(path)
            .map(drop)
            .ok_or_else(|| missing(path))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.state();
        let file = state.files.remove(from).ok_or_else(|| missing(from))?;
        state.files.insert(to.to_owned(), file);
        Ok(())
    }

    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        let prefix = if dir.is_empty() {
            String::new()
        } else {
            format!("{dir}/")
        };
        let state = self.state();
        let names = state
            .files
            .keys()
            .filter_map(|path| path.strip_prefix(&prefix));
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

    fn lock(&self, path: &str, mode: LockMode) -> io::Result<Box<dyn DiskLock>> {
        let mut state = self.state();
        let held = match (state.locks.get(path), mode) {
            (None, LockMode::Exclusive) => Held::Exclusive,
            (None, LockMode::Shared) => Held::Shared(1),
            (Some(Held::Shared(count)), LockMode::Shared) => Held::Shared(count + 1),
            _ => return Err(io::ErrorKind::WouldBlock.into()),
        };
        state.locks.insert(path.to_owned(), held);
        Ok(Box::new(MemoryLock {
            disk: self.clone(),
            path: path.to_owned(),
        }))
    }
}

fn missing(path: &str) -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, path.to_owned())
}

#[derive(Debug)]
struct MemoryLock {
    disk: MemoryDisk,
    path: String,
}

impl DiskLock for MemoryLock {}

impl Drop for MemoryLock {
    fn drop(&mut self) {
        let mut state = self.disk.state();
        match state.locks.remove(&self.path) {
            Some(Held::Shared(count)) if count > 1 => {
                state
                    .locks
                    .insert(std::mem::take(&mut self.path), Held::Shared(count - 1));
            }
            _ => {}
        }
    }
}

#[derive(Debug, Default)]
struct MemoryFile(Mutex<Contents>);

#[derive(Debug)]
enum Contents {
    Open(Vec<u8>),
    /// Mapped: sealed for ever, so a write is a fault of the engine.
    Frozen(Bytes),
}

impl Default for Contents {
    fn default() -> Self {
        Self::Open(Vec::new())
    }
}

impl Contents {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Open(bytes) => bytes,
            Self::Frozen(bytes) => bytes,
        }
    }

    fn writable(&mut self) -> io::Result<&mut Vec<u8>> {
        match self {
            Self::Open(bytes) => Ok(bytes),
            Self::Frozen(_) => Err(io::Error::other("write to a mapped file")),
        }
    }
}

impl MemoryFile {
    fn contents(&self) -> MutexGuard<'_, Contents> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn place(offset: u64, len: usize) -> io::Result<(usize, usize)> {
    let start = usize::try_from(offset).map_err(io::Error::other)?;
    let end = start.checked_add(len).ok_or(io::ErrorKind::InvalidInput)?;
    Ok((start, end))
}

impl DiskFile for MemoryFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.contents().bytes().len() as u64)
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
        let (start, end) = place(offset, buf.len())?;
        let contents = self.contents();
        let bytes = contents
            .bytes()
            .get(start..end)
            .ok_or(io::ErrorKind::UnexpectedEof)?;
        buf.copy_from_slice(bytes);
        Ok(())
    }

    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<()> {
        let (start, end) = place(offset, buf.len())?;
        let mut contents = self.contents();
        let bytes = contents.writable()?;
        if bytes.len() < end {
            bytes.resize(end, 0);
        }
        bytes[start..end].copy_from_slice(buf);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let len = usize::try_from(len).map_err(io::Error::other)?;
        self.contents().writable()?.resize(len, 0);
        Ok(())
    }

    fn sync(&self, _site: SyncSite) -> io::Result<()> {
        Ok(())
    }

    fn map(&self, len: u64) -> io::Result<Map> {
        let mut contents = self.contents();
        if let Contents::Open(bytes) = &mut *contents {
            *contents = Contents::Frozen(Bytes::from(std::mem::take(bytes)));
        }
        let Contents::Frozen(bytes) = &*contents else {
            return Err(io::ErrorKind::Other.into());
        };
        let (_, end) = place(len, 0)?;
        if bytes.len() < end {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(Map::of_bytes(bytes.slice(..end)))
    }
}
