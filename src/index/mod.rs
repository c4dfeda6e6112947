//! The index: names and places in ordered tables. It knows nothing of packs' bytes.

mod backend;
pub(crate) mod cached;
mod checkpoint;
pub(crate) mod codec;
mod commit;
#[cfg(test)]
mod contract;
mod dirs;
mod fault;
mod frame;
mod group;
pub(crate) mod images;
mod kv;
pub(crate) mod lists;
mod log;
pub(crate) mod members;
pub(crate) mod names;
mod open;
mod options;
mod overlay;
pub(crate) mod owners;
pub(crate) mod places;
mod queue;
pub(crate) mod record;
pub(crate) mod refs;
mod renew;
mod replay;
mod reserve;
pub(crate) mod rows;
pub(crate) mod staged;
pub(crate) mod stores;
mod sums;
pub(crate) mod tasks;
#[cfg(test)]
mod tests;
mod tree;
mod view;
mod writer;

pub(crate) use kv::{Durability, Get, Kv, Order, Put, Table, try_scan};
pub(crate) use options::{KvAccess, KvOptions};
#[cfg(feature = "testing")]
pub(crate) use record::decode_and_compare;
pub(crate) use tree::RedbKv;
