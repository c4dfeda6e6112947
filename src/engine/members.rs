//! The members of an image: projects that it is shared with.

use super::Images;
use crate::error::{Error, ErrorCode, Result};
use crate::id::{ImageId, ProjectId};
use crate::image::{Decision, Member};
use crate::index::{Durability, Kv, members};
use crate::policy::{Action, no_member};

/// The members of one image, as one caller may see and change them.
///
/// An image that is not `shared` has none: its members stay, and count again when it is.
/// A member may read the image whatever it has decided; its status steers lists alone.
#[derive(Debug, Clone)]
pub struct Members {
    images: Images,
    id: ImageId,
}

impl Members {
    pub(super) fn new(images: Images, id: ImageId) -> Self {
        Self { images, id }
    }

    /// Shares the image with a project, which has not decided then. Durable when it returns.
    ///
    /// # Errors
    /// In this order: `SchemaViolation` or `UnsupportedCharacter` for a project that cannot be;
    /// `ReadOnlyCaller`; `NotFound`; `NotShared`; `Forbidden`; `MemberLimitExceeded`; `Duplicate`
    /// if the project is a member already, whatever its status.
    pub fn add(&self, project: &ProjectId) -> Result<Member> {
        let policy = self.images.policy();
        let judge = self.images.judge(&*policy);
        let limits = self.images.limits();
        limits.check_member(project)?;
        judge.check_identity(Action::MemberAdd)?;
        let base = self.images.writable()?;
        let now = base.now();
        base.kv.write(Durability::Now, |put| {
            let (image, membership) = self.images.find(put, &self.id)?;
            judge.check(Action::MemberAdd, &image, membership)?;
            if limits.members_max.is_some() {
                limits.check_member_count(members::all(put, image.id())?.len() + 1)?;
            }
            if members::find(put, image.id(), project)?.is_some() {
                let message = format!("project {project} is a member already");
                return Err(Error::new(ErrorCode::Duplicate, message));
            }
            let member = Member::new(*image.id(), project.clone(), now);
            members::put(put, &image, &member)?;
            Ok(member)
        })
    }

    /// Returns the members that the caller sees, ascending by the bytes of their ids: all for the
    /// owner, itself for a member.
    ///
    /// # Errors
    /// `NotFound`; `NotShared`; `Forbidden`.
    pub fn list(&self) -> Result<Vec<Member>> {
        let policy = self.images.policy();
        let judge = self.images.judge(&*policy);
        judge.check_identity(Action::MemberList)?;
        self.images.readable()?.kv.read(|get| {
            let (image, membership) = self.images.find(get, &self.id)?;
            judge.check(Action::MemberList, &image, membership)?;
            let mut members = members::all(get, image.id())?;
            members.retain(|member| judge.sees_member(&image, membership, &member.project));
            Ok(members)
        })
    }

    /// Returns one member.
    ///
    /// # Errors
    /// `NotFound`, also for an image that is not shared, and for a member that the caller does not
    /// see.
    pub fn show(&self, project: &ProjectId) -> Result<Member> {
        let policy = self.images.policy();
        let judge = self.images.judge(&*policy);
        judge.check_identity(Action::MemberShow)?;
        self.images.readable()?.kv.read(|get| {
            let (image, membership) = self.images.find(get, &self.id)?;
            let member = members::find(get, image.id(), project)?;
            judge.check_member(Action::MemberShow, &image, membership, member.as_ref())?;
            member.ok_or_else(|| no_member(&self.id))
        })
    }

    /// Sets what a member has decided, which the member itself does. The status that it has already
    /// changes nothing. Durable when it returns.
    ///
    /// It takes a [`MemberStatus`](crate::image::MemberStatus), or the [`Decision`] of a request,
    /// whose word is tested when all rights are known.
    ///
    /// # Errors
    /// `ReadOnlyCaller`; `NotFound`; `NotShared`; `Forbidden`; `InvalidParameter` for a decision
    /// that is no status.
    pub fn set_status(&self, project: &ProjectId, decision: impl Into<Decision>) -> Result<Member> {
        let decision = decision.into();
        let policy = self.images.policy();
        let judge = self.images.judge(&*policy);
        judge.check_identity(Action::MemberUpdate)?;
        let base = self.images.writable()?;
        let now = base.now();
        base.kv.write(Durability::Now, |put| {
            let (image, membership) = self.images.find(put, &self.id)?;
            let member = members::find(put, image.id(), project)?;
            judge.check_member(Action::MemberUpdate, &image, membership, member.as_ref())?;
            let mut member = member.ok_or_else(|| no_member(&self.id))?;
            let status = decision.status()?;
            if member.status != status {
                member.decide(status, now);
                members::put(put, &image, &member)?;
            }
            Ok(member)
        })
    }

    /// Shares the image with a project no more. Durable when it returns.
    ///
    /// # Errors
    /// `ReadOnlyCaller`; `NotFound`; `NotShared`; `Forbidden`.
    pub fn remove(&self, project: &ProjectId) -> Result<()> {
        let policy = self.images.policy();
        let judge = self.images.judge(&*policy);
        judge.check_identity(Action::MemberDelete)?;
        self.images.writable()?.kv.write(Durability::Now, |put| {
            let (image, membership) = self.images.find(put, &self.id)?;
            let member = members::find(put, image.id(), project)?;
            judge.check_member(Action::MemberDelete, &image, membership, member.as_ref())?;
            match member {
                Some(member) => members::remove(put, &image, &member),
                None => Err(no_member(&self.id)),
            }
        })
    }
}
