//! The index: names and places in ordered tables. It knows nothing of packs' bytes.

pub(crate) mod codec;
mod kv;
pub(crate) mod record;

#[cfg(feature = "testing")]
pub(crate) use record::decode_and_compare;
