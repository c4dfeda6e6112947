//! Images and what belongs to them, inside the transactions of others.

use super::kv::{Get, Put, Table};
use super::places::{self, Counter};
use super::record::{Tombstone, decode_image, encode_image};
use super::refs::PUBLIC_DOMAIN;
use crate::clock::Timestamp;
use crate::error::{Error, ErrorCode, Result};
use crate::id::{ChunkKey, ChunkKind, ImageId};
use crate::image::{DataRef, Image, Visibility};
use crate::policy;

/// Domain of images without owner.
const OWNERLESS_DOMAIN: u32 = 1;
/// The first domain of a project.
const FIRST_PROJECT_DOMAIN: u64 = 2;

/// Returns an image by id; deleted ones are gone.
pub(crate) fn find(get: &dyn Get, id: &ImageId) -> Result<Option<Image>> {
    let mut found = Ok(None);
    get.get(Table::Images, id.as_bytes(), &mut |bytes| {
        found = decode_image(bytes).map(Some)
    })?;
    found
}

/// Returns an image by id, or the error for one that is not there.
pub(crate) fn visible(get: &dyn Get, id: &ImageId) -> Result<Image> {
    find(get, id)?.ok_or_else(|| policy::not_found(id))
}

/// Sets the record of an image.
pub(crate) fn put(put: &mut dyn Put, image: &Image) -> Result<()> {
    put.put(Table::Images, image.id().as_bytes(), &encode_image(image)?)
}

/// Adds a new image; its id must never have been used.
pub(crate) fn insert(txn: &mut dyn Put, image: &Image) -> Result<()> {
    let key = image.id().as_bytes();
    let taken = txn.get(Table::Images, key, &mut |_| {})?
        || txn.get(Table::Tombstones, key, &mut |_| {})?;
    if taken {
        let message = format!("image id {} is or was in use", image.id());
        return Err(Error::new(ErrorCode::Duplicate, message));
    }
    put(txn, image)
}

/// Removes an image: the id stays taken, its data goes with the next collection.
pub(crate) fn delete(txn: &mut dyn Put, image: &Image, now: Timestamp) -> Result<()> {
    let key = image.id().as_bytes();
    let tombstone = Tombstone {
        deleted_at: now,
        owner: image.owner().cloned(),
    };
    txn.put(Table::Tombstones, key, &tombstone.encode()?)?;
    txn.delete(Table::Images, key)?;
    if let Some(data) = image.data() {
        places::release(txn, &root_key(data), 1)?;
        count(txn, data, -1)?;
    }
    Ok(())
}

/// Returns the key of the root of an image's manifest.
pub(crate) fn root_key(data: &DataRef) -> ChunkKey {
    ChunkKey {
        store: data.store,
        domain: data.domain,
        kind: ChunkKind::Page,
        id: data.root,
    }
}

/// Keeps the sums over all images true to one that gains (`by` is 1) or loses (-1) its data.
pub(crate) fn count(txn: &mut dyn Put, data: &DataRef, by: i64) -> Result<()> {
    let bytes = |len: u64| i64::try_from(len).map(|len| len * by);
    let too_long = |_| Error::new(ErrorCode::Internal, "an image is longer than 2^63 bytes");
    places::add(txn, Counter::ImageCount, by)?;
    places::add(
        txn,
        Counter::LogicalBytes,
        bytes(data.len_bytes).map_err(too_long)?,
    )?;
    places::add(
        txn,
        Counter::ZeroBytes,
        bytes(data.zero_bytes).map_err(too_long)?,
    )
}

/// Returns the dedup domain of what is uploaded to an image now: public, or that of its owner.
///
/// With one domain for all, everything is public among the owners.
pub(crate) fn domain(txn: &mut dyn Put, image: &Image, across_owners: bool) -> Result<u32> {
    if across_owners || image.visibility() == Visibility::Public {
        return Ok(PUBLIC_DOMAIN);
    }
    let Some(owner) = image.owner() else {
        return Ok(OWNERLESS_DOMAIN);
    };
    let key = owner.as_str().as_bytes();
    let mut found = None;
    txn.get(Table::Domains, key, &mut |bytes| {
        found = Some(bytes.try_into().map(u32::from_le_bytes));
    })?;
    match found {
        Some(Ok(number)) => Ok(number),
        Some(Err(_)) => Err(Error::corrupt("table domains: a number is not 4 bytes")),
        None => {
            let number = places::next(txn, Counter::NextDomain, FIRST_PROJECT_DOMAIN)?;
            let full = |_| Error::new(ErrorCode::Internal, "all 2^32 domains are taken");
            let number = u32::try_from(number).map_err(full)?;
            txn.put(Table::Domains, key, &number.to_le_bytes())?;
            Ok(number)
        }
    }
}
