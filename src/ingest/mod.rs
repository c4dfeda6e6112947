//! Bytes in: one pass over the caller's bytes, many digests.

mod lane;
mod pool;
mod ring;

pub(crate) use lane::{Lane, Work};
pub(crate) use pool::Pool;
pub(crate) use ring::{Buffer, Frozen, RING_LEN, Ring, Slice};
