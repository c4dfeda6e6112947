//! What an image is: its record, its status machine, and the rules by which one comes into being.
//!
//! Pure: no file, no clock, no random source; time and fresh ids are arguments. It does not know
//! who asks (that is `policy`) nor how a record is stored (that is `index`).

mod apply;
mod change;
mod digest;
mod entry;
mod field;
mod gate;
mod limits;
mod location;
mod member;
mod new;
mod patch;
mod record;
mod rules;
mod schema;
mod source;
mod status;
mod tags;
mod texts;
#[cfg(test)]
mod vectors;
mod words;

pub(crate) use apply::Applied;
pub(crate) use apply::ApplyRules;
pub use change::import::ImportMethod;
pub(crate) use change::import::{ImportLock, Staged, StoresNeeded};
pub(crate) use change::life::Deletion;
pub(crate) use change::place::{HashCheck, Hashed};
pub use digest::Digest;
pub(crate) use digest::hash_name;
pub(crate) use entry::{Entry, Validation};
pub use gate::PropertyAction;
pub(crate) use gate::{Gate, LocationAction};
pub use limits::Limits;
pub use location::Location;
pub(crate) use location::{DataRef, Uploaded};
pub use member::{Decision, Member, MemberStatus};
pub use new::NewImage;
pub use patch::Patch;
pub use record::Image;
pub(crate) use record::ImageParts;
pub(crate) use rules::is_of_document;
pub use source::{Expected, LocationSource, NoSource};
pub use status::Status;
pub(crate) use texts::{Packer, Unpackable};
pub use texts::{TextMap, TextMapIter, TextSet, TextSetIter};
pub use words::{ContainerFormat, DiskFormat, Visibility};
