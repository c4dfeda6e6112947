//! The index: names and places in ordered tables. It knows nothing of packs' bytes.

mod backend;
#[cfg(test)]
mod contract;
mod fault;
mod frame;
mod kv;
mod log;
pub(crate) mod names;
mod open;
mod replay;
mod reserve;
#[cfg(test)]
mod tests;
mod tree;
mod view;

pub(crate) use kv::{Durability, Get, Kv, Order, Put, Table};
pub(crate) use tree::{KvAccess, KvOptions, KvStats, RedbKv};
