//! The order of a list: what it is sorted by, read from both forms of the API, and how two images
//! compare.
//!
//! `sort=key:direction,...` is the form of today, `sort_key` and `sort_dir` the older one; they are
//! not mixed. Whatever is asked for, creation time and id break ties, so the order is total and
//! pages neither repeat nor lose an image.
//!
//! Source: Glance, `glance/api/v2/images.py`, `_get_sorting_params`.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use super::bad_value;
use super::form::Parameters;
use crate::error::{Error, ErrorCode, Result};
use crate::image::Image;

/// What images are sorted by. An unset value comes before all others; texts go by their bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the API defines these eight")]
pub enum SortKey {
    /// The name.
    Name,
    /// The status, as its word.
    Status,
    /// The format of what stands around the disk, as its word.
    ContainerFormat,
    /// The format of the disk, as its word.
    DiskFormat,
    /// The length of the data.
    Size,
    /// The id, whatever the case of its letters.
    Id,
    /// When the record was made, as exactly as it is stored.
    CreatedAt,
    /// When the record changed last, as exactly as it is stored.
    UpdatedAt,
}

impl SortKey {
    /// Every key, in the order of the API documents.
    pub const ALL: &'static [Self] = &[
        Self::Name,
        Self::Status,
        Self::ContainerFormat,
        Self::DiskFormat,
        Self::Size,
        Self::Id,
        Self::CreatedAt,
        Self::UpdatedAt,
    ];

    /// Returns the word of the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Status => "status",
            Self::ContainerFormat => "container_format",
            Self::DiskFormat => "disk_format",
            Self::Size => "size",
            Self::Id => "id",
            Self::CreatedAt => "created_at",
            Self::UpdatedAt => "updated_at",
        }
    }

    /// Returns what an image is sorted by, where that is a text.
    pub(crate) fn text(self, image: &Image) -> Option<&str> {
        match self {
            Self::Name => image.name(),
            Self::Status => Some(image.status().as_str()),
            Self::ContainerFormat => image.container_format().map(|format| format.as_str()),
            Self::DiskFormat => image.disk_format().map(|format| format.as_str()),
            Self::Size | Self::Id | Self::CreatedAt | Self::UpdatedAt => None,
        }
    }

    fn compare(self, a: &Image, b: &Image) -> Ordering {
        match self {
            Self::Name | Self::Status | Self::ContainerFormat | Self::DiskFormat => {
                self.text(a).cmp(&self.text(b))
            }
            Self::Size => a.size().cmp(&b.size()),
            Self::Id => a.id().cmp(b.id()),
            Self::CreatedAt => a.created_at().cmp(&b.created_at()),
            Self::UpdatedAt => a.updated_at().cmp(&b.updated_at()),
        }
    }
}

impl fmt::Display for SortKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Reads the exact word of the API. Anything else is `InvalidSortKey`.
impl FromStr for SortKey {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let key = Self::ALL.iter().find(|key| key.as_str() == text);
        key.copied().ok_or_else(|| {
            let words: Vec<_> = Self::ALL.iter().map(|key| key.as_str()).collect();
            let form = format!("one of {}", words.join(", "));
            bad_value(ErrorCode::InvalidSortKey, "sort key", text, &form)
        })
    }
}

/// Which way images are sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "there are two ways")]
pub enum Direction {
    /// Smallest first.
    Ascending,
    /// Largest first.
    Descending,
}

impl Direction {
    /// Returns the word of the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ascending => "asc",
            Self::Descending => "desc",
        }
    }

    /// Returns how two values are ordered that compare so.
    pub(crate) fn of(self, order: Ordering) -> Ordering {
        match self {
            Self::Ascending => order,
            Self::Descending => order.reverse(),
        }
    }
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Reads the exact word of the API. Anything else is `InvalidSortDir`.
impl FromStr for Direction {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "asc" => Ok(Self::Ascending),
            "desc" => Ok(Self::Descending),
            _ => {
                let code = ErrorCode::InvalidSortDir;
                Err(bad_value(code, "sort direction", text, "one of asc, desc"))
            }
        }
    }
}

/// Tells which way an order is that of creation, if it is one.
pub(crate) fn of_creation(order: &[(SortKey, Direction)]) -> Option<Direction> {
    match order {
        [(SortKey::CreatedAt, direction), (SortKey::Id, same), ..] if direction == same => {
            Some(*direction)
        }
        _ => None,
    }
}

/// Compares two images by an order; images of different ids never compare equal by a whole one.
pub(crate) fn compare(a: &Image, b: &Image, order: &[(SortKey, Direction)]) -> Ordering {
    let by_key = |(key, direction): &(SortKey, Direction)| direction.of(key.compare(a, b));
    let mut steps = order.iter().map(by_key);
    steps.find(|step| step.is_ne()).unwrap_or(Ordering::Equal)
}

/// Makes the whole order of the keys that were asked for: each counts once, then come the breakers
/// of ties. Those follow the direction that was asked for if there was exactly one.
pub(super) fn whole(asked: &[(SortKey, Direction)]) -> Vec<(SortKey, Direction)> {
    match asked {
        [] => with_ties(
            [(SortKey::CreatedAt, Direction::Descending)],
            Direction::Descending,
        ),
        [(_, only)] => with_ties(asked.iter().copied(), *only),
        _ => with_ties(asked.iter().copied(), Direction::Descending),
    }
}

fn with_ties(
    asked: impl IntoIterator<Item = (SortKey, Direction)>,
    tie: Direction,
) -> Vec<(SortKey, Direction)> {
    let mut order: Vec<(SortKey, Direction)> = Vec::with_capacity(SortKey::ALL.len());
    let ties = [(SortKey::CreatedAt, tie), (SortKey::Id, tie)];
    for (key, direction) in asked.into_iter().chain(ties) {
        if order.iter().all(|(other, _)| *other != key) {
            order.push((key, direction));
        }
    }
    order
}

/// Reads the order that parameters ask for.
pub(super) fn read(parameters: &Parameters) -> Result<Vec<(SortKey, Direction)>> {
    let values = |wanted: &'static str| {
        let named = parameters.iter().filter(move |(name, _)| *name == wanted);
        named.map(|(_, value)| value)
    };
    let mut older = values("sort_key").chain(values("sort_dir"));
    match (values("sort").next(), older.next()) {
        (Some(_), Some(_)) => {
            let message = "sort stands beside sort_key or sort_dir";
            Err(Error::new(ErrorCode::SortSyntaxMixed, message))
        }
        (Some(sort), None) => read_pairs(sort),
        (None, _) => read_lists(values("sort_key"), values("sort_dir")),
    }
}

/// Reads the form of today.
fn read_pairs(sort: &str) -> Result<Vec<(SortKey, Direction)>> {
    let mut order: Vec<(SortKey, Direction)> = Vec::new();
    let mut count = 0;
    for pair in sort.split(',') {
        let pair = read_pair(pair)?;
        count += 1;
        // However many keys there are, only so many differ.
        if order.iter().all(|(key, _)| *key != pair.0) {
            order.push(pair);
        }
    }
    Ok(match order[..] {
        [(_, only)] if count == 1 => with_ties(order, only),
        _ => with_ties(order, Direction::Descending),
    })
}

fn read_pair(pair: &str) -> Result<(SortKey, Direction)> {
    let (key, direction) = pair.split_once(':').unwrap_or((pair, ""));
    let direction = match direction.trim() {
        "" => Direction::Descending,
        word => word.parse()?,
    };
    Ok((key.trim().parse()?, direction))
}

/// Reads the older form, where keys and directions are paired by their place.
fn read_lists<'a>(
    keys: impl Iterator<Item = &'a str>,
    directions: impl Iterator<Item = &'a str>,
) -> Result<Vec<(SortKey, Direction)>> {
    let mut keys: Vec<SortKey> = keys
        .map(|word| word.trim().parse())
        .collect::<Result<_>>()?;
    let directions: Vec<Direction> = directions
        .map(|word| word.trim().parse())
        .collect::<Result<_>>()?;
    if directions.len() > 1 && directions.len() != keys.len() {
        let (found, keys) = (directions.len(), keys.len());
        let message = format!("{found} sort directions for {keys} sort keys");
        return Err(Error::new(ErrorCode::SortCountMismatch, message));
    }
    if keys.is_empty() {
        keys.push(SortKey::CreatedAt);
    }
    let (every, tie) = match directions[..] {
        [] => (Direction::Descending, Direction::Descending),
        [only] => (only, only),
        _ => {
            return Ok(with_ties(
                keys.into_iter().zip(directions),
                Direction::Descending,
            ));
        }
    };
    Ok(with_ties(keys.into_iter().map(|key| (key, every)), tie))
}
