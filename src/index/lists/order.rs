//! The first images of a set in any order, without sorting what is not shown.
//!
//! Three ways, each of which costs little where the others cost much. A set is *gathered*: its
//! numbers are read and the first ones selected; it is *walked* along the rows of an order until
//! enough of them are in the set; and by keys of few values it is cut into *groups*, one after the
//! other.

use std::ops::{Bound, ControlFlow};

use super::facts::{self, Fact};
use super::filter::{Candidates, everything};
use super::posting::{Field, Posting};
use super::rows::{self, Part, Sorted};
use super::slots::Slots;
use super::source::EVERYWHERE;
use super::view;
use crate::error::{Error, Result};
use crate::image::{ContainerFormat, DiskFormat, Image, Status};
use crate::index::{Get, Order, Table};
use crate::query::{self, Direction, SortKey};

type Key = (SortKey, Direction);

// The tests have few images, and go all ways nevertheless.

/// Up to so many images are gathered without a look at the alternative.
const GATHER_MAX: u64 = if cfg!(test) { 4 } else { 64 };
/// Up to so many images are gathered by their records rather than cut into groups.
const UNGROUPED_MAX: u64 = if cfg!(test) { 3 } else { 400 };
/// Rows that are walked in the time in which an image is gathered by numbers alone, and by its
/// record.
const ROWS_A_NUMBER: u64 = 2;
const ROWS_A_RECORD: u64 = 10;
/// Rows of one value that are walked one by one; longer runs are found by other means.
const GROUP_MAX: usize = if cfg!(test) { 5 } else { 2_000 };

/// Orders the images of a part.
#[derive(Clone, Copy)]
pub(super) struct Orderer<'a> {
    pub(super) get: &'a dyn Get,
    pub(super) part: Part,
}

impl Orderer<'_> {
    /// Returns the first slots of `from` in an order that is total, behind an image if one is given.
    pub(super) fn first(
        &self,
        from: &Candidates,
        order: &[Key],
        after: Option<&Image>,
        limit: usize,
    ) -> Result<Vec<u64>> {
        let end = order.iter().position(|(key, _)| *key == SortKey::Id);
        let order = &order[..end.map_or(order.len(), |end| end + 1)];
        let Some(((key, direction), rest)) = order.split_first() else {
            return Ok(Vec::new());
        };
        let values = match key {
            SortKey::Status => words(Status::ALL, Status::as_str, NullPlace::None),
            SortKey::DiskFormat => words(DiskFormat::ALL, DiskFormat::as_str, NullPlace::First),
            SortKey::ContainerFormat => words(
                ContainerFormat::ALL,
                ContainerFormat::as_str,
                NullPlace::First,
            ),
            _ => return self.spread(from, order, after, limit),
        };
        if let Candidates::Set(set) = from
            && set.len() <= UNGROUPED_MAX
        {
            return self.gather_records(set, order, after, limit);
        }
        let groups = Groups {
            key: *key,
            direction: *direction,
            rest,
        };
        self.groups(from, &groups, values, after, limit)
    }

    /// Orders by a key of many values.
    fn spread(
        &self,
        from: &Candidates,
        order: &[Key],
        after: Option<&Image>,
        limit: usize,
    ) -> Result<Vec<u64>> {
        if let Candidates::Set(set) = from {
            if set.is_empty() || limit == 0 {
                return Ok(Vec::new());
            }
            let numeric = order[0].0 != SortKey::Id
                && order
                    .iter()
                    .all(|(key, _)| number(*key).is_some() || *key == SortKey::Id);
            let len = set.len();
            let cost = if numeric {
                ROWS_A_NUMBER
            } else {
                ROWS_A_RECORD
            };
            if len > GATHER_MAX {
                let mut walk = Walk::new(self, from, order, after, limit)?;
                if walk.run(Some(len.saturating_mul(cost)))? {
                    return Ok(walk.found);
                }
            }
            return match numeric {
                true => self.gather_numbers(set, order, after, limit),
                false => self.gather_records(set, order, after, limit),
            };
        }
        let mut walk = Walk::new(self, from, order, after, limit)?;
        walk.run(None)?;
        Ok(walk.found)
    }

    fn groups(
        &self,
        from: &Candidates,
        groups: &Groups<'_>,
        mut values: Vec<Option<&'static str>>,
        after: Option<&Image>,
        limit: usize,
    ) -> Result<Vec<u64>> {
        if groups.direction == Direction::Descending {
            values.reverse();
        }
        let begin = after.and_then(|image| {
            let value = groups.value_of(image);
            values.iter().position(|other| *other == value)
        });
        let mut found = Vec::new();
        for (at, value) in values.iter().enumerate().skip(begin.unwrap_or(0)) {
            if found.len() >= limit {
                break;
            }
            let posting = Posting::text(self.part.0, groups.field(), *value);
            let group = match from {
                Candidates::All => posting.load(self.get, &EVERYWHERE)?,
                Candidates::Set(set) => posting.within(self.get, set)?,
            };
            let after = after.filter(|_| begin == Some(at));
            let left = limit - found.len();
            found.extend(self.first(&Candidates::Set(group), groups.rest, after, left)?);
        }
        Ok(found)
    }

    /// Selects by numbers; records are read only where these are equal.
    fn gather_numbers(
        &self,
        set: &Slots,
        order: &[Key],
        after: Option<&Image>,
        limit: usize,
    ) -> Result<Vec<u64>> {
        let keys: Vec<(Fact, Direction)> = order
            .iter()
            .filter_map(|(key, direction)| Some((number(*key)?, *direction)))
            .collect();
        let mut rows: Vec<(Vec3, u64)> = set.iter().map(|slot| ([0; 3], slot)).collect();
        for (at, (fact, direction)) in keys.iter().take(3).enumerate() {
            let mut next = rows.iter_mut();
            facts::each(self.get, *fact, set, |_, code| {
                if let Some((codes, _)) = next.next() {
                    codes[at] = directed(code, *direction);
                }
            })?;
        }
        let behind = after.map(|image| {
            let mut codes = [0; 3];
            for (code, (fact, direction)) in codes.iter_mut().zip(&keys) {
                *code = directed(rows::code(image, *fact), *direction);
            }
            codes
        });
        if let Some(behind) = behind {
            rows.retain(|(codes, _)| *codes >= behind);
        }
        let equal = rows
            .iter()
            .filter(|(codes, _)| Some(*codes) == behind)
            .count();
        self.select(rows, limit.saturating_add(equal), order, after)
            .map(|mut slots| {
                slots.truncate(limit);
                slots
            })
    }

    /// Returns the first rows, those of equal codes in order of their records.
    fn select(
        &self,
        mut rows: Vec<(Vec3, u64)>,
        limit: usize,
        order: &[Key],
        after: Option<&Image>,
    ) -> Result<Vec<u64>> {
        if rows.len() > limit {
            let (_, last, _) = rows.select_nth_unstable(limit);
            let last = last.0;
            rows.retain(|(codes, _)| *codes <= last);
        }
        rows.sort_unstable();
        let mut found = Vec::new();
        let behind = after.map(|image| image.id());
        for equal in rows.chunk_by(|a, b| a.0 == b.0) {
            if found.len() >= limit {
                break;
            }
            match equal {
                [(_, slot)] if behind.is_none() || !found.is_empty() => found.push(*slot),
                _ => {
                    let set = Slots::of(equal.iter().map(|(_, slot)| *slot));
                    found.extend(self.gather_records(&set, order, after, usize::MAX)?);
                }
            }
        }
        Ok(found)
    }

    /// Selects by whole records.
    fn gather_records(
        &self,
        set: &Slots,
        order: &[Key],
        after: Option<&Image>,
        limit: usize,
    ) -> Result<Vec<u64>> {
        let mut images = Vec::new();
        for slot in set.iter() {
            let image = view::fetch(self.get, self.part, slot)?;
            let behind = after.is_none_or(|after| query::compare(&image, after, order).is_gt());
            if behind {
                images.push((image, slot));
            }
        }
        let compare = |a: &(Image, u64), b: &(Image, u64)| query::compare(&a.0, &b.0, order);
        if images.len() > limit {
            images.select_nth_unstable_by(limit, compare);
            images.truncate(limit);
        }
        images.sort_unstable_by(compare);
        Ok(images.into_iter().map(|(_, slot)| slot).collect())
    }
}

type Vec3 = [u64; 3];

fn directed(code: u64, direction: Direction) -> u64 {
    match direction {
        Direction::Ascending => code,
        Direction::Descending => !code,
    }
}

/// Returns the column that a key orders by.
fn number(key: SortKey) -> Option<Fact> {
    match key {
        SortKey::CreatedAt => Some(Fact::CreatedAt),
        SortKey::UpdatedAt => Some(Fact::UpdatedAt),
        SortKey::Size => Some(Fact::Size),
        _ => None,
    }
}

/// A key of few values, and what orders images of one of them.
struct Groups<'a> {
    key: SortKey,
    direction: Direction,
    rest: &'a [Key],
}

impl Groups<'_> {
    fn field(&self) -> Field {
        match self.key {
            SortKey::DiskFormat => Field::DiskFormat,
            SortKey::ContainerFormat => Field::ContainerFormat,
            _ => Field::Status,
        }
    }

    fn value_of(&self, image: &Image) -> Option<&'static str> {
        match self.key {
            SortKey::DiskFormat => image.disk_format().map(|format| format.as_str()),
            SortKey::ContainerFormat => image.container_format().map(|format| format.as_str()),
            _ => Some(image.status().as_str()),
        }
    }
}

#[derive(PartialEq)]
enum NullPlace {
    None,
    First,
}

/// Returns the values of a key, ascending.
fn words<T: Copy>(
    all: &[T],
    word: fn(T) -> &'static str,
    null: NullPlace,
) -> Vec<Option<&'static str>> {
    let mut words: Vec<_> = all.iter().map(|value| Some(word(*value))).collect();
    if null == NullPlace::First {
        words.push(None);
    }
    words.sort_unstable();
    words
}

/// A walk along the rows of an order.
struct Walk<'a> {
    orderer: &'a Orderer<'a>,
    from: &'a Candidates,
    sorted: Sorted,
    order: &'a [Key],
    after: Option<&'a Image>,
    limit: usize,
    found: Vec<u64>,
    /// Where rows of equal value must be ordered anew, those of the last value.
    group: Option<Group>,
}

/// Rows of one value.
#[derive(Default)]
struct Group {
    /// What the keys of the rows begin with.
    prefix: Vec<u8>,
    slots: Vec<u64>,
    rows: usize,
}

/// Why a walk paused.
enum Pause {
    End,
    Enough,
    Tired,
    /// The rows of one value are too many.
    LongGroup,
}

/// Length of what stands behind the value in the key of an order: time of creation, and id.
const TAIL_LEN: usize = 24;

impl<'a> Walk<'a> {
    fn new(
        orderer: &'a Orderer<'a>,
        from: &'a Candidates,
        order: &'a [Key],
        after: Option<&'a Image>,
        limit: usize,
    ) -> Result<Self> {
        let (sorted, natural) = match order {
            [(SortKey::Id, _), ..] => (Sorted::Id, true),
            [(SortKey::CreatedAt, first), (SortKey::Id, second), ..] => {
                (Sorted::Created, first == second)
            }
            [(key, first), rest @ ..] => {
                let natural = matches!(rest, [(SortKey::CreatedAt, a), (SortKey::Id, b), ..]
                    if a == first && b == first);
                (sorted_by(*key)?, natural)
            }
            [] => return Err(Error::new(crate::error::ErrorCode::Internal, "no order")),
        };
        Ok(Self {
            orderer,
            from,
            sorted,
            order,
            after,
            limit,
            found: Vec::new(),
            group: (!natural).then(Group::default),
        })
    }

    fn direction(&self) -> Direction {
        self.order.first().map_or(Direction::Ascending, |key| key.1)
    }

    /// Walks until there is enough; tells whether it did not tire before.
    fn run(&mut self, budget: Option<u64>) -> Result<bool> {
        let mut from = self.begin();
        let mut budget = budget.unwrap_or(u64::MAX);
        loop {
            let pause = self.stretch(&from, &mut budget)?;
            match pause {
                Pause::Tired => return Ok(false),
                Pause::Enough => {}
                Pause::End => self.end_group()?,
                Pause::LongGroup => {
                    from = self.long_group()?;
                    if self.found.len() < self.limit {
                        continue;
                    }
                }
            }
            self.found.truncate(self.limit);
            return Ok(true);
        }
    }

    /// Returns the key that the walk begins behind.
    fn begin(&self) -> Option<Vec<u8>> {
        let Orderer { part, .. } = *self.orderer;
        let mut key = rows::order_key(part, self.sorted, self.after?);
        if self.group.is_some() {
            // The whole group of the image, from its very first row.
            key.truncate(key.len() - self.tail_len());
            if self.direction() == Direction::Descending {
                key.extend([u8::MAX; TAIL_LEN + 1]);
            }
        }
        Some(key)
    }

    /// Returns how much of a key stands behind the value that it orders by.
    fn tail_len(&self) -> usize {
        match self.sorted {
            Sorted::Created => 16,
            _ => TAIL_LEN,
        }
    }

    fn stretch(&mut self, from: &Option<Vec<u8>>, budget: &mut u64) -> Result<Pause> {
        let Orderer { part, get } = *self.orderer;
        let prefix = rows::order_prefix(part, self.sorted);
        let mut end = prefix.clone();
        end.extend([u8::MAX; 9]);
        let behind = from.as_deref();
        let (low, high, order) = match self.direction() {
            Direction::Ascending => {
                let low = behind.map_or(Bound::Included(&prefix[..]), Bound::Excluded);
                (low, Bound::Excluded(&end[..]), Order::Ascending)
            }
            Direction::Descending => {
                let high = behind.map_or(Bound::Excluded(&end[..]), Bound::Excluded);
                (Bound::Included(&prefix[..]), high, Order::Descending)
            }
        };
        let (mut pause, mut failed) = (Pause::End, Ok(()));
        get.scan(Table::Orders, low, high, order, &mut |key, value| {
            let step = match budget.checked_sub(1) {
                None => Ok(Some(Pause::Tired)),
                Some(left) => {
                    *budget = left;
                    self.step(key, value)
                }
            };
            match step {
                Ok(None) => return ControlFlow::Continue(()),
                Ok(Some(why)) => pause = why,
                Err(error) => failed = Err(error),
            }
            ControlFlow::Break(())
        })?;
        failed.map(|()| pause)
    }

    /// Takes a row.
    fn step(&mut self, key: &[u8], value: &[u8]) -> Result<Option<Pause>> {
        let slot = value.try_into().map(u64::from_be_bytes);
        let slot = slot.map_err(|_| Error::corrupt("table orders: a slot is not 8 bytes"))?;
        let value_len = key.len().saturating_sub(self.tail_len());
        let taken = match self.from {
            Candidates::All => true,
            Candidates::Set(set) => set.contains(slot),
        };
        let Some(group) = &mut self.group else {
            if taken {
                self.found.push(slot);
            }
            return Ok((self.found.len() >= self.limit).then_some(Pause::Enough));
        };
        if group.prefix != key[..value_len] {
            self.end_group()?;
            if self.found.len() >= self.limit {
                return Ok(Some(Pause::Enough));
            }
            let group = self.group.insert(Group::default());
            group.prefix.extend(&key[..value_len]);
        }
        let Some(group) = &mut self.group else {
            return Ok(None);
        };
        group.rows += 1;
        if taken {
            group.slots.push(slot);
        }
        Ok((group.rows > GROUP_MAX).then_some(Pause::LongGroup))
    }

    /// Orders the rows of the last value.
    fn end_group(&mut self) -> Result<()> {
        let Some(group) = self.group.as_mut().map(std::mem::take) else {
            return Ok(());
        };
        self.add(&group, Slots::of(group.slots.iter().copied()))
    }

    fn add(&mut self, group: &Group, set: Slots) -> Result<()> {
        if set.is_empty() {
            return Ok(());
        }
        let part = self.orderer.part;
        let after = self.after.filter(|image| {
            let key = rows::order_key(part, self.sorted, image);
            key[..key.len() - self.tail_len()] == group.prefix
        });
        let left = self.limit.saturating_sub(self.found.len());
        let rest = &self.order[1..];
        let slots = self
            .orderer
            .first(&Candidates::Set(set), rest, after, left)?;
        self.found.extend(slots);
        Ok(())
    }

    /// Orders the rows of a value that has many, without walking them; returns where to go on.
    fn long_group(&mut self) -> Result<Option<Vec<u8>>> {
        let Orderer { get, part } = *self.orderer;
        let group = self.group.as_mut().map(std::mem::take).unwrap_or_default();
        let any = group.any_slot(get)?;
        let image = view::fetch(get, part, any)?;
        let set = match self.from {
            Candidates::All => everything(get, part, &EVERYWHERE)?,
            Candidates::Set(set) => set.clone(),
        };
        let set = match self.sorted {
            Sorted::Name => {
                let posting = Posting::text(part.0, Field::Name, image.name());
                posting.within(get, &set)?
            }
            Sorted::Created | Sorted::Updated | Sorted::Size => {
                let fact = number(self.order[0].0).unwrap_or(Fact::CreatedAt);
                let code = rows::code(&image, fact);
                facts::filter(get, fact, &set, |other| other == code)?
            }
            Sorted::Id => Slots::default(),
        };
        self.add(&group, set)?;
        let mut key = group.prefix;
        if self.direction() == Direction::Ascending {
            key.extend([u8::MAX; TAIL_LEN + 1]);
        }
        Ok(Some(key))
    }
}

impl Group {
    /// Returns the slot of some row of the group.
    fn any_slot(&self, get: &dyn Get) -> Result<u64> {
        if let Some(slot) = self.slots.first() {
            return Ok(*slot);
        }
        let mut found = None;
        let bounds = (Bound::Included(&self.prefix[..]), Bound::Unbounded);
        get.scan(
            Table::Orders,
            bounds.0,
            bounds.1,
            Order::Ascending,
            &mut |_, value| {
                found = value.try_into().ok().map(u64::from_be_bytes);
                ControlFlow::Break(())
            },
        )?;
        found.ok_or_else(|| Error::corrupt("table orders: a slot is not 8 bytes"))
    }
}

fn sorted_by(key: SortKey) -> Result<Sorted> {
    match key {
        SortKey::Name => Ok(Sorted::Name),
        SortKey::Size => Ok(Sorted::Size),
        SortKey::Id => Ok(Sorted::Id),
        SortKey::CreatedAt => Ok(Sorted::Created),
        SortKey::UpdatedAt => Ok(Sorted::Updated),
        _ => Err(Error::new(
            crate::error::ErrorCode::Internal,
            "a key of few values has no rows",
        )),
    }
}
