//! Bytes in: one pass over the caller's bytes; cut, hash, look up, pack, and one commit.

mod batch;
mod flow;
mod gang;
mod lane;
mod packs;
mod pool;
mod ring;
mod signed;
mod storer;
mod upload;

pub(crate) use flow::{Ingest, take_back};
pub(crate) use gang::Gang;
pub(crate) use packs::{OpenPacks, give_up, resume};
pub(crate) use pool::Pool;
pub(crate) use signed::Signatures;
pub(crate) use storer::PackBounds;
pub use upload::{Upload, UploadOptions};

#[cfg(feature = "testing")]
pub(crate) use self::{
    lane::{Lane, Work},
    ring::{Frozen, Ring},
};
