//! Who may do what: caller, action and image go in, yes or the right refusal comes out.
//!
//! Pure, and the only place that decides between "denied" and "does not exist". The rules are the
//! defaults of the Images API v2 (Glance: `glance/policies/image.py`).

mod caller;

pub use caller::Caller;

use crate::error::{Error, ErrorCode, Result};
use crate::id::{ImageId, ProjectId};
use crate::image::{Image, Status, Visibility};

/// What a caller asks to do with an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Action {
    /// Make the record (rule `add_image`, with `publicize_image` and `communitize_image`).
    Create,
    /// Read the record (rule `get_image`).
    Show,
    /// Read the data (rule `download_image`).
    Download,
    /// Write the data (rule `upload_image`).
    Upload,
    /// Delete the image (rule `delete_image`).
    Delete,
}

impl Action {
    /// Tells whether the action changes anything, which callers without identity never may.
    pub fn is_write(self) -> bool {
        matches!(self, Self::Create | Self::Upload | Self::Delete)
    }
}

/// How the project of a caller stands to an image that it does not own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(
    clippy::exhaustive_enums,
    reason = "a project is a member or it is not"
)]
pub enum Membership {
    /// It is no member of the image.
    Stranger,
    /// It is a member, whatever the status of the membership: that steers lists only.
    Member,
}

/// Tests whether a caller may do something with an image.
///
/// # Errors
/// In this order:
/// - `SchemaViolation` when the identity itself is malformed;
/// - `ReadOnlyCaller` for a write without identity;
/// - `NotFound` when the caller may not see the image (never for [`Action::Create`]);
/// - `ImageDeactivated` for the data of a deactivated image, to all but administrators;
/// - `Forbidden` when the caller sees the image but may not do this.
///
/// That an image is protected, or in a status that does not allow the action, is for the image to
/// say, afterwards.
pub fn check(caller: &Caller, action: Action, image: &Image, membership: Membership) -> Result<()> {
    if action == Action::Create {
        return check_create(caller, image.owner(), image.visibility());
    }
    check_identity(caller, action)?;
    if !can_see(caller, image, membership) {
        return Err(not_found(image.id()));
    }
    let allowed = match action {
        Action::Create | Action::Show => true,
        Action::Download => {
            expect_open_data(caller, image)?;
            caller.is_member()
        }
        Action::Upload | Action::Delete => can_modify(caller, image.owner()),
    };
    if allowed {
        Ok(())
    } else {
        Err(forbidden(action))
    }
}

/// Tests what is known before any image is looked up, so that refusals tell nothing of images.
///
/// # Errors
/// `SchemaViolation` when the identity itself is malformed, `ReadOnlyCaller` for a write without
/// identity.
pub fn check_identity(caller: &Caller, action: Action) -> Result<()> {
    caller.expect_usable()?;
    if action.is_write() && caller.is_anonymous() {
        let message = "a caller without identity may only read";
        return Err(Error::new(ErrorCode::ReadOnlyCaller, message));
    }
    Ok(())
}

/// Tests whether a caller may create an image for an owner, with a visibility.
///
/// # Errors
/// As [`check_identity`]; then `Forbidden` unless the caller is an administrator, or has the role
/// member, creates for its own project and does not ask for `public`.
pub fn check_create(
    caller: &Caller,
    owner: Option<&ProjectId>,
    visibility: Visibility,
) -> Result<()> {
    check_identity(caller, Action::Create)?;
    let message = if !can_modify(caller, owner) {
        "an image is created by the role member, for the project of the caller"
    } else if visibility == Visibility::Public && !caller.is_admin() {
        "only an administrator makes an image public"
    } else {
        return Ok(());
    };
    Err(Error::new(ErrorCode::Forbidden, message))
}

/// Tells whether a caller may read the record of an image (rule `get_image`).
///
/// What is deleted is invisible to everybody. An image without owner that is shared or private is
/// visible to administrators alone (DEV-V1).
pub fn can_see(caller: &Caller, image: &Image, membership: Membership) -> bool {
    if !image.status().is_live() {
        return false;
    }
    if caller.is_admin() {
        return true;
    }
    let owns = caller.acts_for(image.owner());
    let reaches = match image.visibility() {
        Visibility::Public | Visibility::Community => true,
        Visibility::Shared => owns || is_shared_with(caller, image, membership),
        Visibility::Private => owns,
    };
    reaches && caller.is_reader()
}

/// Makes the one answer for an image that does not exist and for one that the caller may not see.
///
/// The id is shown in lower case, so that the text does not give away how it is stored.
pub fn not_found(id: &ImageId) -> Error {
    let id = ImageId::from_bytes(*id.as_bytes());
    Error::new(ErrorCode::NotFound, format!("no image {id}"))
}

fn is_shared_with(caller: &Caller, image: &Image, membership: Membership) -> bool {
    membership == Membership::Member && caller.project_id().is_some() && image.owner().is_some()
}

/// The modify right: administrators, and the role member in the project that owns the image.
fn can_modify(caller: &Caller, owner: Option<&ProjectId>) -> bool {
    caller.is_admin() || (caller.is_member() && caller.acts_for(owner))
}

fn expect_open_data(caller: &Caller, image: &Image) -> Result<()> {
    if image.status() == Status::Deactivated && !caller.is_admin() {
        let message = "the image is deactivated and its data is closed";
        return Err(Error::new(ErrorCode::ImageDeactivated, message));
    }
    Ok(())
}

fn forbidden(action: Action) -> Error {
    let deed = match action {
        Action::Create => "create the image",
        Action::Show => "see the image",
        Action::Download => "download the data of the image",
        Action::Upload => "upload data to the image",
        Action::Delete => "delete the image",
    };
    Error::new(
        ErrorCode::Forbidden,
        format!("policy does not allow the caller to {deed}"),
    )
}

#[cfg(test)]
mod tests;
