//! The bare index: redb with one table of records.

use std::path::Path;

use redb::{Database, ReadableDatabase, TableDefinition};

const IMAGES: TableDefinition<'static, &[u8], &[u8]> = TableDefinition::new("images");
/// As long as the record of a small image.
pub(crate) const RECORD: usize = 160;

pub(crate) struct RawIndex(Database);

impl RawIndex {
    pub(crate) fn create(path: &Path) -> Self {
        Self(Database::create(path).expect("database"))
    }

    /// Sets records in one durable transaction.
    pub(crate) fn put<'a>(&self, keys: impl IntoIterator<Item = &'a [u8; 16]>) {
        let txn = self.0.begin_write().expect("begin");
        {
            let mut table = txn.open_table(IMAGES).expect("table");
            for key in keys {
                table.insert(&key[..], &[7; RECORD][..]).expect("insert");
            }
        }
        txn.commit().expect("commit");
    }

    /// Reads one record in a snapshot of its own.
    pub(crate) fn get(&self, key: &[u8; 16]) -> usize {
        let txn = self.0.begin_read().expect("begin");
        let table = txn.open_table(IMAGES).expect("table");
        let value = table.get(&key[..]).expect("get").expect("present");
        value.value().len()
    }
}
