//! The bare index: redb with a table of records, and for pages one that orders them.

use std::path::Path;

use redb::{Database, ReadableDatabase, TableDefinition};

const IMAGES: TableDefinition<'static, &[u8], &[u8]> = TableDefinition::new("images");
/// Ids by owner and time of creation.
const ORDER: TableDefinition<'static, &[u8], &[u8]> = TableDefinition::new("order");
/// As long as the record of a small image.
pub(crate) const RECORD: usize = 160;
/// As long as the record of an image with data, tags and properties.
const FULL_RECORD: usize = 320;
/// Records of one transaction.
const BATCH: usize = 20_000;

/// An image as an order sees it: owner, time, id.
pub(crate) type Placed = (usize, i64, [u8; 16]);

pub(crate) struct RawIndex(Database);

impl RawIndex {
    pub(crate) fn create(path: &Path) -> Self {
        Self::create_with(path, 64 << 20)
    }

    /// Makes one with as much memory for pages as an engine gets.
    pub(crate) fn create_with(path: &Path, cache_bytes: usize) -> Self {
        let mut builder = Database::builder();
        builder.set_cache_size(cache_bytes);
        Self(builder.create(path).expect("database"))
    }

    /// Opens one that was made.
    pub(crate) fn open(path: &Path, cache_bytes: usize) -> Self {
        let mut builder = Database::builder();
        builder.set_cache_size(cache_bytes);
        Self(builder.open(path).expect("database"))
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

    /// Sets full records and their places in the order.
    pub(crate) fn fill(&self, images: &mut dyn Iterator<Item = Placed>) {
        let mut images = images.peekable();
        while images.peek().is_some() {
            let txn = self.0.begin_write().expect("begin");
            {
                let mut table = txn.open_table(IMAGES).expect("table");
                let mut order = txn.open_table(ORDER).expect("table");
                for (owner, created, id) in images.by_ref().take(BATCH) {
                    table
                        .insert(&id[..], &[7; FULL_RECORD][..])
                        .expect("insert");
                    let place = place(owner, created, &id);
                    order.insert(&place[..], &id[..]).expect("insert");
                }
            }
            txn.commit().expect("commit");
        }
    }

    /// Reads one record in a snapshot of its own.
    pub(crate) fn get(&self, key: &[u8; 16]) -> usize {
        let txn = self.0.begin_read().expect("begin");
        let table = txn.open_table(IMAGES).expect("table");
        let value = table.get(&key[..]).expect("get").expect("present");
        value.value().len()
    }

    /// Reads the newest records of an owner in a snapshot of its own, and copies them out.
    pub(crate) fn page(&self, owner: usize, len: usize) -> Vec<Vec<u8>> {
        let txn = self.0.begin_read().expect("begin");
        let (table, order) = (
            txn.open_table(IMAGES).expect("table"),
            txn.open_table(ORDER).expect("table"),
        );
        let (low, high) = (
            place(owner, 0, &[0; 16]),
            place(owner, i64::MAX, &[255; 16]),
        );
        let range = order.range::<&[u8]>(&low[..]..=&high[..]).expect("range");
        let places = range.rev().take(len);
        let record = |place: Result<(_, redb::AccessGuard<'_, &'static [u8]>), _>| {
            let (_, id): (redb::AccessGuard<'_, &'static [u8]>, _) = place.expect("row");
            let record = table.get(id.value()).expect("get").expect("present");
            record.value().to_vec()
        };
        places.map(record).collect()
    }
}

fn place(owner: usize, created: i64, id: &[u8; 16]) -> [u8; 28] {
    let mut place = [0; 28];
    place[..4].copy_from_slice(&(owner as u32).to_be_bytes());
    place[4..12].copy_from_slice(&created.to_be_bytes());
    place[12..].copy_from_slice(id);
    place
}
