//! What may be on a page: the images of a source that pass what is known of them so far.

use std::borrow::Cow;
use std::ops::RangeInclusive;

use super::bound::Bound;
use super::facts::{self, Probe};
use super::posting::{Field, Posting};
use super::rows::{Part, scope_of, slots_of};
use super::sift::FEW;
use super::slots::Slots;
use crate::error::Result;
use crate::index::{Get, owners};

/// What the number of rows is taken for where nothing tells it.
const UNKNOWN_ROWS: u64 = if cfg!(test) { 4 } else { 2_000 };

/// Images of a part.
///
/// Bounds that many images pass are tested while images are looked for, and not for all of them
/// before.
#[derive(Debug, Clone)]
pub(super) struct Candidates {
    pub(super) part: Part,
    /// The slots that they may have.
    pub(super) span: RangeInclusive<u64>,
    /// A scope that is left out.
    pub(super) not_owner: Option<u32>,
    /// These; all of them as long as there is no set.
    pub(super) set: Option<Slots>,
    /// What is left out where there is no set.
    pub(super) except: Slots,
    /// What those that count pass.
    pub(super) bounds: Vec<Bound>,
}

impl Candidates {
    /// Returns those of a set, which are in the span.
    pub(super) fn among(&self, set: Slots) -> Self {
        Self {
            part: self.part,
            span: self.span.clone(),
            not_owner: self.not_owner,
            set: Some(set),
            except: Slots::default(),
            bounds: self.bounds.clone(),
        }
    }

    /// Returns the set of them, if it is known whole.
    pub(super) fn exact(&self) -> Option<&Slots> {
        self.set.as_ref().filter(|_| self.bounds.is_empty())
    }

    /// Tells whether everything of the part is among them, one scope aside.
    pub(super) fn is_all(&self) -> bool {
        let open = self.set.is_none() && self.bounds.is_empty() && self.except.is_empty();
        open && self.span == self.part.span()
    }

    /// Returns the one scope whose slots they have, if there is one.
    pub(super) fn scope(&self) -> Option<u32> {
        let scope = scope_of(*self.span.start());
        (scope == scope_of(*self.span.end())).then_some(scope)
    }

    /// Returns all in whose slots they may be, bounds aside.
    pub(super) fn slots(&self, get: &dyn Get) -> Result<Cow<'_, Slots>> {
        Ok(match &self.set {
            Some(set) => Cow::Borrowed(set),
            None => {
                let all = Posting::of(self.part.0, Field::All, None);
                Cow::Owned(self.inside(all.load(get, &self.span)?))
            }
        })
    }

    /// Returns those that a posting holds.
    pub(super) fn posted(&self, get: &dyn Get, posting: &Posting) -> Result<Self> {
        let set = match &self.set {
            Some(set) => posting.within(get, set)?,
            None => self.inside(posting.load(get, &self.span)?),
        };
        Ok(self.among(set))
    }

    /// Leaves out of a set what is not among them, whatever their own set and bounds say.
    pub(super) fn inside(&self, mut slots: Slots) -> Slots {
        slots.retain_scopes(|scope| {
            self.span.contains(slots_of(scope).start()) && self.not_owner != Some(scope)
        });
        match self.except.is_empty() {
            true => slots,
            false => slots.without(&self.except),
        }
    }

    /// Tells whether these are few.
    pub(super) fn is_few(&self) -> bool {
        self.set.as_ref().is_some_and(|set| set.len() <= FEW)
    }

    /// Returns about how many rows of a column hold the numbers of all of them.
    pub(super) fn rows(&self, get: &dyn Get) -> Result<u64> {
        Ok(match (&self.set, self.scope()) {
            (Some(set), _) => set.words().len() as u64,
            (None, Some(scope)) => owners::row(get, scope)?.records / facts::ROW as u64,
            (None, None) => UNKNOWN_ROWS,
        })
    }

    /// Returns those that passed a bound.
    pub(super) fn passing(mut self, bound: &Bound, passed: Slots) -> Self {
        self.bounds.retain(|other| other != bound);
        self.among(passed)
    }

    /// Tests what is not tested yet.
    pub(super) fn settle(&self, get: &dyn Get) -> Result<Self> {
        let mut set = self.slots(get)?;
        for bound in &self.bounds {
            set = Cow::Owned(facts::filter(get, bound, &set)?);
        }
        Ok(Self {
            bounds: Vec::new(),
            ..self.among(set.into_owned())
        })
    }

    /// Makes what tests their slots one by one, bounds that are known to hold left out.
    pub(super) fn tester(&self, holds: impl Fn(&Bound) -> bool) -> Tester<'_> {
        let open = self.bounds.iter().filter(|bound| !holds(bound));
        Tester {
            of: self,
            probes: open.cloned().map(Probe::new).collect(),
        }
    }
}

/// Tests slots one by one.
pub(super) struct Tester<'a> {
    of: &'a Candidates,
    probes: Vec<Probe>,
}

impl Tester<'_> {
    /// Tells whether the image of a slot of the part is among the candidates.
    pub(super) fn takes(&mut self, get: &dyn Get, slot: u64) -> Result<bool> {
        let Candidates {
            span,
            not_owner,
            set,
            except,
            ..
        } = self.of;
        let may_be = match set {
            Some(set) => set.contains(slot),
            None => {
                let is_out = Some(scope_of(slot)) == *not_owner || except.contains(slot);
                span.contains(&slot) && !is_out
            }
        };
        if !may_be {
            return Ok(false);
        }
        for probe in &mut self.probes {
            if !probe.passes(get, slot)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
