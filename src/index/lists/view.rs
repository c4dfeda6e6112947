//! Views: whole records in order of creation, for all that is public and for each owner. The
//! default list of a tenant is a merge of two of them, and no record is looked up one by one.

use std::collections::VecDeque;
use std::ops::{Bound, ControlFlow};

use super::facts::{self, Fact};
use super::rows::{self, Part};
use crate::error::{Error, Result};
use crate::image::Image;
use crate::index::{Get, Order, Table, images};
use crate::query::Direction;

/// Returns the image of a slot.
pub(super) fn fetch(get: &dyn Get, part: Part, slot: u64) -> Result<Image> {
    let created = facts::get(get, Fact::CreatedAt, slot)?;
    let mut from = rows::view_prefix(part, rows::scope(part, slot));
    from.extend(created.to_be_bytes());
    let mut found = None;
    let bounds = (Bound::Included(&from[..]), Bound::Unbounded);
    get.scan(
        Table::Views,
        bounds.0,
        bounds.1,
        Order::Ascending,
        &mut |key, value| {
            if !key.starts_with(&from) {
                return ControlFlow::Break(());
            }
            if value.first_chunk() != Some(&slot.to_be_bytes()) {
                return ControlFlow::Continue(());
            }
            found = Some(images::decode(value));
            ControlFlow::Break(())
        },
    )?;
    let lost = || Error::corrupt(format!("index lists: no record for slot {slot:#x}"));
    let (_, image) = found.ok_or_else(lost)??;
    Ok(image)
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
    rows: VecDeque<Row>,
    is_done: bool,
    /// How many rows the next read takes.
    step: usize,
}

/// What a row holds: a record, or where in the views it is.
#[derive(Debug)]
enum Row {
    Record(Vec<u8>),
    Place(Vec<u8>),
}

/// How many rows a stream reads at first; each read takes twice as many as the one before.
const FIRST_STEP: usize = 32;
/// Length of time of creation and id, with which keys of views and of shares end.
const TAIL_LEN: usize = 24;

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
            step: FIRST_STEP,
        }
    }

    /// Leaves out the images of an owner, if one is given.
    pub(super) fn without(self, not_owner: Option<u32>) -> Self {
        Self { not_owner, ..self }
    }

    /// Returns the next image.
    pub(super) fn next(&mut self, get: &dyn Get) -> Result<Option<Image>> {
        while self.rows.is_empty() && !self.is_done {
            self.read(get)?;
        }
        let Some(row) = self.rows.pop_front() else {
            return Ok(None);
        };
        let (_, image) = match row {
            Row::Record(record) => images::decode(&record)?,
            Row::Place(key) => at(get, &key)?,
        };
        Ok(Some(image))
    }

    fn read(&mut self, get: &dyn Get) -> Result<()> {
        let mut end = self.prefix.clone();
        end.extend([u8::MAX; TAIL_LEN + 1]);
        let behind = self.behind.take();
        let behind = behind.as_deref();
        let (low, high, order) = match self.direction {
            Direction::Ascending => {
                let low = behind.map_or(Bound::Included(&self.prefix[..]), Bound::Excluded);
                (low, Bound::Included(&end[..]), Order::Ascending)
            }
            Direction::Descending => {
                let high = behind.map_or(Bound::Included(&end[..]), Bound::Excluded);
                (Bound::Included(&self.prefix[..]), high, Order::Descending)
            }
        };
        let (mut last, mut more, mut failed) = (Vec::new(), false, Ok(()));
        let (mut rows, mut left) = (VecDeque::new(), self.step);
        get.scan(self.table, low, high, order, &mut |key, value| {
            failed = self.row(key, value).map(|row| rows.extend(row));
            left -= 1;
            if failed.is_ok() && left > 0 {
                return ControlFlow::Continue(());
            }
            last.extend(key);
            more = true;
            ControlFlow::Break(())
        })?;
        (self.behind, self.is_done) = (Some(last), !more);
        self.rows = rows;
        self.step *= 2;
        failed
    }

    /// Makes what is kept of a row, or nothing of one that is left out.
    fn row(&self, key: &[u8], value: &[u8]) -> Result<Option<Row>> {
        if self.table == Table::Views {
            return Ok(Some(Row::Record(value.to_vec())));
        }
        let slot = value.try_into().map(u64::from_be_bytes);
        let slot = slot.map_err(|_| Error::corrupt("table shares: a slot is not 8 bytes"))?;
        if self.not_owner == Some(rows::owner_of(slot)) {
            return Ok(None);
        }
        let mut place = rows::view_prefix(self.part, rows::scope(self.part, slot));
        place.extend(&key[key.len().saturating_sub(TAIL_LEN)..]);
        Ok(Some(Row::Place(place)))
    }
}

/// Returns slot and image of a row of the views.
fn at(get: &dyn Get, key: &[u8]) -> Result<(u64, Image)> {
    let mut found = Err(Error::corrupt("table shares: an image has no record"));
    get.get(Table::Views, key, &mut |value| {
        found = images::decode(value)
    })?;
    found
}
