//! What a handle does that was opened for reading, or that is closed.

use std::sync::Arc;

use super::{T, code, copy, create, files, memory, open, restore, value};
use crate::disk::Disk;
use crate::disk::sim::SimDisk;
use crate::error::ErrorCode;
use crate::index::contract::put;
use crate::index::{Kv, KvAccess};

#[test]
fn a_read_only_open_writes_nothing_and_wants_a_clean_close() {
    let disk = memory();
    let kv = create(&disk);
    put(&kv, T, b"a", b"1").unwrap();
    let unclean = copy(&disk);
    kv.close().unwrap();
    let before = files(&unclean);
    assert_eq!(
        code(open(&unclean, KvAccess::Read)),
        ErrorCode::NeedsRecovery
    );
    assert!(before == files(&unclean));

    let before = files(&disk);
    let reader = open(&disk, KvAccess::Read).unwrap();
    assert_eq!(value(&reader, b"a").unwrap(), b"1");
    assert_eq!(code(put(&reader, T, b"a", b"2")), ErrorCode::ReadOnlyEngine);
    assert_eq!(code(reader.checkpoint()), ErrorCode::ReadOnlyEngine);
    assert!(reader.stats().unwrap().index_bytes > 0);
    reader.close().unwrap();
    assert!(before == files(&disk));
}

#[test]
fn a_closed_map_says_so() {
    let disk = memory();
    let kv = create(&disk);
    put(&kv, T, b"a", b"1").unwrap();
    kv.close().unwrap();
    kv.close().unwrap();
    assert_eq!(code(put(&kv, T, b"a", b"2")), ErrorCode::Closed);
    assert_eq!(code(kv.read(|_| Ok(()))), ErrorCode::Closed);
    assert_eq!(code(kv.checkpoint()), ErrorCode::Closed);
    assert!(disk.list("log").unwrap().is_empty());
}

/// Returns a disk with these files, but for those below `lost`; directories without files are gone.
fn without(disk: &SimDisk, lost: &[&str]) -> Arc<dyn Disk> {
    let mut files = disk.files();
    files.retain(|(path, _)| !lost.iter().any(|lost| path.starts_with(lost)));
    Arc::new(SimDisk::from_files(files))
}

#[test]
fn a_directory_with_nothing_in_it_that_counts_is_made_again() {
    let sim = SimDisk::new();
    let disk: Arc<dyn Disk> = Arc::new(sim.clone());
    let kv = create(&disk);
    put(&kv, T, b"a", b"1").unwrap();
    kv.close().unwrap();
    for lost in [&[][..], &["log/"], &["names/"], &["log/", "names/"]] {
        let disk = without(&sim, lost);
        assert!(disk.list("log").is_err(), "it was empty after the close");
        let kv = open(&disk, KvAccess::Create).unwrap();
        assert_eq!(restore(&disk).unwrap().len(), 1, "without {lost:?}");
        put(&kv, T, b"b", b"1").unwrap();
        assert_eq!(restore(&disk).unwrap().len(), 2, "without {lost:?}");
        drop(kv);
        let kv = open(&disk, KvAccess::Write).unwrap();
        assert_eq!(value(&kv, b"b").unwrap(), b"1");
    }
}

#[test]
fn a_directory_that_may_have_held_what_counts_is_named() {
    let sim = SimDisk::new();
    let disk: Arc<dyn Disk> = Arc::new(sim.clone());
    let kv = create(&disk);
    kv.snapshot_names().unwrap();
    put(&kv, T, b"a", b"1").unwrap();
    for (lost, message) in [
        (
            &["log/"][..],
            "log/ is missing and index.redb was not closed: changes are lost",
        ),
        (&["index.redb", "log/"], "index.redb and log/ are missing"),
        (
            &["index.redb", "names/"],
            "index.redb and names/ are missing",
        ),
    ] {
        let disk = without(&sim, lost);
        let before = files(&disk);
        let error = open(&disk, KvAccess::Create).unwrap_err();
        assert_eq!(
            (error.code(), error.message()),
            (ErrorCode::Corrupt, message)
        );
        assert!(before == files(&disk));
    }
    // The log alone holds all names here, so the snapshot is no loss.
    let kv = open(&without(&sim, &["names/"]), KvAccess::Write).unwrap();
    assert_eq!(value(&kv, b"a").unwrap(), b"1");
}
