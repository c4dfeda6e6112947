//! Sets and maps of texts in few allocations: the tags and custom properties of an image, and the
//! metadata of its locations.
//!
//! Most images are read, shown and dropped; few are changed. So what is read or copied is *packed*:
//! all texts lie in one string, in order, beside a list of where each ends. The first change turns
//! it into a tree, in which any number of changes stay cheap. Nobody sees the difference: equality,
//! order, hash and print are those of the contents. Pure; what a text may be is the business of the
//! rest of the room.

mod map;
mod pack;
mod set;
#[cfg(test)]
mod tests;

pub use map::{TextMap, TextMapIter};
pub(crate) use pack::{Packer, Unpackable};
pub use set::{TextSet, TextSetIter};
