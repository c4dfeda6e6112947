//! Questions for lists: made by chance, and printed as the query string of a request.

use std::fmt::Write;

use smalti::image::MemberStatus;
use smalti::{Timestamp, Visibility};

use super::calls::{Ask, CONTENTS, Filter, Sort, Words, pool};
use super::generate::{Dice, KEYS, NAMES, PROJECTS, VALUES};
use super::listing::{BEGIN_S, SECOND};
use super::reference::World;

const SORT_KEYS: [&str; 8] = [
    "name",
    "status",
    "container_format",
    "disk_format",
    "size",
    "id",
    "created_at",
    "updated_at",
];
const DIRECTIONS: [&str; 2] = ["asc", "desc"];
const TESTS: [&str; 6] = ["gt", "gte", "lt", "lte", "eq", "neq"];
/// Parameters that are refused, and why.
const BAD: [(&str, &str, &str); 13] = [
    ("name", "like:a", "InvalidFilterOperator"),
    ("status", "in:\"a", "InvalidFilterValue"),
    ("created_at", "after:2024", "InvalidFilterOperator"),
    ("updated_at", "yesterday", "InvalidFilterValue"),
    ("size_min", "1.5", "InvalidFilterValue"),
    ("protected", "True", "InvalidFilterValue"),
    ("visibility", "everybody", "InvalidVisibility"),
    ("member_status", "maybe", "InvalidMemberStatus"),
    ("tags", "t0", "UnsupportedFilter"),
    ("changes-since", "2024", "UnsupportedFilter"),
    ("limit", "-1", "InvalidLimit"),
    ("sort", "owner:asc", "InvalidSortKey"),
    ("sort", "name:up", "InvalidSortDir"),
];

impl Dice {
    pub(super) fn ask(&mut self) -> Ask {
        let mut filters: Vec<Filter> = Vec::new();
        for _ in 0..self.of(&[0, 0, 1, 1, 1, 2, 2, 3]) {
            let filter = self.filter();
            filters.retain(|other| parameter(other) != parameter(&filter) || is_tag(other));
            filters.push(filter);
        }
        let mut ask = Ask {
            filters,
            sort: self.sort(),
            limit: self.maybe(60, &[0, 1, 1, 2, 2, 3, 5, 60]),
            marker: self.hits(15).then(|| self.which()),
        };
        if self.hits(4) {
            let (name, value, code) = self.of(&BAD);
            ask = Ask {
                filters: vec![Filter::Bad(name, value, code)],
                sort: Sort::New(Vec::new()),
                limit: None,
                marker: None,
            };
        }
        ask
    }

    fn sort(&mut self) -> Sort {
        let count = self.of(&[0, 0, 0, 1, 1, 1, 2, 3]);
        let keys: Vec<_> = (0..count).map(|_| self.of(&SORT_KEYS)).collect();
        if self.hits(75) {
            let pairs = keys.into_iter();
            return Sort::New(
                pairs
                    .map(|key| (key, self.maybe(75, &DIRECTIONS)))
                    .collect(),
            );
        }
        let directions = match self.upto(3) {
            0 => 0,
            1 if count > 0 => 1,
            _ => count,
        };
        let directions = (0..directions).map(|_| self.of(&DIRECTIONS)).collect();
        Sort::Old(keys, directions)
    }

    fn filter(&mut self) -> Filter {
        match self.upto(16) {
            0 | 1 => Filter::Visibility(self.maybe(75, Visibility::ALL)),
            2 | 3 => Filter::MemberStatus(self.maybe(60, MemberStatus::ALL)),
            4 => Filter::Hidden(self.hits(80)),
            5 => Filter::Text("name", self.words(&NAMES)),
            6 => Filter::Text(
                "status",
                self.words(&["queued", "active", "saving", "deactivated"]),
            ),
            7 => match self.hits(50) {
                true => Filter::Text("disk_format", self.words(&["raw", "iso", "none"])),
                false => Filter::Text("container_format", self.words(&["bare", "ova"])),
            },
            8 => self.id(),
            9 => {
                let field = self.of(&["created_at", "updated_at"]);
                Filter::Time(field, self.of(&TESTS), self.upto(120) as i64)
            }
            10 | 11 => {
                let field = self.of(&["size", "min_ram", "min_disk", "virtual_size"]);
                let test = self.of(&["", "_min", "_max"]);
                Filter::Number(field, test, self.of(&[-1, 0, 1, 2, 3, 6000]))
            }
            12 => self.word(),
            13 => Filter::Tag(self.of(&["t0", "t1", "t2", " t0 ", ""]).to_owned()),
            _ => Filter::Property(self.of(&KEYS).to_owned(), self.of(&VALUES).to_owned()),
        }
    }

    fn words(&mut self, words: &[&str]) -> Words {
        let mut word = || self.of(words).to_owned();
        let (one, two) = (word(), word());
        match self.upto(3) {
            0 if !one.contains(':') => Words::Plain(one),
            1 => Words::In(vec![one, two]),
            _ => Words::Eq(one),
        }
    }

    fn id(&mut self) -> Filter {
        let mut one = || pool(self.upto(10)).to_string();
        let (a, b) = (one(), one().to_uppercase());
        match self.hits(70) {
            true => Filter::Text("id", Words::Plain(a)),
            false => Filter::Text("id", Words::In(vec![a, b])),
        }
    }

    fn word(&mut self) -> Filter {
        let (.., md5, sha256) = self.of(&CONTENTS);
        match self.upto(8) {
            0 => Filter::Is("protected", self.hits(50).to_string()),
            1 | 2 => Filter::Is("owner", self.of(&PROJECTS).to_owned()),
            3 => Filter::Is("checksum", md5.to_owned()),
            4 => Filter::Is("os_hash_algo", self.of(&["sha256", "md5"]).to_owned()),
            5 => Filter::Is("os_hash_value", sha256.to_owned()),
            6 => Filter::Is("deleted", "true".to_owned()),
            _ => Filter::Is(self.of(&["self", "file", "locations"]), "x".to_owned()),
        }
    }
}

fn is_tag(filter: &Filter) -> bool {
    matches!(filter, Filter::Tag(_))
}

/// Returns name and value of the parameter of a filter.
fn parameter(filter: &Filter) -> String {
    pair(filter).0
}

fn pair(filter: &Filter) -> (String, String) {
    let visibility = |it: &Option<Visibility>| it.map_or("all", Visibility::as_str);
    let decided = |it: &Option<MemberStatus>| it.map_or("all", MemberStatus::as_str);
    let (name, value) = match filter {
        Filter::Text(field, words) => (*field, printed(words)),
        Filter::Time(field, test, after_s) => {
            let time = Timestamp::from_micros((BEGIN_S + after_s) * SECOND);
            (*field, format!("{test}:{time}"))
        }
        Filter::Number(field, test, bound) => {
            return (format!("{field}{test}"), bound.to_string());
        }
        Filter::Is(name, value) => (*name, value.clone()),
        Filter::Tag(tag) => ("tag", tag.clone()),
        Filter::Property(name, value) => (name.as_str(), value.clone()),
        Filter::Visibility(wanted) => ("visibility", visibility(wanted).to_owned()),
        Filter::MemberStatus(wanted) => ("member_status", decided(wanted).to_owned()),
        Filter::Hidden(wanted) => ("os_hidden", wanted.to_string()),
        Filter::Bad(name, value, _) => (*name, (*value).to_owned()),
    };
    (name.to_owned(), value)
}

fn printed(words: &Words) -> String {
    match words {
        Words::Plain(word) => word.clone(),
        Words::Eq(word) => format!("eq:{word}"),
        Words::In(words) => {
            let quoted = words.iter().map(|word| format!("\"{word}\""));
            format!("in:{}", quoted.collect::<Vec<_>>().join(","))
        }
    }
}

/// Prints the query string of a question.
pub(super) fn query(world: &World, ask: &Ask) -> String {
    let mut pairs: Vec<_> = ask.filters.iter().map(pair).collect();
    let mut push = |name: &str, value: String| pairs.push((name.to_owned(), value));
    match &ask.sort {
        Sort::New(keys) if keys.is_empty() => {}
        Sort::New(keys) => {
            let words = keys.iter().map(|(key, direction)| match direction {
                Some(direction) => format!("{key}:{direction}"),
                None => (*key).to_owned(),
            });
            push("sort", words.collect::<Vec<_>>().join(","));
        }
        Sort::Old(keys, directions) => {
            keys.iter()
                .for_each(|key| push("sort_key", (*key).to_owned()));
            let words = directions.iter();
            words.for_each(|word| push("sort_dir", (*word).to_owned()));
        }
    }
    if let Some(limit) = ask.limit {
        push("limit", limit.to_string());
    }
    if let Some(which) = ask.marker {
        push("marker", world.id(which).to_string());
    }
    let pairs = pairs.iter();
    let printed = pairs.map(|(name, value)| format!("{}={}", encoded(name), encoded(value)));
    printed.collect::<Vec<_>>().join("&")
}

/// Encodes a text for a query string.
fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'-' => out.push(char::from(byte)),
            _ => write!(out, "%{byte:02X}").expect("a string takes everything"),
        }
        out
    })
}
