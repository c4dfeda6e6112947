//! Names, directories and their syncs.

use std::collections::BTreeSet;
use std::io::ErrorKind;

use bytes::Bytes;

use super::{all, content, durable_file, lots, names, none};
use crate::disk::sim::{Choices, Fault, SimDisk};
use crate::disk::{Access, Disk, LockMode, SyncSite};

/// Returns the sets of names in many images by lot.
fn name_sets(disk: &SimDisk) -> BTreeSet<Vec<String>> {
    let images = (0..400).map(|seed| {
        let image = disk.crash_image(disk.op_count(), &mut Choices::random(seed));
        names(&image)
    });
    images.collect()
}

fn sets(expected: &[&[&str]]) -> BTreeSet<Vec<String>> {
    let set = |names: &&[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    expected.iter().map(set).collect()
}

#[test]
fn a_synced_file_without_a_synced_directory_may_have_no_name() {
    let disk = SimDisk::new();
    let file = disk.create("a").unwrap();
    file.write_at(b"x", 0).unwrap();
    file.sync(SyncSite::PackData).unwrap();
    assert_eq!(names(&none(&disk)), [""; 0]);
    assert_eq!(name_sets(&disk), sets(&[&[], &["a"]]));
    disk.sync_dir("", SyncSite::Root).unwrap();
    assert_eq!(name_sets(&disk), sets(&[&["a"]]));
    assert_eq!(content(&none(&disk), "a").unwrap(), b"x");
}

#[test]
fn a_durable_name_says_nothing_of_the_bytes() {
    let disk = SimDisk::new();
    durable_file(&disk, "a").write_at(b"x", 0).unwrap();
    assert!(lots(&disk, "a").contains(&Some(Vec::new())));
    assert!(!lots(&disk, "a").contains(&None));
}

#[test]
fn creations_of_one_directory_are_independent() {
    let disk = SimDisk::new();
    disk.create("a").unwrap();
    disk.create("b").unwrap();
    assert_eq!(name_sets(&disk), sets(&[&[], &["a"], &["b"], &["a", "b"]]));
}

#[test]
fn a_removed_file_may_be_there_with_its_bytes_until_the_directory_is_synced() {
    let disk = SimDisk::new();
    let file = durable_file(&disk, "a");
    file.write_at(b"x", 0).unwrap();
    file.sync(SyncSite::Log).unwrap();
    disk.remove("a").unwrap();
    assert_eq!(content(&none(&disk), "a").unwrap(), b"x");
    assert_eq!(name_sets(&disk), sets(&[&[], &["a"]]));
    disk.sync_dir("", SyncSite::Root).unwrap();
    assert_eq!(name_sets(&disk), sets(&[&[]]));
}

#[test]
fn a_rename_is_whole_or_absent_and_needs_its_creation() {
    let disk = SimDisk::new();
    disk.create("tmp").unwrap();
    disk.rename("tmp", "a").unwrap();
    assert_eq!(name_sets(&disk), sets(&[&[], &["tmp"], &["a"]]));
    disk.sync_dir("", SyncSite::Root).unwrap();
    assert_eq!(name_sets(&disk), sets(&[&["a"]]));
    disk.rename("a", "b").unwrap();
    disk.remove("b").unwrap();
    assert_eq!(name_sets(&disk), sets(&[&["a"], &["b"], &[]]));
}

#[test]
fn changes_of_a_name_are_void_without_what_they_depend_on() {
    let disk = SimDisk::new();
    durable_file(&disk, "a");
    disk.rename("a", "b").unwrap();
    disk.rename("b", "c").unwrap();
    assert_eq!(name_sets(&disk), sets(&[&["a"], &["b"], &["c"]]));
    let disk = SimDisk::new();
    durable_file(&disk, "a");
    durable_file(&disk, "tmp");
    disk.rename("tmp", "a").unwrap();
    disk.remove("a").unwrap();
    assert_eq!(name_sets(&disk), sets(&[&["a", "tmp"], &["a"], &[]]));
}

#[test]
fn a_rename_over_a_file_leaves_the_old_or_the_new_one() {
    let disk = SimDisk::new();
    let old = durable_file(&disk, "a");
    old.write_at(b"old", 0).unwrap();
    old.sync(SyncSite::Names).unwrap();
    let new = durable_file(&disk, "tmp");
    new.write_at(b"new", 0).unwrap();
    new.sync(SyncSite::Names).unwrap();
    disk.rename("tmp", "a").unwrap();
    let seen: Vec<_> = lots(&disk, "a").into_iter().flatten().collect();
    assert_eq!(seen, [b"new".to_vec(), b"old".to_vec()]);
}

#[test]
fn a_name_used_again_holds_the_old_the_new_or_no_file() {
    let disk = SimDisk::new();
    let old = durable_file(&disk, "a");
    old.write_at(b"old", 0).unwrap();
    old.sync(SyncSite::Log).unwrap();
    disk.remove("a").unwrap();
    disk.create("a").unwrap();
    let expected = [None, Some(Vec::new()), Some(b"old".to_vec())];
    assert_eq!(lots(&disk, "a"), BTreeSet::from(expected));
}

#[test]
fn a_directory_syncs_its_own_names_only() {
    let disk = SimDisk::new();
    disk.create_dir("log").unwrap();
    disk.sync_dir("", SyncSite::Root).unwrap();
    disk.create("a").unwrap();
    disk.create("log/b").unwrap();
    disk.sync_dir("log", SyncSite::LogDir).unwrap();
    assert_eq!(names(&none(&disk)), ["log/b"]);
    assert_eq!(disk.unsynced(disk.op_count()), 1);
}

#[test]
fn files_are_lost_with_a_directory_whose_name_was_not_synced() {
    let disk = SimDisk::new();
    disk.create_dir("log/deep").unwrap();
    disk.create("log/deep/a").unwrap();
    disk.sync_dir("log/deep", SyncSite::LogDir).unwrap();
    disk.sync_dir("log", SyncSite::LogDir).unwrap();
    let image = none(&disk);
    assert_eq!(names(&image), [""; 0]);
    assert!(image.create("log/a").is_err());
    disk.sync_dir("", SyncSite::Root).unwrap();
    assert_eq!(names(&none(&disk)), ["log/deep/a"]);
}

#[test]
fn a_rename_between_directories_needs_both_syncs() {
    let disk = SimDisk::new();
    disk.create_dir("d").unwrap();
    durable_file(&disk, "a");
    disk.rename("a", "d/a").unwrap();
    disk.sync_dir("d", SyncSite::PackDir).unwrap();
    assert_eq!(names(&none(&disk)), ["a"]);
    disk.sync_dir("", SyncSite::Root).unwrap();
    assert_eq!(names(&none(&disk)), ["d/a"]);
}

#[test]
fn directory_syncs_can_be_switched_off_and_fail() {
    let disk = SimDisk::new();
    disk.switch_off(SyncSite::Root);
    disk.create("a").unwrap();
    disk.sync_dir("", SyncSite::Root).unwrap();
    assert_eq!(names(&none(&disk)), [""; 0]);
    disk.fail_op(disk.io_count(), Fault::kind(ErrorKind::Other));
    disk.sync_dir("", SyncSite::LogDir).unwrap_err();
    assert_eq!(names(&none(&disk)), [""; 0]);
    disk.sync_dir("", SyncSite::LogDir).unwrap();
    assert_eq!(names(&none(&disk)), ["a"]);
}

#[test]
fn the_disk_refuses_what_a_real_one_refuses() {
    let disk = SimDisk::new();
    disk.create("a").unwrap();
    let kind = |result: std::io::Result<()>| result.unwrap_err().kind();
    assert_eq!(kind(disk.create("a").map(drop)), ErrorKind::AlreadyExists);
    assert_eq!(kind(disk.create("no/a").map(drop)), ErrorKind::NotFound);
    let open = disk.open("b", Access::Read).map(drop);
    assert_eq!(kind(open), ErrorKind::NotFound);
    assert_eq!(kind(disk.remove("b")), ErrorKind::NotFound);
    assert_eq!(kind(disk.rename("b", "c")), ErrorKind::NotFound);
    assert_eq!(kind(disk.rename("a", "no/a")), ErrorKind::NotFound);
    assert_eq!(kind(disk.list("no").map(drop)), ErrorKind::NotFound);
    let sync = disk.sync_dir("no", SyncSite::PackDir);
    assert_eq!(kind(sync), ErrorKind::NotFound);
}

#[test]
fn lists_hold_the_files_of_one_directory_in_order() {
    let disk = SimDisk::from_files([
        ("d/b".to_owned(), Bytes::from_static(b"b")),
        ("d/a".to_owned(), Bytes::from_static(b"a")),
        ("d/e/c".to_owned(), Bytes::new()),
        ("x".to_owned(), Bytes::new()),
    ]);
    assert_eq!(disk.list("d").unwrap(), ["a", "b"]);
    assert_eq!(disk.list("").unwrap(), ["x"]);
    assert_eq!(disk.op_count(), 0);
    assert_eq!(content(&none(&disk), "d/b").unwrap(), b"b");
}

#[test]
fn an_open_file_goes_on_without_its_name() {
    let disk = SimDisk::new();
    let file = durable_file(&disk, "a");
    disk.remove("a").unwrap();
    file.write_at(b"x", 0).unwrap();
    let mut buf = [0];
    file.read_at(&mut buf, 0).unwrap();
    assert_eq!(&buf, b"x");
    assert_eq!(names(&all(&disk)), [""; 0]);
}

#[test]
fn locks_exclude_each_other_and_do_not_outlive_a_cut() {
    let disk = SimDisk::new();
    let shared = |disk: &SimDisk| disk.lock("LOCK", LockMode::Shared);
    let exclusive = |disk: &SimDisk| disk.lock("LOCK", LockMode::Exclusive);
    assert_eq!(shared(&disk).unwrap_err().kind(), ErrorKind::NotFound);
    let held = exclusive(&disk).unwrap();
    assert_eq!(disk.list("").unwrap(), ["LOCK"]);
    assert_eq!(shared(&disk).unwrap_err().kind(), ErrorKind::WouldBlock);
    assert_eq!(exclusive(&disk).unwrap_err().kind(), ErrorKind::WouldBlock);
    exclusive(&all(&disk)).unwrap();
    drop(held);
    let (one, two) = (shared(&disk).unwrap(), shared(&disk).unwrap());
    drop(one);
    assert_eq!(exclusive(&disk).unwrap_err().kind(), ErrorKind::WouldBlock);
    drop(two);
    exclusive(&disk).unwrap();
}
