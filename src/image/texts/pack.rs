//! Pairs of texts at rest: one string that holds all of them, and where in it each lies.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;

/// How many pairs need no memory but that of their texts; most images have fewer tags than that,
/// and many have fewer properties.
const FEW: usize = 8;

/// Pairs of texts, strictly ascending by bytes of the key.
#[derive(Debug, Clone, Default)]
pub(super) struct Packed {
    /// Keys and values one behind the other, in order.
    text: String,
    ends: Ends,
}

/// Where each pair ends; it begins where the one before it ends.
#[derive(Debug, Clone)]
enum Ends {
    /// The first so many are there.
    Few(usize, [End<u16>; FEW]),
    Many(Vec<End<usize>>),
}

/// Where the key of a pair ends, which is where the value begins, and where the value ends.
#[derive(Debug, Clone, Copy, Default)]
struct End<T> {
    key: T,
    value: T,
}

impl Packed {
    /// Packs pairs that are strictly ascending.
    pub(super) fn of<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)> + Clone) -> Self {
        let lens = pairs.clone().map(|(key, value)| key.len() + value.len());
        let (count, len) = lens.fold((0, 0), |(count, sum), len| (count + 1, sum + len));
        let mut text = String::with_capacity(len);
        let mut ends = Ends::with_capacity(count);
        for (key, value) in pairs {
            text.push_str(key);
            let middle = text.len();
            text.push_str(value);
            ends.push(middle, text.len());
        }
        Self { text, ends }
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn get(&self, key: &str) -> Option<&str> {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let at = usize::midpoint(low, high);
            let (found, value) = self.pair(at);
            match found.cmp(key) {
                Ordering::Less => low = at + 1,
                Ordering::Equal => return Some(value),
                Ordering::Greater => high = at,
            }
        }
        None
    }

    /// Returns the pair at an index below the length.
    #[inline]
    pub(super) fn pair(&self, at: usize) -> (&str, &str) {
        let (start, end) = (self.ends.start(at), self.ends.end(at));
        (&self.text[start..end.key], &self.text[end.key..end.value])
    }

    /// Returns the lengths of keys and values in bytes, without a look at any text.
    pub(super) fn lens(&self) -> impl Iterator<Item = (usize, usize)> {
        (0..self.len()).map(|at| {
            let (start, end) = (self.ends.start(at), self.ends.end(at));
            (end.key - start, end.value - end.key)
        })
    }

    /// Returns the pairs, each text by itself.
    pub(super) fn to_tree(&self) -> BTreeMap<String, String> {
        let pairs = (0..self.len()).map(|at| self.pair(at));
        pairs
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect()
    }
}

impl Ends {
    fn with_capacity(count: usize) -> Self {
        match count {
            ..=FEW => Self::default(),
            _ => Self::Many(Vec::with_capacity(count)),
        }
    }

    #[inline]
    fn len(&self) -> usize {
        match self {
            Self::Few(len, _) => *len,
            Self::Many(ends) => ends.len(),
        }
    }

    /// Returns where the pair at an index ends.
    #[inline]
    fn end(&self, at: usize) -> End<usize> {
        match self {
            Self::Few(_, ends) => End {
                key: ends[at].key.into(),
                value: ends[at].value.into(),
            },
            Self::Many(ends) => ends[at],
        }
    }

    /// Returns where the pair at an index starts, which may be the next one to come.
    #[inline]
    fn start(&self, at: usize) -> usize {
        at.checked_sub(1).map_or(0, |last| self.end(last).value)
    }

    #[inline]
    fn push(&mut self, key: usize, value: usize) {
        if let Self::Few(len, ends) = self
            && let Some(free) = ends.get_mut(*len)
            && let (Ok(key), Ok(value)) = (u16::try_from(key), u16::try_from(value))
        {
            *free = End { key, value };
            *len += 1;
        } else {
            self.push_wide(End { key, value });
        }
    }

    /// Appends where there is room for any number of any size.
    fn push_wide(&mut self, end: End<usize>) {
        match self {
            Self::Many(ends) => ends.push(end),
            Self::Few(len, _) => {
                let moved = (0..*len).map(|at| self.end(at));
                *self = Self::Many(moved.chain([end]).collect());
            }
        }
    }
}

impl Default for Ends {
    fn default() -> Self {
        Self::Few(0, [End::default(); FEW])
    }
}

/// Packs pairs of bytes, as a record holds them, without looking at each as a text of its own.
pub(crate) struct Packer<'a> {
    text: Vec<u8>,
    ends: Ends,
    /// The last key.
    last: Option<&'a [u8]>,
}

/// Why bytes are no pairs of texts in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unpackable {
    /// A key is not above the one before it.
    OutOfOrder,
    /// A key or value is no UTF-8.
    NotUtf8,
}

impl<'a> Packer<'a> {
    /// Makes room for so many pairs of so many bytes together.
    pub(crate) fn with_capacity(pairs: usize, len_bytes: usize) -> Self {
        Self {
            text: Vec::with_capacity(len_bytes),
            ends: Ends::with_capacity(pairs),
            last: None,
        }
    }

    /// Appends a pair.
    ///
    /// # Errors
    /// `OutOfOrder` unless the key is above the last one.
    #[inline]
    pub(crate) fn push(&mut self, key: &'a [u8], value: &[u8]) -> Result<(), Unpackable> {
        if self.last.is_some_and(|last| last >= key) {
            return Err(Unpackable::OutOfOrder);
        }
        self.last = Some(key);
        self.text.extend_from_slice(key);
        let middle = self.text.len();
        self.text.extend_from_slice(value);
        self.ends.push(middle, self.text.len());
        Ok(())
    }

    /// Ends the packing.
    ///
    /// # Errors
    /// `NotUtf8` unless each key and each value is UTF-8.
    pub(super) fn finish(self) -> Result<Packed, Unpackable> {
        let Self { text, ends, .. } = self;
        let text = String::from_utf8(text).map_err(|_| Unpackable::NotUtf8)?;
        // A character that two texts share would be valid where they touch.
        let is_cut = |at| {
            let end = ends.end(at);
            text.is_char_boundary(end.key) && text.is_char_boundary(end.value)
        };
        match (0..ends.len()).all(is_cut) {
            true => Ok(Packed { text, ends }),
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
