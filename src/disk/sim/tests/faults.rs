//! Injected faults, the capacity, maps and violations.

use std::io::{self, ErrorKind};

use super::{content, durable_file, none};
use crate::disk::sim::{Effect, Fault, SimDisk};
use crate::disk::{Access, Disk, LockMode, SyncSite};

/// Makes one call of each kind; returns the first error.
fn script(disk: &SimDisk) -> io::Result<()> {
    let _lock = disk.lock("LOCK", LockMode::Exclusive)?;
    disk.create_dir("d")?;
    let file = disk.create("d/a")?;
    file.write_at(b"text", 0)?;
    file.set_len(8)?;
    file.len()?;
    file.read_at(&mut [0; 4], 0)?;
    file.sync(SyncSite::Log)?;
    disk.rename("d/a", "d/b")?;
    disk.sync_dir("d", SyncSite::LogDir)?;
    disk.open("d/b", Access::Read)?;
    disk.list("d")?;
    file.map(4)?;
    disk.remove("d/b")
}

#[test]
fn each_call_fails_in_turn_with_each_error() {
    let disk = SimDisk::new();
    script(&disk).unwrap();
    let calls = disk.io_count();
    assert_eq!(calls, 14);
    for call in 0..calls {
        for errno in Fault::ERRNOS {
            for effect in [Effect::Nothing, Effect::First(1), Effect::All] {
                let disk = SimDisk::new();
                disk.fail_op(call, Fault::raw(errno).after(effect));
                let error = script(&disk).unwrap_err();
                assert_eq!(error.raw_os_error(), Some(errno), "call {call}");
                assert_eq!(disk.io_count(), call + 1);
            }
        }
    }
}

#[test]
fn a_fault_happens_once_unless_it_sticks() {
    let disk = SimDisk::new();
    disk.fail_op(1, Fault::kind(ErrorKind::TimedOut));
    let fails =
        |count: usize| -> Vec<bool> { (0..count).map(|_| disk.list("").is_err()).collect() };
    assert_eq!(fails(3), [false, true, false]);
    disk.fail_op(4, Fault::kind(ErrorKind::TimedOut).sticky());
    assert_eq!(fails(3), [false, true, true]);
    disk.clear_faults();
    assert_eq!(fails(1), [false]);
}

#[test]
fn a_failing_call_did_nothing_a_part_or_all() {
    let write = |effect| {
        let disk = SimDisk::new();
        let file = durable_file(&disk, "a");
        disk.fail_op(disk.io_count(), Fault::kind(ErrorKind::Other).after(effect));
        file.write_at(b"text", 0).unwrap_err();
        content(&disk, "a").unwrap()
    };
    assert_eq!(write(Effect::Nothing), b"");
    assert_eq!(write(Effect::First(3)), b"tex");
    assert_eq!(write(Effect::First(9)), b"text");
    assert_eq!(write(Effect::All), b"text");
    let create = |effect| {
        let disk = SimDisk::new();
        disk.fail_op(0, Fault::kind(ErrorKind::Other).after(effect));
        disk.create("a").unwrap_err();
        disk.list("").unwrap().len()
    };
    assert_eq!(create(Effect::Nothing), 0);
    assert_eq!(create(Effect::First(1)), 0);
    assert_eq!(create(Effect::All), 1);
}

#[test]
fn a_failing_read_fills_a_part() {
    let disk = SimDisk::new();
    let file = durable_file(&disk, "a");
    file.write_at(b"text", 0).unwrap();
    let fault = Fault::kind(ErrorKind::Other).after(Effect::First(2));
    disk.fail_op(disk.io_count(), fault);
    let mut buf = *b"----";
    file.read_at(&mut buf, 0).unwrap_err();
    assert_eq!(&buf, b"te--");
    let over = file.read_at(&mut buf, 1).unwrap_err();
    assert_eq!(over.kind(), ErrorKind::UnexpectedEof);
}

#[test]
fn a_full_disk_refuses_growth_and_nothing_else() {
    let disk = SimDisk::new();
    let file = durable_file(&disk, "a");
    let other = durable_file(&disk, "b");
    other.write_at(b"1234", 0).unwrap();
    disk.full_after(10);
    let kind = |result: io::Result<()>| result.unwrap_err().kind();
    assert_eq!(kind(file.set_len(7)), ErrorKind::StorageFull);
    assert_eq!(kind(file.write_at(b"abcdefgh", 0)), ErrorKind::StorageFull);
    assert_eq!(
        content(&disk, "a").unwrap(),
        b"abcdef",
        "what fits is written"
    );
    assert_eq!(disk.used_bytes(), 10);
    assert_eq!(kind(disk.create("c").map(drop)), ErrorKind::StorageFull);
    file.write_at(b"ABCDEF", 0).unwrap();
    file.sync(SyncSite::Log).unwrap();
    disk.rename("a", "d").unwrap();
    disk.remove("b").unwrap();
    assert_eq!(disk.used_bytes(), 6);
    file.set_len(10).unwrap();
    assert_eq!(kind(file.set_len(11)), ErrorKind::StorageFull);
    file.set_len(1).unwrap();
    disk.create("c").unwrap();
    disk.full_after(0);
    file.set_len(0).unwrap();
    disk.unlimited();
    file.set_len(100).unwrap();
    assert_eq!(disk.violations(), [""; 0]);
}

#[test]
fn a_map_seals_the_file() {
    let disk = SimDisk::new();
    let file = durable_file(&disk, "a");
    file.write_at(b"text", 0).unwrap();
    assert_eq!(file.map(0).unwrap_err().kind(), ErrorKind::UnexpectedEof);
    assert_eq!(file.map(5).unwrap_err().kind(), ErrorKind::UnexpectedEof);
    assert_eq!(disk.violations(), [""; 0]);
    let map = file.map(3).unwrap();
    assert_eq!(&map.bytes()[..], b"tex");
    assert_eq!(&file.map(4).unwrap().bytes()[..], b"text");
    file.write_at(b"x", 0).unwrap_err();
    file.set_len(0).unwrap_err();
    let said = disk.violations();
    assert_eq!(said[0], "write to mapped file 0, a");
    assert_eq!(said[1], "set_len to mapped file 0, a");
    assert_eq!(content(&disk, "a").unwrap(), b"text");
    disk.remove("a").unwrap();
    assert_eq!(&map.bytes()[..], b"tex");
    // The next process has no maps.
    let image = none(&disk);
    let file = image.open("a", Access::Write).unwrap();
    file.write_at(b"x", 0).unwrap();
}

#[test]
fn a_handle_for_reading_does_not_write() {
    let disk = SimDisk::new();
    durable_file(&disk, "a").write_at(b"text", 0).unwrap();
    let file = disk.open("a", Access::Read).unwrap();
    file.write_at(b"x", 0).unwrap_err();
    file.set_len(0).unwrap_err();
    assert_eq!(disk.violations().len(), 2);
    assert_eq!(content(&disk, "a").unwrap(), b"text");
}
