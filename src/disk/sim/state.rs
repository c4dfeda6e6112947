//! The live disk: what a running process sees, and the log of how it came to be.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;

use bytes::Bytes;

use super::crash::{Cursor, Medium, parent};
use super::fault::{Effect, Fault, Faults, full};
use super::log::{Op, Outcome};
use super::pages::Pages;
use crate::disk::{LockMode, SyncSite};

#[derive(Debug)]
pub(super) struct State {
    pub(super) medium: Medium,
    /// What was durable when the log began.
    ground: Medium,
    pub(super) log: Vec<Op>,
    cursor: Cursor,
    /// Files that were mapped, with their bytes.
    mapped: BTreeMap<usize, Bytes>,
    /// Locks by name: 0 is exclusive, else the number of those who share it.
    locks: BTreeMap<String, usize>,
    pub(super) faults: Faults,
    pub(super) off: BTreeSet<SyncSite>,
    pub(super) capacity: Option<u64>,
    pub(super) violations: Vec<String>,
}

impl State {
    pub(super) fn new(medium: Medium) -> Self {
        Self {
            ground: medium.clone(),
            cursor: Cursor::new(medium.clone()),
            medium,
            log: Vec::new(),
            mapped: BTreeMap::new(),
            locks: BTreeMap::new(),
            faults: Faults::default(),
            off: BTreeSet::new(),
            capacity: None,
            violations: Vec::new(),
        }
    }

    /// Returns the durable state after the first `at` operations, and the log.
    pub(super) fn cursor(&mut self, at: usize) -> (&Cursor, &[Op]) {
        let at = at.min(self.log.len());
        if self.cursor.at() > at {
            self.cursor = Cursor::new(self.ground.clone());
        }
        self.cursor.advance(&self.log, at);
        (&self.cursor, &self.log)
    }

    pub(super) fn create(&mut self, path: &str) -> io::Result<usize> {
        self.dir_of(path)?;
        if self.medium.names.contains_key(path) {
            return Err(named(io::ErrorKind::AlreadyExists, path));
        }
        if self.free() == Some(0) {
            return Err(full());
        }
        let file = self.medium.files.len();
        let path: Arc<str> = path.into();
        self.medium.files.push(Pages::default());
        self.medium.names.insert(Arc::clone(&path), file);
        self.log.push(Op::Create { path, file });
        Ok(file)
    }

    pub(super) fn find(&self, path: &str) -> io::Result<usize> {
        let file = self.medium.names.get(path).copied();
        file.ok_or_else(|| named(io::ErrorKind::NotFound, path))
    }

    pub(super) fn remove(&mut self, path: &str) -> io::Result<()> {
        let file = self.find(path)?;
        self.medium.names.remove(path);
        self.log.push(Op::Remove {
            path: path.into(),
            file,
        });
        Ok(())
    }

    pub(super) fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        let file = self.find(from)?;
        self.dir_of(to)?;
        let (from, to): (Arc<str>, Arc<str>) = (from.into(), to.into());
        self.medium.names.remove(&from);
        self.medium.names.insert(Arc::clone(&to), file);
        self.log.push(Op::Rename { from, to, file });
        Ok(())
    }

    pub(super) fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        self.has_dir(dir)?;
        let paths = self.medium.names.keys();
        Ok(paths
            .filter(|path| parent(path) == dir)
            .map(|path| path.rsplit('/').next().unwrap_or(path).to_owned())
            .collect())
    }

    pub(super) fn create_dir(&mut self, dir: &str) -> io::Result<()> {
        let ends = dir.match_indices('/').map(|(end, _)| end);
        for end in ends.chain([dir.len()]) {
            let dir: Arc<str> = dir[..end].into();
            if !dir.is_empty() && self.medium.dirs.insert(Arc::clone(&dir)) {
                self.log.push(Op::CreateDir { dir });
            }
        }
        Ok(())
    }

    pub(super) fn sync_dir(
        &mut self,
        dir: &str,
        site: SyncSite,
        fault: Option<&Fault>,
    ) -> io::Result<()> {
        self.has_dir(dir)?;
        let (outcome, result) = self.outcome(site, fault);
        let dir = dir.into();
        self.log.push(Op::SyncDir { dir, site, outcome });
        result
    }

    pub(super) fn sync(
        &mut self,
        file: usize,
        site: SyncSite,
        fault: Option<&Fault>,
    ) -> io::Result<()> {
        let (outcome, result) = self.outcome(site, fault);
        self.log.push(Op::Sync {
            file,
            site,
            outcome,
        });
        result
    }

    fn outcome(&self, site: SyncSite, fault: Option<&Fault>) -> (Outcome, io::Result<()>) {
        let outcome = match fault {
            Some(fault) if fault.effect() != Effect::All => Outcome::Failed,
            _ if self.off.contains(&site) => Outcome::Skipped,
            _ => Outcome::Durable,
        };
        (outcome, fault.map_or(Ok(()), |fault| Err(fault.error())))
    }

    /// Writes what fits of the first `reach` bytes.
    pub(super) fn write(
        &mut self,
        file: usize,
        offset: usize,
        bytes: Bytes,
        reach: usize,
    ) -> io::Result<()> {
        self.unmapped(file, "write")?;
        let end = offset.checked_add(bytes.len());
        let end = end.ok_or(io::ErrorKind::InvalidInput)?;
        let limit = self.limit(file);
        let fits = end.min(limit).saturating_sub(offset).min(reach);
        if fits > 0 {
            let bytes = bytes.slice(..fits);
            self.medium.files[file].write(offset, &bytes);
            self.log.push(Op::Write {
                file,
                offset,
                bytes,
            });
        }
        if end > limit { Err(full()) } else { Ok(()) }
    }

    pub(super) fn set_len(&mut self, file: usize, len: usize) -> io::Result<()> {
        self.unmapped(file, "set_len")?;
        if len > self.limit(file) {
            return Err(full());
        }
        self.medium.files[file].set_len(len);
        self.log.push(Op::SetLen { file, len });
        Ok(())
    }

    /// Returns the bytes of a file, which from now on is sealed.
    pub(super) fn map(&mut self, file: usize, len: usize) -> io::Result<Bytes> {
        let actual = self.medium.files[file].len();
        if actual < len || len == 0 {
            let message = format!("file is {actual} bytes, {len} bytes are to be mapped");
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, message));
        }
        let pages = &self.medium.files[file];
        let bytes = self.mapped.entry(file).or_insert_with(|| pages.to_bytes());
        Ok(bytes.slice(..len))
    }

    fn unmapped(&mut self, file: usize, what: &str) -> io::Result<()> {
        if !self.mapped.contains_key(&file) {
            return Ok(());
        }
        self.violation(format!("{what} to mapped {}", self.label(file)))
    }

    pub(super) fn violation(&mut self, message: String) -> io::Result<()> {
        self.violations.push(message.clone());
        Err(io::Error::other(message))
    }

    pub(super) fn label(&self, file: usize) -> String {
        let mut names = self.medium.names.iter();
        match names.find(|(_, number)| **number == file) {
            Some((path, _)) => format!("file {file}, {path}"),
            None => format!("file {file}, removed"),
        }
    }

    pub(super) fn used(&self) -> u64 {
        let files = self.medium.names.values();
        files
            .map(|file| self.medium.files[*file].len() as u64)
            .sum()
    }

    fn free(&self) -> Option<u64> {
        let capacity = self.capacity?;
        Some(capacity.saturating_sub(self.used()))
    }

    /// Returns how long a file may become; at least as long as it is.
    fn limit(&self, file: usize) -> usize {
        let Some(free) = self.free() else {
            return usize::MAX;
        };
        let free = usize::try_from(free).unwrap_or(usize::MAX);
        self.medium.files[file].len().saturating_add(free)
    }

    pub(super) fn lock(&mut self, path: &str, mode: LockMode) -> io::Result<()> {
        if mode == LockMode::Shared {
            self.find(path)?;
        } else if self.find(path).is_err() {
            self.create(path)?;
        }
        let count = match (self.locks.get(path), mode) {
            (None, LockMode::Exclusive) => 0,
            (None, LockMode::Shared) => 1,
            (Some(count), LockMode::Shared) if *count > 0 => count + 1,
            _ => return Err(io::ErrorKind::WouldBlock.into()),
        };
        self.locks.insert(path.to_owned(), count);
        Ok(())
    }

    pub(super) fn unlock(&mut self, path: &str) {
        match self.locks.get_mut(path) {
            Some(count) if *count > 1 => *count -= 1,
            _ => {
                self.locks.remove(path);
            }
        }
    }

    fn dir_of(&self, path: &str) -> io::Result<()> {
        self.has_dir(parent(path))
    }

    fn has_dir(&self, dir: &str) -> io::Result<()> {
        if dir.is_empty() || self.medium.dirs.contains(dir) {
            return Ok(());
        }
        Err(named(io::ErrorKind::NotFound, dir))
    }
}

fn named(kind: io::ErrorKind, path: &str) -> io::Error {
    io::Error::new(kind, path.to_owned())
}
