//! The default policy of the documents, for one actor, as far as vectors of images need it.

use std::collections::BTreeSet;

use crate::error::{Error, ErrorCode, Result};
use crate::id::ProjectId;
use crate::image::vectors::{is_true, optional_text, texts};
use crate::image::{
    Expected, Gate, Image, LocationAction, LocationSource, PropertyAction, Visibility,
};
use crate::json::Object;

/// Who acts, and which projects the image is shared with.
#[derive(Debug, Default)]
pub(super) struct Actor {
    pub(super) project: Option<ProjectId>,
    pub(super) roles: BTreeSet<String>,
    pub(super) members: Vec<String>,
    pub(super) read_only: bool,
}

impl Actor {
    pub(super) fn new(project: &str, roles: &[&str]) -> Self {
        Self {
            project: Some(ProjectId::new(project).unwrap()),
            roles: roles.iter().map(|&role| role.to_owned()).collect(),
            ..Self::default()
        }
    }

    pub(super) fn read(actor: &Object<'_>, members: Vec<String>) -> Self {
        Self {
            project: optional_text(actor, "project").map(|it| ProjectId::new(it).unwrap()),
            roles: texts(actor, "roles").into_iter().collect(),
            members,
            read_only: is_true(actor, "read_only"),
        }
    }

    pub(super) fn is(&self, role: &str) -> bool {
        self.roles.contains(role) || self.roles.contains("admin")
    }

    pub(super) fn owns(&self, image: &Image) -> bool {
        self.project.is_some() && self.project.as_ref() == image.owner()
    }

    fn reads(&self) -> bool {
        self.is("reader") || self.is("member")
    }

    /// Tests that the image is visible.
    pub(super) fn see(&self, image: &Image) -> Result<()> {
        let is_member = || {
            let mut members = self.members.iter();
            members.any(|it| self.project.as_ref().is_some_and(|own| own.as_str() == it))
        };
        let reaches = match image.visibility() {
            Visibility::Public | Visibility::Community => true,
            Visibility::Shared => self.owns(image) || is_member(),
            Visibility::Private => self.owns(image),
        };
        let sees = self.is("admin") || (self.reads() && reaches);
        if sees && image.status().is_live() {
            return Ok(());
        }
        Err(Error::new(ErrorCode::NotFound, "no such image"))
    }

    pub(super) fn allow(&self, allowed: bool) -> Result<()> {
        if allowed {
            return Ok(());
        }
        Err(Error::new(ErrorCode::Forbidden, "denied"))
    }
}

impl Gate for Actor {
    fn modify(&self, image: &Image) -> Result<()> {
        self.see(image)?;
        self.allow(self.is("admin") || (self.is("member") && self.owns(image)))
    }

    fn visibility(&self, image: &Image, wanted: Visibility) -> Result<()> {
        self.allow(match wanted {
            Visibility::Public => self.is("admin"),
            Visibility::Community => self.is("admin") || (self.is("member") && self.owns(image)),
            Visibility::Shared | Visibility::Private => true,
        })
    }

    fn owner(&self, _image: &Image) -> Result<()> {
        self.allow(self.is("admin"))
    }

    fn locations(&self, image: &Image, action: LocationAction) -> Result<()> {
        self.see(image)?;
        match action {
            LocationAction::Set => self.modify(image),
            LocationAction::Delete => self.allow(self.is("admin")),
        }
    }

    fn property(&self, _name: &str, _action: PropertyAction) -> bool {
        true
    }
}

/// The source that vectors assume: known schemes, 123 bytes each, and all of them as expected.
#[derive(Debug)]
pub(super) struct Known;

impl LocationSource for Known {
    fn size_bytes(&self, url: &str) -> Result<u64> {
        let schemes = ["http:", "https:", "rbd:", "swift:"];
        if schemes.iter().any(|scheme| url.starts_with(scheme)) {
            return Ok(123);
        }
        Err(Error::new(
            ErrorCode::InvalidLocation,
            "scheme is not known",
        ))
    }

    fn verify(&self, _url: &str, _expected: &Expected<'_>) -> Result<()> {
        Ok(())
    }
}
