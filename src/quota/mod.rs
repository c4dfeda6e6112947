//! What projects may use: limits, what is used of them, and reservations of bytes that still come.
//!
//! What is used is counted in the index, in the transactions that change it. Bytes that are on their
//! way are reserved here, in memory, from before they are stored until after they are counted, so
//! that no interleaving exceeds a limit by one byte; they end with the process, as do the uploads
//! that they are of. The project that is charged is the owner of the image.
//!
//! Source: the Images API v2, "Quotas" (`unified limits` of Glance, `glance/quota/keystone.py`).

mod ledger;
mod limits;

pub(crate) use ledger::{Kind, Quota, Reservation};
pub use limits::{LimitSource, ProjectLimits, Usage, UsageOf, storage_quota};
