//! What the bytes of a disk image are: looked at as they pass by, then held against what was claimed.
//!
//! It owns the signatures of formats, the lengths of disks that their headers tell, the safety
//! checks, and the decision about an upload. [`Inspector`] takes a stream in pieces of any size and
//! answers the same however it is cut; [`judge`] compares its [`Inspection`] with a [`Claim`].
//!
//! It refuses to trust anything that a header says: it keeps a few KiB, and a descriptor of VMDK
//! below 1 MiB; it follows pointers forward only, each once; it opens nothing that an image names.
//! It repairs, converts and unpacks nothing. Pure.
//!
//! Sources: the specification of the Images API v2, "Formats"; the format inspector of oslo.utils
//! for what is recognised; the probes of QEMU for what a hypervisor would make of the same bytes.
//!
//! # Examples
//! ```
//! use smalti::inspect::{Claim, Format, InspectRules, Inspector, judge};
//! use smalti::{ContainerFormat, DiskFormat, ErrorCode};
//!
//! let mut inspector = Inspector::new();
//! inspector.write(b"QED\0");
//! inspector.write(&[0; 1020]);
//! let inspection = inspector.finish();
//! assert_eq!(inspection.detected(), [Format::Qed]);
//!
//! let claim = Claim::new(DiskFormat::Raw, ContainerFormat::Bare);
//! let error = judge(&inspection, claim, &InspectRules::default()).unwrap_err();
//! assert_eq!(error.code(), ErrorCode::InvalidImageData);
//! ```

mod check;
mod field;
mod finding;
mod format;
mod gpt;
mod headers;
mod hint;
mod inspection;
mod inspector;
mod iso;
mod judge;
mod qcow2;
mod region;
mod tail;
mod vhdx;
mod vmdk;

pub use check::{Check, Failure};
pub use finding::Finding;
pub use format::Format;
pub use hint::Hint;
pub use inspection::Inspection;
pub use inspector::Inspector;
pub use judge::{Claim, InspectRules, Verdict, judge};
