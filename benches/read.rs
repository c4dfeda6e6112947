//! What does a range cost when everything is in memory?
//!
//! `slice` is 64 KiB of an open image, proved before; `open` opens the image, takes such a slice
//! and closes it again. If `slice` took more than 2.5 us, or `open` more than 8 us, a range would
//! cost more than sending it does.

use std::hint::black_box;
use std::io::Write;

use criterion::{Criterion, criterion_group, criterion_main};
use smalti::{Caller, ContainerFormat, DiskFormat, Engine, NewImage};

const LEN: u64 = 64 << 20;
const RANGE: u64 = 64 << 10;

fn next(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

fn ranges(c: &mut Criterion) {
    let dir = tempfile::tempdir().expect("directory");
    let engine = Engine::builder(dir.path()).open().expect("engine");
    let images = engine.images(&Caller::project("a"));
    let new = NewImage::named("bench")
        .disk_format(DiskFormat::Raw)
        .container_format(ContainerFormat::Bare);
    let id = *images.create(new).expect("create").id();
    let mut state = 1;
    let data: Vec<u8> = (0..LEN / 8)
        .flat_map(|_| next(&mut state).to_le_bytes())
        .collect();
    let mut upload = images.upload(&id).expect("begin");
    upload.write_all(&data).expect("take");
    upload.finish().expect("finish");
    drop(data);

    let mut group = c.benchmark_group("read");
    let mut offset = move || next(&mut state) % (LEN - RANGE) / 4096 * 4096;
    let reader = images.open(&id).expect("open").expect("data");
    for slice in reader.slices(..).expect("all") {
        black_box(slice.expect("slice"));
    }
    group.bench_function("slice/64KiB", |b| {
        b.iter(|| {
            let start = offset();
            for slice in reader.slices(start..start + RANGE).expect("range") {
                black_box(slice.expect("slice"));
            }
        });
    });
    group.bench_function("open/64KiB", |b| {
        b.iter(|| {
            let start = offset();
            let reader = images.open(&id).expect("open").expect("data");
            for slice in reader.slices(start..start + RANGE).expect("range") {
                black_box(slice.expect("slice"));
            }
        });
    });
    group.finish();
}

criterion_group!(benches, ranges);
criterion_main!(benches);
