//! The rows by which lists find an image, and the one place where they change.
//!
//! They change in the transaction that changes the record, by the difference of what the record was
//! and is. `docs/format.md` has the keys.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use super::facts::{self, Fact};
use super::posting::{Field, Posting};
use crate::clock::Timestamp;
use crate::error::Result;
use crate::id::{ImageId, ProjectId};
use crate::image::{Image, Status, Visibility};
use crate::index::{Put, Table};
use crate::query::SortKey;

/// Length of the time of creation and the id, with which keys of views, orders and shares end.
pub(super) const TAIL_LEN: usize = 24;
/// Length of the keys of views: part, scope, and this.
pub(super) const VIEW_KEY_LEN: usize = 1 + 4 + TAIL_LEN;
/// Number of the scope of all that is public; those of owners are above.
pub(crate) const PUBLIC_SCOPE: u32 = 0;

/// A part of the lists; what is hidden, and what is public, lies apart from the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Part(pub(super) u8);

impl Part {
    /// Returns the part of the images that are hidden or not, public or not.
    pub(super) fn new(hidden: bool, public: bool) -> Self {
        Self(u8::from(hidden) << 1 | u8::from(public))
    }

    pub(crate) fn of(image: &Image) -> Self {
        Self::new(image.is_hidden(), image.visibility() == Visibility::Public)
    }

    /// Tells whether it holds what is public.
    pub(crate) fn is_public(self) -> bool {
        self.0 & 1 == 1
    }

    /// Returns the slots that it may hold.
    pub(super) fn span(self) -> RangeInclusive<u64> {
        match self.is_public() {
            true => slots_of(PUBLIC_SCOPE),
            false => slots_of(PUBLIC_SCOPE).end() + 1..=u64::MAX,
        }
    }
}

/// An order that has rows of its own. Numbers are part of the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Sorted {
    Created = 0,
    Updated = 1,
    Name = 2,
    Size = 3,
    Id = 4,
}

impl Sorted {
    pub(super) const ALL: [Self; 5] = [
        Self::Created,
        Self::Updated,
        Self::Name,
        Self::Size,
        Self::Id,
    ];
}

impl Sorted {
    /// Returns the order by a key; one of few values has no rows.
    pub(super) fn of(key: SortKey) -> Option<Self> {
        match key {
            SortKey::Name => Some(Self::Name),
            SortKey::Size => Some(Self::Size),
            SortKey::Id => Some(Self::Id),
            SortKey::CreatedAt => Some(Self::Created),
            SortKey::UpdatedAt => Some(Self::Updated),
            SortKey::Status | SortKey::ContainerFormat | SortKey::DiskFormat => None,
        }
    }

    /// Returns the number that is ordered by, if it is one.
    pub(super) fn fact(self) -> Option<Fact> {
        match self {
            Self::Created => Some(Fact::CreatedAt),
            Self::Updated => Some(Fact::UpdatedAt),
            Self::Size => Some(Fact::Size),
            Self::Name | Self::Id => None,
        }
    }
}

/// An image, where it is in the lists, and its stored record.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry<'a> {
    pub(crate) image: &'a Image,
    pub(crate) slot: u64,
    pub(crate) value: &'a [u8],
}

impl<'a> Entry<'a> {
    pub(crate) fn new(image: &'a Image, slot: u64, value: &'a [u8]) -> Self {
        Self { image, slot, value }
    }
}

/// Tells whether lists hold images of this status at all.
pub(crate) fn is_listed(status: Status) -> bool {
    status.is_live() && status != Status::Killed
}

/// Brings the rows of an image from what it was to what it is.
pub(crate) fn change(
    put: &mut dyn Put,
    old: Option<Entry<'_>>,
    new: Option<Entry<'_>>,
) -> Result<()> {
    let listed = |entry: &Entry<'_>| is_listed(entry.image.status());
    let rows = |entry: Option<Entry<'_>>| entry.filter(listed).map(|entry| Rows::of(&entry));
    let (was, is) = (rows(old), rows(new));
    let moved = matches!((&was, &is), (Some(was), Some(is)) if was.slot != is.slot);
    if moved {
        replace(put, was.as_ref(), None)?;
        replace(put, None, is.as_ref())?;
    } else {
        replace(put, was.as_ref(), is.as_ref())?;
    }
    match (is, new) {
        (Some(is), Some(entry)) => put.put(Table::Views, &is.view, entry.value),
        _ => Ok(()),
    }
}

/// All rows of an image but the record in its view.
pub(super) struct Rows {
    slot: u64,
    pub(super) view: Vec<u8>,
    pub(super) orders: [Vec<u8>; 5],
    pub(super) postings: BTreeSet<Posting>,
    pub(super) facts: [u64; 6],
}

impl Rows {
    pub(super) fn of(entry: &Entry<'_>) -> Self {
        let Entry { image, slot, .. } = *entry;
        let part = Part::of(image);
        Self {
            slot,
            view: view_key(part, scope_of(slot), created(image), image.id()),
            orders: Sorted::ALL.map(|sorted| order_key(part, sorted, image)),
            postings: postings(part, image),
            facts: Fact::ALL.map(|fact| code(image, fact)),
        }
    }
}

fn replace(put: &mut dyn Put, was: Option<&Rows>, is: Option<&Rows>) -> Result<()> {
    if let Some(was) = was.filter(|was| is.is_none_or(|is| is.view != was.view)) {
        put.delete(Table::Views, &was.view)?;
    }
    for at in 0..Sorted::ALL.len() {
        let (old, new) = (
            was.map(|rows| &rows.orders[at]),
            is.map(|rows| &rows.orders[at]),
        );
        if old == new {
            continue;
        }
        if let Some(key) = old {
            put.delete(Table::Orders, key)?;
        }
        if let (Some(key), Some(rows)) = (new, is) {
            put.put(Table::Orders, key, &rows.slot.to_be_bytes())?;
        }
    }
    replace_postings(put, was, is)?;
    let Some(slot) = is.or(was).map(|rows| rows.slot) else {
        return Ok(());
    };
    for (at, fact) in Fact::ALL.into_iter().enumerate() {
        let number = |rows: Option<&Rows>| rows.map_or(0, |rows| rows.facts[at]);
        if number(was) != number(is) {
            facts::set(put, fact, slot, number(is))?;
        }
    }
    Ok(())
}

fn replace_postings(put: &mut dyn Put, was: Option<&Rows>, is: Option<&Rows>) -> Result<()> {
    let held =
        |rows: Option<&Rows>, posting| rows.is_some_and(|rows| rows.postings.contains(posting));
    if let Some(rows) = was {
        for posting in rows.postings.iter().filter(|posting| !held(is, posting)) {
            posting.remove(put, rows.slot)?;
        }
    }
    if let Some(rows) = is {
        for posting in rows.postings.iter().filter(|posting| !held(was, posting)) {
            posting.add(put, rows.slot)?;
        }
    }
    Ok(())
}

fn postings(part: Part, image: &Image) -> BTreeSet<Posting> {
    let text = |field, text| Posting::text(part.0, field, text);
    let mut all = BTreeSet::from([
        text(Field::All, None),
        text(Field::Visibility, Some(image.visibility().as_str())),
        text(Field::Status, Some(image.status().as_str())),
        text(Field::DiskFormat, image.disk_format().map(|f| f.as_str())),
        text(
            Field::ContainerFormat,
            image.container_format().map(|f| f.as_str()),
        ),
        text(Field::Name, image.name()),
    ]);
    if part.is_public() {
        // Slots tell the owners of all others.
        all.insert(text(Field::Owner, image.owner().map(ProjectId::as_str)));
    }
    if image.is_protected() {
        all.insert(text(Field::Protected, None));
    }
    if let Some(digest) = image.checksum() {
        let digest = Some(digest.as_bytes());
        all.insert(Posting::of(part.0, Field::Checksum, digest));
    }
    if let Some(algorithm) = image.os_hash_algo() {
        all.insert(text(Field::HashAlgo, Some(algorithm)));
    }
    if let Some(digest) = image.os_hash_value() {
        let digest = Some(digest.as_bytes());
        all.insert(Posting::of(part.0, Field::HashValue, digest));
    }
    all.extend(image.tags().iter().map(|tag| text(Field::Tag, Some(tag))));
    let properties = image.properties().iter();
    all.extend(properties.map(|(name, value)| Posting::property(part.0, name, value)));
    all
}

/// Returns a number of an image in a form whose order is that of lists; 0 is null.
pub(super) fn code(image: &Image, fact: Fact) -> u64 {
    let len = |len: Option<u64>| len.map_or(0, |len| len.saturating_add(1));
    match fact {
        Fact::CreatedAt => stamp(image.created_at()),
        Fact::UpdatedAt => stamp(image.updated_at()),
        Fact::Size => len(image.size()),
        Fact::VirtualSize => len(image.virtual_size()),
        Fact::MinRam => u64::from(image.min_ram()),
        Fact::MinDisk => u64::from(image.min_disk()),
    }
}

/// Returns a stamp in a form whose order is that of time; never 0.
pub(crate) fn stamp(stamp: Timestamp) -> u64 {
    stamp_of_micros(stamp.as_micros())
}

/// Returns the form of a stamp that is this many microseconds after the epoch.
pub(super) fn stamp_of_micros(micros: i64) -> u64 {
    micros.cast_unsigned() ^ 1 << 63
}

fn created(image: &Image) -> u64 {
    stamp(image.created_at())
}

/// Returns the number of the scope of a slot: that of all that is public, or that of an owner.
pub(crate) fn scope_of(slot: u64) -> u32 {
    // The upper half.
    u32::try_from(slot >> 32).unwrap_or_default()
}

/// Returns the slots that a scope may have.
pub(super) fn slots_of(scope: u32) -> RangeInclusive<u64> {
    let first = u64::from(scope) << 32;
    first..=first | u64::from(u32::MAX)
}

/// Returns the key of a record in the view of its scope: in order of creation.
pub(super) fn view_key(part: Part, scope: u32, created: u64, id: &ImageId) -> Vec<u8> {
    let mut key = view_prefix(part, scope);
    key.extend(created.to_be_bytes());
    key.extend(id.as_bytes());
    key
}

/// Returns what the keys of a view begin with.
pub(super) fn view_prefix(part: Part, scope: u32) -> Vec<u8> {
    let mut key = Vec::with_capacity(VIEW_KEY_LEN);
    key.push(part.0);
    key.extend(scope.to_be_bytes());
    key
}

/// Returns the key of an image in an order: what it is ordered by, when it was created, its id.
pub(super) fn order_key(part: Part, sorted: Sorted, image: &Image) -> Vec<u8> {
    let mut key = order_prefix(part, sorted);
    extend_order_key(&mut key, sorted, image);
    key
}

/// Appends what stands behind the prefix of a key.
pub(super) fn extend_order_key(key: &mut Vec<u8>, sorted: Sorted, image: &Image) {
    match sorted {
        Sorted::Created | Sorted::Id => {}
        Sorted::Updated => key.extend(stamp(image.updated_at()).to_be_bytes()),
        Sorted::Size => key.extend(code(image, Fact::Size).to_be_bytes()),
        Sorted::Name => extend_text(key, image.name()),
    }
    if sorted != Sorted::Id {
        key.extend(created(image).to_be_bytes());
    }
    key.extend(image.id().as_bytes());
}

/// Returns what the keys of an order begin with.
pub(super) fn order_prefix(part: Part, sorted: Sorted) -> Vec<u8> {
    let mut key = Vec::with_capacity(42);
    key.extend([part.0, sorted as u8]);
    key
}

/// Appends a text in a form whose order is that of its bytes, whatever follows; null is the least.
pub(super) fn extend_text(key: &mut Vec<u8>, text: Option<&str>) {
    let Some(text) = text else {
        key.push(0);
        return;
    };
    key.push(1);
    for byte in text.bytes() {
        key.push(byte);
        if byte == 0 {
            key.push(1);
        }
    }
    key.extend([0, 0]);
}

/// Returns the key of an image in the list of a project that it is shared with; none while lists of
/// members do not hold it.
pub(crate) fn share_key(image: &Image, member: u32, status: u8) -> Option<Vec<u8>> {
    is_shared(image).then(|| {
        let mut key = share_prefix(Part::of(image), member, status);
        key.extend(created(image).to_be_bytes());
        key.extend(image.id().as_bytes());
        key
    })
}

/// Returns what the keys of the images begin with that are shared with a project.
pub(super) fn share_prefix(part: Part, member: u32, status: u8) -> Vec<u8> {
    let mut key = Vec::with_capacity(30);
    key.push(part.0);
    key.extend(member.to_be_bytes());
    key.push(status);
    key
}

/// Tells whether the lists of its members hold an image: it is shared, and somebody shares it.
pub(super) fn is_shared(image: &Image) -> bool {
    image.visibility() == Visibility::Shared && image.owner().is_some() && is_listed(image.status())
}

/// What the rows of the members of an image depend on.
pub(crate) fn share_place(image: &Image) -> Option<(bool, Option<&ProjectId>)> {
    is_shared(image).then(|| (image.is_hidden(), image.owner()))
}
