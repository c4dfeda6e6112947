//! Pairs of texts at rest: one string that holds all of them, and where in it each lies.

use std::collections::BTreeMap;
use std::fmt;

/// Pairs of texts, strictly ascending by bytes of the key.
#[derive(Debug, Clone, Default)]
pub(super) struct Packed {
    /// Keys and values one behind the other, in order.
    text: String,
    places: Vec<Place>,
}

/// Where a pair lies: the key from `start` to `middle`, the value from there to `end`.
#[derive(Debug, Clone, Copy)]
struct Place {
    start: usize,
    middle: usize,
    end: usize,
}

impl Packed {
    /// Packs pairs that are strictly ascending.
    pub(super) fn of<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)> + Clone) -> Self {
        let lens = pairs.clone().map(|(key, value)| key.len() + value.len());
        let (count, len) = lens.fold((0, 0), |(count, sum), len| (count + 1, sum + len));
        let mut text = String::with_capacity(len);
        let mut places = Vec::with_capacity(count);
        for (key, value) in pairs {
            let start = text.len();
            text.push_str(key);
            let middle = text.len();
            text.push_str(value);
            places.push(Place {
                start,
                middle,
                end: text.len(),
            });
        }
        Self { text, places }
    }

    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    pub(super) fn get(&self, key: &str) -> Option<&str> {
        let found = self
            .places
            .binary_search_by(|place| self.key(place).cmp(key));
        found.ok().map(|at| self.value(&self.places[at]))
    }

    /// Returns the pair at an index below the length.
    pub(super) fn pair(&self, at: usize) -> (&str, &str) {
        let place = &self.places[at];
        (self.key(place), self.value(place))
    }

    /// Returns the pairs, each text by itself.
    pub(super) fn to_tree(&self) -> BTreeMap<String, String> {
        let owned = |place| (self.key(place).to_owned(), self.value(place).to_owned());
        self.places.iter().map(owned).collect()
    }

    fn key(&self, place: &Place) -> &str {
        &self.text[place.start..place.middle]
    }

    fn value(&self, place: &Place) -> &str {
        &self.text[place.middle..place.end]
    }
}

/// Packs pairs of bytes, as a record holds them, without looking at each as a text of its own.
pub(crate) struct Packer {
    text: Vec<u8>,
    places: Vec<Place>,
}

/// Why bytes are no pairs of texts in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unpackable {
    /// A key is not above the one before it.
    OutOfOrder,
    /// A key or value is no UTF-8.
    NotUtf8,
}

impl Packer {
    /// Makes room for so many pairs of so many bytes together.
    pub(crate) fn with_capacity(pairs: usize, len_bytes: usize) -> Self {
        Self {
            text: Vec::with_capacity(len_bytes),
            places: Vec::with_capacity(pairs),
        }
    }

    /// Appends a pair.
    ///
    /// # Errors
    /// `OutOfOrder` unless the key is above the last one.
    #[inline]
    pub(crate) fn push(&mut self, key: &[u8], value: &[u8]) -> Result<(), Unpackable> {
        if let Some(last) = self.places.last()
            && self.text[last.start..last.middle] >= *key
        {
            return Err(Unpackable::OutOfOrder);
        }
        let start = self.text.len();
        self.text.extend_from_slice(key);
        let middle = self.text.len();
        self.text.extend_from_slice(value);
        let end = self.text.len();
        self.places.push(Place { start, middle, end });
        Ok(())
    }

    /// Ends the packing.
    ///
    /// # Errors
    /// `NotUtf8` unless each key and each value is UTF-8.
    pub(super) fn finish(self) -> Result<Packed, Unpackable> {
        let Self { text, places } = self;
        let text = String::from_utf8(text).map_err(|_| Unpackable::NotUtf8)?;
        // A character that two texts share would be valid where they touch.
        let is_cut = |at| text.is_char_boundary(at);
        let mut all = places.iter();
        match all.all(|place| is_cut(place.middle) && is_cut(place.end)) {
            true => Ok(Packed { text, places }),
            false => Err(Unpackable::NotUtf8),
        }
    }
}

impl fmt::Display for Unpackable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OutOfOrder => "out of order, strictly ascending expected",
            Self::NotUtf8 => "not in UTF-8",
        })
    }
}
