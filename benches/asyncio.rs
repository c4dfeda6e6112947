//! What does a task pay beside a thread: for a small hot range, a whole hot image, an upload?
//!
//! Were the hop of the small range more than a few times its read, ranges that are proved and in
//! memory would have to be answered where they are polled.

use std::future::poll_fn;
use std::hint::black_box;
use std::io::Write;
use std::pin::Pin;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use futures_core::Stream;
use smalti::asyncio::AsyncSlices;
use smalti::{Caller, ContainerFormat, DiskFormat, Engine, Image, Images, NewImage, Settings};
use tokio::runtime::{Builder, Runtime};

fn noise(len: usize) -> Vec<u8> {
    let mut state = 1u64;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 56) as u8
    };
    (0..len).map(|_| next()).collect()
}

fn new_image(images: &Images) -> Image {
    let new = NewImage::named("bench")
        .disk_format(DiskFormat::Raw)
        .container_format(ContainerFormat::Bare);
    images.create(new).expect("create")
}

fn upload(images: &Images, data: &[u8]) -> Image {
    let mut upload = images.upload(new_image(images).id()).expect("begin");
    upload.write_all(data).expect("write");
    upload.finish().expect("finish")
}

async fn drain(mut stream: AsyncSlices) {
    while let Some(slice) = poll_fn(|cx| Pin::new(&mut stream).poll_next(cx)).await {
        black_box(slice.expect("read"));
    }
}

fn runtimes() -> [(&'static str, Runtime); 2] {
    let current = Builder::new_current_thread().build().expect("runtime");
    let multi = Builder::new_multi_thread().worker_threads(2).build();
    [
        ("task", current),
        ("task, 2 workers", multi.expect("runtime")),
    ]
}

fn ranges(c: &mut Criterion) {
    let dir = tempfile::tempdir().expect("directory");
    let engine = Engine::builder(dir.path()).open().expect("open");
    let images = engine.images(&Caller::project("a"));
    let data = noise(64 << 20);
    let image = upload(&images, &data);
    let reader = images.open(image.id()).expect("open").expect("data");
    for (name, len) in [
        ("4 KiB", 4u64 << 10),
        ("64 KiB", 64 << 10),
        ("64 MiB", 64 << 20),
    ] {
        let range = 0..len;
        let mut group = c.benchmark_group(format!("asyncio/range/{name}"));
        group.throughput(Throughput::Bytes(len));
        group.bench_function("thread", |b| {
            b.iter(|| {
                for slice in reader.slices(range.clone()).expect("within") {
                    black_box(slice.expect("read"));
                }
            });
        });
        for (name, runtime) in runtimes() {
            let reader = smalti::asyncio::AsyncReader::from(reader.another());
            group.bench_function(BenchmarkId::from_parameter(name), |b| {
                b.iter(|| runtime.block_on(drain(reader.stream(range.clone()).expect("within"))));
            });
        }
    }
}

fn uploads(c: &mut Criterion) {
    let dir = tempfile::tempdir().expect("directory");
    let settings = Settings {
        hashing_algorithm: None,
        legacy_md5: false,
        ..Settings::default()
    };
    let engine = Engine::builder(dir.path()).settings(settings).open();
    let images = engine.expect("open").images(&Caller::project("a"));
    let data = noise(64 << 20);
    upload(&images, &data);
    let mut group = c.benchmark_group("asyncio/upload again/64 MiB");
    group
        .throughput(Throughput::Bytes(64 << 20))
        .sample_size(10);
    group.bench_function("thread", |b| b.iter(|| upload(&images, &data)));
    for (name, runtime) in runtimes() {
        let tasks = images.asyncio();
        group.bench_function(BenchmarkId::from_parameter(name), |b| {
            b.iter(|| {
                let image = new_image(&images);
                let filled = tasks.upload_from(image.id(), &data[..], Default::default());
                runtime.block_on(filled).expect("upload")
            });
        });
    }
}

criterion_group!(benches, ranges, uploads);
criterion_main!(benches);
