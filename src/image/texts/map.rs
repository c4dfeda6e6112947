//! A map of texts to texts.

use std::cmp::Ordering;
use std::collections::{BTreeMap, btree_map};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::iter::FusedIterator;
use std::ops::Range;

use serde::{Serialize, Serializer};

use super::pack::{Packed, Packer, Unpackable};

/// A map of texts to texts, ascending by bytes of the key.
///
/// It behaves as a `BTreeMap<String, String>` does, and holds what was read or cloned in two
/// allocations, however many entries there are. Lookup is by binary search.
///
/// # Examples
/// ```
/// use smalti::TextMap;
///
/// let map: TextMap = [("os_version", "12"), ("os_distro", "debian")].into_iter().collect();
/// assert_eq!(map.get("os_distro"), Some("debian"));
/// assert!(!map.contains_key("os_type"));
/// assert!(map.keys().eq(["os_distro", "os_version"]));
/// for (name, value) in &map {
///     println!("{name} = {value}");
/// }
/// ```
#[derive(Default)]
pub struct TextMap(Form);

enum Form {
    /// As read or cloned.
    Packed(Packed),
    /// As changed.
    Tree(BTreeMap<String, String>),
}

impl TextMap {
    /// Returns the number of entries.
    pub fn len(&self) -> usize {
        match &self.0 {
            Form::Packed(packed) => packed.len(),
            Form::Tree(tree) => tree.len(),
        }
    }

    /// Tells whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the value of a key.
    pub fn get(&self, key: &str) -> Option<&str> {
        match &self.0 {
            Form::Packed(packed) => packed.get(key),
            Form::Tree(tree) => tree.get(key).map(String::as_str),
        }
    }

    /// Tells whether there is a key.
    pub fn contains_key(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// Returns keys and values, ascending by bytes of the key.
    pub fn iter(&self) -> TextMapIter<'_> {
        TextMapIter(match &self.0 {
            Form::Packed(packed) => Walk::Packed(packed, 0..packed.len()),
            Form::Tree(tree) => Walk::Tree(tree.iter()),
        })
    }

    /// Returns the keys, ascending by bytes.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &str> + ExactSizeIterator + Clone {
        self.iter().map(|(key, _)| key)
    }

    /// Returns the values, in the order of their keys.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &str> + ExactSizeIterator + Clone {
        self.iter().map(|(_, value)| value)
    }

    /// Tells whether each key has from 1 to so many bytes, and no value more than so many.
    pub(crate) fn fits(&self, key_max_bytes: usize, value_max_bytes: usize) -> bool {
        let fits = |(key, value)| (1..=key_max_bytes).contains(&key) && value <= value_max_bytes;
        match &self.0 {
            Form::Packed(packed) => packed.lens().all(fits),
            Form::Tree(tree) => tree
                .iter()
                .map(|(key, value)| (key.len(), value.len()))
                .all(fits),
        }
    }

    /// Sets the value of a key; tells whether the key is new.
    pub(crate) fn insert(&mut self, key: impl Into<String>, value: impl Into<String>) -> bool {
        self.change(|tree| tree.insert(key.into(), value.into()).is_none())
    }

    /// Removes a key; tells whether it was there.
    pub(crate) fn remove(&mut self, key: &str) -> bool {
        self.contains_key(key) && self.change(|tree| tree.remove(key).is_some())
    }

    /// Keeps the entries whose key passes a test, which always answers the same.
    pub(crate) fn retain(&mut self, keeps: impl Fn(&str) -> bool) {
        if !self.keys().all(&keeps) {
            let kept = self.iter().filter(|(key, _)| keeps(key));
            *self = Self(Form::Packed(Packed::of(kept)));
        }
    }

    /// Makes a map of what was packed.
    ///
    /// # Errors
    /// `NotUtf8` unless each key and each value is UTF-8.
    pub(crate) fn unpack(packer: Packer<'_>) -> Result<Self, Unpackable> {
        packer.finish().map(|packed| Self(Form::Packed(packed)))
    }

    /// Changes the map in the form in which that is cheap, and leaves it so.
    fn change<T>(&mut self, change: impl FnOnce(&mut BTreeMap<String, String>) -> T) -> T {
        let mut tree = match std::mem::take(&mut self.0) {
            Form::Tree(tree) => tree,
            Form::Packed(packed) => packed.to_tree(),
        };
        let changed = change(&mut tree);
        self.0 = Form::Tree(tree);
        changed
    }
}

impl Default for Form {
    fn default() -> Self {
        Self::Packed(Packed::default())
    }
}

/// The copy is packed, whatever the original is.
impl Clone for TextMap {
    fn clone(&self) -> Self {
        Self(Form::Packed(match &self.0 {
            Form::Packed(packed) => packed.clone(),
            Form::Tree(_) => Packed::of(self.iter()),
        }))
    }
}

impl PartialEq for TextMap {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().eq(other)
    }
}

impl Eq for TextMap {}

impl PartialOrd for TextMap {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for TextMap {
    fn cmp(&self, other: &Self) -> Ordering {
        self.iter().cmp(other)
    }
}

impl Hash for TextMap {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.len().hash(state);
        self.iter().for_each(|pair| pair.hash(state));
    }
}

impl fmt::Debug for TextMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self).finish()
    }
}

impl Serialize for TextMap {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self)
    }
}

/// Of several entries with one key the last one counts.
impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for TextMap {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        let pairs = pairs.into_iter();
        let owned = pairs.map(|(key, value)| (key.into(), value.into()));
        Self(Form::Tree(owned.collect()))
    }
}

/// Of several entries with one key the last one counts.
impl<K: Into<String>, V: Into<String>> Extend<(K, V)> for TextMap {
    fn extend<I: IntoIterator<Item = (K, V)>>(&mut self, pairs: I) {
        for (key, value) in pairs {
            self.insert(key, value);
        }
    }
}

impl<'a> IntoIterator for &'a TextMap {
    type Item = (&'a str, &'a str);
    type IntoIter = TextMapIter<'a>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// The entries of a [`TextMap`], ascending by bytes of the key.
#[derive(Clone)]
pub struct TextMapIter<'a>(Walk<'a>);

#[derive(Clone)]
enum Walk<'a> {
    Packed(&'a Packed, Range<usize>),
    Tree(btree_map::Iter<'a, String, String>),
}

/// Lends a pair of a tree.
fn lent<'a>((key, value): (&'a String, &'a String)) -> (&'a str, &'a str) {
    (key, value)
}

impl<'a> Iterator for TextMapIter<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.0 {
            Walk::Packed(packed, left) => left.next().map(|at| packed.pair(at)),
            Walk::Tree(tree) => tree.next().map(lent),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match &self.0 {
            Walk::Packed(_, left) => left.size_hint(),
            Walk::Tree(tree) => tree.size_hint(),
        }
    }
}

impl DoubleEndedIterator for TextMapIter<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        match &mut self.0 {
            Walk::Packed(packed, left) => left.next_back().map(|at| packed.pair(at)),
            Walk::Tree(tree) => tree.next_back().map(lent),
        }
    }
}

impl ExactSizeIterator for TextMapIter<'_> {}

impl FusedIterator for TextMapIter<'_> {}

impl fmt::Debug for TextMapIter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.clone()).finish()
    }
}
