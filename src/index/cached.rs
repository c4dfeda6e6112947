//! Copies of the data of images in the cache, and the images that wait to be cached.
//!
//! A copy lies in the store of the engine's own directory, and its row holds one reference to the
//! root of its manifest. An image has a copy only while its data is that of which the copy was made.
//! Which of them are worth their place, and how they come to be, is decided above.

use std::ops::{Bound, ControlFlow};

use super::codec::{self, BorrowDecode, Encode, Record, kind};
use super::images::root_key;
use super::kv::{Get, Order, Put, Table, try_scan};
use super::places;
use super::record::DataRow;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::id::{ChunkId, ImageId};
use crate::image::DataRef;

/// First byte of keys of the queue by number, so that they stand in order of entry.
const BY_NUMBER: u8 = 0;
/// First byte of keys of the queue by image: every delete looks one up.
const BY_IMAGE: u8 = 1;

/// A copy in the cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cached {
    pub(crate) data: DataRef,
    /// Whole reads that it has served.
    pub(crate) hits: u64,
    /// When it served last, or was made.
    pub(crate) last_accessed: Timestamp,
    /// When it was made.
    pub(crate) last_modified: Timestamp,
}

/// A copy in the cache, version 1.
#[derive(Encode, BorrowDecode)]
struct CachedRow {
    data: DataRow,
    hits: u64,
    last_accessed: i64,
    last_modified: i64,
}

impl Record for CachedRow {
    const KIND: u8 = kind::CACHED;
    const VERSION: u8 = 1;
    const NAME: &'static str = "cached copy";

    fn check(&self) -> Result<(), String> {
        self.data.check()
    }
}

fn encode(cached: &Cached) -> Result<Vec<u8>> {
    codec::encode(&CachedRow {
        data: DataRow::of(&cached.data),
        hits: cached.hits,
        last_accessed: cached.last_accessed.as_micros(),
        last_modified: cached.last_modified.as_micros(),
    })
}

fn decode(bytes: &[u8]) -> Result<Cached> {
    let row: CachedRow = codec::decode(bytes)?;
    Ok(Cached {
        data: row.data.data(),
        hits: row.hits,
        last_accessed: Timestamp::from_micros(row.last_accessed),
        last_modified: Timestamp::from_micros(row.last_modified),
    })
}

/// Returns the copy of an image.
pub(crate) fn find(get: &dyn Get, image: &ImageId) -> Result<Option<Cached>> {
    let mut found = Ok(None);
    get.get(Table::Cached, image.as_bytes(), &mut |bytes| {
        found = decode(bytes).map(Some);
    })?;
    found
}

/// Takes a copy in, whose root is held already, in place of one that was there; its image waits no
/// more.
pub(crate) fn put(put: &mut dyn Put, image: &ImageId, cached: &Cached) -> Result<()> {
    forget(put, image)?;
    put.put(Table::Cached, image.as_bytes(), &encode(cached)?)
}

/// Counts a whole read of the copy of an image, if it still is at this root.
pub(crate) fn hit(put: &mut dyn Put, image: &ImageId, root: ChunkId, now: Timestamp) -> Result<()> {
    let Some(mut cached) = find(put, image)?.filter(|it| it.data.root == root) else {
        return Ok(());
    };
    cached.hits = cached.hits.saturating_add(1);
    cached.last_accessed = cached.last_accessed.max(now);
    put.put(Table::Cached, image.as_bytes(), &encode(&cached)?)
}

/// Removes the copy of an image, and returns what it was.
pub(crate) fn remove(put: &mut dyn Put, image: &ImageId) -> Result<Option<Cached>> {
    let Some(cached) = find(put, image)? else {
        return Ok(None);
    };
    places::release(put, &root_key(&cached.data), 1)?;
    put.delete(Table::Cached, image.as_bytes())?;
    Ok(Some(cached))
}

/// Returns all copies, by image.
pub(crate) fn all(get: &dyn Get) -> Result<Vec<(ImageId, Cached)>> {
    places::collect(get, Table::Cached, usize::MAX, &mut |key, value| {
        let id = key
            .try_into()
            .map_err(|_| damaged("cached", "a key is not 16 bytes"))?;
        Ok((ImageId::from_bytes(id), decode(value)?))
    })
}

/// Puts an image at the end of the queue, if it does not wait already.
pub(crate) fn enqueue(put: &mut dyn Put, image: &ImageId) -> Result<()> {
    if number(put, image)?.is_some() {
        return Ok(());
    }
    let number = last_number(put)?.map_or(0, |last| last + 1);
    put.put(Table::CacheQueue, &number_key(number), image.as_bytes())?;
    put.put(Table::CacheQueue, &image_key(image), &number.to_be_bytes())
}

/// Takes an image out of the queue, and tells whether it was there.
pub(crate) fn dequeue(put: &mut dyn Put, image: &ImageId) -> Result<bool> {
    let Some(number) = number(put, image)? else {
        return Ok(false);
    };
    put.delete(Table::CacheQueue, &number_key(number))?;
    put.delete(Table::CacheQueue, &image_key(image))?;
    Ok(true)
}

/// Returns the images that wait, in order of entry.
pub(crate) fn queue(get: &dyn Get) -> Result<Vec<ImageId>> {
    let bounds = (Bound::Unbounded, Bound::Excluded(&[BY_IMAGE][..]));
    let id = &mut |_: &[u8], value: &[u8]| {
        let id = value.try_into();
        id.map(ImageId::from_bytes)
            .map_err(|_| damaged("cache_queue", "an id is not 16 bytes"))
    };
    places::collect_from(get, Table::CacheQueue, bounds.0, bounds.1, usize::MAX, id)
}

/// Tells whether an image waits.
pub(crate) fn is_queued(get: &dyn Get, image: &ImageId) -> Result<bool> {
    Ok(number(get, image)?.is_some())
}

/// Removes the copy of an image and its place in the queue.
pub(crate) fn forget(put: &mut dyn Put, image: &ImageId) -> Result<()> {
    remove(put, image)?;
    dequeue(put, image).map(drop)
}

fn number_key(number: u64) -> [u8; 9] {
    let mut key = [BY_NUMBER; 9];
    key[1..].copy_from_slice(&number.to_be_bytes());
    key
}

fn image_key(image: &ImageId) -> [u8; 17] {
    let mut key = [BY_IMAGE; 17];
    key[1..].copy_from_slice(image.as_bytes());
    key
}

fn number(get: &dyn Get, image: &ImageId) -> Result<Option<u64>> {
    let mut found = Ok(None);
    get.get(Table::CacheQueue, &image_key(image), &mut |bytes| {
        let number = bytes.try_into().map(u64::from_be_bytes);
        found = number
            .map(Some)
            .map_err(|_| damaged("cache_queue", "a number is not 8 bytes"));
    })?;
    found
}

fn last_number(get: &dyn Get) -> Result<Option<u64>> {
    let mut last = None;
    let bounds = (Bound::Unbounded, Bound::Excluded(&[BY_IMAGE][..]));
    try_scan(
        get,
        Table::CacheQueue,
        bounds,
        Order::Descending,
        &mut |key, _| {
            let number = key.get(1..).and_then(|number| number.try_into().ok());
            let number = number.map(u64::from_be_bytes);
            // The last of all numbers would have none after it.
            let number = number.filter(|&number| number < u64::MAX);
            last = Some(number.ok_or_else(|| damaged("cache_queue", "a number has no next"))?);
            Ok(ControlFlow::Break(()))
        },
    )?;
    Ok(last)
}

fn damaged(table: &str, what: &str) -> Error {
    Error::corrupt(format!("table {table}: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    fn cached() -> Cached {
        Cached {
            data: DataRef {
                store: 0,
                domain: 300,
                root: ChunkId([7; 32]),
                len_bytes: 70_000,
                zero_bytes: 5,
                cutter: 1,
            },
            hits: 251,
            last_accessed: Timestamp::from_micros(1_700_000_000_000_001),
            last_modified: Timestamp::from_micros(-1),
        }
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn a_cached_copy_comes_back_as_it_was_and_its_bytes_never_change() {
        let bytes = encode(&cached()).unwrap();
        assert_eq!(decode(&bytes).unwrap(), cached());
        let root = "07".repeat(32);
        let golden = format!("060100fb2c01{root}fc701101000501fbfb00fd02803c3048140c0001");
        assert_eq!(hex(&bytes), golden);
    }

    #[test]
    fn a_damaged_row_is_told_and_never_read() {
        let good = encode(&cached()).unwrap();
        let long = [&good[..], &[0]].concat();
        for bytes in [&good[..good.len() - 1], &long, &[6, 0], &[], &[5, 1, 0]] {
            let error = decode(bytes).expect_err("damaged");
            assert_eq!(error.kind(), ErrorKind::Corrupt, "{bytes:?}");
        }
        let mut holes = cached();
        holes.data.zero_bytes = holes.data.len_bytes + 1;
        encode(&holes).expect_err("more zeros than bytes");
    }
}
