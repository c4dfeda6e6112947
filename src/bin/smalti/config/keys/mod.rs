//! The keys that do something: what each is called, means, and sets.

mod front;
mod imports;
mod own;
mod service;

use super::Config;
use super::given::Given;
use crate::fault::Outcome;

/// Reads a value into a configuration.
type Take = fn(&mut Config, &Given) -> Outcome;

/// A key that does something.
pub(super) struct Key {
    pub(super) name: &'static str,
    /// As a file would have it.
    pub(super) default: &'static str,
    pub(super) meaning: &'static str,
    pub(super) take: Take,
}

/// Returns all keys: those of the Images API's service, then those of this engine and of its
/// front end alone.
pub(super) fn all() -> impl Iterator<Item = &'static Key> {
    let service = service::KEYS.iter().chain(imports::KEYS);
    service.chain(own::KEYS).chain(front::KEYS)
}

const fn key(name: &'static str, default: &'static str, meaning: &'static str, take: Take) -> Key {
    Key {
        name,
        default,
        meaning,
        take,
    }
}
