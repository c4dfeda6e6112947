//! What do the lanes cost beside the bare digests?
//!
//! One upload through the lanes stands beside one thread per digest over bytes in memory; sixteen
//! stand beside the same digests one after the other on as many threads as there are cores, each
//! over its own bytes, which is all that the libraries can give. Below 0.9 and 0.95 of these the
//! lanes are to blame. Everything is MD5, SHA-512 and BLAKE3 of each 64 KiB.

use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{available_parallelism, scope};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use md5::Digest as _;
use smalti::hash::Algorithm;
use smalti::testing::{Lanes, identity};

const LEN: usize = 32 << 20;
const UPLOADS: usize = 16;
const ALGORITHMS: [Algorithm; 2] = [Algorithm::Md5, Algorithm::Sha512];

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

fn identities(bytes: &[u8]) {
    for chunk in bytes.chunks(64 << 10) {
        black_box(identity(chunk));
    }
}

fn one_thread_each(bytes: &[u8]) {
    scope(|scope| {
        scope.spawn(|| black_box(md5::Md5::digest(bytes)));
        scope.spawn(|| black_box(sha2::Sha512::digest(bytes)));
        identities(bytes);
    });
}

/// Takes a MiB at a time, as a stream would come.
fn one_after_the_other(bytes: &[u8]) {
    let (mut first, mut second) = (md5::Md5::new(), sha2::Sha512::new());
    for slice in bytes.chunks(1 << 20) {
        first.update(slice);
        second.update(slice);
        identities(slice);
    }
    black_box((first.finalize(), second.finalize()));
}

fn on_all_cores(bytes: &[u8]) {
    let next = AtomicUsize::new(0);
    scope(|scope| {
        for _ in 0..available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while next.fetch_add(1, Ordering::Relaxed) < UPLOADS {
                    one_after_the_other(bytes);
                }
            });
        }
    });
}

fn uploads(c: &mut Criterion) {
    let bytes = noise(LEN);
    let lanes = Lanes::new();
    let upload = || black_box(lanes.digest(&ALGORITHMS, &bytes).expect("digested"));
    let mut group = c.benchmark_group("ingest");
    group
        .sample_size(10)
        .throughput(Throughput::Bytes(LEN as u64));
    group.bench_function("one/bare", |b| b.iter(|| one_thread_each(&bytes)));
    group.bench_function("one/lanes", |b| b.iter(upload));
    group.throughput(Throughput::Bytes((UPLOADS * LEN) as u64));
    group.bench_function("sixteen/bare", |b| b.iter(|| on_all_cores(&bytes)));
    group.bench_function("sixteen/lanes", |b| {
        b.iter(|| {
            scope(|scope| {
                for _ in 0..UPLOADS {
                    scope.spawn(upload);
                }
            });
        });
    });
    group.finish();
}

criterion_group!(benches, uploads);
criterion_main!(benches);
