//! Which images of a source pass the filters of a list, as a set of slots.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use super::along::{Along, slot_of};
use super::bound::Bound;
use super::candidates::Candidates;
use super::posting::{Field, Posting};
use super::rows::{Part, share_prefix};
use super::sift::sift;
use super::slots::Slots;
use super::source::{SharedWith, Source};
use crate::error::Result;
use crate::image::{ContainerFormat, Digest, DiskFormat, Status};
use crate::index::{Get, Table, images};
use crate::query::{Direction, Filters, TextField, TextTest};

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

/// Returns the names that images may have, ascending, if filters name them.
pub(super) fn names(filters: &Filters) -> Option<&[String]> {
    let mut texts = filters.texts.iter();
    texts.find_map(|(field, test)| match (field, test) {
        (TextField::Name, TextTest::Is(name)) => Some(std::slice::from_ref(name)),
        (TextField::Name, TextTest::In(names)) => Some(&names[..]),
        _ => None,
    })
}

/// Returns the images of a source that pass.
pub(super) fn pass(get: &dyn Get, source: &Source, filters: &Filters) -> Result<Passed> {
    let bounds = Bound::all(filters);
    let mut work = Work {
        get,
        left: Candidates {
            part: source.part,
            span: source.span.clone(),
            not_owner: source.not_owner,
            set: None,
            except: Slots::default(),
            bounds: bounds.clone().unwrap_or_default(),
        },
        is_rough: false,
    };
    if let Some(shared) = &source.shared {
        work.left.set = Some(shares(get, source.part, shared)?);
    }
    if bounds.is_none() || !work.posted(source, filters)? {
        return Ok(work.nothing());
    }
    work.left.set = work.left.set.take().map(|set| work.left.inside(set));
    Ok(Passed {
        candidates: sift(get, work.left)?,
        is_rough: work.is_rough,
    })
}

struct Work<'a> {
    get: &'a dyn Get,
    left: Candidates,
    is_rough: bool,
}

impl Work<'_> {
    fn nothing(self) -> Passed {
        Passed {
            candidates: self.left.among(Slots::default()),
            is_rough: false,
        }
    }

    fn is_empty(&self) -> bool {
        self.left.set.as_ref().is_some_and(Slots::is_empty)
    }

    /// Applies what is posted, what is rarest by its kind first; tells whether anything may be left.
    fn posted(&mut self, source: &Source, filters: &Filters) -> Result<bool> {
        let Some(wanted) = wanted(self.left.part, source, filters) else {
            return Ok(false);
        };
        for (field, test) in &filters.texts {
            if *field == TextField::Id {
                let ids = ids(self.get, self.left.part, test)?;
                self.narrow(ids);
            }
        }
        for any in &wanted {
            if self.is_empty() {
                return Ok(false);
            }
            self.any(any)?;
        }
        if filters.protected == Some(false) {
            self.except(&Posting::of(self.left.part.0, Field::Protected, None))?;
        }
        if let Some(visibility) = source.except {
            let word = Some(visibility.as_str());
            self.except(&Posting::text(self.left.part.0, Field::Visibility, word))?;
        }
        Ok(!self.is_empty())
    }

    fn narrow(&mut self, to: Slots) {
        self.left.set = Some(match &self.left.set {
            Some(set) => set.and(&to),
            None => to,
        });
    }

    /// Keeps what any of some postings holds.
    fn any(&mut self, postings: &[Posting]) -> Result<()> {
        if let (Some(set), [posting]) = (&self.left.set, postings) {
            self.is_rough |= posting.is_rough;
            self.left.set = Some(posting.within(self.get, set)?);
            return Ok(());
        }
        let set = self.left.set.as_ref();
        if set.is_some_and(|set| set.len() < postings.len() as u64) {
            // It takes less to look at what is left, one by one.
            self.is_rough = true;
            return Ok(());
        }
        let mut words = Vec::new();
        for posting in postings {
            self.is_rough |= posting.is_rough;
            words.extend_from_slice(posting.load(self.get, &self.left.span)?.words());
        }
        let found = Slots::of_words(words);
        self.narrow(found);
        Ok(())
    }

    fn except(&mut self, posting: &Posting) -> Result<()> {
        if let Some(set) = &self.left.set {
            let left = set.without(&posting.within(self.get, set)?);
            self.left.set = Some(left);
            return Ok(());
        }
        let out = posting.load(self.get, &self.left.span)?;
        self.left.except = self.left.except.or(&out);
        Ok(())
    }
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
    let owner = source.owner.iter();
    all.extend(owner.map(|owner| text(Field::Owner, owner.as_str())));
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
    let texts = match test {
        TextTest::Is(text) => std::slice::from_ref(text),
        TextTest::In(texts) => texts,
    };
    let mut slots = Vec::new();
    for text in texts {
        slots.extend(images::listed_slot(get, text, part)?);
    }
    Ok(Slots::of(slots))
}

/// Returns the images that are shared with a project.
fn shares(get: &dyn Get, part: Part, with: &SharedWith) -> Result<Slots> {
    let mut slots = Vec::new();
    for status in with.numbers() {
        let prefix = share_prefix(part, with.member, status);
        let rows = Along::new(Table::Shares, &prefix, Direction::Ascending);
        rows.each(get, &mut |_, value| {
            slots.push(slot_of(Table::Shares, value)?);
            Ok(ControlFlow::Continue(()))
        })?;
    }
    Ok(Slots::of(slots))
}
