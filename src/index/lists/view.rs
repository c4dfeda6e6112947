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

/// The records of a view, a few at a time.
#[derive(Debug)]
pub(super) struct Stream {
    prefix: Vec<u8>,
    direction: Direction,
    /// The key behind which the next records are.
    behind: Option<Vec<u8>>,
    records: VecDeque<Vec<u8>>,
    is_done: bool,
    /// How many records the next read takes.
    step: usize,
}

/// How many records a stream reads at first; each read takes twice as many as the one before.
const FIRST_STEP: usize = 32;

impl Stream {
    /// Makes a stream of a view, behind an image if one is given.
    pub(super) fn new(part: Part, scope: u32, direction: Direction, after: Option<&Image>) -> Self {
        let behind = |image: &Image| {
            let created = rows::stamp(image.created_at());
            rows::view_key(part, scope, created, image.id())
        };
        Self {
            prefix: rows::view_prefix(part, scope),
            direction,
            behind: after.map(behind),
            records: VecDeque::new(),
            is_done: false,
            step: FIRST_STEP,
        }
    }

    /// Returns the next image.
    pub(super) fn next(&mut self, get: &dyn Get) -> Result<Option<Image>> {
        if self.records.is_empty() && !self.is_done {
            self.read(get)?;
        }
        let record = self.records.pop_front();
        record
            .map(|record| images::decode(&record).map(|(_, image)| image))
            .transpose()
    }

    fn read(&mut self, get: &dyn Get) -> Result<()> {
        let mut end = self.prefix.clone();
        end.extend([u8::MAX; 25]);
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
        let (mut last, mut more) = (Vec::new(), false);
        let (records, step) = (&mut self.records, self.step);
        get.scan(Table::Views, low, high, order, &mut |key, value| {
            records.push_back(value.to_vec());
            if records.len() < step {
                return ControlFlow::Continue(());
            }
            last.extend(key);
            more = true;
            ControlFlow::Break(())
        })?;
        (self.behind, self.is_done) = (Some(last), !more);
        self.step *= 2;
        Ok(())
    }
}
