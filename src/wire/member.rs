//! The documents of the members of an image.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::Shown;
use crate::image::Member;

/// The document of a member of an image.
#[derive(Debug, Clone, Copy)]
#[must_use]
pub struct MemberDocument<'a>(&'a Member);

impl<'a> MemberDocument<'a> {
    /// Makes the document of a member.
    pub fn new(member: &'a Member) -> Self {
        Self(member)
    }
}

impl Serialize for MemberDocument<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let member = self.0;
        let mut map = serializer.serialize_map(Some(6))?;
        map.serialize_entry("member_id", member.member_id())?;
        map.serialize_entry("image_id", member.image_id())?;
        map.serialize_entry("status", member.status().as_str())?;
        map.serialize_entry("created_at", &Shown(member.created_at()))?;
        map.serialize_entry("updated_at", &Shown(member.updated_at()))?;
        map.serialize_entry("schema", "/v2/schemas/member")?;
        map.end()
    }
}

/// The document of all members of an image that a caller may see.
#[derive(Debug, Clone, Serialize)]
#[must_use]
pub struct MembersDocument<'a> {
    members: Vec<MemberDocument<'a>>,
    schema: &'static str,
}

impl<'a> MembersDocument<'a> {
    /// Makes the document of members, which are given ascending by project (DEV-M2).
    pub fn new(members: impl IntoIterator<Item = &'a Member>) -> Self {
        Self {
            members: members.into_iter().map(MemberDocument::new).collect(),
            schema: "/v2/schemas/members",
        }
    }
}
