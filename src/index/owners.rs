//! Owners by number: who has which, and how many images each has.
//!
//! A project has one number for ever, for its dedup domain and for its place in the lists alike. What
//! is public has slots of its own, under a number below those of owners.

use std::ops::Bound;

use super::kv::{Get, Put, Table};
use super::places::{self, Counter};
use super::refs::PUBLIC_DOMAIN;
use crate::error::{Error, ErrorCode, Result};
use crate::id::ProjectId;
use crate::image::{Image, Status};

/// Number of the images without owner.
pub(crate) const OWNERLESS: u32 = 1;
/// The first number of a project; that of what is public is below.
const FIRST_PROJECT: u64 = 2;
const _: () = assert!(PUBLIC_DOMAIN < OWNERLESS);

/// What is counted of an owner.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct OwnerRow {
    /// The slot that its next image gets, of its own.
    pub(super) next: u32,
    /// Records with slots of its own, those that wait to be scrubbed included.
    pub(super) records: u64,
    /// What its images use, public ones included.
    pub(super) uses: Use,
}

/// What images use of what their owner may use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Use {
    /// Images that are neither killed nor deleted.
    pub(crate) images: u64,
    /// Images whose data comes in: uploads, imports, copies.
    pub(crate) uploading: u64,
    /// Bytes of their data, once for each location.
    pub(crate) stored_bytes: u128,
    /// Bytes that are staged for an import, or being copied.
    pub(crate) staged_bytes: u128,
}

impl Use {
    /// Returns what one image uses.
    pub(crate) fn of(image: &Image) -> Self {
        let status = image.status();
        if !status.is_live() {
            return Self::default();
        }
        let size = u128::from(image.size().unwrap_or(0));
        let comes_in = matches!(status, Status::Uploading | Status::Importing);
        let is_staged = comes_in || image.is_being_imported();
        let copies = match status {
            Status::Killed => 0,
            _ => image.locations().len() as u128,
        };
        Self {
            images: u64::from(status != Status::Killed),
            uploading: u64::from(is_staged || status == Status::Saving),
            stored_bytes: size * copies,
            staged_bytes: if is_staged { size } else { 0 },
        }
    }

    pub(super) fn plus(self, other: Self) -> Self {
        Self {
            images: self.images + other.images,
            uploading: self.uploading + other.uploading,
            stored_bytes: self.stored_bytes + other.stored_bytes,
            staged_bytes: self.staged_bytes + other.staged_bytes,
        }
    }

    fn minus(self, other: Self) -> Result<Self> {
        let less = || {
            Some(Self {
                images: self.images.checked_sub(other.images)?,
                uploading: self.uploading.checked_sub(other.uploading)?,
                stored_bytes: self.stored_bytes.checked_sub(other.stored_bytes)?,
                staged_bytes: self.staged_bytes.checked_sub(other.staged_bytes)?,
            })
        };
        less().ok_or_else(damaged)
    }
}

/// Returns what an owner uses.
pub(crate) fn uses(get: &dyn Get, owner: Option<&ProjectId>) -> Result<Use> {
    match number(get, owner)? {
        Some(number) => Ok(row(get, number)?.uses),
        None => Ok(Use::default()),
    }
}

/// Counts what an image used and uses now for its owner, or for its owners.
pub(super) fn count(txn: &mut dyn Put, old: Option<&Image>, new: Option<&Image>) -> Result<()> {
    let of = |image: Option<&Image>| image.map(Use::of).unwrap_or_default();
    let (less, more) = (of(old), of(new));
    let same_owner = match (old, new) {
        (Some(old), Some(new)) => old.owner() == new.owner(),
        _ => false,
    };
    if same_owner && less == more {
        return Ok(());
    }
    let mut change = |image: &Image, less: Use, more: Use| {
        let number = number_for(txn, image.owner())?;
        let mut row = row(txn, number)?;
        row.uses = row.uses.plus(more).minus(less)?;
        put_row(txn, number, row)
    };
    match (old, new) {
        (Some(_), Some(new)) if same_owner => change(new, less, more),
        (old, new) => {
            old.map_or(Ok(()), |old| change(old, less, Use::default()))?;
            new.map_or(Ok(()), |new| change(new, Use::default(), more))
        }
    }
}

/// Returns the number of an owner; a project that nothing was kept of has none.
pub(crate) fn number(get: &dyn Get, owner: Option<&ProjectId>) -> Result<Option<u32>> {
    let Some(owner) = owner else {
        return Ok(Some(OWNERLESS));
    };
    let mut found = Ok(None);
    get.get(Table::Domains, owner.as_str().as_bytes(), &mut |bytes| {
        let number = bytes.try_into().map(u32::from_le_bytes);
        let damaged = |_| Error::corrupt("table domains: a number is not 4 bytes");
        found = number.map(Some).map_err(damaged);
    })?;
    found
}

/// Returns the number of an owner; a new one gets the next.
pub(crate) fn number_for(put: &mut dyn Put, owner: Option<&ProjectId>) -> Result<u32> {
    let (Some(owner), None) = (owner, number(put, owner)?) else {
        return Ok(number(put, owner)?.unwrap_or(OWNERLESS));
    };
    let number = places::next(put, Counter::NextDomain, FIRST_PROJECT)?;
    let full = |_| Error::new(ErrorCode::Internal, "all 2^32 numbers of owners are taken");
    let number = u32::try_from(number).map_err(full)?;
    let key = owner.as_str().as_bytes();
    put.put(Table::Domains, key, &number.to_le_bytes())?;
    Ok(number)
}

/// Returns what is counted of an owner.
pub(crate) fn row(get: &dyn Get, number: u32) -> Result<OwnerRow> {
    let mut found = Ok(OwnerRow::default());
    get.get(Table::Owners, &number.to_be_bytes(), &mut |bytes| {
        found = OwnerRow::decode(bytes);
    })?;
    found
}

/// Returns those who have slots of their own, what is public aside, if they are few: no more than
/// `most`, and not many more are known.
pub(super) fn few(get: &dyn Get, most: usize) -> Result<Option<Vec<u32>>> {
    let from = OWNERLESS.to_be_bytes();
    let bounds = (Bound::Included(&from[..]), Bound::Unbounded);
    let known = most * 2;
    let number = &mut |key: &[u8], bytes: &[u8]| {
        let number = key.try_into().map_err(|_| damaged())?;
        Ok((u32::from_be_bytes(number), OwnerRow::decode(bytes)?.records))
    };
    let owners = places::collect_from(get, Table::Owners, bounds.0, bounds.1, known + 1, number)?;
    let is_few = owners.len() <= known;
    let owners = owners.into_iter().filter(|(_, records)| *records > 0);
    let owners: Vec<u32> = owners.map(|(number, _)| number).collect();
    Ok(Some(owners).filter(|owners| is_few && owners.len() <= most))
}

/// Sets what is counted of an owner.
pub(super) fn put_row(put: &mut dyn Put, number: u32, row: OwnerRow) -> Result<()> {
    let key = number.to_be_bytes();
    // Slots begin anew when none is taken.
    let row = match row.records {
        0 => OwnerRow { next: 0, ..row },
        _ => row,
    };
    match row == OwnerRow::default() {
        true => put.delete(Table::Owners, &key),
        false => put.put(Table::Owners, &key, &row.encode()),
    }
}

impl OwnerRow {
    fn encode(self) -> Vec<u8> {
        let mut bytes = self.next.to_le_bytes().to_vec();
        bytes.extend(self.records.to_le_bytes());
        let uses = self.uses;
        bytes.extend(uses.images.to_le_bytes());
        bytes.extend(uses.uploading.to_le_bytes());
        bytes.extend(uses.stored_bytes.to_le_bytes());
        bytes.extend(uses.staged_bytes.to_le_bytes());
        bytes
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self> {
        let (next, rest) = bytes.split_first_chunk().ok_or_else(damaged)?;
        let (counts, sums) = rest.split_at_checked(24).ok_or_else(damaged)?;
        let ((counts, []), (sums, [])) = (counts.as_chunks(), sums.as_chunks()) else {
            return Err(damaged());
        };
        let (&[records, images, uploading], &[stored, staged]) = (counts, sums) else {
            return Err(damaged());
        };
        Ok(Self {
            next: u32::from_le_bytes(*next),
            records: u64::from_le_bytes(records),
            uses: Use {
                images: u64::from_le_bytes(images),
                uploading: u64::from_le_bytes(uploading),
                stored_bytes: u128::from_le_bytes(stored),
                staged_bytes: u128::from_le_bytes(staged),
            },
        })
    }

    /// Adds records with slots of its own, or takes them away.
    pub(super) fn add(&mut self, records: i64) -> Result<()> {
        self.records = self
            .records
            .checked_add_signed(records)
            .ok_or_else(damaged)?;
        Ok(())
    }
}

fn damaged() -> Error {
    Error::corrupt("table owners: a row is not 60 bytes, or counts less than nothing")
}
