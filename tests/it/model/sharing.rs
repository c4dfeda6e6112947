//! The reference for members: `members.md`, table by table.

use smalti::image::MemberStatus;
use smalti::{ErrorCode, ImageId, Visibility};

use super::calls::{Role, Who};
use super::outcome::Shared;
use super::reference::{Answer, Entry, MEMBERS_MAX, Record, World, expect, no};
use super::schema::check_characters;

impl Record {
    fn shared(&self, project: &str) -> Option<Shared> {
        let entry = self.members.get(project)?;
        Some(Shared {
            image: self.shown.id.clone(),
            project: project.to_owned(),
            status: entry.status,
            created_at: entry.created_at,
            updated_at: entry.updated_at,
        })
    }

    /// Tells whether an entry exists for a caller: all do for owner and administrators.
    fn has_for(&self, who: &Who, project: &str) -> bool {
        let concerns = who.is_admin() || who.owns(self) || who.project == Some(project);
        concerns && self.members.contains_key(project)
    }

    fn is_shared(&self) -> bool {
        self.shown.visibility == Visibility::Shared
    }
}

impl World {
    pub(super) fn add_member(&mut self, who: &Who, id: &ImageId, project: &str) -> Answer<Shared> {
        check_characters(project)?;
        who.expect_usable()?;
        who.expect_writer()?;
        let now = self.now;
        let record = self.lookup(who, id)?;
        expect(record.is_shared(), ErrorCode::NotShared)?;
        let may = who.writes_for(record.shown.owner.as_deref());
        expect(may, ErrorCode::Forbidden)?;
        let count = record.members.len() + 1;
        expect(count <= MEMBERS_MAX, ErrorCode::MemberLimitExceeded)?;
        let is_new = !record.members.contains_key(project);
        expect(is_new, ErrorCode::Duplicate)?;
        let entry = Entry {
            status: MemberStatus::Pending,
            created_at: now,
            updated_at: now,
        };
        record.members.insert(project.to_owned(), entry);
        record.shared(project).ok_or(no(ErrorCode::NotFound))
    }

    pub(super) fn list_members(&mut self, who: &Who, id: &ImageId) -> Answer<Vec<Shared>> {
        who.expect_usable()?;
        let record = self.lookup(who, id)?;
        expect(record.is_shared(), ErrorCode::NotShared)?;
        let projects = record.members.keys();
        let mine = projects.filter(|project| record.has_for(who, project));
        Ok(mine.filter_map(|project| record.shared(project)).collect())
    }

    pub(super) fn show_member(&mut self, who: &Who, id: &ImageId, project: &str) -> Answer<Shared> {
        who.expect_usable()?;
        let record = self.lookup(who, id)?;
        let found = record.is_shared() && record.has_for(who, project);
        expect(found, ErrorCode::NotFound)?;
        record.shared(project).ok_or(no(ErrorCode::NotFound))
    }

    pub(super) fn set_member(
        &mut self,
        who: &Who,
        id: &ImageId,
        project: &str,
        status: MemberStatus,
    ) -> Answer<Shared> {
        let now = self.now;
        let record = self.entry(who, id, project)?;
        // The member itself, and not the owner, even where its project is a member, too.
        let is_member = who.project == Some(project) && who.role >= Role::Member;
        let may = who.is_admin() || (is_member && !who.owns(record));
        expect(may, ErrorCode::Forbidden)?;
        if let Some(entry) = record.members.get_mut(project)
            && entry.status != status
        {
            entry.status = status;
            entry.updated_at = now.max(entry.updated_at);
        }
        record.shared(project).ok_or(no(ErrorCode::NotFound))
    }

    pub(super) fn remove_member(&mut self, who: &Who, id: &ImageId, project: &str) -> Answer<()> {
        let record = self.entry(who, id, project)?;
        let may = who.writes_for(record.shown.owner.as_deref());
        expect(may, ErrorCode::Forbidden)?;
        record.members.remove(project);
        Ok(())
    }

    /// Returns an image with an entry that is to be changed.
    fn entry(&mut self, who: &Who, id: &ImageId, project: &str) -> Answer<&mut Record> {
        who.expect_usable()?;
        who.expect_writer()?;
        let record = self.lookup(who, id)?;
        expect(record.is_shared(), ErrorCode::NotShared)?;
        expect(record.has_for(who, project), ErrorCode::NotFound)?;
        Ok(record)
    }
}
