//! What does a durable commit cost, and what does our layer add to a read?
//!
//! The log in front of redb stays as long as a commit through it is clearly cheaper than a durable
//! commit of redb with the same promises (two-phase, quick repair). The append and sync of a
//! preallocated file is the floor for both. A read through the map (snapshot, table, one get,
//! checksum) may cost 1.3 times what redb alone takes.
//!
//! Durable commits run in a real directory: `SMALTI_BENCH_DIR`, or the temporary directory. On a
//! memory file system their figures mean nothing.

#![allow(missing_docs, reason = "criterion makes public items")]

use std::fs::File;
use std::hint::black_box;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use redb::{Database, ReadableDatabase, TableDefinition};
use smalti::disk::RealDisk;
use smalti::testing::ByteMap;

const TABLE: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("images");
const RECORD_LEN: usize = 300;
const CACHE_LEN: usize = 64 << 20;

fn dir() -> tempfile::TempDir {
    let root = std::env::var_os("SMALTI_BENCH_DIR");
    let root = root.map_or_else(std::env::temp_dir, PathBuf::from);
    tempfile::tempdir_in(root).expect("a directory for the bench")
}

/// Returns keys that spread over the table, the same in each run.
fn key(i: u64) -> [u8; 16] {
    let spread = i.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (u128::from(spread) << 64 | u128::from(i)).to_be_bytes()
}

fn database(dir: &tempfile::TempDir, count: u64) -> Database {
    let path = dir.path().join("raw.redb");
    let db = Database::builder()
        .set_cache_size(CACHE_LEN)
        .create(path)
        .expect("create");
    let txn = db.begin_write().expect("begin");
    {
        let mut table = txn.open_table(TABLE).expect("table");
        for i in 0..count {
            let value = [7; RECORD_LEN];
            table.insert(&key(i)[..], &value[..]).expect("insert");
        }
    }
    txn.commit().expect("commit");
    db
}

fn map(dir: &tempfile::TempDir, count: u64) -> ByteMap {
    let map = ByteMap::open(Arc::new(RealDisk::new(dir.path()))).expect("open");
    let all: Vec<u64> = (0..count).collect();
    for some in all.chunks(10_000) {
        let pairs: Vec<_> = some
            .iter()
            .map(|i| (key(*i).to_vec(), vec![7; RECORD_LEN]))
            .collect();
        map.put_all(&pairs).expect("put");
    }
    map.checkpoint().expect("checkpoint");
    map
}

/// One durable record in a table that has some.
fn commits(c: &mut Criterion) {
    const COUNT: u64 = 10_000;
    let mut group = c.benchmark_group("index/commit");
    group
        .sample_size(50)
        .measurement_time(Duration::from_secs(6));
    for careful in [false, true] {
        let dir = dir();
        let db = database(&dir, COUNT);
        let mut i = 0;
        let name = if careful {
            "redb two-phase quick-repair"
        } else {
            "redb"
        };
        group.bench_function(BenchmarkId::new(name, RECORD_LEN), |b| {
            b.iter(|| {
                i += 1;
                let mut txn = db.begin_write().expect("begin");
                txn.set_two_phase_commit(careful);
                txn.set_quick_repair(careful);
                let value = [8; RECORD_LEN];
                txn.open_table(TABLE)
                    .expect("table")
                    .insert(&key(i % COUNT)[..], &value[..])
                    .expect("insert");
                txn.commit().expect("commit");
            });
        });
    }
    {
        let dir = dir();
        let map = map(&dir, COUNT);
        let mut i = 0;
        group.bench_function(BenchmarkId::new("log in front", RECORD_LEN), |b| {
            b.iter(|| {
                i += 1;
                let value = [8; RECORD_LEN];
                map.put_durably(&key(i % COUNT), &value).expect("put");
            });
        });
    }
    {
        let dir = dir();
        let file = File::create(dir.path().join("file")).expect("file");
        let blocks = 1 << 15;
        let zeros = vec![0; blocks * 512];
        file.write_all_at(&zeros, 0).expect("write");
        file.sync_all().expect("sync");
        let mut i = 0;
        group.bench_function(BenchmarkId::new("bare append and sync", 512), |b| {
            b.iter(|| {
                i = (i + 1) % blocks as u64;
                file.write_all_at(&[9; 512], i * 512).expect("write");
                file.sync_data().expect("sync");
            });
        });
    }
    group.finish();
}

/// One record by key, each read with a snapshot of its own.
fn reads(c: &mut Criterion) {
    const COUNT: u64 = 100_000;
    let mut group = c.benchmark_group("index/get");
    {
        let dir = dir();
        let db = database(&dir, COUNT);
        let mut i = 0;
        // What is read is used, so the second of these is the fair one: it has the value's bytes
        // come from memory, as a checksum or a decoder does.
        for touch in [false, true] {
            let name = if touch { "redb, value used" } else { "redb" };
            group.bench_function(BenchmarkId::new(name, COUNT), |b| {
                b.iter(|| {
                    i += 1;
                    let txn = db.begin_read().expect("begin");
                    let table = txn.open_table(TABLE).expect("table");
                    let found = table.get(&key(i % COUNT)[..]).expect("get");
                    let value = found.as_ref().map(|found| found.value());
                    let sum = value.map(|value| match touch {
                        true => value.iter().map(|byte| u64::from(*byte)).sum::<u64>(),
                        false => value.len() as u64,
                    });
                    black_box(sum)
                });
            });
        }
    }
    let dir = dir();
    let map = map(&dir, COUNT);
    let mut i = 0;
    group.bench_function(BenchmarkId::new("map", COUNT), |b| {
        b.iter(|| {
            i += 1;
            black_box(map.value_len(&key(i % COUNT)).expect("get"))
        });
    });
    group.finish();
}

criterion_group!(benches, commits, reads);
criterion_main!(benches);
