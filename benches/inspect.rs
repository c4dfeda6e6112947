//! What does it cost to look at an image as it passes by?
//!
//! `write` takes 1 GiB in buffers as an upload has them, of bytes that are nothing in particular, of
//! a qcow2, and of a vmdk with the longest descriptor; `small` takes 16 MiB in pieces of 4 KiB. An
//! upload computes SHA-512 of the same bytes; if `write` came to a hundredth of that, a lane of its
//! own would deserve a look.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use smalti::inspect::Inspector;
use smalti::testing::disks::{self, DESCRIPTOR};

const GIB: usize = 1 << 30;
const BUFFER: usize = 1 << 20;

fn inspect(first: &[u8], rest: &[u8], count: usize) {
    let mut inspector = Inspector::new();
    inspector.write(black_box(first));
    (1..count).for_each(|_| inspector.write(black_box(rest)));
    black_box(inspector.finish());
}

fn inspectors(c: &mut Criterion) {
    let rest = vec![7; BUFFER];
    let long = format!("{DESCRIPTOR}{}", "#\n".repeat(500 << 10));
    let images = [
        ("raw", vec![7; 4096]),
        ("qcow2", disks::qcow2(3)),
        ("vmdk", disks::vmdk(&long)),
    ];
    let mut group = c.benchmark_group("inspect");
    for (name, mut first) in images {
        first.resize(first.len().next_multiple_of(BUFFER), 7);
        group.throughput(Throughput::Bytes(GIB as u64));
        group.bench_function(BenchmarkId::new("write", name), |b| {
            b.iter(|| inspect(&first, &rest, GIB / BUFFER));
        });
        group.throughput(Throughput::Bytes(16 << 20));
        group.bench_function(BenchmarkId::new("small", name), |b| {
            b.iter(|| inspect(&first[..4096], &rest[..4096], (16 << 20) / 4096));
        });
    }
    group.finish();
}

criterion_group!(benches, inspectors);
criterion_main!(benches);
