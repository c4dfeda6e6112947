//! How long the index file is after many changes to the same few keys.

use std::sync::Arc;

use super::{Random, T, create, memory, open, options};
use crate::disk::Disk;
use crate::disk::sim::{Choices, SimDisk};
use crate::index::contract::{dump, put};
use crate::index::{Durability, Kv, KvAccess, KvOptions, RedbKv, Table};

const KEYS: u64 = 20_000;

fn churned(disk: &Arc<dyn Disk>) -> RedbKv {
    let options = KvOptions {
        checkpoint_log_bytes: 2 << 20,
        cache_bytes: 64 << 20,
        ..options(KvAccess::Create)
    };
    RedbKv::open(Arc::clone(disk), options, &mut |_, _| {}).unwrap()
}

fn index_bytes(kv: &RedbKv) -> u64 {
    kv.stats().unwrap().index_bytes
}

#[test]
fn many_changes_of_few_keys_do_not_make_the_index_long() {
    let disk = memory();
    let kv = churned(&disk);
    let (mut random, mut longest) = (Random(1), 0);
    for i in 0..120_000u64 {
        let (mut spread, mut key) = (Random(random.below(KEYS)), [0; 39]);
        key.fill_with(|| spread.below(256) as u8);
        put(&kv, Table::Chunks, &key, &i.to_le_bytes().repeat(3)).unwrap();
        longest = longest.max(index_bytes(&kv));
    }
    let all = dump(&kv);
    kv.close().unwrap();
    let kv = open(&disk, KvAccess::Read).unwrap();
    assert!(dump(&kv) == all);
    let closed = index_bytes(&kv);

    let fresh = memory();
    let kv = create(&fresh);
    kv.write(Durability::Now, |txn| {
        all.iter()
            .try_for_each(|(table, key, value)| txn.put(*table, key, value))
    })
    .unwrap();
    kv.close().unwrap();
    let compact = index_bytes(&open(&fresh, KvAccess::Read).unwrap());
    println!("compact {compact}, longest {longest}, closed {closed} bytes");
    assert!(longest <= 4 * compact + (1 << 20), "{longest} of {compact}");
    assert!(closed * 2 <= compact * 3, "{closed} of {compact}");
}

#[test]
fn a_close_that_cuts_a_long_index_survives_a_power_cut_anywhere() {
    let sim = SimDisk::new();
    let disk: Arc<dyn Disk> = Arc::new(sim.clone());
    let kv = churned(&disk);
    for i in 0..4u16 {
        kv.write(Durability::Later, |txn| {
            (0..400u16).try_for_each(|j| txn.put(T, &(j * 4 + i).to_be_bytes(), &[7; 6000]))
        })
        .unwrap();
    }
    kv.write(Durability::Now, |txn| {
        let mut gone = (0..1600u16).filter(|i| i % 16 > 0);
        gone.try_for_each(|i| txn.delete(T, &i.to_be_bytes()))
    })
    .unwrap();
    let all = dump(&kv);
    let (from, long) = (sim.op_count(), index_bytes(&kv));
    kv.close().unwrap();
    let to = sim.op_count();
    let closed = open(&disk, KvAccess::Read).unwrap();
    assert!(long > 4 << 20 && index_bytes(&closed) * 3 < long, "{long}");
    drop(closed);
    assert!(to > from + 50, "{from} to {to}");
    survives(&sim, from, to, &all);
}

#[test]
fn a_checkpoint_of_many_records_survives_a_power_cut_anywhere() {
    let sim = SimDisk::new();
    let disk: Arc<dyn Disk> = Arc::new(sim.clone());
    let kv = create(&disk);
    for i in 0..1100u16 {
        put(&kv, T, &(i % 300).to_be_bytes(), &[i as u8; 50]).unwrap();
    }
    let all = dump(&kv);
    let from = sim.op_count();
    kv.checkpoint().unwrap();
    let to = sim.op_count();
    assert!(to > from + 20, "{from} to {to}");
    survives(&sim, from, to, &all);
}

/// Cuts power after each operation between two and looks for everything.
fn survives(sim: &SimDisk, from: usize, to: usize, all: &[(Table, Vec<u8>, Vec<u8>)]) {
    for at in from..=to {
        for mut choices in [
            Choices::none_unsynced(),
            Choices::all_unsynced(),
            Choices::random(at as u64),
        ] {
            let image: Arc<dyn Disk> = Arc::new(sim.crash_image(at, &mut choices));
            let kv = open(&image, KvAccess::Write).unwrap();
            assert!(
                dump(&kv) == all,
                "cut at {at} of {from} to {to}, {choices:?}"
            );
            put(&kv, T, b"next", b"1").unwrap();
        }
    }
    assert_eq!(sim.violations(), Vec::<String>::new());
}
