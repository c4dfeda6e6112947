//! The harness on a small store: a log in front of a table, with and without faults of its own.

use crate::disk::sim::{Counts, Explore, Failure, SimDisk, explore};
use crate::disk::{Access, Disk, SyncSite};

const CELLS: u64 = 4;
const RECORD_LEN: usize = 3;

/// Cells of one byte. A change goes to a log, and from there into a table in another file; the
/// log is then made anew under the same name.
struct Toy<'a> {
    disk: &'a SimDisk,
    records: u64,
}

/// A record is cell, value and their check.
fn record(cell: u8, value: u8) -> [u8; RECORD_LEN] {
    [cell, value, cell.wrapping_mul(31) ^ value ^ 0x5a]
}

fn read_all(disk: &SimDisk, path: &str) -> Result<Vec<u8>, String> {
    let read = || {
        let file = disk.open(path, Access::Read)?;
        let mut bytes = vec![0; usize::try_from(file.len()?).unwrap()];
        file.read_at(&mut bytes, 0)?;
        Ok(bytes)
    };
    read().map_err(|error: std::io::Error| format!("{path}: {error}"))
}

fn valid_records(log: &[u8]) -> impl Iterator<Item = (u8, u8)> {
    let records = log.chunks_exact(RECORD_LEN);
    records
        .take_while(|bytes| **bytes == record(bytes[0], bytes[1]))
        .map(|bytes| (bytes[0], bytes[1]))
}

impl<'a> Toy<'a> {
    /// Makes or recovers a store.
    fn open(disk: &'a SimDisk) -> Result<Self, String> {
        let io = |error: std::io::Error| error.to_string();
        let mut toy = Self { disk, records: 0 };
        if disk.open("log", Access::Read).is_err() {
            let table = disk.open("table", Access::Write);
            let table = table.or_else(|_| disk.create("table")).map_err(io)?;
            table.set_len(CELLS).map_err(io)?;
            table.sync(SyncSite::Index).map_err(io)?;
            disk.sync_dir("", SyncSite::Root).map_err(io)?;
            disk.create("log").map_err(io)?;
            disk.sync_dir("", SyncSite::LogDir).map_err(io)?;
        }
        toy.checkpoint().map_err(io)?;
        Ok(toy)
    }

    fn set(&mut self, cell: u8, value: u8) -> std::io::Result<()> {
        let log = self.disk.open("log", Access::Write)?;
        log.write_at(&record(cell, value), self.records * 3)?;
        self.records += 1;
        log.sync(SyncSite::Log)
    }

    fn checkpoint(&mut self) -> std::io::Result<()> {
        let log = read_all(self.disk, "log").map_err(std::io::Error::other)?;
        let table = self.disk.open("table", Access::Write)?;
        for (cell, value) in valid_records(&log) {
            table.write_at(&[value], u64::from(cell))?;
        }
        table.sync(SyncSite::Index)?;
        if self.disk.open("log.new", Access::Read).is_ok() {
            self.disk.remove("log.new")?;
        }
        self.disk.create("log.new")?;
        self.disk.rename("log.new", "log")?;
        self.disk.sync_dir("", SyncSite::LogDir)?;
        self.records = 0;
        Ok(())
    }
}

const CHANGES: [(u8, u8); 8] = [
    (0, 1),
    (1, 2),
    (2, 3),
    (0, 4),
    (3, 5),
    (1, 6),
    (1, 7),
    (0, 8),
];

/// Runs the script; returns the disk and the acknowledgements.
fn run(off: Option<SyncSite>, early_ack: bool) -> (SimDisk, Vec<usize>) {
    let disk = SimDisk::new();
    if let Some(site) = off {
        disk.switch_off(site);
    }
    let mut toy = Toy::open(&disk).unwrap();
    let mut acks = Vec::new();
    for (number, (cell, value)) in CHANGES.into_iter().enumerate() {
        if early_ack && number == 6 {
            acks.push(disk.op_count());
            toy.set(cell, value).unwrap();
        } else {
            toy.set(cell, value).unwrap();
            acks.push(disk.op_count());
        }
        if number % 3 == 2 {
            toy.checkpoint().unwrap();
        }
    }
    (disk, acks)
}

/// Recovers an image; its cells must be those after the acknowledged calls, or one more.
fn check(off: Option<SyncSite>) -> impl Fn(&SimDisk, usize) -> Result<(), String> {
    move |image, acked| {
        if let Some(site) = off {
            image.switch_off(site);
        }
        Toy::open(image)?;
        let found = read_all(image, "table")?;
        let after = |count: usize| {
            let mut cells = [0; 4];
            for (cell, value) in &CHANGES[..count.min(CHANGES.len())] {
                cells[usize::from(*cell)] = *value;
            }
            cells
        };
        if found == after(acked) || found == after(acked + 1) {
            return Ok(());
        }
        Err(format!("cells are {found:?}, expected {:?}", after(acked)))
    }
}

fn explored(off: Option<SyncSite>, early_ack: bool, depth: usize) -> Result<Counts, Failure> {
    let (disk, acks) = run(off, early_ack);
    let options = Explore {
        images_per_point: 20,
        depth,
        cuts_per_recovery: 2,
        ..Explore::default()
    };
    explore(&disk, &acks, options, check(off))
}

#[test]
fn a_sound_store_survives_every_cut() {
    let counts = explored(None, false, 1).unwrap_or_else(|failure| panic!("{failure}"));
    assert_eq!(counts.acks, CHANGES.len());
    assert!(counts.points > 40 && counts.syncs > 15, "{counts:?}");
    assert!(
        counts.images > 110 && counts.random_images > 40,
        "{counts:?}"
    );
    assert_eq!(counts.deeper_images, 0);
}

#[test]
fn a_sound_store_survives_cuts_of_its_recovery() {
    let counts = explored(None, false, 3).unwrap_or_else(|failure| panic!("{failure}"));
    assert!(counts.deeper_images > 500, "{counts:?}");
}

#[test]
fn every_missing_sync_is_caught() {
    for site in [
        SyncSite::Log,
        SyncSite::LogDir,
        SyncSite::Index,
        SyncSite::Root,
    ] {
        let (disk, _) = run(Some(site), false);
        assert!(disk.syncs()[&site] > 0, "{site:?} is never used");
        assert!(explored(Some(site), false, 1).is_err(), "{site:?}");
    }
}

#[test]
fn an_early_acknowledgement_is_caught() {
    let failure = explored(None, true, 1).unwrap_err();
    assert_eq!(failure.acked, 7);
}

#[test]
fn a_failure_prints_its_seed_and_is_seen_again_from_its_cuts() {
    let site = Some(SyncSite::Index);
    let failure = explored(site, false, 1).unwrap_err();
    let text = failure.to_string();
    assert!(
        text.contains("seed: 1") && text.contains("(not issued)"),
        "{text}"
    );
    let (mut disk, _) = run(site, false);
    for cut in &failure.cuts {
        disk = cut.image(&disk);
    }
    assert_eq!(check(site)(&disk, failure.acked), Err(failure.message));
}

#[test]
fn panics_and_violations_of_a_check_are_failures() {
    let (disk, acks) = run(None, false);
    let failure = explore(&disk, &acks, Explore::default(), |_, acked| {
        assert!(acked < 3, "planted");
        Ok(())
    });
    assert_eq!(failure.unwrap_err().message, "the check panicked: planted");
    let write = |image: &SimDisk, _| {
        if let Ok(file) = image.open("table", Access::Read) {
            let _ = file.write_at(b"x", 0);
        }
        Ok(())
    };
    let failure = explore(&disk, &acks, Explore::default(), write).unwrap_err();
    assert!(
        failure
            .message
            .starts_with("write through a handle for reading")
    );
    write(&disk, 0).unwrap();
    let failure = explore(&disk, &acks, Explore::default(), |_, _| Ok(()));
    assert!(failure.unwrap_err().cuts.is_empty());
}

#[test]
fn points_by_lot_fill_each_interval_between_syncs() {
    let disk = SimDisk::new();
    let file = disk.create("a").unwrap();
    disk.sync_dir("", SyncSite::Root).unwrap();
    file.write_at(&[1; 40_000], 0).unwrap();
    file.sync(SyncSite::Log).unwrap();
    let options = Explore {
        images_per_point: 0,
        ..Explore::default()
    };
    let counts = explore(&disk, &[], options, |_, _| Ok(())).unwrap();
    // One creation has no fates but two; a write of 79 sectors has more than enough.
    assert_eq!((counts.points, counts.random_images), (5, 20));
    assert_eq!(counts.images, 5 + 2 + 20);
}
