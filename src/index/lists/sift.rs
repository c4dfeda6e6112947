//! Which bounds are tested for all candidates at once, and which one by one as images are looked for.
//!
//! A bound that few images pass is tested first: what passes stands in a short range of rows in its
//! order, or is found by reading its column. One that many pass costs less while a page is filled.

use std::ops::ControlFlow;

use super::bound::Bound;
use super::candidates::Candidates;
use super::facts::{self, Probe};
use super::path::Path;
use super::rows::Sorted;
use super::slots::Slots;
use crate::error::Result;
use crate::index::Get;
use crate::query::Direction;

/// Up to so many images or rows are tested at once, without a look at the alternative.
pub(super) const FEW: u64 = if cfg!(test) { 3 } else { 128 };
/// How many images are looked at to tell whether many pass a bound.
const SAMPLE: usize = if cfg!(test) { 5 } else { 32 };
/// Many pass where at least one in so many does.
const MANY: usize = 16;
/// Rows of an order that are read in the time of one of a column.
const ORDER_ROWS: u64 = 2;

/// Tests the bounds that few candidates pass.
pub(super) fn sift(get: &dyn Get, mut left: Candidates) -> Result<Candidates> {
    for bound in left.bounds.clone() {
        if !left.is_few()
            && let Some(few) = few(get, &left, &bound, FEW)?
        {
            left = left.passing(&bound, few);
        }
    }
    for bound in left.bounds.clone() {
        let rows = left.rows(get)?;
        if rows > FEW && passed_by_many(get, &left, &bound)? {
            continue;
        }
        let most = rows.saturating_mul(ORDER_ROWS).min(1 << 16);
        let found = match left.is_few() {
            true => None,
            false => few(get, &left, &bound, most)?,
        };
        let found = match found {
            Some(few) => few,
            None => facts::filter(get, &bound, &*left.slots(get)?)?,
        };
        left = left.passing(&bound, found);
    }
    Ok(left)
}

/// Returns the candidates that pass a bound, if few images of the part do: nothing if rows do not
/// tell, or there are more than `most`.
fn few(get: &dyn Get, from: &Candidates, bound: &Bound, most: u64) -> Result<Option<Slots>> {
    let mut orders = Sorted::ALL.into_iter();
    let Some(sorted) = orders.find(|sorted| sorted.fact() == Some(bound.fact)) else {
        return Ok(None);
    };
    let path = Path::bare(sorted, from.part);
    if !path.holds(bound) {
        return Ok(None);
    }
    let rows = path.along(std::slice::from_ref(bound), Direction::Ascending);
    let (mut slots, mut seen) = (Vec::new(), 0);
    let mut tester = from.tester(|_| true);
    rows.each(get, &mut |_, value| {
        seen += 1;
        if seen > most {
            return Ok(ControlFlow::Break(()));
        }
        let slot = path.slot(value)?;
        if tester.takes(get, slot)? {
            slots.push(slot);
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok((seen <= most).then(|| Slots::of(slots)))
}

/// Tells whether many candidates pass a bound, by a look at some.
fn passed_by_many(get: &dyn Get, from: &Candidates, bound: &Bound) -> Result<bool> {
    let sample = sample(get, from)?;
    let (mut probe, mut passed) = (Probe::new(bound.clone()), 0);
    for slot in &sample {
        passed += usize::from(probe.passes(get, *slot)?);
    }
    Ok(passed * MANY >= sample.len().max(1))
}

/// Returns some candidates, bounds aside: spread over a set, or the first by id.
fn sample(get: &dyn Get, from: &Candidates) -> Result<Vec<u64>> {
    if from.set.is_none() && from.scope().is_none() {
        return first_by_id(get, from);
    }
    let set = from.slots(get)?;
    let words = set.words();
    let count = SAMPLE.min(words.len());
    let spread = (0..count).map(|at| words[at * words.len() / count]);
    Ok(spread
        .map(|(number, bits)| number << 6 | u64::from(bits.trailing_zeros()))
        .collect())
}

fn first_by_id(get: &dyn Get, from: &Candidates) -> Result<Vec<u64>> {
    let path = Path::bare(Sorted::Id, from.part);
    let (mut slots, mut tester) = (Vec::new(), from.tester(|_| true));
    let rows = path.along(&[], Direction::Ascending);
    rows.each(get, &mut |_, value| {
        let slot = path.slot(value)?;
        if tester.takes(get, slot)? {
            slots.push(slot);
        }
        Ok(match slots.len() {
            SAMPLE.. => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        })
    })?;
    Ok(slots)
}
