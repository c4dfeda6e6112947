//! Bytes in: one pass over the caller's bytes; cut, hash, look up, pack, and one commit.

mod batch;
mod expect;
mod flow;
mod gang;
mod goal;
mod judging;
mod lane;
mod packs;
mod pool;
mod ring;
mod shared;
mod signed;
mod storer;
mod upload;

pub(crate) use gang::Gang;
pub(crate) use goal::{CopyGoal, Goal};
pub(crate) use judging::{Judging, Verified};
pub(crate) use packs::{OpenPacks, give_up, resume};
pub(crate) use pool::Pool;
pub(crate) use shared::{Counted, Ingest, take_back};
pub(crate) use signed::Signatures;
pub(crate) use storer::PackBounds;
pub use upload::{Upload, UploadOptions};

#[cfg(feature = "testing")]
pub(crate) use self::{
    lane::{Lane, Work},
    ring::{Frozen, Ring},
};
