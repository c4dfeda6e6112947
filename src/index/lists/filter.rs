//! Which images of a source pass the filters of a list, as a set of slots.

use std::collections::BTreeSet;
use std::ops::{ControlFlow, RangeInclusive};

use super::along::{Along, slot_of};
use super::facts::{self, Fact};
use super::posting::{Field, Posting};
use super::rows::{Part, share_prefix, unstamp};
use super::slots::Slots;
use super::source::{EVERYWHERE, SharedWith, Source, slots_of};
use crate::error::Result;
use crate::id::ImageId;
use crate::image::{ContainerFormat, Digest, DiskFormat, Status};
use crate::index::{Get, Table, images};
use crate::query::{Direction, Filters, NumberField, TextField, TextTest, TimeField};

/// What is left of a source.
#[derive(Debug)]
pub(super) enum Candidates {
    /// All of its part.
    All,
    /// These.
    Set(Slots),
}

/// The candidates of a source, and whether each must be looked at once more.
pub(super) struct Passed {
    pub(super) candidates: Candidates,
    pub(super) is_rough: bool,
}

/// Tells whether filters leave nothing out; sources are made of those that are not looked at here.
pub(super) fn takes_all(filters: &Filters) -> bool {
    // Scope, owner, hidden ones and members choose the sources.
    let Filters {
        texts,
        times,
        numbers,
        protected,
        checksum,
        os_hash_algo,
        os_hash_value,
        tags,
        properties,
        hidden: _,
        owner: _,
        scope: _,
        member_status: _,
        nothing: _,
    } = filters;
    let digests = [checksum, os_hash_algo, os_hash_value];
    (texts.is_empty() && times.is_empty() && numbers.is_empty())
        && (tags.is_empty() && properties.is_empty() && protected.is_none())
        && digests.iter().all(|text| text.is_none())
}

/// Returns the images of a source that pass.
pub(super) fn pass(get: &dyn Get, source: &Source, filters: &Filters) -> Result<Passed> {
    let mut work = Work {
        get,
        part: source.part,
        span: &source.span,
        set: None,
        is_rough: false,
    };
    if let Some(shared) = &source.shared {
        work.set = Some(shares(get, source.part, shared)?);
    }
    if !work.posted(source, filters)? {
        return Ok(work.nothing());
    }
    work.numbers(filters)?;
    work.times(filters)?;
    work.finish(source)
}

struct Work<'a> {
    get: &'a dyn Get,
    part: Part,
    span: &'a RangeInclusive<u64>,
    /// What is left; all of the span as long as there is none.
    set: Option<Slots>,
    is_rough: bool,
}

impl Work<'_> {
    fn nothing(self) -> Passed {
        Passed {
            candidates: Candidates::Set(Slots::default()),
            is_rough: false,
        }
    }

    fn is_empty(&self) -> bool {
        self.set.as_ref().is_some_and(Slots::is_empty)
    }

    /// Applies what is posted, the rarest first; tells whether anything may be left.
    fn posted(&mut self, source: &Source, filters: &Filters) -> Result<bool> {
        let Some(wanted) = wanted(self.part, source, filters) else {
            return Ok(false);
        };
        for (field, test) in &filters.texts {
            if *field == TextField::Id {
                let ids = ids(self.get, self.part, test)?;
                self.narrow(ids);
                // Ids are equal without case, filters are not.
                self.is_rough = true;
            }
        }
        for any in &wanted {
            if self.is_empty() {
                return Ok(false);
            }
            self.any(any)?;
        }
        if filters.protected == Some(false) {
            self.except(&Posting::of(self.part.0, Field::Protected, None))?;
        }
        if let Some(visibility) = source.except {
            let word = Some(visibility.as_str());
            self.except(&Posting::text(self.part.0, Field::Visibility, word))?;
        }
        Ok(!self.is_empty())
    }

    fn narrow(&mut self, to: Slots) {
        self.set = Some(match &self.set {
            Some(set) => set.and(&to),
            None => to,
        });
    }

    /// Keeps what any of some postings holds.
    fn any(&mut self, postings: &[Posting]) -> Result<()> {
        if let (Some(set), [posting]) = (&self.set, postings) {
            self.is_rough |= posting.is_rough;
            self.set = Some(posting.within(self.get, set)?);
            return Ok(());
        }
        let set = self.set.as_ref();
        if set.is_some_and(|set| set.len() < postings.len() as u64) {
            // It takes less to look at what is left, one by one.
            self.is_rough = true;
            return Ok(());
        }
        let mut words = Vec::new();
        for posting in postings {
            self.is_rough |= posting.is_rough;
            words.extend_from_slice(posting.load(self.get, self.span)?.words());
        }
        let found = Slots::of_words(words);
        self.narrow(found);
        Ok(())
    }

    fn except(&mut self, posting: &Posting) -> Result<()> {
        let set = self.set()?;
        let left = set.without(&posting.within(self.get, &set)?);
        self.set = Some(left);
        Ok(())
    }

    fn numbers(&mut self, filters: &Filters) -> Result<()> {
        for (field, test, bound) in &filters.numbers {
            let (fact, offset) = match field {
                NumberField::Size => (Fact::Size, 1),
                NumberField::VirtualSize => (Fact::VirtualSize, 1),
                NumberField::MinRam => (Fact::MinRam, 0),
                NumberField::MinDisk => (Fact::MinDisk, 0),
            };
            self.fact(fact, |code| {
                // Null passes no bound.
                let Some(number) = code.checked_sub(offset) else {
                    return false;
                };
                test.passes(number, *bound)
            })?;
        }
        Ok(())
    }

    fn times(&mut self, filters: &Filters) -> Result<()> {
        for (field, test, bound) in &filters.times {
            let fact = match field {
                TimeField::CreatedAt => Fact::CreatedAt,
                TimeField::UpdatedAt => Fact::UpdatedAt,
            };
            self.fact(fact, |code| test.passes(unstamp(code).as_secs(), *bound))?;
        }
        Ok(())
    }

    fn fact(&mut self, fact: Fact, test: impl Fn(u64) -> bool) -> Result<()> {
        let set = self.set()?;
        self.set = Some(facts::filter(self.get, fact, &set, test)?);
        Ok(())
    }

    /// Returns what is left, as a set.
    fn set(&mut self) -> Result<Slots> {
        match self.set.take() {
            Some(set) => Ok(set),
            None => everything(self.get, self.part, self.span),
        }
    }

    fn finish(mut self, source: &Source) -> Result<Passed> {
        let narrow = *self.span != EVERYWHERE || source.not_owner.is_some();
        if self.set.is_none() && narrow {
            self.set = Some(self.set()?);
        }
        let inside = |owner: u32| {
            self.span.contains(slots_of(owner).start()) && source.not_owner != Some(owner)
        };
        let candidates = self.set.map_or(Candidates::All, |mut set| {
            if narrow {
                set.retain_owners(inside);
            }
            Candidates::Set(set)
        });
        Ok(Passed {
            candidates,
            is_rough: self.is_rough,
        })
    }
}

/// Returns all images of a part that lie in a span.
pub(super) fn everything(get: &dyn Get, part: Part, span: &RangeInclusive<u64>) -> Result<Slots> {
    Posting::of(part.0, Field::All, None).load(get, span)
}

/// Returns the postings that filters ask for: any of each entry, all entries; nothing where no
/// image can pass.
fn wanted(part: Part, source: &Source, filters: &Filters) -> Option<Vec<Vec<Posting>>> {
    let mut all = Vec::new();
    for (field, value) in [
        (Field::Checksum, &filters.checksum),
        (Field::HashValue, &filters.os_hash_value),
    ] {
        if let Some(value) = value {
            let digest: Digest = value.parse().ok()?;
            if digest.to_string() != *value {
                return None;
            }
            all.push(vec![Posting::of(part.0, field, Some(digest.as_bytes()))]);
        }
    }
    all.extend(texts(part, filters, &[TextField::Name]));
    let properties = filters.properties.iter();
    all.extend(properties.map(|(name, value)| vec![Posting::property(part.0, name, value)]));
    let text = |field, text: &str| vec![Posting::text(part.0, field, Some(text))];
    all.extend(filters.tags.iter().map(|tag| text(Field::Tag, tag)));
    let words = [
        TextField::DiskFormat,
        TextField::ContainerFormat,
        TextField::Status,
    ];
    all.extend(texts(part, filters, &words));
    let algorithm = filters.os_hash_algo.iter();
    all.extend(algorithm.map(|name| text(Field::HashAlgo, name)));
    let visibility = source.visibility.iter();
    all.extend(visibility.map(|visibility| text(Field::Visibility, visibility.as_str())));
    if filters.protected == Some(true) {
        all.push(vec![Posting::of(part.0, Field::Protected, None)]);
    }
    Some(all)
}

fn texts(part: Part, filters: &Filters, fields: &[TextField]) -> Vec<Vec<Posting>> {
    let asked = filters.texts.iter();
    let asked = asked.filter(|(field, _)| fields.contains(field));
    asked
        .filter_map(|(field, test)| {
            let (field, is_word): (Field, fn(&str) -> bool) = match field {
                TextField::Name => (Field::Name, |_| true),
                TextField::Status => (Field::Status, |text| text.parse::<Status>().is_ok()),
                TextField::DiskFormat => {
                    (Field::DiskFormat, |text| text.parse::<DiskFormat>().is_ok())
                }
                TextField::ContainerFormat => (Field::ContainerFormat, |text| {
                    text.parse::<ContainerFormat>().is_ok()
                }),
                TextField::Id => return None,
            };
            let texts = match test {
                TextTest::Is(text) => std::slice::from_ref(text),
                TextTest::In(texts) => texts,
            };
            // What is no word of the API is in no record.
            let texts = texts.iter().filter(|text| is_word(text));
            let postings: BTreeSet<Posting> = texts
                .map(|text| Posting::text(part.0, field, Some(text)))
                .collect();
            Some(postings.into_iter().collect())
        })
        .collect()
}

/// Returns the images with one of some ids.
fn ids(get: &dyn Get, part: Part, test: &TextTest) -> Result<Slots> {
    let asked: BTreeSet<ImageId> = match test {
        TextTest::Is(text) => text.parse().into_iter().collect(),
        TextTest::In(texts) => texts.iter().filter_map(|text| text.parse().ok()).collect(),
    };
    let mut slots = Vec::new();
    for id in asked {
        slots.extend(images::listed_slot(get, &id, part)?);
    }
    Ok(Slots::of(slots))
}

/// Returns the images that are shared with a project.
fn shares(get: &dyn Get, part: Part, with: &SharedWith) -> Result<Slots> {
    let mut slots = Vec::new();
    for status in with.numbers() {
        let prefix = share_prefix(part, with.member, status);
        let rows = Along {
            table: Table::Shares,
            prefix: &prefix,
            direction: Direction::Ascending,
            behind: None,
        };
        rows.each(get, &mut |_, value| {
            slots.push(slot_of(Table::Shares, value)?);
            Ok(ControlFlow::Continue(()))
        })?;
    }
    Ok(Slots::of(slots))
}
