//! The mark in a directory of packs that says whose they are.

use std::io;
use std::sync::Arc;

use crate::disk::{Access, Disk, DiskFile, SyncSite};
use crate::error::{Error, ErrorCode, Result};

/// Name of the mark.
const MARK: &str = "OWNER";
/// Longest mark that is read, in bytes.
pub(super) const MARK_MAX_BYTES: u64 = 4096;

/// Takes a directory for an owner, or sees that it is taken already.
pub(super) fn claim(disk: &dyn Disk, dir: &str, owner: &str, known: bool) -> Result<()> {
    let path = format!("{dir}/{MARK}");
    match disk.open(&path, Access::Read) {
        Ok(file) => compare(&file, &path, owner),
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Error::io(format!("open {path}"), error))
        }
        Err(error) if known => {
            let message = format!("{path} is missing: this is not the store that it was");
            Err(Error::new(ErrorCode::StoreUnavailable, message).with_source(error))
        }
        Err(_) => mark(disk, dir, owner),
    }
}

fn compare(file: &Arc<dyn DiskFile>, path: &str, owner: &str) -> Result<()> {
    let failed = |error| Error::io(format!("read {path}"), error);
    let len = file.len().map_err(failed)?.min(MARK_MAX_BYTES);
    let mut found = vec![0; usize::try_from(len).unwrap_or(0)];
    file.read_at(&mut found, 0).map_err(failed)?;
    if found == text(owner).as_bytes() {
        return Ok(());
    }
    let message = format!("the store belongs to another engine, as its file {path} says");
    Err(Error::new(ErrorCode::Duplicate, message))
}

/// Makes the directory and its mark, which is whole before it has its name.
fn mark(disk: &dyn Disk, dir: &str, owner: &str) -> Result<()> {
    let failed = |error| Error::io(format!("mark {dir}"), error);
    disk.create_dir("").map_err(failed)?;
    disk.create_dir(dir).map_err(failed)?;
    disk.sync_dir("", SyncSite::Root).map_err(failed)?;
    let (path, new) = (format!("{dir}/{MARK}"), format!("{dir}/{MARK}.new"));
    // What a crash left of an earlier attempt.
    match disk.remove(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    if !disk.list(dir).map_err(failed)?.is_empty() {
        let message = format!("{dir} holds files and has no {MARK}, so it may be another's");
        return Err(Error::new(ErrorCode::Duplicate, message));
    }
    let file = disk.create(&new).map_err(failed)?;
    let written = file
        .write_parts_at(&[io::IoSlice::new(text(owner).as_bytes())], 0)
        .and_then(|()| file.sync(SyncSite::Root))
        .and_then(|()| disk.rename(&new, &path))
        .and_then(|()| disk.sync_dir(dir, SyncSite::Root));
    written.map_err(failed)
}

/// Returns what a mark holds.
pub(super) fn text(owner: &str) -> String {
    format!("smalti packs 1\n{owner}\n")
}
