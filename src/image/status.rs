//! The status of an image and the only table of its moves.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};
use crate::image::words::words;

words! {
    /// Where an image stands in its life.
    ///
    /// The set is closed: it is the one of the Images API v2. An image moves only as
    /// [`Status::can_become`] allows (Glance: `valid_state_targets` of `glance/domain/__init__.py`).
    #[expect(clippy::exhaustive_enums, reason = "the API defines these nine")]
    Status, "status" {
        /// The record exists, no data does.
        Queued = "queued",
        /// An upload runs.
        Saving = "saving",
        /// The data is complete and can be read.
        Active = "active",
        /// An upload failed; only in records of old versions of the API.
        Killed = "killed",
        /// Deleted: the record is invisible for ever.
        Deleted = "deleted",
        /// Data is being staged for an import.
        Uploading = "uploading",
        /// An import runs.
        Importing = "importing",
        /// Deleted, with data that is still to be removed: invisible.
        PendingDelete = "pending_delete",
        /// Active, but its data is closed to all but administrators.
        Deactivated = "deactivated",
    }
}

/// Every legal move, as (from, to).
const MOVES: &[(Status, Status)] = &[
    (Status::Queued, Status::Saving),
    (Status::Queued, Status::Uploading),
    (Status::Queued, Status::Importing),
    (Status::Queued, Status::Active),
    (Status::Queued, Status::Deleted),
    (Status::Saving, Status::Active),
    (Status::Saving, Status::Queued),
    (Status::Saving, Status::Deleted),
    (Status::Saving, Status::Killed),
    (Status::Uploading, Status::Importing),
    (Status::Uploading, Status::Queued),
    (Status::Uploading, Status::Deleted),
    (Status::Importing, Status::Active),
    (Status::Importing, Status::Queued),
    (Status::Importing, Status::Deleted),
    (Status::Active, Status::Deactivated),
    (Status::Active, Status::Deleted),
    (Status::Active, Status::PendingDelete),
    (Status::Deactivated, Status::Active),
    (Status::Deactivated, Status::Deleted),
    (Status::Killed, Status::Deleted),
    (Status::PendingDelete, Status::Deleted),
    (Status::PendingDelete, Status::Active),
];

impl Status {
    /// Tells whether an image in this status may move to `next`. Staying is no move.
    pub fn can_become(self, next: Self) -> bool {
        MOVES.contains(&(self, next))
    }

    /// Tells whether an image in this status is a live one: shown, listed, deletable.
    pub fn is_live(self) -> bool {
        !matches!(self, Self::Deleted | Self::PendingDelete)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of the specification, a row for each status in the order of `ALL`; the columns
    /// are queued saving active killed deleted uploading importing pending_delete deactivated.
    const TABLE: [&str; 9] = [
        ".xx.xxx..", // queued
        "x.xxx....", // saving
        "....x..xx", // active
        "....x....", // killed
        ".........", // deleted
        "x...x.x..", // uploading
        "x.x.x....", // importing
        "..x.x....", // pending_delete
        "..x.x....", // deactivated
    ];

    #[test]
    fn every_pair_moves_as_the_specification_says() {
        for (&from, row) in Status::ALL.iter().zip(TABLE) {
            for (&to, mark) in Status::ALL.iter().zip(row.bytes()) {
                assert_eq!(from.can_become(to), mark == b'x', "{from} to {to}");
            }
        }
    }

    #[test]
    fn words_print_and_parse_back() {
        for &status in Status::ALL {
            assert_eq!(status.to_string().parse::<Status>().unwrap(), status);
        }
        assert!("community".parse::<Status>().is_err());
        assert!("Queued".parse::<Status>().is_err());
    }
}
