//! The rules of the simulated disk, one by one, and the harness on a small example.

mod contents;
mod faults;
mod names;
mod toy;

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Choices, SimDisk};
use crate::disk::{Disk, DiskFile, SyncSite};

/// Makes a file whose name is durable.
fn durable_file(disk: &SimDisk, path: &str) -> Arc<dyn DiskFile> {
    let file = disk.create(path).unwrap();
    disk.sync_dir("", SyncSite::Root).unwrap();
    file
}

fn none(disk: &SimDisk) -> SimDisk {
    disk.crash_image(disk.op_count(), &mut Choices::none_unsynced())
}

fn all(disk: &SimDisk) -> SimDisk {
    disk.crash_image(disk.op_count(), &mut Choices::all_unsynced())
}

/// Returns the contents of a file in many images by lot; `None` where it has no name.
fn lots(disk: &SimDisk, path: &str) -> BTreeSet<Option<Vec<u8>>> {
    let images = (0..400).map(|seed| {
        let image = disk.crash_image(disk.op_count(), &mut Choices::random(seed));
        content(&image, path)
    });
    images.collect()
}

fn content(disk: &SimDisk, path: &str) -> Option<Vec<u8>> {
    let mut files = disk.files().into_iter();
    files
        .find(|(name, _)| name == path)
        .map(|(_, bytes)| bytes.to_vec())
}

fn names(disk: &SimDisk) -> Vec<String> {
    disk.files().into_iter().map(|(name, _)| name).collect()
}
