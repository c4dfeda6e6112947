//! A project that an image is shared with.

use std::fmt;
use std::str::FromStr;

use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::id::{ImageId, ProjectId};
use crate::image::words::words;

words! {
    /// What a member makes of an image that is shared with it. It steers lists, never access.
    #[derive(Default)]
    #[expect(clippy::exhaustive_enums, reason = "the API defines these three")]
    MemberStatus, "member status" {
        /// The member has not decided.
        #[default]
        Pending = "pending",
        /// The image is in the lists of the member.
        Accepted = "accepted",
        /// The member does not want it.
        Rejected = "rejected",
    }
}

/// A project that an image is shared with (Glance: `glance/domain/__init__.py`,
/// `ImageMembership`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    pub(crate) image: ImageId,
    pub(crate) project: ProjectId,
    pub(crate) status: MemberStatus,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

impl Member {
    /// Makes a member that has not decided.
    pub(crate) fn new(image: ImageId, project: ProjectId, now: Timestamp) -> Self {
        Self {
            image,
            project,
            status: MemberStatus::Pending,
            created_at: now,
            updated_at: now,
        }
    }

    /// Returns the id of the image.
    pub fn image_id(&self) -> &ImageId {
        &self.image
    }

    /// Returns the project.
    pub fn member_id(&self) -> &ProjectId {
        &self.project
    }

    /// Returns what the member has decided.
    pub fn status(&self) -> MemberStatus {
        self.status
    }

    /// Returns since when the image is shared with the project.
    pub fn created_at(&self) -> Timestamp {
        self.created_at
    }

    /// Returns when the status was last changed.
    pub fn updated_at(&self) -> Timestamp {
        self.updated_at
    }

    /// Sets the status; the one that it has already changes nothing.
    pub(crate) fn decide(&mut self, status: MemberStatus, now: Timestamp) {
        if self.status != status {
            self.status = status;
            self.updated_at = now.max(self.updated_at);
        }
    }
}
