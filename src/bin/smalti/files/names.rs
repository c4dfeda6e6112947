//! The last step of a download: a whole file gets its name, and takes it from no other file that
//! is not to be replaced, also from none that came meanwhile.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

use crate::fault::{Exit, Fault, Outcome};

/// Whether a file that is there is replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Replace {
    /// It stays.
    Never,
    /// It is replaced.
    Always,
}

/// Gives a file its name, durably; the file keeps the other one if it cannot have it.
///
/// # Errors
/// If there is such a file, unless it is to be replaced; if the directory refuses.
pub(super) fn give(temporary: &Path, path: &Path, replace: Replace) -> Outcome {
    let renamed = match replace {
        Replace::Always => fs::rename(temporary, path),
        Replace::Never => rename_new(temporary, path),
    };
    let given = renamed.and_then(|()| sync_parent(path));
    given.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => exists(path),
        _ => Fault::io(format_args!("name the file {}", path.display()), &error),
    })
}

/// Makes the fault of a file that is there and stays.
pub(super) fn exists(path: &Path) -> Fault {
    let message = format!("{} is there already", path.display());
    Fault::new(Exit::Conflict, "Exists", message)
        .with_hint("use another name, or --force to replace it")
}

fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        // Of file systems and kernels that do not know it.
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => link_new(from, to),
        renamed => Ok(renamed?),
    }
}

/// The same by a second name, which no file system gives twice.
fn link_new(from: &Path, to: &Path) -> io::Result<()> {
    fs::hard_link(from, to)?;
    fs::remove_file(from)
}

fn sync_parent(path: &Path) -> io::Result<()> {
    let parent = path.parent().filter(|parent| *parent != Path::new(""));
    File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_came_meanwhile_stays_unless_it_is_to_be_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let (new, old) = (dir.path().join("new"), dir.path().join("old"));
        fs::write(&new, "new").unwrap();
        fs::write(&old, "old").unwrap();
        let fault = give(&new, &old, Replace::Never).unwrap_err();
        assert_eq!((fault.code(), fault.exit()), ("Exists", Exit::Conflict));
        let linked = link_new(&new, &old).unwrap_err();
        assert_eq!(linked.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&old).unwrap(), b"old");
        assert_eq!(fs::read(&new).unwrap(), b"new");

        give(&new, &old, Replace::Always).unwrap();
        assert_eq!(fs::read(&old).unwrap(), b"new");
        assert!(!new.exists());
    }

    #[test]
    fn a_free_name_is_given_both_ways() {
        let ways: [fn(&Path, &Path) -> io::Result<()>; 2] = [rename_new, link_new];
        for way in ways {
            let dir = tempfile::tempdir().unwrap();
            let (from, to) = (dir.path().join("from"), dir.path().join("to"));
            fs::write(&from, "data").unwrap();
            way(&from, &to).unwrap();
            assert_eq!(fs::read(&to).unwrap(), b"data");
            assert!(!from.exists());
        }
    }
}
