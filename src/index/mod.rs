//! The index: names and places in ordered tables. It knows nothing of packs' bytes.

mod kv;
