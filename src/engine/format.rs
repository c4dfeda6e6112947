//! The file that says what a directory is: `docs/format.md`, "Directory".

use std::io;
use std::sync::Arc;

use crate::disk::{Access, Disk, SyncSite};
use crate::error::{Error, ErrorCode, Result};
use crate::sum::sum64;

/// Name of the file.
const NAME: &str = "smalti";
const TEMPORARY: &str = "smalti.new";
/// Directories that an engine owns, beside its files.
const DIRS: [&str; 3] = ["packs", "log", "names"];

const MAGIC: [u8; 8] = *b"smalti-d";
const VERSION: u32 = 1;
const LEN_BYTES: usize = 64;
const SUM_SEED: u64 = 0x666f_726d_6174;

/// What was found in a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// Nothing of an engine.
    Nothing,
    /// A directory of this format.
    Engine,
}

fn encode(id: [u8; 16]) -> [u8; LEN_BYTES] {
    let mut bytes = [0; LEN_BYTES];
    bytes[..8].copy_from_slice(&MAGIC);
    bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
    // 12..24: three sets of feature flags, none so far.
    bytes[24..40].copy_from_slice(&id);
    let sum = sum64(SUM_SEED, &bytes[..LEN_BYTES - 8]);
    bytes[LEN_BYTES - 8..].copy_from_slice(&sum.to_le_bytes());
    bytes
}

/// Looks at a directory and writes nothing.
pub(super) fn look(disk: &dyn Disk) -> Result<Found> {
    let file = match disk.open(NAME, Access::Read) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return expect_empty(disk),
        Err(error) => return Err(Error::io(format!("open {NAME}"), error)),
    };
    let len = file
        .len()
        .map_err(|e| Error::io(format!("measure {NAME}"), e))?;
    let mut bytes = [0; LEN_BYTES];
    if len != LEN_BYTES as u64 {
        return Err(unknown(format!(
            "{NAME} is {len} bytes, expected {LEN_BYTES}"
        )));
    }
    file.read_at(&mut bytes, 0)
        .map_err(|e| Error::io(format!("read {NAME}"), e))?;
    check(&bytes).map(|()| Found::Engine)
}

/// Tells whether a disk is the directory of an engine, of whatever release.
pub(super) fn is_there(disk: &dyn Disk) -> bool {
    disk.open(NAME, Access::Read).is_ok()
}

/// Returns the id of the engine whose directory it is.
pub(super) fn id(disk: &dyn Disk) -> Result<[u8; 16]> {
    let mut id = [0; 16];
    let read = disk.open(NAME, Access::Read);
    read.and_then(|file| file.read_at(&mut id, 24))
        .map_err(|e| Error::io(format!("read {NAME}"), e))?;
    Ok(id)
}

fn check(bytes: &[u8; LEN_BYTES]) -> Result<()> {
    if bytes[..8] != MAGIC {
        return Err(unknown(format!("{NAME} starts with {:02x?}", &bytes[..8])));
    }
    let word =
        |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
    let mut sum = [0; 8];
    sum.copy_from_slice(&bytes[LEN_BYTES - 8..]);
    let expected = sum64(SUM_SEED, &bytes[..LEN_BYTES - 8]);
    if u64::from_le_bytes(sum) != expected {
        let found = u64::from_le_bytes(sum);
        return Err(Error::corrupt(format!(
            "{NAME} has sum {found:016x}, expected {expected:016x}"
        )));
    }
    let (version, incompatible) = (word(8), word(20));
    if version > VERSION || incompatible != 0 {
        let what = format!("format {version} with features {incompatible:#x}");
        let message = format!("the directory has {what}, this release knows format {VERSION}");
        return Err(Error::new(ErrorCode::NewerFormat, message));
    }
    Ok(())
}

/// A directory without the file is taken only when nothing is in it that an engine did not put
/// there while it was made: an engine is never made among the files of others.
fn expect_empty(disk: &dyn Disk) -> Result<Found> {
    let names = match disk.list("") {
        Ok(names) => names,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(error) => return Err(Error::io("list the directory", error)),
    };
    let failed = |error| Error::io("list the directory", error);
    let dirs = disk.list_dirs("").map_err(failed)?;
    let own = |name: &&String| *name == "LOCK" || *name == TEMPORARY;
    let foreign = names.iter().find(|name| !own(name));
    let foreign = match foreign {
        Some(name) => Some(name),
        None => find_foreign(disk, &dirs).map_err(failed)?,
    };
    match foreign {
        None => Ok(Found::Nothing),
        Some(name) => Err(unknown(format!(
            "{NAME} is missing in a directory that holds {name:?}"
        ))),
    }
}

/// Returns a directory that an engine did not make, or that holds anything.
fn find_foreign<'a>(disk: &dyn Disk, dirs: &'a [String]) -> io::Result<Option<&'a String>> {
    for dir in dirs {
        // Made by the file system, at the root of a disk of its own.
        if dir == "lost+found" {
            continue;
        }
        let own = DIRS.contains(&dir.as_str());
        if !own || !disk.list(dir)?.is_empty() || !disk.list_dirs(dir)?.is_empty() {
            return Ok(Some(dir));
        }
    }
    Ok(None)
}

fn unknown(what: String) -> Error {
    Error::new(
        ErrorCode::UnknownFormat,
        format!("this is no directory of an engine: {what}"),
    )
}

/// Makes the directories and the file; what a crash left half made is made whole.
pub(super) fn create(disk: &Arc<dyn Disk>, id: [u8; 16]) -> Result<()> {
    let failed = |deed: &str, e| Error::io(format!("{deed} {NAME}"), e);
    for dir in DIRS {
        disk.create_dir(dir)
            .map_err(|e| Error::io(format!("make directory {dir}"), e))?;
    }
    // The format file vouches for the directories, so their names are durable before its own.
    disk.sync_dir("", SyncSite::Root)
        .map_err(|e| failed("sync the directory before", e))?;
    match disk.remove(TEMPORARY) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(failed("clear", error));
        }
        _ => {}
    }
    let file = disk.create(TEMPORARY).map_err(|e| failed("create", e))?;
    file.write_at(&encode(id), 0)
        .map_err(|e| failed("write", e))?;
    file.sync(SyncSite::Root).map_err(|e| failed("sync", e))?;
    disk.rename(TEMPORARY, NAME)
        .map_err(|e| failed("rename", e))?;
    disk.sync_dir("", SyncSite::Root)
        .map_err(|e| failed("sync the directory of", e))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::MemoryDisk;

    fn with(bytes: &[u8]) -> Result<Found> {
        let disk = MemoryDisk::new();
        disk.create(NAME)
            .expect("make")
            .write_at(bytes, 0)
            .expect("write");
        look(&disk)
    }

    #[test]
    fn what_was_made_is_found_and_what_was_not_is_refused() {
        let disk: Arc<dyn Disk> = Arc::new(MemoryDisk::new());
        assert_eq!(look(&*disk).expect("empty"), Found::Nothing);
        create(&disk, [7; 16]).expect("make");
        assert_eq!(look(&*disk).expect("made"), Found::Engine);
        let good = encode([7; 16]);
        for bit in 0..LEN_BYTES * 8 {
            let mut bytes = good;
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(with(&bytes).is_err(), "bit {bit}");
        }
        assert_eq!(
            with(b"short").expect_err("short").code(),
            ErrorCode::UnknownFormat
        );
    }

    #[test]
    fn a_newer_format_is_told_from_damage() {
        let mut bytes = encode([7; 16]);
        bytes[8] = 2;
        let sum = sum64(SUM_SEED, &bytes[..LEN_BYTES - 8]);
        bytes[LEN_BYTES - 8..].copy_from_slice(&sum.to_le_bytes());
        assert_eq!(
            with(&bytes).expect_err("newer").code(),
            ErrorCode::NewerFormat
        );
    }

    #[test]
    fn an_engine_is_not_made_among_the_files_of_others() {
        let disk = MemoryDisk::new();
        disk.create("thesis.tex").expect("make");
        assert_eq!(
            look(&disk).expect_err("not ours").code(),
            ErrorCode::UnknownFormat
        );
    }
}
