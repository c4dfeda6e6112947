//! A project that an image is shared with.

use std::fmt;
use std::str::FromStr;

use crate::clock::Timestamp;
use crate::error::{Error, ErrorCode, Result};
use crate::id::{ImageId, ProjectId};
use crate::image::Limits;
use crate::image::schema;
use crate::image::words::words;
use crate::json;

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

/// What a member has decided, as a request says it; whether that is a status is tested last, when
/// all rights are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision(String);

impl Decision {
    /// Reads the body of a decision: `{"status": word}`.
    ///
    /// # Errors
    /// `BodyRequired` when there is none, `MalformedJson`, `UnexpectedBody`; `SchemaViolation` when
    /// the status is missing or no string.
    pub fn from_json(body: Option<&[u8]>) -> Result<Self> {
        let mut object = json::object(body.unwrap_or_default())?;
        let status = schema::required(&mut object, "body", "status")?;
        schema::text("status", status).map(Self)
    }

    /// Returns the status.
    ///
    /// # Errors
    /// `InvalidParameter` for another word than those of the API.
    pub fn status(&self) -> Result<MemberStatus> {
        let status = self.0.parse::<MemberStatus>();
        status.map_err(|e| Error::new(ErrorCode::InvalidParameter, e.message()))
    }
}

impl From<MemberStatus> for Decision {
    fn from(status: MemberStatus) -> Self {
        Self(status.as_str().to_owned())
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
    /// Reads the body of a request to share an image: `{"member": project}`.
    ///
    /// # Errors
    /// `BodyRequired` when there is none, `MalformedJson`, `UnexpectedBody`; `SchemaViolation` when
    /// the project is missing, no string, empty, or longer than 255 characters (DEV-M1);
    /// `UnsupportedCharacter`.
    pub fn project_from_json(body: Option<&[u8]>, limits: &Limits) -> Result<ProjectId> {
        let mut object = json::object(body.unwrap_or_default())?;
        let project = schema::required(&mut object, "body", "member")?;
        let project = ProjectId::new(schema::text("member", project)?)?;
        limits.check_characters("member", project.as_str())?;
        Ok(project)
    }

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
