//! A walk along the rows of an order, until enough of them are in a set.
//!
//! Where rows of one value are ordered by something else than they stand, they are gathered as a
//! group, and ordered anew.

use std::ops::ControlFlow;

use super::bound::Bound;
use super::candidates::{Candidates, Tester};
use super::facts;
use super::order::{Key, Orderer};
use super::path::Path;
use super::posting::{Field, Posting};
use super::rows::{self, Sorted, TAIL_LEN};
use super::slots::Slots;
use super::view::{self, Hit};
use crate::error::{Error, ErrorCode, Result};
use crate::image::Image;
use crate::index::Get;
use crate::query::{Direction, SortKey};

/// Rows of one value that are walked one by one; longer runs are found by other means.
const GROUP_MAX: usize = if cfg!(test) { 5 } else { 2_000 };

/// A walk along the rows of an order.
pub(super) struct Walk<'a> {
    orderer: &'a Orderer<'a>,
    from: &'a Candidates,
    path: Path,
    tester: Tester<'a>,
    order: &'a [Key],
    after: Option<&'a Image>,
    limit: usize,
    pub(super) found: Vec<Hit>,
    budget: Budget,
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

/// Length up to which a row counts as one.
const ROW_BYTES: usize = 1024;

/// How many rows a walk may take.
#[derive(Debug, Default)]
struct Budget {
    granted: u64,
    left: u64,
    walked: u64,
}

impl Budget {
    /// It never takes more than so many times what was granted.
    const MOST: u64 = 4;

    fn new(granted: u64) -> Self {
        Self {
            granted,
            left: granted,
            walked: 0,
        }
    }

    /// Takes a row, if it may: the rows of the budget, and then those that are likely to be enough.
    fn takes_row(&mut self, len_bytes: usize, found: usize, limit: usize) -> bool {
        if self.left == 0 {
            self.left = self.extension(found as u64, limit as u64);
        }
        // Long records count as several rows.
        let cost = 1 + (len_bytes / ROW_BYTES) as u64;
        self.walked += cost;
        let may = self.left > 0;
        self.left = self.left.saturating_sub(cost);
        may
    }

    fn extension(&self, found: u64, limit: u64) -> u64 {
        let missing = limit.saturating_sub(found);
        let likely = missing.saturating_mul(self.walked).checked_div(found);
        let most = self.granted.saturating_mul(Self::MOST);
        match likely {
            Some(rows) if rows <= self.granted && self.walked < most => rows + rows / 2 + 1,
            _ => 0,
        }
    }
}

impl<'a> Walk<'a> {
    pub(super) fn new(
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
                let sorted = Sorted::of(*key);
                (
                    sorted.ok_or_else(|| internal("a key of few values has no rows"))?,
                    natural,
                )
            }
            [] => return Err(internal("no order")),
        };
        let path = Path::new(sorted, from);
        Ok(Self {
            orderer,
            from,
            tester: from.tester(|bound| path.holds(bound)),
            path,
            order,
            after,
            limit,
            found: Vec::new(),
            budget: Budget::default(),
            group: (!natural).then(Group::default),
        })
    }

    fn direction(&self) -> Direction {
        self.order.first().map_or(Direction::Ascending, |key| key.1)
    }

    /// Walks until there is enough; tells whether it did not tire before. It may go a little further
    /// than the budget where that is likely to be enough.
    pub(super) fn run(&mut self, budget: Option<u64>) -> Result<bool> {
        self.budget = Budget::new(budget.unwrap_or(u64::MAX));
        let mut from = self.begin();
        loop {
            let pause = self.stretch(&from)?;
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
        let mut key = self.path.key(self.after?);
        if self.group.is_some() {
            // The whole group of the image, from its very first row.
            key.truncate(key.len() - self.path.tail_len());
            if self.direction() == Direction::Descending {
                key.extend([u8::MAX; TAIL_LEN + 1]);
            }
        }
        Some(key)
    }

    fn stretch(&mut self, from: &Option<Vec<u8>>) -> Result<Pause> {
        let rows = self.path.along(&self.from.bounds, self.direction());
        let rows = rows.behind(from.as_deref());
        let mut pause = Pause::End;
        rows.each(self.orderer.get, &mut |key, value| {
            if !self
                .budget
                .takes_row(value.len(), self.found.len(), self.limit)
            {
                pause = Pause::Tired;
                return Ok(ControlFlow::Break(()));
            }
            Ok(match self.step(key, value)? {
                None => ControlFlow::Continue(()),
                Some(why) => {
                    pause = why;
                    ControlFlow::Break(())
                }
            })
        })?;
        Ok(pause)
    }

    /// Takes a row.
    fn step(&mut self, key: &[u8], value: &[u8]) -> Result<Option<Pause>> {
        let slot = self.path.slot(value)?;
        let value_len = key.len().saturating_sub(self.path.tail_len());
        let taken = self.tester.takes(self.orderer.get, slot)?;
        let Some(group) = &mut self.group else {
            if taken {
                self.found.push(self.path.hit(key, value, slot)?);
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
        let set = Slots::of(group.slots.iter().copied());
        if set.is_empty() {
            return Ok(());
        }
        // They were tested one by one.
        let tested = Candidates {
            bounds: Vec::new(),
            ..self.from.among(set)
        };
        self.add(&group, &tested)
    }

    fn add(&mut self, group: &Group, images: &Candidates) -> Result<()> {
        let after = self.after.filter(|image| {
            let key = self.path.key(image);
            key[..key.len() - self.path.tail_len()] == group.prefix
        });
        let left = self.limit.saturating_sub(self.found.len());
        let rest = &self.order[1..];
        self.found
            .extend(self.orderer.first(images, rest, after, left)?);
        Ok(())
    }

    /// Orders the rows of a value that has many, without walking them; returns where to go on.
    fn long_group(&mut self) -> Result<Option<Vec<u8>>> {
        let get = self.orderer.get;
        let group = self.group.as_mut().map(std::mem::take).unwrap_or_default();
        let image = view::fetch(get, self.from.part, group.any_slot(get, &self.path)?)?;
        let image = image.into_image()?;
        let same = match self.path.fact() {
            Some(fact) => {
                let same = Bound::is(fact, rows::code(&image, fact));
                let slots = self.from.slots(get)?;
                self.from.among(facts::filter(get, &same, &slots)?)
            }
            None => {
                let name = Posting::text(self.from.part.0, Field::Name, image.name());
                self.from.posted(get, &name)?
            }
        };
        self.add(&group, &same)?;
        let mut key = group.prefix;
        if self.direction() == Direction::Ascending {
            key.extend([u8::MAX; TAIL_LEN + 1]);
        }
        Ok(Some(key))
    }
}

impl Group {
    /// Returns the slot of some row of the group.
    fn any_slot(&self, get: &dyn Get, path: &Path) -> Result<u64> {
        if let Some(slot) = self.slots.first() {
            return Ok(*slot);
        }
        let mut found = None;
        let rows = path.along(&[], Direction::Ascending);
        let rows = rows.within(&self.prefix, &self.prefix);
        rows.each(get, &mut |_, value| {
            found = Some(path.slot(value)?);
            Ok(ControlFlow::Break(()))
        })?;
        found.ok_or_else(|| internal("a group has no row"))
    }
}

fn internal(message: &str) -> Error {
    Error::new(ErrorCode::Internal, message)
}
