//! Figures of names: S8, S9, S13 and S14.

use std::io::Read;
use std::path::Path;
use std::time::Instant;

use smalti::engine::Builder;
use smalti::limits::TIB;
use smalti::{Engine, Settings};

use crate::data::{
    IDENTITY, MD5_AND_SHA512, Place, Rng, engine, images, new_image, settings, upload,
};
use crate::memory::{Watch, run_child};
use crate::quick::QuickDisk;
use crate::raw_index::RawIndex;
use crate::{Goal, Plan, Row, median};

fn micros(work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64() * 1e6
}

fn key(number: u64) -> [u8; 16] {
    let mut rng = Rng(number);
    let mut key = [0; 16];
    key[..8].copy_from_slice(&rng.next().to_le_bytes());
    key[8..].copy_from_slice(&rng.next().to_le_bytes());
    key
}

pub(crate) fn create(plan: &Plan) -> Vec<Row> {
    const COUNT: u64 = 300;
    let place = Place::new(plan, "create");
    let engine = engine(&place.join("engine"), MD5_AND_SHA512);
    let images = images(&engine);
    let raw = RawIndex::create(&place.join("raw.redb"));
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    for number in 0..COUNT {
        ours.push(micros(|| drop(images.create(new_image()).expect("create"))));
        bare.push(micros(|| raw.put([&key(number)])));
    }
    let start = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..64 {
            let images = &images;
            scope.spawn(move || {
                (0..50).for_each(|_| drop(images.create(new_image()).expect("create")));
            });
        }
    });
    let many = 64.0 * 50.0 / start.elapsed().as_secs_f64();
    let (ours, bare) = (median(ours), median(bare));
    vec![
        Row {
            figure: "S8",
            what: "durable create, 1 thread (ratio of speeds)".to_owned(),
            unit: "us",
            smalti: ours,
            raw: Some(bare),
            ratio: Some(bare / ours),
            goal: Goal::Ratio(2.0),
        },
        Row {
            figure: "S8",
            what: "durable create, 64 threads".to_owned(),
            unit: "1/s",
            smalti: many,
            raw: None,
            ratio: None,
            goal: Goal::AtLeast(20_000.0),
        },
    ]
}

/// Makes an engine with many records quickly.
fn quick_engine(dir: &Path, settings: Settings) -> Engine {
    let builder = Builder::on_disk(QuickDisk::shared(dir));
    builder.settings(settings).open().expect("engine")
}

/// Returns the memory that one upload takes beyond an open engine.
pub(crate) fn upload_mib(dir: &Path, size_mib: usize) -> f64 {
    struct Source(Rng, usize);
    impl Read for Source {
        fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
            let len = buf.len().min(self.1);
            for word in buf[..len].chunks_mut(8) {
                word.copy_from_slice(&self.0.next().to_le_bytes()[..word.len()]);
            }
            self.1 -= len;
            Ok(len)
        }
    }
    let engine = engine(dir, MD5_AND_SHA512);
    let images = images(&engine);
    let watch = Watch::start();
    upload(&images, &mut Source(Rng(1), size_mib << 20));
    watch.peak_mib()
}

/// Fills an engine with images of 10.5 MiB that hold nothing but zeros, and dies.
pub(crate) fn fill_and_die(dir: &Path, count: usize) {
    let engine = quick_engine(dir, settings(IDENTITY));
    let images = images(&engine);
    for _ in 0..count {
        let id = *images.create(new_image()).expect("create").id();
        let mut upload = images.upload(&id).expect("begin");
        upload.skip(11_000_000).expect("skip");
        upload.finish().expect("finish");
    }
    // One upload is under way when the process dies.
    let id = *images.create(new_image()).expect("create").id();
    let _upload = images.upload(&id).expect("begin");
    std::process::abort();
}

pub(crate) fn reopen(plan: &Plan) -> Vec<Row> {
    const COUNT: usize = 100_000;
    let place = Place::new(plan, "killed");
    let path = place.join("engine");
    run_child("killed", &path, &COUNT.to_string());
    let start = Instant::now();
    let engine = engine(&path, IDENTITY);
    let time = start.elapsed();
    let stats = engine.stats().expect("stats");
    assert_eq!(stats.image_count, COUNT as u64);
    assert!(stats.logical_bytes >= TIB, "{} bytes", stats.logical_bytes);
    vec![Row {
        figure: "S14",
        what: format!("open after a kill, {COUNT} images of 1 TiB in all"),
        unit: "ms",
        smalti: time.as_secs_f64() * 1e3,
        raw: None,
        ratio: None,
        goal: Goal::AtMost(1000.0),
    }]
}
