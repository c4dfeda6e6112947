//! Writes, lengths and syncs of files.

use std::collections::BTreeSet;
use std::io::{ErrorKind, IoSlice};

use super::{all, content, durable_file, lots, none};
use crate::disk::sim::choices::mix;
use crate::disk::sim::{Choices, Effect, Fault, Op, Outcome, SimDisk};
use crate::disk::{Access, Disk, SyncSite};

fn some(texts: &[&[u8]]) -> BTreeSet<Option<Vec<u8>>> {
    texts.iter().map(|text| Some(text.to_vec())).collect()
}

#[test]
fn synced_bytes_are_in_every_image() {
    let disk = SimDisk::new();
    let file = durable_file(&disk, "a");
    file.write_at(b"one", 0).unwrap();
    file.sync(SyncSite::Log).unwrap();
    assert_eq!(content(&none(&disk), "a").unwrap(), b"one");
    assert_eq!(lots(&disk, "a"), some(&[b"one"]));
}

#[test]
fn a_sync_covers_writes_of_all_handles_but_of_no_other_file() {
    let disk = SimDisk::new();
    let (a, b) = (durable_file(&disk, "a"), durable_file(&disk, "b"));
    a.write_at(b"x", 0).unwrap();
    b.write_at(b"y", 0).unwrap();
    let again = disk.open("a", Access::Read).unwrap();
    again.sync(SyncSite::Log).unwrap();
    assert_eq!(content(&none(&disk), "a").unwrap(), b"x");
    assert_eq!(content(&none(&disk), "b").unwrap(), b"");
}

#[test]
fn unsynced_writes_may_be_absent_present_and_in_any_order() {
    let disk = SimDisk::new();
    let file = durable_file(&disk, "a");
    file.write_at(b"--", 0).unwrap();
    file.sync(SyncSite::Log).unwrap();
    file.write_at(b"1", 0).unwrap();
    file.write_at(b"2", 1).unwrap();
    assert_eq!(lots(&disk, "a"), some(&[b"--", b"1-", b"-2", b"12"]));
    assert_eq!(content(&none(&disk), "a").unwrap(), b"--");
    assert_eq!(content(&all(&disk), "a").unwrap(), b"12");
}

#[test]
fn later_writes_win_over_earlier_ones_where_both_are_there() {
    let disk = SimDisk::new();
    let file = durable_file(&disk, "a");
    file.write_at(b"1", 0).unwrap();
    file.write_at(b"2", 0).unwrap();
    let seen = lots(&disk, "a");
    assert_eq!(seen, some(&[b"", b"\0", b"1", b"2"]));
}

#[test]
fn a_torn_write_is_any_subset_of_its_sectors_and_never_less() {
    let disk = SimDisk::new();
    let file = durable_file(&disk, "a");
    file.write_at(&[b'-'; 1536], 0).unwrap();
    file.sync(SyncSite::Log).unwrap();
    file.write_at(&[b'x'; 1100], 300).unwrap();
    let pieces = [300..512, 512..1024, 1024..1400];
    let mut masks = BTreeSet::new();
    for bytes in lots(&disk, "a") {
        let bytes = bytes.unwrap();
        let mut mask = 0;
        for (number, piece) in pieces.iter().enumerate() {
            let written = bytes[piece.clone()].iter().filter(|b| **b == b'x').count();
            assert!(written == 0 || written == piece.len(), "a sector is torn");
            mask |= usize::from(written > 0) << number;
        }
        assert!(
            bytes[..300]
                .iter()
                .chain(&bytes[1400..])
                .all(|b| *b == b'-')
        );
        masks.insert(mask);
    }
    assert_eq!(masks, (0..8).collect());
}

#[test]
fn an_unsynced_append_may_leave_zeros_or_a_shorter_file() {
    let disk = SimDisk::new();
    let file = durable_file(&disk, "a");
    file.write_at(b"ab", 0).unwrap();
    file.sync(SyncSite::Log).unwrap();
    file.write_at(&[b'x'; 1024], 2).unwrap();
    let seen: Vec<Vec<u8>> = lots(&disk, "a").into_iter().flatten().collect();
    let has = |len: usize, first: u8| {
        let mut seen = seen.iter();
        seen.any(|bytes| bytes.len() == len && bytes.get(2).is_none_or(|b| *b == first))
    };
    assert!(has(2, 0), "nothing arrived");
    assert!(
        has(1026, 0),
        "the length arrived and the first sector did not"
    );
    assert!(
        has(1026, b'x'),
        "all or the first sector and the length arrived"
    );
    assert!(has(512, b'x'), "one sector and its length arrived");
    assert!(seen.iter().all(|bytes| bytes.starts_with(b"ab")));
}

#[test]
fn new_bytes_may_stand_within_the_old_length() {
    let disk = SimDisk::new();
    let file = durable_file(&disk, "a");
    file.write_at(b"ab", 0).unwrap();
    file.sync(SyncSite::Log).unwrap();
    file.write_at(b"xyz", 1).unwrap();
    assert_eq!(lots(&disk, "a"), some(&[b"ab", b"ab\0\0", b"ax", b"axyz"]));
}

#[test]
fn lengths_are_lost_or_kept_as_writes_are() {
    let disk = SimDisk::new();
    let file = durable_file(&disk, "a");
    file.write_at(b"abcd", 0).unwrap();
    file.sync(SyncSite::Log).unwrap();
    file.set_len(2).unwrap();
    file.set_len(4).unwrap();
    assert_eq!(lots(&disk, "a"), some(&[b"abcd", b"ab", b"ab\0\0"]));
    file.sync(SyncSite::Log).unwrap();
    assert_eq!(lots(&disk, "a"), some(&[b"ab\0\0"]));
}

#[test]
fn a_site_that_is_switched_off_makes_nothing_durable() {
    let disk = SimDisk::new();
    let file = durable_file(&disk, "a");
    disk.switch_off(SyncSite::Log);
    file.write_at(b"x", 0).unwrap();
    file.sync(SyncSite::Log).unwrap();
    assert_eq!(content(&none(&disk), "a").unwrap(), b"");
    file.sync(SyncSite::PackData).unwrap();
    assert_eq!(content(&none(&disk), "a").unwrap(), b"x");
    assert_eq!(disk.syncs()[&SyncSite::Log], 1);
}

#[test]
fn what_a_failed_sync_lost_no_later_sync_covers() {
    let disk = SimDisk::new();
    let file = durable_file(&disk, "a");
    file.write_at(b"1", 0).unwrap();
    disk.fail_op(disk.io_count(), Fault::kind(ErrorKind::Other));
    file.sync(SyncSite::Log).unwrap_err();
    file.write_at(b"2", 1).unwrap();
    file.sync(SyncSite::Log).unwrap();
    assert_eq!(lots(&disk, "a"), some(&[b"\x002", b"12"]));
    // What is written anew is covered.
    file.write_at(b"3", 0).unwrap();
    file.sync(SyncSite::Log).unwrap();
    assert_eq!(lots(&disk, "a"), some(&[b"32"]));
}

#[test]
fn a_sync_that_fails_after_the_fact_is_durable() {
    let disk = SimDisk::new();
    let file = durable_file(&disk, "a");
    file.write_at(b"1", 0).unwrap();
    let fault = Fault::kind(ErrorKind::Other).after(Effect::All);
    disk.fail_op(disk.io_count(), fault);
    file.sync(SyncSite::Log).unwrap_err();
    assert_eq!(content(&none(&disk), "a").unwrap(), b"1");
}

#[test]
fn images_of_earlier_points_do_not_know_what_came_later() {
    let disk = SimDisk::new();
    let file = durable_file(&disk, "a");
    file.write_at(b"1", 0).unwrap();
    let before = disk.op_count();
    file.sync(SyncSite::Log).unwrap();
    file.write_at(b"2", 0).unwrap();
    file.sync(SyncSite::Log).unwrap();
    let at = |at| {
        let image = disk.crash_image(at, &mut Choices::none_unsynced());
        content(&image, "a").unwrap()
    };
    assert_eq!(at(disk.op_count()), b"2");
    assert_eq!(at(before), b"");
    assert_eq!(at(before + 1), b"1");
    assert_eq!(disk.unsynced(before), 1);
    assert_eq!(disk.unsynced(before + 1), 0);
}

#[test]
fn an_image_is_a_disk_that_can_be_cut_again() {
    let disk = SimDisk::new();
    durable_file(&disk, "a").write_at(b"1", 0).unwrap();
    let image = all(&disk);
    assert_eq!(image.op_count(), 0);
    assert_eq!(content(&none(&image), "a").unwrap(), b"1");
    let file = image.open("a", Access::Write).unwrap();
    file.write_at(b"2", 1).unwrap();
    assert_eq!(content(&none(&image), "a").unwrap(), b"1");
    file.sync(SyncSite::Log).unwrap();
    let third = none(&image);
    assert_eq!(content(&none(&third), "a").unwrap(), b"12");
    assert_eq!(content(&disk, "a").unwrap(), b"1");
}

#[test]
fn an_image_of_all_changes_is_the_live_disk_at_every_point() {
    let disk = SimDisk::new();
    disk.create_dir("d/e").unwrap();
    let mut seen = vec![(disk.op_count(), disk.files())];
    let mut random = 5_u64;
    let mut draw = |bound: u64| {
        random = mix(random + 1);
        random % bound
    };
    for _ in 0..600 {
        let path = ["a", "b", "d/a", "d/e/a"][usize::try_from(draw(4)).unwrap()];
        let other = ["a", "b", "d/a", "d/e/a"][usize::try_from(draw(4)).unwrap()];
        let file = disk
            .open(path, Access::Write)
            .or_else(|_| disk.create(path))
            .unwrap();
        match draw(8) {
            0 => disk.remove(path).unwrap(),
            1 => disk.rename(path, other).unwrap(),
            2 => file.set_len(draw(9000)).unwrap(),
            3 => file.sync(SyncSite::Log).unwrap(),
            4 => disk.sync_dir("d", SyncSite::LogDir).unwrap(),
            5 => disk.sync_dir("", SyncSite::Root).unwrap(),
            _ => {
                let part = [u8::try_from(draw(250)).unwrap(); 700];
                let parts = [IoSlice::new(&part), IoSlice::new(b"tail")];
                file.write_parts_at(&parts, draw(9000)).unwrap();
            }
        }
        seen.push((disk.op_count(), disk.files()));
    }
    for (at, files) in seen {
        let image = disk.crash_image(at, &mut Choices::all_unsynced());
        assert_eq!(image.files(), files, "after op {at}");
    }
}

#[test]
fn equal_seeds_make_equal_images_on_equal_logs() {
    let run = || {
        let disk = SimDisk::new();
        for number in 0..20_u64 {
            let file = disk.create(&format!("f{number}")).unwrap();
            file.write_at(&[1; 3000], number).unwrap();
        }
        disk
    };
    let (one, two) = (run(), run());
    let image = |disk: &SimDisk, seed| {
        disk.crash_image(disk.op_count(), &mut Choices::random(seed))
            .files()
    };
    assert_eq!(image(&one, 9), image(&two, 9));
    assert_ne!(image(&one, 9), image(&two, 10));
}

#[test]
fn the_log_tells_syncs_with_site_and_outcome() {
    let disk = SimDisk::new();
    let file = durable_file(&disk, "a");
    file.sync(SyncSite::Log).unwrap();
    disk.switch_off(SyncSite::Log);
    file.sync(SyncSite::Log).unwrap();
    let syncs: Vec<_> = disk.log().iter().filter_map(Op::sync).collect();
    let expected = [
        (SyncSite::Root, Outcome::Durable),
        (SyncSite::Log, Outcome::Durable),
        (SyncSite::Log, Outcome::Skipped),
    ];
    assert_eq!(syncs, expected);
}
