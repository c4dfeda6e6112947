//! What does cutting by content cost beside cutting at fixed lengths?
//!
//! `cut` is the cutter alone, `identity` is cutter, zero test and BLAKE3 of each chunk of data; the
//! baseline is BLAKE3 of fixed 64 KiB. If `identity/blocks` fell below two thirds of the baseline,
//! the hash of blocks would deserve another look.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use smalti::chunk::CutterKind;
use smalti::testing::{cut, identity};

const LEN: usize = 64 << 20;
const BUFFER: usize = 1 << 20;

fn noise(len: usize) -> Vec<u8> {
    let mut state = 1u64;
    let mut bytes = Vec::with_capacity(len);
    while bytes.len() < len {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes
}

fn cutters(c: &mut Criterion) {
    let data = noise(LEN);
    let zeros = vec![0; LEN];
    let kinds = [
        ("blocks", CutterKind::Blocks),
        ("fastcdc", CutterKind::FastCdc),
    ];
    let mut group = c.benchmark_group("chunk");
    group
        .throughput(Throughput::Bytes(LEN as u64))
        .sample_size(10);
    for (name, kind) in kinds {
        for (content, bytes) in [("data", &data), ("zeros", &zeros)] {
            let slices: Vec<&[u8]> = bytes.chunks(BUFFER).collect();
            group.bench_function(BenchmarkId::new(format!("cut/{name}"), content), |b| {
                b.iter(|| {
                    cut(kind, &slices, &mut |data, len| {
                        black_box((data, len));
                    })
                });
            });
        }
        let slices: Vec<&[u8]> = data.chunks(BUFFER).collect();
        group.bench_function(BenchmarkId::new(format!("identity/{name}"), "data"), |b| {
            b.iter(|| {
                let mut at = 0;
                cut(kind, &slices, &mut |is_data, len| {
                    let end = at + usize::try_from(len).expect("in memory");
                    if is_data {
                        black_box(identity(&data[at..end]));
                    }
                    at = end;
                });
            });
        });
    }
    group.bench_function(BenchmarkId::new("identity/fixed", "data"), |b| {
        b.iter(|| {
            for chunk in data.chunks(64 << 10) {
                black_box(identity(chunk));
            }
        });
    });
    group.finish();
}

criterion_group!(benches, cutters);
criterion_main!(benches);
