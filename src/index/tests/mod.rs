//! Tests of the map as a whole; here what they share.

#![expect(
    clippy::cast_possible_truncation,
    reason = "sizes and random numbers here are small"
)]

mod crash;
mod failure;
mod faulty;
mod group;
mod growth;
mod handle;
mod names;
mod renew;
mod rot;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::contract::{check, get};
use super::names::restore as restore_names;
use super::{KvAccess, KvOptions, RedbKv};
use crate::disk::{Access, Disk, MemoryDisk};
use crate::error::{ErrorCode, Result};
use crate::index::{Durability, Kv, Table};

const T: Table = Table::Images;

fn options(access: KvAccess) -> KvOptions {
    KvOptions {
        cache_bytes: 4 << 20,
        reserve_bytes: 1 << 20,
        access,
        ..KvOptions::default()
    }
}

fn open(disk: &Arc<dyn Disk>, access: KvAccess) -> Result<RedbKv> {
    RedbKv::open(Arc::clone(disk), options(access), &mut |_, _| {})
}

fn create(disk: &Arc<dyn Disk>) -> RedbKv {
    open(disk, KvAccess::Create).unwrap()
}

fn memory() -> Arc<dyn Disk> {
    Arc::new(MemoryDisk::new())
}

#[test]
fn the_map_keeps_its_contract() {
    let disk = memory();
    check(&mut || create(&disk), &mut |kv| kv.close().unwrap());
}

#[test]
fn the_map_keeps_its_contract_when_it_is_dropped_and_replayed() {
    let disk = memory();
    check(&mut || create(&disk), &mut drop);
}

/// Returns a disk with the same files, as if the process had died now.
fn copy(disk: &Arc<dyn Disk>) -> Arc<dyn Disk> {
    let twin = memory();
    for (path, bytes) in files(disk) {
        twin.create(&path).unwrap().write_at(&bytes, 0).unwrap();
    }
    twin
}

fn files(disk: &Arc<dyn Disk>) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for dir in ["", "log/", "names/"] {
        for name in disk.list(dir.trim_end_matches('/')).unwrap_or_default() {
            let path = format!("{dir}{name}");
            let bytes = read_file(disk, &path);
            files.insert(path, bytes);
        }
    }
    files
}

fn read_file(disk: &Arc<dyn Disk>, path: &str) -> Vec<u8> {
    let file = disk.open(path, Access::Read).unwrap();
    let mut bytes = vec![0; file.len().unwrap() as usize];
    file.read_at(&mut bytes, 0).unwrap();
    bytes
}

fn write_file(disk: &Arc<dyn Disk>, path: &str, bytes: &[u8]) {
    let file = disk.open(path, Access::Write).unwrap();
    file.set_len(0).unwrap();
    file.write_at(bytes, 0).unwrap();
}

fn value(kv: &RedbKv, key: &[u8]) -> Option<Vec<u8>> {
    kv.read(|view| Ok(get(view, T, key))).unwrap()
}

fn code<R: std::fmt::Debug>(result: Result<R>) -> ErrorCode {
    result.unwrap_err().code()
}

type Names = BTreeMap<(Table, Vec<u8>), Vec<u8>>;

fn restore(disk: &Arc<dyn Disk>) -> Result<Names> {
    let mut found = Names::new();
    restore_names(disk, &mut |table, key, value| {
        let twice = found.insert((table, key.to_vec()), value.to_vec());
        assert!(twice.is_none());
        Ok(())
    })?;
    Ok(found)
}

/// A small generator, so that a failing run can be repeated.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        crate::sum::sum64(self.0, b"") % bound
    }
}

fn random_writes(kv: &RedbKv, random: &mut Random, count: u64) {
    for _ in 0..count {
        let durability = match random.below(3) {
            0 => Durability::Later,
            _ => Durability::Now,
        };
        let seed = random.0;
        kv.write(durability, |txn| {
            let mut random = Random(seed);
            for _ in 0..random.below(6) {
                let table = Table::ALL[random.below(Table::ALL.len() as u64) as usize];
                let key = [random.below(30) as u8];
                match random.below(4) {
                    0 => txn.delete(table, &key)?,
                    _ => txn.put(table, &key, &vec![seed as u8; random.below(2000) as usize])?,
                }
            }
            Ok(())
        })
        .unwrap();
        random.below(2);
    }
}
