//! Figures of bytes out: S5 to S7, and what a range costs on 1 GiB and on 4 TiB (S12).

use std::fs::File;
use std::hint::black_box;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::{Duration, Instant};

use smalti::ImageId;
use smalti::Images;
use smalti::chunk::Verify;
use smalti::disk::{Access, Disk, Map, RealDisk};
use smalti::read::{ReadMode, ReadOptions, Reader};

use crate::data::{
    IDENTITY, Place, Rng, engine, forget, images, in_memory, new_image, noise, upload, write_file,
};
use crate::ingest::in_turns;
use crate::{Goal, Plan, Row, Stopwatch, mb_per_s, median, medians};

const RANGE: u64 = 64 << 10;
const OPTIONS: ReadOptions = ReadOptions {
    verify: Verify::Once,
    mode: ReadMode::Map,
};

/// Adds up all words of some bytes.
fn sum(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let words = words.iter().map(|word| u64::from_le_bytes(*word));
    let rest = rest.iter().map(|byte| u64::from(*byte));
    words.chain(rest).fold(0, u64::wrapping_add)
}

fn sum_image(reader: &Reader) -> u64 {
    let slices = reader.slices(..).expect("range");
    slices.fold(0, |total, slice| {
        total.wrapping_add(sum(&slice.expect("slice")))
    })
}

fn map(place: &Place, name: &str, len: usize) -> Map {
    let disk = RealDisk::new(place.path());
    let file = disk.open(name, Access::Read).expect("file");
    file.map(len as u64).expect("map")
}

/// Random ranges on block borders.
fn offsets(seed: u64, count: usize, len: usize) -> Vec<u64> {
    let mut rng = Rng(seed);
    let blocks = (len as u64 - RANGE) / 4096;
    (0..count).map(|_| rng.below(blocks) * 4096).collect()
}

fn per_s(count: usize, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64()
}

fn open_image(images: &Images, id: &ImageId, options: ReadOptions) -> Reader {
    let opened = images.open_with(id, options).expect("open");
    opened.expect("the image holds data")
}

pub(crate) fn hot(plan: &Plan) -> Vec<Row> {
    let data = noise(5, plan.len_bytes());
    let place = Place::new(plan, "hot");
    let engine = engine(&place.join("engine"), IDENTITY);
    let images = images(&engine);
    let id = upload(&images, &mut &data[..]);
    write_file(&place.join("bare"), &data);
    let (reader, bare) = (
        open_image(&images, &id, OPTIONS),
        map(&place, "bare", data.len()),
    );
    let expected = sum(&data);
    drop(data);
    let len = bare.bytes().len();
    // The first pass proves, and brings all pages into both maps.
    assert_eq!(sum_image(&reader), expected);
    assert_eq!(sum(bare.bytes()), expected);

    let full = |round| {
        let timed = |work: &dyn Fn() -> u64| {
            let start = Stopwatch::start();
            assert_eq!(work(), expected);
            mb_per_s(len, start.elapsed())
        };
        in_turns(
            round,
            || timed(&|| sum_image(&reader)),
            || timed(&|| sum(bare.bytes())),
        )
    };
    let full: Vec<_> = (0..plan.rounds.max(5)).map(full).collect();
    let (smalti, raw, ratio) = medians(&full);
    let mut rows = vec![Row {
        figure: "S5",
        what: "full read hot, every byte touched".to_owned(),
        unit: "MB/s",
        smalti,
        raw: Some(raw),
        ratio: Some(ratio),
        goal: Goal::Ratio(0.90),
    }];
    rows.extend(hot_ranges(plan, &reader, &bare));
    rows
}

fn hot_ranges(plan: &Plan, reader: &Reader, bare: &Map) -> Vec<Row> {
    const COUNT: usize = 200_000;
    let len = bare.bytes().len();
    let at = |offset: u64| offset as usize..(offset + RANGE) as usize;
    let slices = |round: usize| {
        let offsets = offsets(round as u64, COUNT, len);
        let ours = || {
            let start = Stopwatch::start();
            for &offset in &offsets {
                for slice in reader.slices(offset..offset + RANGE).expect("range") {
                    black_box(slice.expect("slice"));
                }
            }
            per_s(COUNT, start.elapsed())
        };
        let bare = || {
            let start = Stopwatch::start();
            offsets
                .iter()
                .for_each(|&offset| drop(black_box(bare.bytes().slice(at(offset)))));
            per_s(COUNT, start.elapsed())
        };
        in_turns(round, ours, bare)
    };
    let slices: Vec<_> = (0..plan.rounds.max(5)).map(slices).collect();
    let copies = |round: usize| {
        let offsets = offsets(100 + round as u64, COUNT / 4, len);
        let mut buf = vec![0; RANGE as usize];
        let start = Stopwatch::start();
        for &offset in &offsets {
            buf.copy_from_slice(&bare.bytes()[at(offset)]);
            black_box(&mut buf);
        }
        let raw = mb_per_s(offsets.len() * RANGE as usize, start.elapsed());
        let start = Stopwatch::start();
        for &offset in &offsets {
            assert_eq!(
                reader.read_at(&mut buf, offset).expect("read"),
                RANGE as usize
            );
            black_box(&mut buf);
        }
        (
            mb_per_s(offsets.len() * RANGE as usize, start.elapsed()),
            raw,
        )
    };
    let copies: Vec<_> = (0..plan.rounds.max(5)).map(copies).collect();
    let (smalti, raw, ratio) = medians(&slices);
    let slices = Row {
        figure: "S6",
        what: "random 64 KiB ranges, as slices".to_owned(),
        unit: "ranges/s",
        smalti,
        raw: Some(raw),
        ratio: Some(ratio),
        goal: Goal::AtLeast(400_000.0),
    };
    let (smalti, raw, ratio) = medians(&copies);
    let copies = Row {
        figure: "S6",
        what: "random 64 KiB ranges, copied out".to_owned(),
        unit: "MB/s",
        smalti,
        raw: Some(raw),
        ratio: Some(ratio),
        goal: Goal::Ratio(0.80),
    };
    vec![slices, copies]
}

pub(crate) fn cold(plan: &Plan) -> Vec<Row> {
    if in_memory(&plan.dir) {
        return Vec::new();
    }
    let place = Place::new(plan, "cold");
    let data = noise(6, plan.len_bytes());
    let id = {
        let engine = engine(&place.join("engine"), IDENTITY);
        let id = upload(&images(&engine), &mut &data[..]);
        engine.close(Duration::ZERO).expect("close");
        id
    };
    write_file(&place.join("bare"), &data);
    let len = data.len();
    drop(data);
    let ranges = |round| cold_ranges(&place, &id, round, len);
    let full = |round| cold_full(&place, &id, round, len, OPTIONS);
    let unproved = ReadOptions {
        verify: Verify::Never,
        ..OPTIONS
    };
    let without = |round| cold_full(&place, &id, round, len, unproved);
    let row = |what: &str, pairs: &[(f64, f64)], goal| {
        let (smalti, raw, ratio) = medians(pairs);
        Row {
            figure: "S6c",
            what: what.to_owned(),
            unit: "MB/s",
            smalti,
            raw: Some(raw),
            ratio: Some(ratio),
            goal,
        }
    };
    let (proved, first): (Vec<_>, Vec<_>) = (0..plan.rounds).map(ranges).unzip();
    let full: Vec<_> = (0..plan.rounds).map(full).collect();
    let without: Vec<_> = (0..plan.rounds).map(without).collect();
    vec![
        row(
            "random 64 KiB ranges, cold, proved before",
            &proved,
            Goal::Ratio(0.95),
        ),
        row(
            "random 64 KiB ranges, cold, first touch",
            &first,
            Goal::None,
        ),
        row(
            "full read cold, proved on the way, beside the best sequential read",
            &full,
            Goal::Ratio(0.90),
        ),
        row("full read cold, without proofs", &without, Goal::None),
    ]
}

/// Cold ranges: proved by an earlier read and evicted since, and never read before.
fn cold_ranges(place: &Place, id: &ImageId, round: usize, len: usize) -> ((f64, f64), (f64, f64)) {
    const COUNT: usize = 1000;
    let offsets = offsets(round as u64, COUNT, len);
    let bytes = COUNT * RANGE as usize;
    let ours = |reader: &Reader| {
        forget(place.path());
        let start = Instant::now();
        for &offset in &offsets {
            for slice in reader.slices(offset..offset + RANGE).expect("range") {
                black_box(sum(&slice.expect("slice")));
            }
        }
        mb_per_s(bytes, start.elapsed())
    };
    let bare = || {
        let file = File::open(place.join("bare")).expect("file");
        let mut buf = vec![0; RANGE as usize];
        forget(place.path());
        let start = Instant::now();
        for &offset in &offsets {
            file.read_exact_at(&mut buf, offset).expect("read");
            black_box(sum(&buf));
        }
        mb_per_s(bytes, start.elapsed())
    };
    let proved = || {
        let engine = engine(&place.join("engine"), IDENTITY);
        let copy = ReadOptions {
            mode: ReadMode::Copy,
            ..OPTIONS
        };
        // Copies leave no page in the map, so that all of them can leave the cache.
        let reader = open_image(&images(&engine), id, copy);
        let mut buf = vec![0; RANGE as usize];
        for &offset in &offsets {
            reader.read_at(&mut buf, offset).expect("read");
        }
        ours(&open_image(&images(&engine), id, OPTIONS))
    };
    let first = {
        let engine = engine(&place.join("engine"), IDENTITY);
        ours(&open_image(&images(&engine), id, OPTIONS))
    };
    let proved = in_turns(round, proved, bare);
    (proved, (first, proved.1))
}

/// A whole image cold, proved on the way, beside the better of two sequential reads.
fn cold_full(
    place: &Place,
    id: &ImageId,
    round: usize,
    len: usize,
    options: ReadOptions,
) -> (f64, f64) {
    let ours = || {
        let engine = engine(&place.join("engine"), IDENTITY);
        let reader = open_image(&images(&engine), id, options);
        forget(place.path());
        let start = Instant::now();
        black_box(sum_image(&reader));
        mb_per_s(len, start.elapsed())
    };
    let bare = || {
        let plain = cold_file(place.path(), 0, len);
        plain.max(cold_file(place.path(), 8 << 20, len))
    };
    in_turns(round, ours, bare)
}

fn cold_file(dir: &Path, ahead: u64, len: usize) -> f64 {
    forget(dir);
    let file = File::open(dir.join("bare")).expect("file");
    let _ = rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::Sequential);
    let mut buf = vec![0; 1 << 20];
    let start = Instant::now();
    for at in (0..len as u64).step_by(buf.len()) {
        if ahead > 0 && at % (ahead / 2) == 0 {
            let ahead = std::num::NonZeroU64::new(ahead);
            let _ = rustix::fs::fadvise(&file, at, ahead, rustix::fs::Advice::WillNeed);
        }
        file.read_exact_at(&mut buf, at).expect("read");
        black_box(sum(&buf));
    }
    mb_per_s(len, start.elapsed())
}

/// Returns the median time of one call in microseconds.
fn p50_us(count: usize, mut call: impl FnMut(usize)) -> f64 {
    let time = |index| {
        let start = Instant::now();
        call(index);
        start.elapsed().as_secs_f64() * 1e6
    };
    median((0..count).map(time).collect())
}

fn open_and_read(images: &Images, id: &ImageId, offset: u64) {
    let reader = images.open(id).expect("open").expect("data");
    for slice in reader.slices(offset..offset + RANGE).expect("range") {
        black_box(slice.expect("slice"));
    }
}

pub(crate) fn open(plan: &Plan) -> Vec<Row> {
    let place = Place::new(plan, "open");
    let engine = engine(&place.join("engine"), IDENTITY);
    let images = images(&engine);
    let data = noise(7, 64 << 20);
    let id = upload(&images, &mut &data[..]);
    let offsets = offsets(1, 20_000, data.len());
    offsets
        .iter()
        .for_each(|&offset| open_and_read(&images, &id, offset));
    let p50 = p50_us(offsets.len(), |index| {
        open_and_read(&images, &id, offsets[index])
    });
    vec![Row {
        figure: "S7",
        what: "open, policy, 64 KiB range, close: p50".to_owned(),
        unit: "us",
        smalti: p50,
        raw: None,
        ratio: None,
        goal: Goal::AtMost(8.0),
    }]
}

pub(crate) fn growth(plan: &Plan) -> Vec<Row> {
    const SMALL: usize = 1 << 30;
    const STEP: u64 = 256 << 20;
    const STEPS: u64 = 16 << 10;
    let place = Place::new(plan, "growth");
    let engine = engine(&place.join("engine"), IDENTITY);
    let images = images(&engine);
    let data = noise(8, SMALL);
    let small = upload(&images, &mut &data[..]);
    let large = *images.create(new_image()).expect("create").id();
    let mut upload = images.upload(&large).expect("begin");
    for step in 0..STEPS as usize {
        let from = step * RANGE as usize;
        upload
            .read_from(&mut &data[from..from + RANGE as usize])
            .expect("take");
        upload.skip(STEP - RANGE).expect("skip");
    }
    upload.finish().expect("finish");
    drop(data);
    let on_small = offsets(1, 20_000, SMALL);
    let mut rng = Rng(2);
    let on_large: Vec<u64> = (0..20_000).map(|_| rng.below(STEPS) * STEP).collect();
    let mut pairs = Vec::new();
    for round in 0..=plan.rounds {
        let large = p50_us(20_000, |index| {
            open_and_read(&images, &large, on_large[index])
        });
        let small = p50_us(20_000, |index| {
            open_and_read(&images, &small, on_small[index])
        });
        // The first round only warms.
        if round > 0 {
            pairs.push((large, small));
        }
    }
    let (large, small, ratio) = medians(&pairs);
    vec![Row {
        figure: "S12",
        what: "open and range on 4 TiB (raw: on 1 GiB): p50".to_owned(),
        unit: "us",
        smalti: large,
        raw: Some(small),
        ratio: Some(ratio),
        goal: Goal::RatioBelow(1.5),
    }]
}
