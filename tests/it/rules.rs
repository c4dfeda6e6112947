//! What calls do together: what one leaves for the next, and what the vectors, each of one call,
//! do not see. `docs/semantics.md` names these tests.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use smalti::image::{MemberStatus, Patch};
use smalti::policy::Rules;
use smalti::query::ListQuery;
use smalti::{Caller, Clock, Engine, ErrorCode, Image, ImageId, Images, ProjectId, Result};
use smalti::{Settings, Status, Timestamp, Visibility};

use crate::support::{caller, new_image, read_all};

/// A clock that stands still until it is moved.
#[derive(Debug, Clone)]
struct Hand(Arc<AtomicI64>);

impl Hand {
    fn new() -> Self {
        Self(Arc::new(AtomicI64::new(1_700_000_000_000_000)))
    }

    fn move_on(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1_000_000, Ordering::Relaxed);
    }
}

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::Relaxed))
    }
}

fn open(settings: Settings, hand: &Hand) -> Engine {
    let builder = Engine::builder_in_memory().settings(settings);
    builder.clock(hand.clone()).open().expect("open")
}

fn ids(images: &Images, query: &str) -> Vec<ImageId> {
    let query: ListQuery = query.parse().expect("a query");
    let page = images.list(&query).expect("listed");
    page.images().iter().map(|image| *image.id()).collect()
}

fn code<T: std::fmt::Debug>(result: Result<T>) -> ErrorCode {
    result.expect_err("it is refused").code()
}

fn filled(images: &Images) -> Image {
    let image = images.create(new_image().tag("t")).expect("create");
    let mut upload = images.upload(image.id()).expect("begin");
    upload.write_all(b"boot").expect("write");
    upload.finish().expect("finish")
}

fn b() -> ProjectId {
    ProjectId::new("b").expect("a project")
}

#[test]
fn a_delayed_delete_hides_at_once_and_gives_back_everything() {
    let settings = Settings {
        delayed_delete: true,
        scrub_time_s: 100,
        ..Settings::default()
    };
    let hand = Hand::new();
    let engine = open(settings, &hand);
    let (images, member) = (
        engine.images(&caller()),
        engine.images(&Caller::project("b")),
    );
    let image = filled(&images);
    let id = image.id();
    images.members(id).add(&b()).expect("shared");
    images.delete(id).expect("deleted");
    for images in [&images, &member, &engine.images(&Caller::admin())] {
        assert_eq!(code(images.show(id)), ErrorCode::NotFound);
        assert_eq!(code(images.delete(id)), ErrorCode::NotFound);
        assert!(ids(images, "member_status=all").is_empty());
    }
    engine.collect().expect("collect");
    hand.move_on(99);
    assert_eq!(engine.scrub().expect("scrub"), 0);

    let back = engine.restore(id).expect("restore");
    assert_eq!((back.status(), back.tags()), (Status::Active, image.tags()));
    assert!(back.updated_at() > image.updated_at());
    assert_eq!(read_all(&member, id), b"boot");
    assert_eq!(ids(&member, "member_status=pending"), [*id]);
    assert_eq!(code(engine.restore(id)), ErrorCode::InvalidState);
}

#[test]
fn what_was_scrubbed_is_gone_for_good() {
    let settings = Settings {
        delayed_delete: true,
        scrub_time_s: 100,
        ..Settings::default()
    };
    let hand = Hand::new();
    let engine = open(settings, &hand);
    let images = engine.images(&caller());
    let (image, bare) = (filled(&images), images.create(new_image()).expect("create"));
    images.delete(image.id()).expect("deleted");
    // Without data there is nothing to wait for.
    images.delete(bare.id()).expect("deleted");
    assert_eq!(code(engine.restore(bare.id())), ErrorCode::NotFound);
    // Stamps grow with each change, and are a little ahead of a clock that stands still.
    hand.move_on(101);
    assert_eq!(engine.scrub().expect("scrub"), 1);
    assert_eq!(engine.scrub().expect("scrub"), 0);
    assert_eq!(code(engine.restore(image.id())), ErrorCode::NotFound);
    engine.collect().expect("collect");
    assert_eq!(engine.stats().expect("stats").logical_bytes, 0);
    let again = images.create(new_image().id(*image.id()));
    assert_eq!(code(again), ErrorCode::Duplicate);
}

#[test]
fn members_sleep_while_the_image_is_not_shared() {
    let engine = Engine::in_memory().expect("open");
    let (images, member) = (
        engine.images(&caller()),
        engine.images(&Caller::project("b")),
    );
    let id = *images.create(new_image()).expect("create").id();
    images.members(&id).add(&b()).expect("shared");
    let accepted = member.members(&id).set_status(&b(), MemberStatus::Accepted);
    accepted.expect("accepted");
    let show = |visibility| {
        let patch = Patch::new().set_visibility(visibility);
        images.update(&id, &patch).expect("patched");
    };
    show(Visibility::Private);
    assert_eq!(code(member.show(&id)), ErrorCode::NotFound);
    assert!(ids(&member, "").is_empty());
    assert_eq!(code(images.members(&id).list()), ErrorCode::NotShared);
    show(Visibility::Community);
    member.show(&id).expect("everybody reads it");
    assert!(ids(&member, "").is_empty());
    assert!(ids(&member, "visibility=shared").is_empty());
    show(Visibility::Shared);
    assert_eq!(ids(&member, ""), [id]);
    let members = images.members(&id).list().expect("listed");
    assert_eq!(members[0].status(), MemberStatus::Accepted);
}

#[test]
fn a_member_that_is_added_again_begins_anew() {
    let hand = Hand::new();
    let engine = open(Settings::default(), &hand);
    let (images, member) = (
        engine.images(&caller()),
        engine.images(&Caller::project("b")),
    );
    let image = images.create(new_image()).expect("create");
    let members = images.members(image.id());
    let first = members.add(&b()).expect("added");
    hand.move_on(5);
    let theirs = member.members(image.id());
    let decided = theirs
        .set_status(&b(), MemberStatus::Rejected)
        .expect("set");
    assert_eq!(decided.created_at(), first.created_at());
    assert!(decided.updated_at() > first.updated_at());
    hand.move_on(5);
    let same = theirs
        .set_status(&b(), MemberStatus::Rejected)
        .expect("set");
    assert_eq!(same, decided, "nothing changes");
    members.remove(&b()).expect("removed");
    let again = members.add(&b()).expect("added");
    assert_eq!(again.status(), MemberStatus::Pending);
    assert!(again.created_at() > first.created_at());
    let after = images.show(image.id()).expect("shown");
    assert_eq!(after, image, "members are no part of the record");
}

#[test]
fn a_new_owner_takes_over_the_members() {
    let engine = Engine::in_memory().expect("open");
    let (images, admin) = (engine.images(&caller()), engine.images(&Caller::admin()));
    let id = *images.create(new_image()).expect("create").id();
    images.members(&id).add(&b()).expect("shared");
    let give = Patch::new().set_owner("c");
    assert_eq!(code(images.update(&id, &give)), ErrorCode::Forbidden);
    admin.update(&id, &give).expect("given");
    assert_eq!(code(images.show(&id)), ErrorCode::NotFound);
    assert_eq!(
        ids(
            &engine.images(&Caller::project("b")),
            "member_status=pending"
        ),
        [id]
    );
    let owner = engine.images(&Caller::project("c"));
    assert_eq!(ids(&owner, ""), [id]);
    owner
        .members(&id)
        .remove(&b())
        .expect("managed by the new owner");
}

#[test]
fn a_change_of_what_was_not_seen_is_refused() {
    let engine = Engine::in_memory().expect("open");
    let images = engine.images(&caller());
    let seen = images.create(new_image()).expect("create");
    let rename = |name: &str| Patch::new().set_name(name);
    let other = images.update(seen.id(), &rename("first")).expect("patched");
    assert_eq!(other.revision(), seen.revision() + 1);
    let late = images.update_if(seen.id(), seen.revision(), &rename("second"));
    assert_eq!(code(late), ErrorCode::RevisionMismatch);
    let done = images.update_if(seen.id(), other.revision(), &rename("second"));
    assert_eq!(done.expect("patched").name(), Some("second"));
}

#[test]
fn patches_at_once_lose_nothing_of_each_other() {
    let engine = Engine::in_memory().expect("open");
    let images = engine.images(&caller());
    let id = *images.create(new_image()).expect("create").id();
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let images = &images;
            scope.spawn(move || {
                for number in 0..8 {
                    let patch = Patch::new().set_property(format!("{writer}-{number}"), "v");
                    images.update(&id, &patch).expect("patched");
                }
            });
        }
    });
    let image = images.show(&id).expect("shown");
    assert_eq!((image.properties().len(), image.revision()), (32, 33));
}

#[test]
fn pages_hold_every_image_once_whatever_comes_between() {
    let engine = Engine::in_memory().expect("open");
    let images = engine.images(&caller());
    let made: Vec<ImageId> = (0..10)
        .map(|_| *images.create(new_image()).expect("create").id())
        .collect();
    let (mut query, mut seen) = ("limit=3".parse::<ListQuery>().expect("sound"), Vec::new());
    loop {
        let page = images.list(&query).expect("listed");
        // One more, in front of everything that is left.
        images.create(new_image()).expect("create");
        let next = page.next_query();
        seen.extend(page.into_images().iter().map(|image| *image.id()));
        let Some(next) = next else { break };
        query = next;
    }
    assert_eq!(seen, made.into_iter().rev().collect::<Vec<_>>());
}

#[test]
fn a_marker_that_is_gone_or_unseen_ends_the_list() {
    let engine = Engine::in_memory().expect("open");
    let images = engine.images(&caller());
    let image = images.create(new_image()).expect("create");
    let hidden = new_image().visibility(Visibility::Private);
    let stranger = engine.images(&Caller::project("b"));
    let foreign = stranger.create(hidden).expect("create");
    let after = |id: &ImageId| images.list(&ListQuery::new().with_marker(*id));
    assert!(after(image.id()).expect("listed").images().is_empty());
    let unseen = after(foreign.id()).expect_err("a marker that is not seen");
    images.delete(image.id()).expect("deleted");
    let gone = after(image.id()).expect_err("a marker that is gone");
    for error in [unseen, gone] {
        assert_eq!(error.code(), ErrorCode::InvalidMarker);
        assert!(error.message().ends_with("is no image"), "{error}");
    }
}

#[test]
fn rules_are_exchanged_as_a_whole_and_kept_when_new_ones_are_faulty() {
    let engine = Engine::in_memory().expect("open");
    let images = engine.images(&caller());
    let id = *images.create(new_image()).expect("create").id();
    let shut = Rules::builder()
        .rule("modify_image", "!")
        .build()
        .expect("sound");
    engine.set_policy(shut);
    let rename = Patch::new().set_name("x");
    assert_eq!(code(images.update(&id, &rename)), ErrorCode::Forbidden);
    let faulty = Rules::builder()
        .rule("modify_image", "rule:nothing")
        .build();
    assert_eq!(code(faulty), ErrorCode::InvalidPolicy);
    assert_eq!(code(images.update(&id, &rename)), ErrorCode::Forbidden);
    engine.set_policy(Rules::default());
    images.update(&id, &rename).expect("patched");
}

#[test]
fn properties_that_are_not_seen_survive_a_patch_and_are_found_by_no_filter() {
    let engine = Engine::in_memory().expect("open");
    let (images, admin) = (engine.images(&caller()), engine.images(&Caller::admin()));
    let new = new_image().property("secret", "s").property("open", "o");
    let id = *images.create(new).expect("create").id();
    let file = "[^secret$]\ncreate = admin\nread = admin\nupdate = admin\ndelete = admin\n\
                [.]\ncreate = @\nread = @\nupdate = @\ndelete = @\n";
    let rules = Rules::builder().property_protections(file, "roles".parse().expect("a word"));
    engine.set_policy(rules.build().expect("sound"));
    let patch = Patch::new().set_property("open", "p");
    let seen = images.update(&id, &patch).expect("patched");
    assert_eq!(
        (seen.property("secret"), seen.property("open")),
        (None, Some("p"))
    );
    let whole = admin.show(&id).expect("shown");
    assert_eq!(whole.property("secret"), Some("s"));
    assert_eq!(ids(&images, "open=p"), [id]);
    assert!(ids(&images, "secret=s").is_empty());
    assert_eq!(ids(&admin, "secret=s"), [id]);
}

#[test]
fn filled_projects_make_room_by_deleting() {
    let mut settings = Settings {
        delayed_delete: true,
        ..Settings::default()
    };
    settings.limits.images_max = Some(2);
    let engine = open(settings, &Hand::new());
    let images = engine.images(&caller());
    let image = filled(&images);
    images.create(new_image()).expect("create");
    let full = images.create(new_image()).expect_err("full");
    assert_eq!(
        (full.code(), full.http_status()),
        (ErrorCode::QuotaExceeded, 413)
    );
    engine
        .images(&Caller::project("b"))
        .create(new_image())
        .expect("another project");
    images.delete(image.id()).expect("deleted");
    images
        .create(new_image())
        .expect("what waits for its end does not count");
}
