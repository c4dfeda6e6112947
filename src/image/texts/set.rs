//! A set of texts.

use std::fmt;
use std::iter::FusedIterator;

use serde::{Serialize, Serializer};

use super::map::{TextMap, TextMapIter};
use super::pack::{Packer, Unpackable};

/// A set of texts, ascending by bytes.
///
/// It behaves as a `BTreeSet<String>` does, and holds what was read or cloned in two allocations,
/// however many texts there are. Lookup is by binary search.
///
/// # Examples
/// ```
/// use smalti::TextSet;
///
/// let set: TextSet = ["stable", "lts", "stable"].into_iter().collect();
/// assert!(set.contains("lts"));
/// assert_eq!(set.len(), 2);
/// assert!(set.iter().eq(["lts", "stable"]));
/// ```
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TextSet(
    /// Each text with an empty value.
    TextMap,
);

impl TextSet {
    /// Returns the number of texts.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Tells whether there is no text.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Tells whether a text is in the set.
    pub fn contains(&self, text: &str) -> bool {
        self.0.contains_key(text)
    }

    /// Returns the texts, ascending by bytes.
    pub fn iter(&self) -> TextSetIter<'_> {
        TextSetIter(self.0.iter())
    }

    /// Tells whether each text has from 1 to so many bytes.
    pub(crate) fn fits(&self, max_bytes: usize) -> bool {
        self.0.fits(max_bytes, 0)
    }

    /// Adds a text; tells whether it is new.
    pub(crate) fn insert(&mut self, text: impl Into<String>) -> bool {
        self.0.insert(text, String::new())
    }

    /// Removes a text; tells whether it was there.
    pub(crate) fn remove(&mut self, text: &str) -> bool {
        self.0.remove(text)
    }

    /// Makes a set of the keys of what was packed; the values are empty.
    ///
    /// # Errors
    /// `NotUtf8` unless each text is UTF-8.
    pub(crate) fn unpack(packer: Packer<'_>) -> Result<Self, Unpackable> {
        TextMap::unpack(packer).map(Self)
    }
}

impl fmt::Debug for TextSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self).finish()
    }
}

impl Serialize for TextSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self)
    }
}

impl<T: Into<String>> FromIterator<T> for TextSet {
    fn from_iter<I: IntoIterator<Item = T>>(texts: I) -> Self {
        let texts = texts.into_iter();
        Self(texts.map(|text| (text, String::new())).collect())
    }
}

impl<T: Into<String>> Extend<T> for TextSet {
    fn extend<I: IntoIterator<Item = T>>(&mut self, texts: I) {
        let texts = texts.into_iter();
        self.0.extend(texts.map(|text| (text, String::new())));
    }
}

impl<'a> IntoIterator for &'a TextSet {
    type Item = &'a str;
    type IntoIter = TextSetIter<'a>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// The texts of a [`TextSet`], ascending by bytes.
#[derive(Clone)]
pub struct TextSetIter<'a>(TextMapIter<'a>);

impl<'a> Iterator for TextSetIter<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|(text, _)| text)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl DoubleEndedIterator for TextSetIter<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.0.next_back().map(|(text, _)| text)
    }
}

impl ExactSizeIterator for TextSetIter<'_> {}

impl FusedIterator for TextSetIter<'_> {}

impl fmt::Debug for TextSetIter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.clone()).finish()
    }
}
