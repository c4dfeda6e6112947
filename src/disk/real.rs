//! A disk that is a directory of the operating system.

use std::fs::{self, File, OpenOptions};
use std::io::{self, IoSlice, IoSliceMut};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{Advice, FlockOperation};
use rustix::io::{Errno, ReadWriteFlags, preadv2};

use super::{Access, Disk, DiskFile, DiskLock, LockMode, Map, SyncSite};

/// Files of one directory of the operating system.
#[derive(Debug, Clone)]
pub struct RealDisk {
    root: PathBuf,
}

impl RealDisk {
    /// Takes a directory as root; it is made by [`Disk::create_dir`] with an empty name.
    pub fn new(root: impl AsRef<Path>) -> Self {
        Self {
            root: root.as_ref().to_path_buf(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    fn entries(&self, dir: &str, wanted: impl Fn(fs::FileType) -> bool) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(self.path(dir))? {
            let entry = entry?;
            if wanted(entry.file_type()?) {
                names.extend(entry.file_name().into_string());
            }
        }
        names.sort_unstable();
        Ok(names)
    }
}

impl Disk for RealDisk {
    fn create(&self, path: &str) -> io::Result<Arc<dyn DiskFile>> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .open(self.path(path))?;
        Ok(Arc::new(RealFile(file)))
    }

    fn open(&self, path: &str, access: Access) -> io::Result<Arc<dyn DiskFile>> {
        let write = access == Access::Write;
        let file = OpenOptions::new()
            .read(true)
            .write(write)
            .open(self.path(path))?;
        Ok(Arc::new(RealFile(file)))
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        fs::remove_file(self.path(path))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path(from), self.path(to))
    }

    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        self.entries(dir, |kind| kind.is_file())
    }

    fn list_dirs(&self, dir: &str) -> io::Result<Vec<String>> {
        self.entries(dir, |kind| kind.is_dir())
    }

    fn create_dir(&self, dir: &str) -> io::Result<()> {
        match dir {
            "" => make_root(&self.root, &mut |dir| File::open(dir)?.sync_all()),
            dir => fs::create_dir_all(self.path(dir)),
        }
    }

    fn sync_dir(&self, dir: &str, _site: SyncSite) -> io::Result<()> {
        File::open(self.path(dir))?.sync_all()
    }

    fn lock(&self, path: &str, mode: LockMode) -> io::Result<Box<dyn DiskLock>> {
        let exclusive = mode == LockMode::Exclusive;
        let file = OpenOptions::new()
            .read(true)
            .write(exclusive)
            .create(exclusive)
            .truncate(false)
            .open(self.path(path))?;
        let operation = match mode {
            LockMode::Exclusive => FlockOperation::NonBlockingLockExclusive,
            LockMode::Shared => FlockOperation::NonBlockingLockShared,
        };
        rustix::fs::flock(&file, operation)?;
        Ok(Box::new(RealLock(file)))
    }
}

/// Makes a directory with its parents, the names of all of them durable before anything is put into
/// it. One that is empty may be of an attempt that was killed before that.
fn make_root(dir: &Path, sync: &mut dyn FnMut(&Path) -> io::Result<()>) -> io::Result<()> {
    let is_new = match fs::read_dir(dir) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    };
    let Some(parent) = dir.parent().filter(|_| is_new) else {
        // Says what is wrong with it, if anything is.
        return fs::create_dir_all(dir);
    };
    let parent = match parent.as_os_str().is_empty() {
        // Where the process is, which is there.
        true => Path::new("."),
        false => {
            make_root(parent, sync)?;
            parent
        }
    };
    let made = match fs::create_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && dir.is_dir() => false,
        made => made.map(|()| true)?,
    };
    match sync(parent) {
        // Who may write to a directory may yet not read it, and an empty one may be a file system of
        // its own, whose name is none of ours.
        Err(error) if !made || error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        synced => synced,
    }
}

#[derive(Debug)]
struct RealLock(#[expect(dead_code, reason = "held for its lock")] File);

impl DiskLock for RealLock {}

#[derive(Debug)]
struct RealFile(File);

impl DiskFile for RealFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
        self.0.read_exact_at(buf, offset)
    }

    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<()> {
        self.0.write_all_at(buf, offset)
    }

    fn write_parts_at(&self, parts: &[IoSlice<'_>], mut offset: u64) -> io::Result<()> {
        // The kernel takes at most 1,024 parts a call, and may take fewer bytes than it is given.
        let mut parts: Vec<IoSlice<'_>> = parts.to_vec();
        let mut rest = &mut parts[..];
        while rest.iter().any(|part| !part.is_empty()) {
            let count = rest.len().min(1024);
            let written = match rustix::io::pwritev(&self.0, &rest[..count], offset) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => written,
                Err(rustix::io::Errno::INTR) => continue,
                Err(errno) => return Err(errno.into()),
            };
            IoSlice::advance_slices(&mut rest, written);
            offset += written as u64;
        }
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn sync(&self, _site: SyncSite) -> io::Result<()> {
        self.0.sync_data()
    }

    fn start_writeback(&self, offset: u64, len: u64) {
        // `DONTNEED` on dirty pages starts their write-back and keeps them: the portable spelling
        // of `sync_file_range(WRITE)`.
        self.forget(offset, len);
    }

    fn will_need(&self, offset: u64, len: u64) {
        let len = std::num::NonZeroU64::new(len);
        let _ = rustix::fs::fadvise(&self.0, offset, len, Advice::WillNeed);
    }

    fn is_cached(&self, offset: u64) -> bool {
        let (mut byte, flags) = ([0; 1], ReadWriteFlags::NOWAIT);
        let read = preadv2(&self.0, &mut [IoSliceMut::new(&mut byte)], offset, flags);
        !matches!(read, Err(Errno::AGAIN))
    }

    fn forget(&self, offset: u64, len: u64) {
        let len = std::num::NonZeroU64::new(len);
        let _ = rustix::fs::fadvise(&self.0, offset, len, Advice::DontNeed);
    }

    fn map(&self, len: u64) -> io::Result<Map> {
        Map::of_file(&self.0, len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn synced(root: &Path, dir: &str) -> Vec<PathBuf> {
        let mut synced = Vec::new();
        let sync = &mut |dir: &Path| {
            synced.push(dir.strip_prefix(root).expect("below").to_path_buf());
            Ok(())
        };
        make_root(&root.join(dir), sync).expect("make");
        assert!(root.join(dir).is_dir());
        synced
    }

    #[test]
    fn the_name_of_a_new_root_is_durable_and_so_are_those_above_it() {
        let temp = tempfile::tempdir().expect("make a directory");
        let root = temp.path();
        fs::write(root.join("file"), "x").expect("write");
        assert_eq!(synced(root, "a/b"), [Path::new(""), Path::new("a")]);
        assert_eq!(synced(root, "a/b"), [Path::new("a")], "it is still empty");
        fs::write(root.join("a/b/file"), "x").expect("write");
        assert!(synced(root, "a/b").is_empty());
        assert_eq!(synced(root, "a/c"), [Path::new("a")]);
        let refused = make_root(&root.join("file"), &mut |_| Ok(()));
        assert!(refused.is_err(), "a file is no directory");
    }
}
