//! Keys of an order that a filter fixes: whoever asks for one name needs no order by name.
//!
//! Without them a list is ordered by what does differ, and nothing walks all names to reach one.

use std::cmp::Ordering;

use crate::image::Image;
use crate::query::{Direction, Filters, NumberField, NumberTest, SortKey, TextField, TextTest};

type Key = (SortKey, Direction);

/// An order without what is fixed, and where it begins.
#[derive(Debug)]
pub(super) struct Reduced<'a> {
    pub(super) order: Vec<Key>,
    /// The image behind which the list begins.
    pub(super) after: Option<&'a Image>,
}

/// Takes the keys out of an order that filters fix; returns nothing if all that passes these lies
/// before `after`, which need not pass them itself.
pub(super) fn reduce<'a>(
    filters: &Filters,
    order: &[Key],
    mut after: Option<&'a Image>,
) -> Option<Reduced<'a>> {
    let mut left = Vec::with_capacity(order.len());
    for &(key, direction) in order {
        let Some(fixed) = fixed(filters, key) else {
            left.push((key, direction));
            continue;
        };
        let found = after.map_or(Ordering::Equal, |image| fixed.compare(image));
        match (direction.of(found), left.is_empty()) {
            (Ordering::Equal, _) => {}
            (Ordering::Less, true) => return None,
            (Ordering::Greater, true) => after = None,
            // Keys before this one decide as well.
            (_, false) => left.push((key, direction)),
        }
    }
    Some(Reduced { order: left, after })
}

/// The one value that a key has in all that passes.
enum Fixed<'a> {
    Text(SortKey, &'a str),
    Size(i64),
}

fn fixed(filters: &Filters, key: SortKey) -> Option<Fixed<'_>> {
    let field = match key {
        SortKey::Name => TextField::Name,
        SortKey::Status => TextField::Status,
        SortKey::DiskFormat => TextField::DiskFormat,
        SortKey::ContainerFormat => TextField::ContainerFormat,
        SortKey::Size => return size(filters).map(Fixed::Size),
        _ => return None,
    };
    let mut tests = filters.texts.iter();
    tests.find_map(|(tested, test)| match test {
        TextTest::Is(text) if *tested == field => Some(Fixed::Text(key, text)),
        _ => None,
    })
}

fn size(filters: &Filters) -> Option<i64> {
    let mut tests = filters.numbers.iter();
    tests.find_map(|(field, test, bound)| {
        let is = *field == NumberField::Size && *test == NumberTest::Is;
        is.then_some(*bound)
    })
}

impl Fixed<'_> {
    /// Compares the value with that of an image; null is the least.
    fn compare(&self, image: &Image) -> Ordering {
        match self {
            Self::Size(size) => Some(*size).cmp(&image.size().map(|size| {
                // No image is longer.
                i64::try_from(size).unwrap_or(i64::MAX)
            })),
            Self::Text(key, text) => Some(*text).cmp(&key.text(image)),
        }
    }
}
