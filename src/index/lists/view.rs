//! Views: whole records in order of creation, for all that is public and for each owner. The
//! default list of a tenant is a merge of two of them, and no record is looked up one by one.
//!
//! Records are decoded when they are looked at: not at all where views are read in their own order and
//! policy hides no row.

use std::collections::VecDeque;
use std::ops::ControlFlow;

use super::along::{Along, slot_of};
use super::facts::{self, Fact};
use super::row::Row;
use super::rows::{self, Part, TAIL_LEN, VIEW_KEY_LEN};
use super::slots::Slots;
use crate::error::{Error, Result};
use crate::id::ImageId;
use crate::image::Image;
use crate::index::{Get, Table, images, owners};
use crate::query::Direction;

/// An image that was found.
#[derive(Debug)]
pub(super) enum Hit {
    /// Its slot.
    Slot(u64),
    /// Its slot and the code of when it was created.
    Created(u64, u64),
    /// Its id.
    Id(ImageId),
    /// The key of its record in the views.
    Place([u8; VIEW_KEY_LEN]),
    /// The row itself.
    Row(Row),
}

impl Hit {
    /// Returns the row.
    pub(super) fn row(self, get: &dyn Get, part: Part) -> Result<Row> {
        match self {
            Self::Slot(slot) => fetch(get, part, slot),
            Self::Created(slot, created) => created_at(get, part, slot, created),
            Self::Id(id) => at(get, Table::Images, id.as_bytes()),
            Self::Place(key) => at(get, Table::Views, &key),
            Self::Row(row) => Ok(row),
        }
    }
}

/// Returns the image of a slot.
pub(super) fn fetch(get: &dyn Get, part: Part, slot: u64) -> Result<Row> {
    let created = facts::get(get, Fact::CreatedAt, slot)?;
    created_at(get, part, slot, created)
}

/// Returns the image of a slot, created at that time.
fn created_at(get: &dyn Get, part: Part, slot: u64, created: u64) -> Result<Row> {
    let mut prefix = rows::view_prefix(part, rows::scope_of(slot));
    prefix.extend(created.to_be_bytes());
    let same = Along::new(Table::Views, &prefix, Direction::Ascending);
    let mut found = None;
    same.each(get, &mut |_, value| {
        if value.first_chunk() != Some(&slot.to_be_bytes()) {
            return Ok(ControlFlow::Continue(()));
        }
        found = Some(Row::new(value)?);
        Ok(ControlFlow::Break(()))
    })?;
    found.ok_or_else(|| Error::corrupt(format!("index lists: no record for slot {slot:#x}")))
}

/// Lends the images of a set, in any order: where most of a scope is in the set, its view is read
/// from end to end.
pub(super) fn each(get: &dyn Get, part: Part, set: &Slots, f: &mut dyn FnMut(Image)) -> Result<()> {
    const MOST: u64 = 4;
    for (scope, slots) in set.scopes() {
        let all = owners::row(get, scope)?.records;
        if slots.len().saturating_mul(MOST) < all {
            for slot in slots.iter() {
                f(fetch(get, part, slot)?.into_image()?);
            }
            continue;
        }
        let view = Along::new(
            Table::Views,
            &rows::view_prefix(part, scope),
            Direction::Ascending,
        );
        let mut missing = slots.len();
        view.each(get, &mut |_, value| {
            if slots.contains(slot_of(Table::Views, value)?) {
                f(images::decode(value)?.1);
                missing -= 1;
            }
            Ok(match missing {
                0 => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            })
        })?;
        if missing > 0 {
            let message = format!("index lists: no record for {missing} slots of scope {scope}");
            return Err(Error::corrupt(message));
        }
    }
    Ok(())
}

/// Returns the key of the record of a slot, from a key that ends with time of creation and id.
pub(super) fn place(part: Part, slot: u64, key: &[u8]) -> [u8; VIEW_KEY_LEN] {
    let mut place = [0; VIEW_KEY_LEN];
    let (prefix, tail) = place.split_at_mut(VIEW_KEY_LEN - TAIL_LEN);
    let (number, scope) = prefix.split_at_mut(1);
    number.copy_from_slice(&[part.0]);
    scope.copy_from_slice(&rows::scope_of(slot).to_be_bytes());
    // A key that is shorter is damage, and has no record.
    if let Some(end) = key.last_chunk::<TAIL_LEN>() {
        tail.copy_from_slice(end);
    }
    place
}

/// Returns the record behind a key.
fn at(get: &dyn Get, table: Table, key: &[u8]) -> Result<Row> {
    let mut found = None;
    get.get(table, key, &mut |value| found = Some(Row::new(value)))?;
    found.unwrap_or_else(|| Err(Error::corrupt("index lists: a row has no record")))
}

/// Records in order of creation, a few at a time: those of a view, or those of the images that are
/// shared with a project.
#[derive(Debug)]
pub(super) struct Stream {
    part: Part,
    table: Table,
    prefix: Vec<u8>,
    direction: Direction,
    /// An owner whose images are left out.
    not_owner: Option<u32>,
    /// The key behind which the next rows are.
    behind: Option<Vec<u8>>,
    rows: VecDeque<Hit>,
    is_done: bool,
    /// How many rows the next read takes; each takes twice as many as the one before.
    step: usize,
    /// How many more images the page may take.
    left: usize,
}

const STEP_MIN: usize = 8;
const STEP_MAX: usize = 1024;
/// A read ends with the row that makes what is kept as long as this.
const READ_BYTES: usize = 1 << 20;

impl Stream {
    /// Makes a stream of a view, behind an image if one is given.
    pub(super) fn new(part: Part, scope: u32, direction: Direction, after: Option<&Image>) -> Self {
        let prefix = rows::view_prefix(part, scope);
        Self::over(Table::Views, part, prefix, direction, after)
    }

    /// Makes a stream of the images that are shared with a project, whose keys begin with a prefix.
    pub(super) fn of_shares(
        part: Part,
        prefix: Vec<u8>,
        direction: Direction,
        after: Option<&Image>,
    ) -> Self {
        Self::over(Table::Shares, part, prefix, direction, after)
    }

    fn over(
        table: Table,
        part: Part,
        prefix: Vec<u8>,
        direction: Direction,
        after: Option<&Image>,
    ) -> Self {
        let behind = after.map(|image| {
            let mut key = prefix.clone();
            key.extend(rows::stamp(image.created_at()).to_be_bytes());
            key.extend(image.id().as_bytes());
            key
        });
        Self {
            part,
            table,
            prefix,
            direction,
            not_owner: None,
            behind,
            rows: VecDeque::new(),
            is_done: false,
            step: STEP_MIN,
            left: usize::MAX,
        }
    }

    /// Leaves out the images of an owner, if one is given.
    pub(super) fn without(self, not_owner: Option<u32>) -> Self {
        Self { not_owner, ..self }
    }

    /// Reads no more than a page may take, and at first no more than is likely to be its part where
    /// it has several sources.
    pub(super) fn for_page(self, limit: usize, sources: usize) -> Self {
        Self {
            step: limit.div_ceil(sources.max(1)).clamp(1, STEP_MAX),
            left: limit,
            ..self
        }
    }

    /// Returns the next image.
    pub(super) fn next(&mut self, get: &dyn Get) -> Result<Option<Row>> {
        while self.rows.is_empty() && !self.is_done {
            self.read(get)?;
        }
        let hit = self.rows.pop_front();
        self.left = self.left.saturating_sub(1);
        hit.map(|hit| hit.row(get, self.part)).transpose()
    }

    fn read(&mut self, get: &dyn Get) -> Result<()> {
        let behind = self.behind.take();
        let along = Along::new(self.table, &self.prefix, self.direction);
        let along = along.behind(behind.as_deref());
        let (mut last, mut rows) = (None, VecDeque::new());
        // What policy hides counts for nothing: some more may be wanted.
        let (mut left, mut bytes) = (self.step.min(self.left.max(STEP_MIN)), 0);
        along.each(get, &mut |key, value| {
            rows.extend(self.row(key, value)?);
            left -= 1;
            bytes += value.len();
            if left > 0 && bytes < READ_BYTES {
                return Ok(ControlFlow::Continue(()));
            }
            last = Some(key.to_vec());
            Ok(ControlFlow::Break(()))
        })?;
        self.is_done = last.is_none();
        (self.behind, self.rows) = (last, rows);
        self.step = (self.step * 2).min(STEP_MAX);
        Ok(())
    }

    /// Makes what is kept of a row, or nothing of one that is left out.
    fn row(&self, key: &[u8], value: &[u8]) -> Result<Option<Hit>> {
        if self.table == Table::Views {
            return Ok(Some(Hit::Row(Row::new(value)?)));
        }
        let slot = slot_of(self.table, value)?;
        let taken = self.not_owner != Some(rows::scope_of(slot));
        Ok(taken.then(|| Hit::Place(place(self.part, slot, key))))
    }
}
