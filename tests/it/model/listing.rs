//! The reference for lists: `list.md`, filter by filter, over everything there is.

use std::cmp::Ordering;

use smalti::image::MemberStatus;
use smalti::{ErrorCode, Status, Visibility};

use super::calls::{Ask, Filter, Kind, Role, Sort, Who, Words};
use super::outcome::{Outcome, Shown};
use super::reference::{Answer, PAGE, PAGE_MAX, Record, World, expect, no};

/// The second at which the clock of every sequence begins.
pub(super) const BEGIN_S: i64 = 1_700_000_000;

/// Microseconds of a second.
pub(super) const SECOND: i64 = 1_000_000;

impl World {
    /// Returns a page of a list.
    pub(super) fn list(&mut self, who: &Who, ask: &Ask) -> Answer<Outcome> {
        // What cannot be read is refused before anybody asks who reads it.
        for filter in &ask.filters {
            if let Filter::Bad(_, _, code) = filter {
                return Err(no(code_of(code)));
            }
        }
        who.expect_usable()?;
        let may = who.is_admin() || (who.role >= Role::Reader && who.project.is_some());
        expect(may && who.kind != Kind::Anonymous, ErrorCode::Forbidden)?;
        let order = order(&ask.sort);
        let marker = ask.marker.map(|which| self.id(which));
        let after = match marker {
            None => None,
            Some(id) => {
                let record = self.lookup(who, &id);
                let record = record.map_err(|_| no(ErrorCode::InvalidMarker))?;
                Some(record.shown.clone())
            }
        };
        let mut found: Vec<&Record> = self.images.values().collect();
        found.retain(|record| is_listed(who, ask, record));
        found.sort_by(|a, b| compare(&order, &a.shown, &b.shown));
        if let Some(after) = after {
            found.retain(|it| compare(&order, &it.shown, &after) == Ordering::Greater);
        }
        let limit = ask.limit.unwrap_or(PAGE).min(PAGE_MAX) as usize;
        found.truncate(limit);
        let images = found.into_iter().map(|record| Self::answer(who, record));
        let images: Vec<_> = images.collect();
        let is_full = images.len() == limit;
        let next = images.last().filter(|_| is_full).map(|it| it.id.clone());
        Ok(Outcome::Page(images, next))
    }
}

fn code_of(name: &str) -> ErrorCode {
    match name {
        "InvalidFilterValue" => ErrorCode::InvalidFilterValue,
        "InvalidFilterOperator" => ErrorCode::InvalidFilterOperator,
        "InvalidVisibility" => ErrorCode::InvalidVisibility,
        "InvalidMemberStatus" => ErrorCode::InvalidMemberStatus,
        "UnsupportedFilter" => ErrorCode::UnsupportedFilter,
        "InvalidLimit" => ErrorCode::InvalidLimit,
        "InvalidMarker" => ErrorCode::InvalidMarker,
        "InvalidSortKey" => ErrorCode::InvalidSortKey,
        "InvalidSortDir" => ErrorCode::InvalidSortDir,
        other => panic!("no code of a list: {other}"),
    }
}

/// Tells whether an image stands in a list: of the right callers, and past all filters.
fn is_listed(who: &Who, ask: &Ask, record: &Record) -> bool {
    let shown = &record.shown;
    if shown.status == Status::PendingDelete || !World::sees(who, record) {
        return false;
    }
    let (mut visibility, mut decided, mut hidden) =
        (Scope::Default, Some(MemberStatus::Accepted), false);
    for filter in &ask.filters {
        match filter {
            Filter::Visibility(Some(wanted)) => visibility = Scope::Is(*wanted),
            Filter::Visibility(None) => visibility = Scope::All,
            Filter::MemberStatus(wanted) => decided = *wanted,
            Filter::Hidden(wanted) => hidden = *wanted,
            _ => {}
        }
    }
    let in_set = is_candidate(who, record, visibility, decided);
    in_set && shown.hidden == hidden && ask.filters.iter().all(|filter| passes(filter, shown))
}

/// What was asked about visibility.
#[derive(Debug, Clone, Copy)]
enum Scope {
    Default,
    Is(Visibility),
    All,
}

/// The candidate set; without a word on the decision of members, every decision counts.
fn is_candidate(who: &Who, record: &Record, scope: Scope, decided: Option<MemberStatus>) -> bool {
    let visibility = record.shown.visibility;
    let owns = who.owns(record);
    let is_foreign_community = visibility == Visibility::Community && !owns;
    if who.is_admin() {
        return match scope {
            Scope::Default => !is_foreign_community,
            Scope::Is(wanted) => visibility == wanted,
            Scope::All => true,
        };
    }
    let entry = who.project.and_then(|project| record.members.get(project));
    let is_decided = entry.is_some_and(|it| decided.is_none_or(|wanted| it.status == wanted));
    let is_shared = record.is_shared_with(who.project) && is_decided;
    let by_default = visibility == Visibility::Public || owns || is_shared;
    match scope {
        Scope::Default => by_default,
        Scope::All => by_default || is_foreign_community,
        Scope::Is(wanted) if visibility != wanted => false,
        Scope::Is(Visibility::Public | Visibility::Community) => true,
        Scope::Is(Visibility::Shared) => owns || is_shared,
        Scope::Is(Visibility::Private) => owns,
    }
}

fn passes(filter: &Filter, shown: &Shown) -> bool {
    match filter {
        Filter::Text(field, words) => text_of(field, shown).is_some_and(|text| match words {
            Words::Plain(word) | Words::Eq(word) => text == *word,
            Words::In(words) => words.contains(&text),
        }),
        Filter::Time(field, test, after_s) => {
            let time = match *field {
                "created_at" => shown.created_at,
                _ => shown.updated_at,
            };
            let (time, bound) = (time.div_euclid(SECOND), BEGIN_S + after_s);
            match *test {
                "gt" => time > bound,
                "gte" => time >= bound,
                "lt" => time < bound,
                "lte" => time <= bound,
                "neq" => time != bound,
                _ => time == bound,
            }
        }
        Filter::Number(field, test, bound) => {
            number_of(field, shown).is_some_and(|it| match *test {
                "_min" => it >= *bound,
                "_max" => it <= *bound,
                _ => it == *bound,
            })
        }
        Filter::Is("protected", word) => shown.protected.to_string() == *word,
        Filter::Is("owner", word) => shown.owner.as_ref() == Some(word),
        Filter::Is("checksum", word) => shown.checksum.as_ref() == Some(word),
        Filter::Is("os_hash_algo", word) => shown.os_hash_algo.as_ref() == Some(word),
        Filter::Is("os_hash_value", word) => shown.os_hash_value.as_ref() == Some(word),
        Filter::Is("deleted", _) => true,
        Filter::Is(..) => false,
        Filter::Tag(tag) => shown.tags.contains(tag.trim()),
        Filter::Property(name, value) => shown.properties.get(name) == Some(value),
        Filter::Visibility(_) | Filter::MemberStatus(_) | Filter::Hidden(_) | Filter::Bad(..) => {
            true
        }
    }
}

fn text_of(field: &str, shown: &Shown) -> Option<String> {
    match field {
        "name" => shown.name.clone(),
        "id" => Some(shown.id.clone()),
        "status" => Some(shown.status.to_string()),
        "container_format" => shown.container_format.map(|it| it.to_string()),
        _ => shown.disk_format.map(|it| it.to_string()),
    }
}

fn number_of(field: &str, shown: &Shown) -> Option<i64> {
    match field {
        "size" => shown.size.map(|size| size as i64),
        "virtual_size" => shown.virtual_size.map(|size| size as i64),
        "min_ram" => Some(shown.min_ram),
        _ => Some(shown.min_disk),
    }
}

/// Returns the keys of an order with their directions, the keys that break ties among them.
fn order(sort: &Sort) -> Vec<(&'static str, &'static str)> {
    let (mut keys, directions): (Vec<_>, Vec<_>) = match sort {
        Sort::New(pairs) => {
            let pairs = pairs.iter();
            let pairs = pairs.map(|(key, direction)| (*key, direction.unwrap_or("desc")));
            let pairs: Vec<_> = pairs.collect();
            let directions = pairs.iter().map(|(_, direction)| *direction).collect();
            (pairs, directions)
        }
        Sort::Old(keys, directions) => {
            let of = |at: usize| match directions[..] {
                [] => "desc",
                [one] => one,
                _ => directions[at],
            };
            let pairs = keys.iter().enumerate().map(|(at, key)| (*key, of(at)));
            (pairs.collect(), directions.clone())
        }
    };
    let ties = match directions[..] {
        [one] => one,
        _ => "desc",
    };
    keys.extend([("created_at", ties), ("id", ties)]);
    keys
}

fn compare(order: &[(&str, &str)], a: &Shown, b: &Shown) -> Ordering {
    for (key, direction) in order {
        let found = match *key {
            "created_at" => a.created_at.cmp(&b.created_at),
            "updated_at" => a.updated_at.cmp(&b.updated_at),
            "size" => a.size.cmp(&b.size),
            "id" => a.id.to_lowercase().cmp(&b.id.to_lowercase()),
            text => text_of(text, a).cmp(&text_of(text, b)),
        };
        match (found, *direction) {
            (Ordering::Equal, _) => {}
            (found, "asc") => return found,
            (found, _) => return found.reverse(),
        }
    }
    Ordering::Equal
}
