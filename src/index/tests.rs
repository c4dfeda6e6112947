//! Tests of the map as a whole: crashes, rot, full disks. Disks are simulated by wrappers of
//! [`MemoryDisk`].

use std::collections::BTreeMap;
use std::sync::Arc;

use super::contract::{check, dump, get, put};
use super::log::segment_path;
use super::tree::{KvAccess, KvOptions, RedbKv};
use crate::disk::{Disk, MemoryDisk};
use crate::error::{Error, ErrorCode, Result};
use crate::index::{Durability, Kv, Put, Table};

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
