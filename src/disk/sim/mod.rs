//! A disk in memory that remembers every change, so that power may be cut at any of them.
//!
//! It owns the one log of changes, the images that a cut may leave, injected faults, a capacity,
//! and the list of what must never be done to a disk. It is as strict as a disk may be: a name
//! is durable by a sync of its directory alone, contents by a sync of their file alone, and of
//! all else any part may be there. It knows nothing of formats.

mod choices;
mod crash;
mod explore;
mod fault;
mod file;
mod log;
mod pages;
mod state;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use super::{Access, Disk, DiskFile, DiskLock, LockMode, SyncSite};
use crate::sum::sum64;
use crash::Medium;
use file::SimFile;
use pages::Pages;
use state::State;

pub use choices::{Choice, Choices, SECTOR_LEN_BYTES};
pub use explore::{Counts, Cut, Explore, Failure, explore};
pub use fault::{Effect, Fault};
pub use log::{Op, Outcome};

/// A disk in memory whose power can be cut. Clones are handles to the same disk.
#[derive(Clone)]
pub struct SimDisk {
    state: Arc<Mutex<State>>,
}

impl Default for SimDisk {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for SimDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ops = self.op_count();
        f.debug_struct("SimDisk").field("ops", &ops).finish()
    }
}

impl SimDisk {
    /// Makes an empty disk; its root directory is there and durable.
    pub fn new() -> Self {
        Self::on(Medium::default())
    }

    /// Makes a disk that holds these files, all of them durable, and the directories they need.
    pub fn from_files(files: impl IntoIterator<Item = (String, Bytes)>) -> Self {
        let mut medium = Medium::default();
        for (path, bytes) in files {
            let mut dir = crash::parent(&path);
            while !dir.is_empty() {
                medium.dirs.insert(dir.into());
                dir = crash::parent(dir);
            }
            medium.names.insert(path.into(), medium.files.len());
            medium.files.push(Pages::of(&bytes));
        }
        Self::on(medium)
    }

    fn on(medium: Medium) -> Self {
        Self {
            state: Arc::new(Mutex::new(State::new(medium))),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the files with their names and contents, as a running process sees them.
    pub fn files(&self) -> Vec<(String, Bytes)> {
        let state = self.state();
        let names = state.medium.names.iter();
        names
            .map(|(path, file)| (path.to_string(), state.medium.files[*file].to_bytes()))
            .collect()
    }

    /// Returns a digest of names, lengths and contents, as a running process sees them: two disks
    /// that hold the same have the same.
    pub fn digest(&self) -> u64 {
        let state = self.state();
        let names = state.medium.names.iter();
        names.fold(0, |digest, (path, file)| {
            let digest = sum64(digest, path.as_bytes());
            state.medium.files[*file].digest(digest)
        })
    }

    /// Returns how many changes and syncs were recorded; read it at each acknowledgement.
    pub fn op_count(&self) -> usize {
        self.state().log.len()
    }

    /// Returns the log from its start; bytes are shared, not copied.
    pub fn log(&self) -> Vec<Op> {
        self.state().log.clone()
    }

    /// Returns how many syncs each call site asked for.
    pub fn syncs(&self) -> BTreeMap<SyncSite, usize> {
        let mut counts = BTreeMap::new();
        for (site, _) in self.state().log.iter().filter_map(Op::sync) {
            *counts.entry(site).or_default() += 1;
        }
        counts
    }

    /// Returns what may be on the medium if power fails after the first `at` operations, as a
    /// disk of its own: all of it durable, nothing locked, no faults, no capacity.
    ///
    /// Costs what is not durable at `at`, if calls come with rising `at`; else a walk of the log.
    pub fn crash_image(&self, at: usize, choices: &mut Choices) -> Self {
        let mut state = self.state();
        let (cursor, log) = state.cursor(at);
        Self::on(cursor.image(log, choices))
    }

    /// Returns how many changes are not durable after the first `at` operations.
    pub fn unsynced(&self, at: usize) -> usize {
        self.state().cursor(at).0.unsynced()
    }

    /// Lets syncs of a call site say `Ok` and make nothing durable from now on.
    pub fn switch_off(&self, site: SyncSite) {
        self.state().off.insert(site);
    }

    /// Returns how many calls were made that may fail: all of [`Disk`] and
    /// [`DiskFile`] but the hints.
    pub fn io_count(&self) -> u64 {
        self.state().faults.calls()
    }

    /// Plans a fault for the call with this number, counted from 0 as by
    /// [`SimDisk::io_count`].
    pub fn fail_op(&self, call: u64, fault: Fault) {
        self.state().faults.plan(call, fault);
    }

    /// Forgets all planned faults.
    pub fn clear_faults(&self) {
        self.state().faults.clear();
    }

    /// Sets how many bytes all named files may hold together; what would grow them further is
    /// `StorageFull`, after a write has put down the part that fits.
    pub fn full_after(&self, capacity_bytes: u64) {
        self.state().capacity = Some(capacity_bytes);
    }

    /// Lifts the limit of [`SimDisk::full_after`].
    pub fn unlimited(&self) {
        self.state().capacity = None;
    }

    /// Returns how many bytes all named files hold together.
    pub fn used_bytes(&self) -> u64 {
        self.state().used()
    }

    /// Returns what was done that must never be done: writes to mapped files, and writes through
    /// handles that were opened for reading.
    pub fn violations(&self) -> Vec<String> {
        self.state().violations.clone()
    }

    /// Makes a call that may meet a fault.
    fn call<T>(&self, work: impl FnOnce(&mut State) -> io::Result<T>) -> io::Result<T> {
        let mut state = self.state();
        match state.faults.admit() {
            None => work(&mut state),
            Some(fault) => {
                if fault.effect() == Effect::All {
                    work(&mut state)?;
                }
                Err(fault.error())
            }
        }
    }

    fn handle(&self, file: usize, access: Access) -> Arc<dyn DiskFile> {
        Arc::new(SimFile::new(self.clone(), file, access))
    }
}

impl Disk for SimDisk {
    fn create(&self, path: &str) -> io::Result<Arc<dyn DiskFile>> {
        let file = self.call(|state| state.create(path))?;
        Ok(self.handle(file, Access::Write))
    }

    fn open(&self, path: &str, access: Access) -> io::Result<Arc<dyn DiskFile>> {
        let file = self.call(|state| state.find(path))?;
        Ok(self.handle(file, access))
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        self.call(|state| state.remove(path))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.call(|state| state.rename(from, to))
    }

    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        self.call(|state| state.list(dir))
    }

    fn create_dir(&self, dir: &str) -> io::Result<()> {
        self.call(|state| state.create_dir(dir))
    }

    fn sync_dir(&self, dir: &str, site: SyncSite) -> io::Result<()> {
        let mut state = self.state();
        let fault = state.faults.admit();
        state.sync_dir(dir, site, fault.as_ref())
    }

    fn lock(&self, path: &str, mode: LockMode) -> io::Result<Box<dyn DiskLock>> {
        self.call(|state| state.lock(path, mode))?;
        Ok(Box::new(SimLock {
            disk: self.clone(),
            path: path.to_owned(),
        }))
    }
}

#[derive(Debug)]
struct SimLock {
    disk: SimDisk,
    path: String,
}

impl DiskLock for SimLock {}

impl Drop for SimLock {
    fn drop(&mut self) {
        self.disk.state().unlock(&self.path);
    }
}
