//! The two patch languages of the Images API: operations and pointers, read and printed.
//!
//! It owns the media types, the pointers and the three operations add, replace and remove. It refuses
//! whatever is malformed on its own: `move`, `copy`, `test`, empty names. Pure, and knows nothing of
//! images: what a patch does to one is in `image`.

mod dialect;
mod operation;
mod pointer;

pub use dialect::Dialect;
pub(crate) use operation::{Operation, Verb, operations};
pub use pointer::Pointer;
