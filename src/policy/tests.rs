//! The matrix of caller by visibility by action.

use super::*;
use crate::clock::Timestamp;
use crate::image::{Limits, NewImage};

const ALL: [Action; 4] = [
    Action::Show,
    Action::Download,
    Action::Upload,
    Action::Delete,
];
const OWNER: Option<&str> = Some("p1");

fn image(owner: Option<&str>, visibility: Visibility, status: Status) -> Image {
    let new = NewImage::default()
        .owner(owner.unwrap_or_default())
        .visibility(visibility);
    let id = ImageId::from_bytes([0xab; 16]);
    let image = new
        .into_image(id, None, &Limits::default(), Timestamp::MIN)
        .unwrap();
    let mut parts = image.parts().clone();
    parts.status = status;
    Image::from_parts(parts).unwrap()
}

fn actor(name: &str) -> (Caller, Membership) {
    let no_role = || Caller::authenticated(ProjectId::new("p1").ok());
    match name {
        "admin" => (
            Caller::project("padm").with_role("admin"),
            Membership::Stranger,
        ),
        "system admin" => (Caller::admin(), Membership::Stranger),
        "owner-w" => (Caller::project("p1"), Membership::Stranger),
        "owner-r" => (Caller::reader("p1"), Membership::Stranger),
        "owner-norole" => (no_role().with_role("auditor"), Membership::Stranger),
        "member-w" => (Caller::project("p2"), Membership::Member),
        "member-r" => (Caller::reader("p2"), Membership::Member),
        "other-w" => (Caller::project("p9"), Membership::Stranger),
        "other-r" => (Caller::reader("p9"), Membership::Stranger),
        "service" => (
            Caller::service("svc").with_role("member"),
            Membership::Stranger,
        ),
        "system" => (
            Caller::authenticated(None).with_role("member"),
            Membership::Stranger,
        ),
        "anonymous" => (Caller::anonymous(), Membership::Stranger),
        _ => unreachable!("{name}"),
    }
}

/// Checks the statuses of show, download, upload and delete; 200 is leave.
#[track_caller]
fn check_all(image: &Image, name: &str, expected: [u16; 4]) {
    let (caller, membership) = actor(name);
    for (action, expected) in ALL.into_iter().zip(expected) {
        let found = check(&caller, action, image, membership);
        let status = found.map_or_else(|error| error.http_status(), |()| 200);
        let visibility = image.visibility();
        assert_eq!(status, expected, "{action:?} of {visibility} by {name}");
    }
}

const YES: [u16; 4] = [200; 4];
const READ: [u16; 4] = [200, 200, 403, 403];
const LOOK: [u16; 4] = [200, 403, 403, 403];
const HIDDEN: [u16; 4] = [404; 4];
const ANON: [u16; 4] = [404, 404, 403, 403];

#[test]
fn the_matrix_holds_for_active_images() {
    use Visibility::{Community, Private, Public, Shared};
    for (name, public, shared, private) in [
        ("admin", YES, YES, YES),
        ("system admin", YES, YES, YES),
        ("owner-w", YES, YES, YES),
        ("owner-r", LOOK, LOOK, LOOK),
        ("owner-norole", HIDDEN, HIDDEN, HIDDEN),
        ("member-w", READ, READ, HIDDEN),
        ("member-r", LOOK, LOOK, HIDDEN),
        ("other-w", READ, HIDDEN, HIDDEN),
        ("other-r", LOOK, HIDDEN, HIDDEN),
        ("service", READ, HIDDEN, HIDDEN),
        ("system", READ, HIDDEN, HIDDEN),
        ("anonymous", ANON, ANON, ANON),
    ] {
        for (visibility, expected) in [
            (Public, public),
            (Community, public),
            (Shared, shared),
            (Private, private),
        ] {
            check_all(&image(OWNER, visibility, Status::Active), name, expected);
        }
    }
}

#[test]
fn an_image_without_owner_belongs_to_administrators() {
    use Visibility::{Community, Private, Public, Shared};
    for visibility in [Public, Community, Shared, Private] {
        let image = image(None, visibility, Status::Active);
        let open = matches!(visibility, Public | Community);
        for name in ["owner-w", "member-w", "other-w", "system"] {
            check_all(&image, name, if open { READ } else { HIDDEN });
        }
        check_all(&image, "admin", YES);
    }
}

#[test]
fn the_data_of_a_deactivated_image_is_closed_to_all_but_administrators() {
    let image = image(OWNER, Visibility::Public, Status::Deactivated);
    check_all(&image, "admin", YES);
    check_all(&image, "owner-w", [200, 403, 200, 200]);
    for name in ["owner-r", "member-w", "other-w", "service"] {
        check_all(&image, name, LOOK);
        let (caller, membership) = actor(name);
        let error = check(&caller, Action::Download, &image, membership).unwrap_err();
        assert_eq!(error.code(), ErrorCode::ImageDeactivated);
    }
}

#[test]
fn what_is_deleted_is_invisible_to_everybody() {
    for status in [Status::Deleted, Status::PendingDelete] {
        let image = image(OWNER, Visibility::Public, status);
        for name in ["admin", "owner-w", "other-w"] {
            check_all(&image, name, HIDDEN);
        }
    }
}

#[test]
fn the_answer_for_invisible_does_not_tell_the_stored_case() {
    let id: ImageId = "B2173DD3-7AD6-4362-BAA6-A68BCE3565CB".parse().unwrap();
    let new = NewImage::default()
        .id(id)
        .visibility(Visibility::Private)
        .owner("p1");
    let image = new
        .into_image(id, None, &Limits::default(), Timestamp::MIN)
        .unwrap();
    let caller = Caller::project("p9");
    let hidden = check(&caller, Action::Show, &image, Membership::Stranger).unwrap_err();
    let asked: ImageId = id.to_string().to_lowercase().parse().unwrap();
    assert_eq!(hidden.to_string(), not_found(&asked).to_string());
}

#[track_caller]
fn check_made(name: &str, owner: Option<&str>, visibility: Visibility, expected: u16) {
    let (caller, _) = actor(name);
    let owner = owner.and_then(|owner| ProjectId::new(owner).ok());
    let found = check_create(&caller, owner.as_ref(), visibility);
    let status = found.map_or_else(|error| error.http_status(), |()| 201);
    assert_eq!(status, expected, "{visibility} for {owner:?} by {name}");
}

#[test]
fn members_create_for_their_own_project_and_administrators_for_any() {
    for &visibility in Visibility::ALL {
        let open = visibility != Visibility::Public;
        let own = if open { 201 } else { 403 };
        check_made("owner-w", Some("p1"), visibility, own);
        check_made("owner-w", Some("p2"), visibility, 403);
        check_made("owner-w", None, visibility, 403);
        check_made("owner-r", Some("p1"), visibility, 403);
        check_made("owner-norole", Some("p1"), visibility, 403);
        check_made("system", None, visibility, 403);
        check_made("anonymous", None, visibility, 403);
        for owner in [Some("padm"), Some("p2"), None] {
            check_made("admin", owner, visibility, 201);
            check_made("system admin", owner, visibility, 201);
        }
    }
}

#[test]
fn a_malformed_identity_is_refused_before_anything_else() {
    let image = image(OWNER, Visibility::Public, Status::Active);
    for action in [Action::Create, Action::Show, Action::Upload] {
        let caller = Caller::project("").with_role("admin");
        let error = check(&caller, action, &image, Membership::Stranger).unwrap_err();
        assert_eq!(error.code(), ErrorCode::SchemaViolation);
    }
}

#[test]
fn writes_without_identity_are_refused_before_the_image_is_looked_up() {
    let error = check_identity(&Caller::anonymous(), Action::Delete).unwrap_err();
    assert_eq!(error.code(), ErrorCode::ReadOnlyCaller);
    assert!(check_identity(&Caller::anonymous(), Action::Show).is_ok());
}
