//! Doors for tests and fuzz targets. Not part of the API: anything here may change at any time.

use std::sync::Arc;

use crate::disk::Disk;
use crate::error::Result;
use crate::index::{Durability, Kv, KvOptions, RedbKv, Table};

/// Decodes any stored record and asserts that decode, encode and decode agree; returns whether the
/// bytes are a record.
///
/// # Panics
/// When they don't agree, which is what a fuzz target looks for.
pub fn decode_record(bytes: &[u8]) -> bool {
    crate::index::decode_and_compare(bytes)
}

/// The ordered byte map under the index, with its default settings.
#[derive(Debug)]
pub struct ByteMap(RedbKv);

impl ByteMap {
    /// Opens the map of a disk, and makes it if there is none.
    pub fn open(disk: Arc<dyn Disk>) -> Result<Self> {
        RedbKv::open(disk, KvOptions::default(), &mut |_, _| {}).map(Self)
    }

    /// Sets the value of a key; durable on return.
    pub fn put_durably(&self, key: &[u8], value: &[u8]) -> Result<()> {
        self.0
            .write(Durability::Now, |txn| txn.put(Table::Images, key, value))
    }

    /// Sets the values of keys in one transaction that becomes durable with the next.
    pub fn put_all(&self, pairs: &[(Vec<u8>, Vec<u8>)]) -> Result<()> {
        self.0.write(Durability::Later, |txn| {
            let mut pairs = pairs.iter();
            pairs.try_for_each(|(key, value)| txn.put(Table::Images, key, value))
        })
    }

    /// Returns the length of a value.
    pub fn value_len(&self, key: &[u8]) -> Result<Option<usize>> {
        self.0.read(|view| {
            let mut len = None;
            view.get(Table::Images, key, &mut |value| len = Some(value.len()))?;
            Ok(len)
        })
    }

    /// Makes the index durable up to now.
    pub fn checkpoint(&self) -> Result<()> {
        self.0.checkpoint()
    }
}
