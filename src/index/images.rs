//! Images and what belongs to them, inside the transactions of others.

use std::ops::Bound;

use super::cached;
use super::kv::{Get, Put, Table};
use super::lists::{self, Entry};
use super::members::{self, Slots};
use super::owners;
use super::places::{self, Counter};
use super::record::{Peek, Tombstone, decode_image, encode_image, peek_image};
use super::refs::PUBLIC_DOMAIN;
use super::staged;
use crate::clock::Timestamp;
use crate::error::{Error, ErrorCode, Result};
use crate::id::{ChunkKey, ChunkKind, ImageId};
use crate::image::{DataRef, Image, Status, Visibility};
use crate::policy;

/// Length of the slot in front of a record.
const SLOT_LEN: usize = 8;

/// Returns an image by id; deleted ones are gone.
pub(crate) fn find(get: &dyn Get, id: &ImageId) -> Result<Option<Image>> {
    Ok(load(get, id)?.map(|(_, image)| image))
}

/// Returns an image by id, or the error for one that is not there.
pub(crate) fn visible(get: &dyn Get, id: &ImageId) -> Result<Image> {
    find(get, id)?.ok_or_else(|| policy::not_found(id))
}

/// Reads the value of a row: the slot of the image, and its record.
pub(crate) fn decode(value: &[u8]) -> Result<(u64, Image)> {
    let (slot, record) = parts(value)?;
    Ok((slot, decode_image(record)?))
}

/// Reads of the value of a row what is known without decoding it.
pub(super) fn peek(value: &[u8]) -> Result<Peek> {
    peek_image(parts(value)?.1)
}

fn parts(value: &[u8]) -> Result<(u64, &[u8])> {
    let (slot, record) = value.split_first_chunk::<SLOT_LEN>().ok_or_else(|| {
        let len = value.len();
        Error::corrupt(format!("table images: {len} bytes are no record"))
    })?;
    Ok((u64::from_be_bytes(*slot), record))
}

fn encode(slot: u64, image: &Image) -> Result<Vec<u8>> {
    let mut value = slot.to_be_bytes().to_vec();
    value.extend(encode_image(image)?);
    Ok(value)
}

fn load(get: &dyn Get, id: &ImageId) -> Result<Option<(u64, Image)>> {
    let mut found = Ok(None);
    get.get(Table::Images, id.as_bytes(), &mut |bytes| {
        found = decode(bytes).map(Some)
    })?;
    found
}

/// Returns the slot of an image.
pub(super) fn slot(get: &dyn Get, id: &ImageId) -> Result<u64> {
    let mut found = None;
    get.get(Table::Images, id.as_bytes(), &mut |bytes| {
        found = bytes
            .first_chunk::<SLOT_LEN>()
            .map(|slot| u64::from_be_bytes(*slot));
    })?;
    found.ok_or_else(|| policy::not_found(id))
}

/// Returns the slot of the image with an id, if lists hold it in a part.
pub(super) fn listed_slot(get: &dyn Get, text: &str, part: lists::Part) -> Result<Option<u64>> {
    let Ok(id) = text.parse() else {
        return Ok(None);
    };
    // Ids are found without regard to case, filters regard it.
    let counts = |image: &Image| {
        lists::is_listed(image.status())
            && lists::Part::of(image) == part
            && image.id().to_string() == text
    };
    let found = load(get, &id)?.filter(|(_, image)| counts(image));
    Ok(found.map(|(slot, _)| slot))
}

/// Sets the record of an image that is there.
pub(crate) fn put(txn: &mut dyn Put, image: &Image) -> Result<()> {
    let Some((old_slot, old)) = load(txn, image.id())? else {
        return Err(policy::not_found(image.id()));
    };
    let same_owner = old.owner() == image.owner();
    let stays = match (is_public(&old), is_public(image)) {
        (false, false) => same_owner,
        (was, is) => was == is,
    };
    let slot = match stays {
        true => old_slot,
        false => {
            give_slot_back(txn, old_slot)?;
            take_slot(txn, image)?
        }
    };
    owners::count(txn, Some(&old), Some(image))?;
    let value = encode(slot, image)?;
    txn.put(Table::Images, image.id().as_bytes(), &value)?;
    let (old_entry, entry) = (
        Entry::new(&old, old_slot, &[]),
        Entry::new(image, slot, &value),
    );
    lists::change(txn, Some(old_entry), Some(entry))?;
    let slots = Slots {
        old: old_slot,
        new: slot,
    };
    members::follow(txn, &old, image, slots)?;
    count_copies(txn, Some(&old), Some(image))?;
    if loses_data(&old, image) {
        cached::forget(txn, image.id())?;
    }
    queue_scrub(txn, Some(&old), Some(image))
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
    let slot = take_slot(txn, image)?;
    owners::count(txn, None, Some(image))?;
    let value = encode(slot, image)?;
    txn.put(Table::Images, key, &value)?;
    lists::change(txn, None, Some(Entry::new(image, slot, &value)))
}

/// Makes what is derived of an image that was restored: its rows in the lists, the counts of its
/// owner, the lists of its members.
pub(crate) fn restore(txn: &mut dyn Put, image: &Image) -> Result<()> {
    let slot = slot(txn, image.id())?;
    let (number, own) = split(slot);
    let mut row = owners::row(txn, number)?;
    row.next = row.next.max(own + 1);
    row.add(1)?;
    owners::put_row(txn, number, row)?;
    owners::count(txn, None, Some(image))?;
    let value = encode(slot, image)?;
    txn.put(Table::Images, image.id().as_bytes(), &value)?;
    lists::change(txn, None, Some(Entry::new(image, slot, &value)))?;
    for member in members::all(txn, image.id())? {
        members::share(txn, image, slot, &member)?;
    }
    queue_scrub(txn, None, Some(image))
}

/// Removes an image: the id stays taken, its data goes with the next collection.
pub(crate) fn delete(txn: &mut dyn Put, image: &Image, now: Timestamp) -> Result<()> {
    let key = image.id().as_bytes();
    let slot = slot(txn, image.id())?;
    let tombstone = Tombstone {
        deleted_at: now,
        owner: image.owner().cloned(),
    };
    txn.put(Table::Tombstones, key, &tombstone.encode()?)?;
    members::remove_all(txn, image)?;
    staged::remove(txn, image.id())?;
    cached::forget(txn, image.id())?;
    txn.delete(Table::Images, key)?;
    lists::change(txn, Some(Entry::new(image, slot, &[])), None)?;
    queue_scrub(txn, Some(image), None)?;
    give_slot_back(txn, slot)?;
    owners::count(txn, Some(image), None)?;
    count_copies(txn, Some(image), None)
}

/// Tells whether an image is deleted, or has no copy any more of the data that it had.
fn loses_data(old: &Image, new: &Image) -> bool {
    let keeps_one = || {
        let mut kept = new.copies();
        kept.any(|data| old.copies().any(|had| had == data))
    };
    new.status() == Status::PendingDelete || (old.copies().next().is_some() && !keeps_one())
}

/// Returns the owner's number and the own part of a slot.
fn split(slot: u64) -> (u32, u32) {
    // The lower half.
    let own = u32::try_from(slot & u64::from(u32::MAX)).unwrap_or_default();
    (lists::scope_of(slot), own)
}

fn is_public(image: &Image) -> bool {
    lists::Part::of(image).is_public()
}

/// Takes the next slot of what is public, or of the owner, for one more record.
fn take_slot(txn: &mut dyn Put, image: &Image) -> Result<u64> {
    let number = match is_public(image) {
        true => lists::PUBLIC_SCOPE,
        false => owners::number_for(txn, image.owner())?,
    };
    let mut row = owners::row(txn, number)?;
    let slot = u64::from(number) << 32 | u64::from(row.next);
    row.next = row.next.checked_add(1).ok_or_else(|| {
        let message = "2^32 images were public, or an owner's, since there was last none";
        Error::new(ErrorCode::QuotaExceeded, message)
    })?;
    row.add(1)?;
    owners::put_row(txn, number, row)?;
    Ok(slot)
}

fn give_slot_back(txn: &mut dyn Put, slot: u64) -> Result<()> {
    let number = lists::scope_of(slot);
    let mut row = owners::row(txn, number)?;
    row.add(-1)?;
    owners::put_row(txn, number, row)
}

/// Keeps the queue of what waits to be scrubbed true to an image.
fn queue_scrub(txn: &mut dyn Put, old: Option<&Image>, new: Option<&Image>) -> Result<()> {
    let key = |image: Option<&Image>| {
        let waits = image.filter(|image| image.status() == Status::PendingDelete)?;
        let mut key = lists::stamp(waits.updated_at()).to_be_bytes().to_vec();
        key.extend(waits.id().as_bytes());
        Some(key)
    };
    let (old, new) = (key(old), key(new));
    if old == new {
        return Ok(());
    }
    if let Some(old) = old {
        txn.delete(Table::Scrubs, &old)?;
    }
    match new {
        Some(new) => txn.put(Table::Scrubs, &new, b""),
        None => Ok(()),
    }
}

/// Returns images whose delete waits since `until` or longer, oldest first.
pub(crate) fn waiting(get: &dyn Get, until: Timestamp, limit: usize) -> Result<Vec<ImageId>> {
    let mut to = lists::stamp(until).to_be_bytes().to_vec();
    to.extend([u8::MAX; 16]);
    let bounds = (Bound::Unbounded, Bound::Included(&to[..]));
    let id = &mut |key: &[u8], _: &[u8]| {
        let id = key.last_chunk().map(|id| ImageId::from_bytes(*id));
        id.ok_or_else(|| Error::corrupt("table scrubs: a key names no image"))
    };
    places::collect_from(get, Table::Scrubs, bounds.0, bounds.1, limit, id)
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

/// Keeps the sums over all images true to one, and gives back the references of the copies that it
/// loses. Those of copies that it gains are its already.
fn count_copies(txn: &mut dyn Put, old: Option<&Image>, new: Option<&Image>) -> Result<()> {
    if old.map(Image::locations) == new.map(Image::locations) {
        return Ok(());
    }
    let copies = |image: Option<&Image>| -> Vec<DataRef> {
        let image = image.into_iter();
        image.flat_map(Image::copies).copied().collect()
    };
    let (old, new) = (copies(old), copies(new));
    if old == new {
        return Ok(());
    }
    for gone in old.iter().filter(|data| !new.contains(data)) {
        places::release(txn, &root_key(gone), 1)?;
        count(txn, gone, -1)?;
    }
    for more in new.iter().filter(|data| !old.contains(data)) {
        count(txn, more, 1)?;
    }
    let by = i64::from(!new.is_empty()) - i64::from(!old.is_empty());
    places::add(txn, Counter::ImageCount, by)
}

/// Keeps the sums of bytes true to a copy that came (`by` is 1) or went (-1).
fn count(txn: &mut dyn Put, data: &DataRef, by: i64) -> Result<()> {
    let bytes = |len: u64| i64::try_from(len).map(|len| len * by);
    let too_long = |_| Error::new(ErrorCode::Internal, "an image is longer than 2^63 bytes");
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
    owners::number_for(txn, image.owner())
}
