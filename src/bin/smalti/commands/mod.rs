//! The commands, a file for each: its arguments, what it does, what it answers.

mod cache;
mod completions;
mod get;
mod import;
mod keep;
mod ls;
mod put;
mod rm;
mod set;
mod share;
mod show;
mod stores;
mod switch;
mod usage;

pub(crate) use cache::Cache;
pub(crate) use completions::Completions;
pub(crate) use get::Get;
pub(crate) use import::Import;
pub(crate) use keep::{Gc, Stats, Verify};
pub(crate) use ls::Ls;
pub(crate) use put::Put;
pub(crate) use rm::Rm;
pub(crate) use set::Set;
pub(crate) use share::{Share, Unshare};
pub(crate) use show::Show;
pub(crate) use stores::Stores;
pub(crate) use switch::{Deactivate, Reactivate};
pub(crate) use usage::Usage;
