//! A page of a list: the sources of the caller, each in order, merged until the page is full.

use std::collections::VecDeque;

use super::candidates::Candidates;
use super::filter;
use super::fixed;
use super::order::Orderer;
use super::row::Row;
use super::rows;
use super::source::{Reach, Source, by_owner, sources};
use super::view::{Hit, Stream};
use crate::error::Result;
use crate::image::Image;
use crate::index::Get;
use crate::policy::Membership;
use crate::query::{self, Direction, Filters, SortKey};

/// What a page is to hold.
#[derive(Clone, Copy)]
pub(crate) struct Ask<'a> {
    pub(crate) reach: Reach<'a>,
    pub(crate) filters: &'a Filters,
    /// A total order.
    pub(crate) order: &'a [(SortKey, Direction)],
    /// The image behind which the page begins.
    pub(crate) after: Option<&'a Image>,
    pub(crate) limit: usize,
    /// The page ends with the image that makes its records as long as this, in bytes.
    pub(crate) most_bytes: usize,
    /// Tells whether policy lets the caller see a row, where it may hide any.
    pub(crate) admit: Option<&'a dyn Fn(&Image, Membership) -> bool>,
}

/// Returns a page of a list: images, and how the caller stands to them.
pub(crate) fn page(get: &dyn Get, ask: &Ask<'_>) -> Result<Vec<(Row, Membership)>> {
    if ask.limit == 0 || ask.filters.nothing {
        return Ok(Vec::new());
    }
    let Some(reduced) = fixed::reduce(ask.filters, ask.order, ask.after) else {
        return Ok(Vec::new());
    };
    let ask = &Ask {
        order: &reduced.order,
        after: reduced.after,
        ..*ask
    };
    let mut runs = Vec::new();
    let mut sources = sources(get, ask.reach, ask.filters)?;
    let direction = in_order_of_creation(ask);
    if direction.is_some() {
        sources = by_owner(get, sources)?;
    }
    let count = sources.len();
    for source in sources {
        let mut run = Run::new(get, ask, source, count)?;
        run.step(get, ask)?;
        runs.push(run);
    }
    let mut page = Vec::with_capacity(ask.limit.min(1024));
    let mut left_bytes = ask.most_bytes;
    while page.len() < ask.limit && left_bytes > 0 {
        runs.retain(|run| run.head.is_some());
        let Some(at) = least(&mut runs, ask, direction)? else {
            break;
        };
        let membership = runs[at].source.membership;
        if let Some(row) = runs[at].head.take() {
            left_bytes = left_bytes.saturating_sub(row.len_bytes());
            page.push((row, membership));
        }
        if page.len() < ask.limit {
            runs[at].step(get, ask)?;
        }
    }
    Ok(page)
}

/// Returns which run has the next image; the only one has it unseen. In order of creation, if that
/// is asked for, nothing is decoded.
fn least(runs: &mut [Run], ask: &Ask<'_>, of_creation: Option<Direction>) -> Result<Option<usize>> {
    if runs.len() < 2 {
        return Ok((!runs.is_empty()).then_some(0));
    }
    let heads = runs.iter_mut().filter_map(|run| run.head.as_mut());
    if let Some(direction) = of_creation {
        let heads = heads.enumerate();
        let least = heads.min_by(|a, b| direction.of(a.1.compare(b.1)));
        return Ok(least.map(|least| least.0));
    }
    let heads: Vec<&Image> = heads.map(|row| row.image()).collect::<Result<_>>()?;
    let heads = heads.into_iter().enumerate();
    Ok(heads
        .min_by(|a, b| query::compare(a.1, b.1, ask.order))
        .map(|least| least.0))
}

/// The images of a source, in order.
struct Run {
    source: Source,
    from: From,
    is_rough: bool,
    /// The next image.
    head: Option<Row>,
}

enum From {
    Stream(Stream),
    Slots(Found),
}

/// Candidates, and the first of them that were found.
struct Found {
    candidates: Candidates,
    hits: VecDeque<Hit>,
    is_done: bool,
    last: Option<Image>,
    /// How many are looked for at a time: twice as many each time, as each costs a look at all.
    step: usize,
}

/// Most images that are looked for at a time, or those of a page if that is more.
const STEP_MAX: usize = 1024;

impl Run {
    fn new(get: &dyn Get, ask: &Ask<'_>, source: Source, sources: usize) -> Result<Self> {
        if let Some(stream) = stream(ask, &source) {
            let stream = stream.for_page(ask.limit, sources);
            return Ok(Self {
                source,
                from: From::Stream(stream),
                is_rough: false,
                head: None,
            });
        }
        let passed = filter::pass(get, &source, ask.filters)?;
        Ok(Self {
            source,
            from: From::Slots(Found {
                candidates: passed.candidates,
                hits: VecDeque::new(),
                is_done: false,
                last: None,
                step: ask.limit,
            }),
            is_rough: passed.is_rough,
            head: None,
        })
    }

    /// Goes on to the next image that passes.
    fn step(&mut self, get: &dyn Get, ask: &Ask<'_>) -> Result<()> {
        loop {
            let mut next = match &mut self.from {
                From::Stream(stream) => stream.next(get)?,
                From::Slots(found) => found.next(get, ask, &self.source)?,
            };
            let passes = match &mut next {
                Some(row) => self.passes(row, ask)?,
                None => true,
            };
            if passes {
                self.head = next;
                return Ok(());
            }
        }
    }

    /// Tells whether an image counts, with a look at it only where that is not known yet.
    fn passes(&self, row: &mut Row, ask: &Ask<'_>) -> Result<bool> {
        if self.is_rough && !ask.filters.matches(row.image()?) {
            return Ok(false);
        }
        match ask.admit {
            Some(admit) => Ok(admit(row.image()?, self.source.membership)),
            None => Ok(true),
        }
    }
}

impl Found {
    fn next(&mut self, get: &dyn Get, ask: &Ask<'_>, source: &Source) -> Result<Option<Row>> {
        if self.hits.is_empty() && !self.is_done {
            let after = self.last.as_ref().or(ask.after);
            let orderer = Orderer {
                get,
                names: filter::names(ask.filters),
            };
            let hits = orderer.first(&self.candidates, ask.order, after, self.step)?;
            self.is_done = hits.len() < self.step;
            self.step = self.step.max((self.step * 2).min(STEP_MAX));
            self.hits = hits.into();
        }
        let Some(hit) = self.hits.pop_front() else {
            return Ok(None);
        };
        let mut row = hit.row(get, source.part)?;
        if self.hits.is_empty() && !self.is_done {
            self.last = Some(row.image()?.clone());
        }
        Ok(Some(row))
    }
}

/// Tells which way all images are asked for in order of creation, if they are.
fn in_order_of_creation(ask: &Ask<'_>) -> Option<Direction> {
    query::of_creation(ask.order).filter(|_| filter::takes_all(ask.filters))
}

/// Returns the rows that hold just the images of a source in the order that is asked for: those of
/// a view, or those of what is shared with a project.
fn stream(ask: &Ask<'_>, source: &Source) -> Option<Stream> {
    let direction = in_order_of_creation(ask)?;
    let whole = source.visibility.is_none() && source.except.is_none() && source.owner.is_none();
    if !whole {
        return None;
    }
    if let Some(shared) = &source.shared {
        let mut statuses = shared.numbers();
        let (Some(status), None, true) = (statuses.next(), statuses.next(), source.is_all()) else {
            return None;
        };
        let prefix = rows::share_prefix(source.part, shared.member, status);
        let stream = Stream::of_shares(source.part, prefix, direction, ask.after);
        return Some(stream.without(source.not_owner));
    }
    let is_one = source.part.is_public() || !source.is_all();
    let scope = rows::scope_of(*source.span.start());
    (is_one && source.not_owner.is_none())
        .then(|| Stream::new(source.part, scope, direction, ask.after))
}
