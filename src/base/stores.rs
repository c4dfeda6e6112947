//! The stores of an engine by name and number, as they were when it was opened.

use std::cmp::Reverse;

use crate::error::{Error, ErrorCode, Result, shown};
use crate::image::DataRef;
use crate::store::StoreInfo;

/// A store of an engine and its number.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) info: StoreInfo,
    /// Nothing for a store that holds no packs of ours.
    pub(crate) number: Option<u16>,
}

/// The stores of an engine, in the order in which they were given.
#[derive(Debug)]
pub(crate) struct Stores {
    all: Vec<Known>,
    are_named: bool,
}

impl Stores {
    pub(crate) fn new(all: Vec<Known>, are_named: bool) -> Self {
        Self { all, are_named }
    }

    /// Returns what is shown of all stores.
    pub(crate) fn infos(&self) -> impl Iterator<Item = &StoreInfo> {
        self.all.iter().map(|known| &known.info)
    }

    /// Tells whether callers know of them; where none was named, there is one, and nobody does.
    pub(crate) fn are_named(&self) -> bool {
        self.are_named
    }

    /// Returns a store that a caller names; nobody knows any where none was named.
    ///
    /// # Errors
    /// `UnknownStore`.
    pub(crate) fn named(&self, name: &str) -> Result<&StoreInfo> {
        let mut known = self.infos().filter(|_| self.are_named);
        let found = known.find(|info| info.name == name);
        found.ok_or_else(|| {
            let message = format!("there is no store {:?}", shown(name));
            Error::new(ErrorCode::UnknownStore, message)
        })
    }

    /// Returns the name of the store that takes what is for no store in particular.
    pub(crate) fn default_name(&self) -> &str {
        let default = self.infos().find(|info| info.is_default);
        default.map_or("", |info| &info.name)
    }

    /// Returns the names of the stores that take data, in order.
    pub(crate) fn taking(&self) -> impl Iterator<Item = &str> {
        let taking = self.infos().filter(|info| !info.is_read_only);
        taking.map(|info| info.name.as_str())
    }

    /// Returns the number of a store that data may be written to, the default one where none is named.
    ///
    /// # Errors
    /// `UnknownStore`; `StoreAddDisabled` for one that takes no data; `StoreUnavailable`.
    pub(crate) fn to_write(&self, name: Option<&str>) -> Result<u16> {
        let name = match name.filter(|_| self.are_named) {
            Some(name) => &self.named(name)?.name,
            None => self.default_name(),
        };
        let known = self.all.iter().find(|known| known.info.name == name);
        let taking = known.filter(|known| !known.info.is_read_only);
        match taking.and_then(|known| Some((known.number?, known.info.is_available))) {
            Some((number, true)) => Ok(number),
            Some((_, false)) => {
                let message = format!("store {name} was not there when the engine was opened");
                Err(Error::new(ErrorCode::StoreUnavailable, message))
            }
            None => {
                let message = format!("store {name} takes no data");
                Err(Error::new(ErrorCode::StoreAddDisabled, message))
            }
        }
    }

    /// Returns copies as they are to be read: those in stores that are there first, of these those in
    /// preferred ones, then by weight, the greatest first, then in their order.
    pub(crate) fn in_order<'a>(
        &self,
        copies: impl Iterator<Item = &'a DataRef>,
        preferred: &[&str],
    ) -> Vec<&'a DataRef> {
        let mut copies: Vec<_> = copies.collect();
        copies.sort_by_cached_key(|data| {
            let info = self.of_number(data.store);
            let is_it = |name: &&str| info.is_some_and(|info| info.name == *name);
            let is_there = info.is_some_and(|info| info.is_available);
            let weight = info.map_or(i64::MIN, |info| info.weight);
            (!is_there, !preferred.iter().any(is_it), Reverse(weight))
        });
        copies
    }

    /// Returns what is shown of the store of a number.
    pub(crate) fn of_number(&self, number: u16) -> Option<&StoreInfo> {
        let known = self.all.iter().find(|known| known.number == Some(number));
        known.map(|known| &known.info)
    }
}
