//! Files and streams of the user: where data comes from and where it goes.

mod digest;
mod holes;
mod names;
mod pattern;
mod source;
mod stream;
mod target;

use smalti::Bytes;

use crate::fault::Outcome;

pub(crate) use digest::Digester;
pub(crate) use names::Replace;
pub(crate) use source::{Source, Stretch};
pub(crate) use target::Target;

/// Takes the data of an image, in order.
pub(crate) trait Sink {
    /// Hears how many bytes will come.
    fn begin(&mut self, len_bytes: u64) -> Outcome;

    /// Takes bytes.
    fn bytes(&mut self, bytes: Bytes) -> Outcome;

    /// Takes zeros of which nothing is stored.
    fn zeros(&mut self, len_bytes: u64) -> Outcome;
}
