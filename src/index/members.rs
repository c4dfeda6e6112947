//! Members of images, and the lists of what is shared with a project.

use std::ops::{Bound, ControlFlow};

use super::codec::{self, BorrowDecode, Encode, Record, kind};
use super::images;
use super::kv::{Get, Order, Put, Table, try_scan};
use super::lists;
use super::owners;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::id::{ImageId, ProjectId};
use crate::image::{Image, Member, MemberStatus};

const STATUSES: [(u8, MemberStatus); 3] = [
    (1, MemberStatus::Pending),
    (2, MemberStatus::Accepted),
    (3, MemberStatus::Rejected),
];

/// A member, version 1.
#[derive(Encode, BorrowDecode)]
struct MemberRow {
    status: u8,
    created_at: i64,
    updated_at: i64,
}

impl Record for MemberRow {
    const KIND: u8 = kind::MEMBER;
    const VERSION: u8 = 1;
    const NAME: &'static str = "member";

    fn check(&self) -> Result<(), String> {
        if STATUSES.iter().all(|(number, _)| *number != self.status) {
            return Err(format!("status {} found, 1 to 3 expected", self.status));
        }
        for stamp in [self.created_at, self.updated_at] {
            if Timestamp::from_micros(stamp).as_micros() != stamp {
                return Err(format!("stamp {stamp} found, years 0 to 9999 expected"));
            }
        }
        Ok(())
    }
}

/// Returns the number of a status, as it is stored.
pub(super) fn number_of(status: MemberStatus) -> u8 {
    let found = STATUSES.iter().find(|(_, word)| *word == status);
    found.map_or(0, |(number, _)| *number)
}

fn key(image: &ImageId, project: &str) -> Vec<u8> {
    let mut key = image.as_bytes().to_vec();
    key.extend(project.as_bytes());
    key
}

fn encode(member: &Member) -> Result<Vec<u8>> {
    codec::encode(&MemberRow {
        status: number_of(member.status),
        created_at: member.created_at.as_micros(),
        updated_at: member.updated_at.as_micros(),
    })
}

fn decode(image: &ImageId, project: &[u8], bytes: &[u8]) -> Result<Member> {
    let row: MemberRow = codec::decode(bytes)?;
    let damaged = || Error::corrupt("table members: a key names no project");
    let project = str::from_utf8(project).map_err(|_| damaged())?;
    let status = STATUSES.iter().find(|(number, _)| *number == row.status);
    Ok(Member {
        image: *image,
        project: ProjectId::new(project).map_err(|_| damaged())?,
        status: status.map_or_else(MemberStatus::default, |(_, status)| *status),
        created_at: Timestamp::from_micros(row.created_at),
        updated_at: Timestamp::from_micros(row.updated_at),
    })
}

/// Returns a member of an image.
pub(crate) fn find(get: &dyn Get, image: &ImageId, project: &ProjectId) -> Result<Option<Member>> {
    let (key, mut found) = (key(image, project.as_str()), Ok(None));
    get.get(Table::Members, &key, &mut |bytes| {
        found = decode(image, project.as_str().as_bytes(), bytes).map(Some);
    })?;
    found
}

/// Returns the members of an image, ascending by bytes.
pub(crate) fn all(get: &dyn Get, image: &ImageId) -> Result<Vec<Member>> {
    let (mut members, id) = (Vec::new(), image.as_bytes());
    let behind = (Bound::Included(&id[..]), Bound::Unbounded);
    try_scan(
        get,
        Table::Members,
        behind,
        Order::Ascending,
        &mut |key, bytes| {
            let Some(project) = key.strip_prefix(&id[..]) else {
                return Ok(ControlFlow::Break(()));
            };
            members.push(decode(image, project, bytes)?);
            Ok(ControlFlow::Continue(()))
        },
    )?;
    Ok(members)
}

/// Sets a member of an image.
pub(crate) fn put(txn: &mut dyn Put, image: &Image, member: &Member) -> Result<()> {
    let before = find(txn, image.id(), &member.project)?;
    let slot = images::slot(txn, image.id())?;
    if let Some(before) = before {
        unshare(txn, image, &before)?;
    }
    share(txn, image, slot, member)?;
    let key = key(image.id(), member.project.as_str());
    txn.put(Table::Members, &key, &encode(member)?)
}

/// Removes a member of an image.
pub(crate) fn remove(txn: &mut dyn Put, image: &Image, member: &Member) -> Result<()> {
    unshare(txn, image, member)?;
    txn.delete(Table::Members, &key(image.id(), member.project.as_str()))
}

/// Removes all members of an image.
pub(super) fn remove_all(txn: &mut dyn Put, image: &Image) -> Result<()> {
    for member in all(txn, image.id())? {
        remove(txn, image, &member)?;
    }
    Ok(())
}

/// Moves an image in the lists of its members when it moves itself.
pub(super) fn follow(txn: &mut dyn Put, old: &Image, new: &Image, slot: Slots) -> Result<()> {
    let stays = slot.old == slot.new && lists::share_place(old) == lists::share_place(new);
    if stays {
        return Ok(());
    }
    for member in all(txn, new.id())? {
        unshare(txn, old, &member)?;
        share(txn, new, slot.new, &member)?;
    }
    Ok(())
}

/// The slots of an image before and after a change.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slots {
    pub(super) old: u64,
    pub(super) new: u64,
}

/// Puts an image into the list of a member.
pub(super) fn share(txn: &mut dyn Put, image: &Image, slot: u64, member: &Member) -> Result<()> {
    let number = owners::number_for(txn, Some(&member.project))?;
    match lists::share_key(image, number, number_of(member.status)) {
        Some(key) => txn.put(Table::Shares, &key, &slot.to_be_bytes()),
        None => Ok(()),
    }
}

fn unshare(txn: &mut dyn Put, image: &Image, member: &Member) -> Result<()> {
    let number = owners::number_for(txn, Some(&member.project))?;
    match lists::share_key(image, number, number_of(member.status)) {
        Some(key) => txn.delete(Table::Shares, &key),
        None => Ok(()),
    }
}
