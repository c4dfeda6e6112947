//! The first images of a set in any order, without sorting what is not shown.
//!
//! Three ways, each of which costs little where the others cost much. A set is *gathered*: its
//! numbers are read and the first ones selected; it is *walked* along the rows of an order until
//! enough of them are in the set; and by keys of few values it is cut into *groups*, one after the
//! other.

use std::cmp::Ordering;

use super::candidates::Candidates;
use super::facts::{self, Fact};
use super::posting::{Field, Posting};
use super::row::Row;
use super::rows::{self, Sorted};
use super::sift::FEW;
use super::slots::Slots;
use super::view::{self, Hit};
use super::walk::Walk;
use crate::error::Result;
use crate::image::{ContainerFormat, DiskFormat, Image, Status};
use crate::index::Get;
use crate::query::{self, Direction, SortKey};

pub(super) type Key = (SortKey, Direction);

// The tests have few images, and go all ways nevertheless.

/// Up to so many images are gathered without a look at the alternative.
const GATHER_MAX: u64 = if cfg!(test) { 4 } else { 64 };
/// Up to so many images are gathered by their records rather than cut into groups.
const UNGROUPED_MAX: u64 = if cfg!(test) { 3 } else { 400 };
/// Rows that are walked in the time in which an image is gathered by its record.
const ROWS_A_RECORD: u64 = 4;
/// Numbers that are compared in the time of a row.
const NUMBERS_A_ROW: u64 = 32;

/// Most rows that are walked before bounds are tested for all images at once.
const LAZY_ROWS: u64 = if cfg!(test) { 7 } else { 20_000 };

/// Puts images in order.
#[derive(Clone, Copy)]
pub(super) struct Orderer<'a> {
    pub(super) get: &'a dyn Get,
    /// The names that images may have, ascending, where a filter names them.
    pub(super) names: Option<&'a [String]>,
}

impl Orderer<'_> {
    /// Returns the first images of `from` in an order that is total, behind one if it is given.
    pub(super) fn first(
        &self,
        from: &Candidates,
        order: &[Key],
        after: Option<&Image>,
        limit: usize,
    ) -> Result<Vec<Hit>> {
        let end = order.iter().position(|(key, _)| *key == SortKey::Id);
        let order = &order[..end.map_or(order.len(), |end| end + 1)];
        let Some(((key, direction), rest)) = order.split_first().filter(|_| limit > 0) else {
            return Ok(Vec::new());
        };
        let values = match key {
            SortKey::Name => match self.names {
                Some(names) => names.iter().map(|name| Some(name.as_str())).collect(),
                None => return self.spread(from, order, after, limit),
            },
            SortKey::Status => words(Status::ALL, Status::as_str, NullPlace::None),
            SortKey::DiskFormat => words(DiskFormat::ALL, DiskFormat::as_str, NullPlace::First),
            SortKey::ContainerFormat => words(
                ContainerFormat::ALL,
                ContainerFormat::as_str,
                NullPlace::First,
            ),
            _ => return self.spread(from, order, after, limit),
        };
        if let Some(set) = from.exact()
            && set.len() <= UNGROUPED_MAX
        {
            return self.gather_records(from, set, order, after, limit);
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
    ) -> Result<Vec<Hit>> {
        let numeric = number(order[0].0).is_some();
        let budget = match from.exact() {
            Some(set) if set.is_empty() => return Ok(Vec::new()),
            Some(set) if set.len() <= GATHER_MAX => Some(0),
            Some(set) if numeric => Some(set.words().len() as u64 + set.len() / NUMBERS_A_ROW),
            Some(set) => Some(set.len().saturating_mul(ROWS_A_RECORD)),
            None if from.is_all() => None,
            None => match from.rows(self.get)? {
                ..=FEW => Some(0),
                rows => Some(rows.saturating_mul(2).min(LAZY_ROWS)),
            },
        };
        if budget != Some(0) {
            let mut walk = Walk::new(self, from, order, after, limit)?;
            if walk.run(budget)? {
                return Ok(walk.found);
            }
        }
        match from.exact() {
            None => self.spread(&from.settle(self.get)?, order, after, limit),
            Some(set) if numeric => self.gather_numbers(from, set, order, after, limit),
            Some(set) => self.gather_records(from, set, order, after, limit),
        }
    }

    fn groups(
        &self,
        from: &Candidates,
        groups: &Groups<'_>,
        mut values: Vec<Option<&str>>,
        after: Option<&Image>,
        limit: usize,
    ) -> Result<Vec<Hit>> {
        if groups.direction == Direction::Descending {
            values.reverse();
        }
        let begin = after.map(|image| groups.key.text(image));
        let mut found = Vec::new();
        for value in values {
            if found.len() >= limit {
                break;
            }
            let place = begin.map_or(Ordering::Greater, |begin| {
                groups.direction.of(value.cmp(&begin))
            });
            if place.is_lt() {
                continue;
            }
            let posting = Posting::text(from.part.0, groups.field(), value);
            let group = from.posted(self.get, &posting)?;
            let after = after.filter(|_| place.is_eq());
            let left = limit - found.len();
            found.extend(self.first(&group, groups.rest, after, left)?);
        }
        Ok(found)
    }

    /// Selects by the number that an order begins with; the rest of it decides where that is equal.
    fn gather_numbers(
        &self,
        from: &Candidates,
        set: &Slots,
        order: &[Key],
        after: Option<&Image>,
        limit: usize,
    ) -> Result<Vec<Hit>> {
        let Some((fact, direction)) = order.first().and_then(|key| Some((number(key.0)?, key.1)))
        else {
            return Ok(Vec::new());
        };
        let behind = after.map(|image| directed(rows::code(image, fact), direction));
        let mut first = First::new(limit, behind);
        facts::each(self.get, fact, set, |slot, code| {
            first.take(directed(code, direction), slot);
        })?;
        let rows = first.into_rows();
        let mut found = Vec::new();
        for equal in rows.chunk_by(|a, b| a.0 == b.0) {
            if found.len() >= limit {
                break;
            }
            let after = after.filter(|_| Some(equal[0].0) == behind);
            let left = limit - found.len();
            match (equal, after) {
                ([(code, slot)], None) => found.push(match fact {
                    Fact::CreatedAt => Hit::Created(*slot, directed(*code, direction)),
                    _ => Hit::Slot(*slot),
                }),
                _ => {
                    let set = Slots::of(equal.iter().map(|(_, slot)| *slot));
                    found.extend(self.first(&from.among(set), &order[1..], after, left)?);
                }
            }
        }
        Ok(found)
    }

    /// Selects by whole records.
    fn gather_records(
        &self,
        from: &Candidates,
        set: &Slots,
        order: &[Key],
        after: Option<&Image>,
        limit: usize,
    ) -> Result<Vec<Hit>> {
        let compare = |a: &Image, b: &Image| query::compare(a, b, order);
        let mut images = Vec::new();
        view::each(self.get, from.part, set, &mut |image| {
            if after.is_none_or(|after| compare(&image, after).is_gt()) {
                images.push(image);
            }
            // No more is held than what may still be shown, and as much again.
            if images.len() >= limit.saturating_mul(2) {
                images.select_nth_unstable_by(limit, compare);
                images.truncate(limit);
            }
        })?;
        images.sort_unstable_by(compare);
        images.truncate(limit);
        let rows = images.into_iter().map(Row::from);
        Ok(rows.map(Hit::Row).collect())
    }
}

/// The first slots by their codes, of those that are given to it one by one.
struct First {
    limit: usize,
    /// The code before which nothing counts.
    behind: Option<u64>,
    /// Those of that very code.
    equal: Vec<(u64, u64)>,
    /// Others: the first, all that equal the last of these, and some more.
    rows: Vec<(u64, u64)>,
    /// The greatest code that may still be among the first.
    most: u64,
    /// How many rows there may be before some are let go.
    room: usize,
}

impl First {
    const ROOM: usize = if cfg!(test) { 4 } else { 4096 };

    fn new(limit: usize, behind: Option<u64>) -> Self {
        Self {
            limit,
            behind,
            equal: Vec::new(),
            rows: Vec::new(),
            most: u64::MAX,
            room: Self::ROOM.max(limit.saturating_mul(2)),
        }
    }

    fn take(&mut self, code: u64, slot: u64) {
        if Some(code) == self.behind {
            self.equal.push((code, slot));
        } else if code <= self.most && self.behind.is_none_or(|behind| code > behind) {
            self.rows.push((code, slot));
            if self.rows.len() >= self.room {
                self.let_go();
            }
        }
    }

    fn let_go(&mut self) {
        if self.limit >= self.rows.len() {
            return;
        }
        let (_, last, _) = self.rows.select_nth_unstable(self.limit);
        let most = last.0;
        self.most = most;
        self.rows.retain(|(code, _)| *code <= most);
        self.room = self.room.max(self.rows.len().saturating_mul(2));
    }

    /// Returns them in order of their codes.
    fn into_rows(mut self) -> Vec<(u64, u64)> {
        self.let_go();
        self.rows.sort_unstable();
        self.equal.extend(self.rows);
        self.equal
    }
}

fn directed(code: u64, direction: Direction) -> u64 {
    match direction {
        Direction::Ascending => code,
        Direction::Descending => !code,
    }
}

/// Returns the column that a key orders by.
fn number(key: SortKey) -> Option<Fact> {
    Sorted::of(key)?.fact()
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
            SortKey::Name => Field::Name,
            _ => Field::Status,
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
