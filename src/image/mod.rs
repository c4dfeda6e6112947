//! What an image is: its record, its status machine, and the rules by which one comes into being.
//!
//! Pure: no file, no clock, no random source; time and fresh ids are arguments. It does not know
//! who asks (that is `policy`) nor how a record is stored (that is `index`).

mod change;
mod digest;
mod gate;
mod location;
mod member;
mod new;
mod record;
mod rules;
mod status;
mod words;

pub use digest::Digest;
pub use gate::PropertyAction;
pub(crate) use gate::{Gate, LocationAction};
pub use location::Location;
pub(crate) use location::{DataRef, Uploaded};
pub use member::{Member, MemberStatus};
pub use new::NewImage;
pub use record::Image;
pub(crate) use record::ImageParts;
pub use rules::Limits;
pub use status::Status;
pub use words::{ContainerFormat, DiskFormat, Visibility};
