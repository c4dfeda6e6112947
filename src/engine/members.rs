//! The members of an image: projects that it is shared with.

use super::Images;
use crate::error::{Error, ErrorCode, Result};
use crate::id::{ImageId, ProjectId};
use crate::image::{Image, Member, MemberStatus};
use crate::index::{Durability, Get, Kv, images, members};
use crate::policy::{self, Action};

/// The members of one image, as one caller may see and change them.
///
/// An image that is not `shared` has none: its members stay, and count again when it is.
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
    /// `ReadOnlyCaller`; `NotFound`; `NotShared`; `Forbidden`; `MemberLimitExceeded`; `Duplicate`
    /// if the project is a member already. In this order.
    pub fn add(&self, project: &ProjectId) -> Result<Member> {
        let judge = self.images.judge();
        judge.check_identity(Action::AddMember)?;
        let base = self.images.writable()?;
        let now = base.now();
        let limits = self.images.limits();
        base.kv.write(Durability::Now, |put| {
            let (image, membership) = self.images.find(put, &self.id)?;
            judge.check(Action::AddMember, &image, membership)?;
            let count = members::all(put, &self.id)?.len();
            limits.check_members(count + 1)?;
            if members::find(put, &self.id, project)?.is_some() {
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
        let judge = self.images.judge();
        judge.check_identity(Action::ListMembers)?;
        self.images.readable()?.kv.read(|get| {
            let (image, membership) = self.images.find(get, &self.id)?;
            judge.check(Action::ListMembers, &image, membership)?;
            let mut members = members::all(get, &self.id)?;
            members.retain(|member| judge.sees_member(&image, membership, &member.project));
            Ok(members)
        })
    }

    /// Returns one member.
    ///
    /// # Errors
    /// `NotFound`, also for an image that is not shared and for members that the caller does not
    /// see.
    pub fn show(&self, project: &ProjectId) -> Result<Member> {
        let judge = self.images.judge();
        judge.check_identity(Action::ShowMember)?;
        self.images.readable()?.kv.read(|get| {
            let (image, membership) = self.images.find(get, &self.id)?;
            judge.check(Action::ShowMember, &image, membership)?;
            let seen = judge.sees_member(&image, membership, project);
            self.find(get, &image, project, seen)
        })
    }

    /// Sets what a member has decided, which only the member itself does. Durable when it returns.
    ///
    /// # Errors
    /// `ReadOnlyCaller`; `NotFound`; `NotShared`; `Forbidden`.
    pub fn set_status(&self, project: &ProjectId, status: MemberStatus) -> Result<Member> {
        let judge = self.images.judge();
        judge.check_identity(Action::UpdateMember)?;
        let base = self.images.writable()?;
        let now = base.now();
        base.kv.write(Durability::Now, |put| {
            let (image, membership) = self.images.find(put, &self.id)?;
            judge.check_shared(Action::UpdateMember, &image, membership)?;
            let seen = judge.sees_member(&image, membership, project);
            let mut member = self.find(put, &image, project, seen)?;
            judge.check(Action::UpdateMember, &image, membership)?;
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
        let judge = self.images.judge();
        judge.check_identity(Action::RemoveMember)?;
        self.images.writable()?.kv.write(Durability::Now, |put| {
            let (image, membership) = self.images.find(put, &self.id)?;
            judge.check_shared(Action::RemoveMember, &image, membership)?;
            let seen = judge.sees_member(&image, membership, project);
            let member = self.find(put, &image, project, seen)?;
            judge.check(Action::RemoveMember, &image, membership)?;
            members::remove(put, &image, &member)
        })
    }

    fn find(
        &self,
        get: &dyn Get,
        image: &Image,
        project: &ProjectId,
        seen: bool,
    ) -> Result<Member> {
        let found = match seen {
            true => members::find(get, image.id(), project)?,
            false => None,
        };
        found.ok_or_else(|| {
            let message = format!("image {} has no member {project}", self.id);
            Error::new(ErrorCode::NotFound, message)
        })
    }
}
