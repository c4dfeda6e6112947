//! The matrix of caller by visibility by action.

use super::*;
use crate::clock::Timestamp;
use crate::image::{Gate, Limits, LocationAction, NewImage};
use crate::policy::{DefaultPolicy, Rules};

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
        let found = Judge::new(&DefaultPolicy, &caller).check(action, image, membership);
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
        let error = Judge::new(&DefaultPolicy, &caller)
            .check(Action::Download, &image, membership)
            .unwrap_err();
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
    let hidden = Judge::new(&DefaultPolicy, &caller)
        .check(Action::Show, &image, Membership::Stranger)
        .unwrap_err();
    let asked: ImageId = id.to_string().to_lowercase().parse().unwrap();
    assert_eq!(hidden.to_string(), not_found(&asked).to_string());
}

#[track_caller]
fn check_made(name: &str, owner: Option<&str>, visibility: Visibility, expected: u16) {
    let (caller, _) = actor(name);
    let owner = owner.and_then(|owner| ProjectId::new(owner).ok());
    let found = Judge::new(&DefaultPolicy, &caller).check_create(owner.as_ref(), Some(visibility));
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
    for &action in Action::ALL {
        let caller = Caller::project("").with_role("admin");
        let error = Judge::new(&DefaultPolicy, &caller)
            .check(action, &image, Membership::Stranger)
            .unwrap_err();
        assert_eq!(error.code(), ErrorCode::SchemaViolation);
    }
}

#[test]
fn writes_without_identity_are_refused_before_the_image_is_looked_up() {
    let rules = Rules::builder()
        .rule("context_is_admin", "@")
        .build()
        .unwrap();
    for policy in [&rules as &dyn Policy, &DefaultPolicy] {
        let caller = Caller::anonymous();
        let judge = Judge::new(policy, &caller);
        for &action in Action::ALL {
            let found = judge.check_identity(action).map_err(|error| error.code());
            let expected = match action.is_write() {
                true => Err(ErrorCode::ReadOnlyCaller),
                false => Ok(()),
            };
            assert_eq!(found, expected, "{action:?}");
        }
    }
}

#[test]
fn a_malformed_identity_is_no_administrator_and_finds_nothing_private() {
    let rules = Rules::builder()
        .rule("context_is_admin", "@")
        .build()
        .unwrap();
    let caller = Caller::project("").with_role("admin");
    for policy in [&rules as &dyn Policy, &DefaultPolicy] {
        let judge = Judge::new(policy, &caller);
        assert!(!judge.is_admin());
        let image = image(OWNER, Visibility::Private, Status::Active);
        assert!(!judge.sees(&image, Membership::Member));
    }
}

#[test]
fn lists_leave_out_what_was_killed_and_what_is_gone() {
    let caller = Caller::admin();
    let judge = Judge::new(&DefaultPolicy, &caller);
    for &status in Status::ALL {
        let image = image(OWNER, Visibility::Public, status);
        let gone = matches!(status, Status::Deleted | Status::PendingDelete);
        assert_eq!(judge.sees(&image, Membership::Stranger), !gone, "{status}");
        let listed = !gone && status != Status::Killed;
        assert_eq!(
            judge.lists(&image, Membership::Stranger),
            listed,
            "{status}"
        );
    }
}

#[test]
fn locations_are_shown_to_the_owner_and_to_whom_the_rule_says() {
    let open = Rules::builder()
        .rule("get_image_location", "@")
        .build()
        .unwrap();
    let shut = Rules::builder()
        .rule("get_image_location", "!")
        .build()
        .unwrap();
    let policies: [&dyn Policy; 3] = [&DefaultPolicy, &open, &shut];
    for (name, active, deactivated) in [
        ("admin", [true, true, false], [true, true, false]),
        ("owner-w", [true; 3], [false; 3]),
        ("owner-r", [true; 3], [false; 3]),
        ("member-w", [false, true, false], [false; 3]),
        ("other-w", [false, true, false], [false; 3]),
    ] {
        let (caller, membership) = actor(name);
        for (at, policy) in policies.into_iter().enumerate() {
            let judge = Judge::new(policy, &caller);
            let shown = |status| {
                let image = image(OWNER, Visibility::Shared, status);
                judge.shows_locations(&image, membership)
            };
            assert_eq!(shown(Status::Active), active[at], "{name} {at}");
            assert_eq!(shown(Status::Deactivated), deactivated[at], "{name} {at}");
        }
    }
}

#[test]
fn a_wrong_status_is_named_before_a_missing_right_but_not_before_the_lookup() {
    let state = || Err(Error::new(ErrorCode::InvalidState, "not now"));
    for (name, visibility, expected) in [
        ("other-w", Visibility::Public, ErrorCode::InvalidState),
        ("other-w", Visibility::Private, ErrorCode::NotFound),
        ("anonymous", Visibility::Public, ErrorCode::ReadOnlyCaller),
    ] {
        let (caller, membership) = actor(name);
        let judge = Judge::new(&DefaultPolicy, &caller);
        let image = image(OWNER, visibility, Status::Active);
        let found = judge.check_after(Action::CopyImage, &image, membership, state);
        assert_eq!(found.unwrap_err().code(), expected, "{name}");
    }
}

#[test]
fn the_gate_asks_with_the_image_as_it_is_then() {
    let rules = Rules::builder().rule("modify_image", "'queued':%(status)s");
    let rules = rules.build().unwrap();
    let (caller, membership) = actor("owner-r");
    let gate = Judge::new(&rules, &caller).gate(membership);
    let queued = image(OWNER, Visibility::Private, Status::Queued);
    let active = image(OWNER, Visibility::Private, Status::Active);
    let foreign = image(Some("p5"), Visibility::Public, Status::Queued);
    assert!(gate.modify(&queued).is_ok());
    for image in [&active, &foreign] {
        let error = gate.modify(image).unwrap_err();
        assert_eq!(error.code(), ErrorCode::Forbidden);
    }
    assert!(gate.visibility(&queued, Visibility::Shared).is_ok());
    assert!(gate.visibility(&queued, Visibility::Community).is_err());
    assert!(gate.owner(&queued).is_err());
    assert!(gate.locations(&queued, LocationAction::Set).is_err());
    assert!(gate.property("x", PropertyAction::Delete));
}

#[test]
fn the_cache_tells_of_an_image_only_to_whom_it_serves_without_one() {
    let visible = image(OWNER, Visibility::Public, Status::Active);
    let hidden = image(OWNER, Visibility::Private, Status::Active);
    let id = *visible.id();
    let stranger = Membership::Stranger;
    let owners = Rules::builder().rule("cache_image", "project_id:%(owner)s");
    let owners = owners.build().unwrap();
    let anyone = Rules::builder().rule("cache_image", "@").build().unwrap();
    for (policy, name, image, expected) in [
        (&owners, "owner-r", Some(&visible), 200),
        (&owners, "owner-r", None, 403),
        (&owners, "other-w", Some(&visible), 403),
        (&owners, "other-w", Some(&hidden), 403),
        (&anyone, "other-w", Some(&visible), 200),
        (&anyone, "other-w", Some(&hidden), 404),
        (&anyone, "other-w", None, 404),
        (&anyone, "anonymous", Some(&visible), 403),
    ] {
        let (caller, _) = actor(name);
        let judge = Judge::new(policy, &caller);
        let found = image.map(|image| (image, stranger));
        let found = judge.check_cached(Action::CachePut, &id, found);
        let status = found.map_or_else(|error| error.http_status(), |()| 200);
        assert_eq!(status, expected, "{name}");
    }
}
