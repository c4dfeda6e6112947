//! Lists: how an image is found by what it is, in any order, without reading what is not shown.

mod facts;
mod posting;
mod rows;
mod slots;

pub(crate) use rows::{Entry, change, owner_of, share_key, share_place, stamp};
