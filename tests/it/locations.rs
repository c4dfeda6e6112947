//! Locations that callers add: what is looked at before the image is active, and what is refused.

use std::io::Cursor;

use smalti::engine::Builder;
use smalti::fetch::{Fetch, Fetched, Opening, UriFilter, UriRules};
use smalti::hash::Hasher;
use smalti::import::{NewLocation, Requester, WebLocations};
use smalti::quota::ProjectLimits;
use smalti::task::{Task, TaskKind, TaskStatus};
use smalti::{
    Algorithm, Caller, Engine, Error, ErrorCode, ImageId, Images, NamedStore, Result, Settings,
    Status,
};

use crate::support::{Pattern, bytes, caller, new_image};

const HERE: &str = "http://1.1.1.1/image";

fn data() -> Vec<u8> {
    bytes(Pattern::Random(21), 300_000)
}

fn hex(algorithm: Algorithm) -> String {
    let mut hasher = Hasher::new(algorithm);
    hasher.update(&data());
    hasher.finish().to_string()
}

/// Has data at every url but some.
#[derive(Debug)]
struct Web;

impl Fetch for Web {
    fn open(&self, opening: &Opening<'_>) -> Result<Fetched> {
        opening.filter.check(opening.uri)?;
        let body = match opening.uri.rsplit('/').next() {
            Some("none") => return Err(Error::new(ErrorCode::SourceFailed, "404")),
            Some("empty") => Vec::new(),
            _ => data(),
        };
        let len = body.len() as u64;
        Ok(Fetched::new(Box::new(Cursor::new(body))).len_bytes(len))
    }
}

fn engine(do_secure_hash: bool) -> Engine {
    builder(do_secure_hash).open().expect("open")
}

fn builder(do_secure_hash: bool) -> Builder {
    let filter = UriFilter::new(UriRules::default());
    Engine::builder_in_memory()
        .store(NamedStore::own("fast"))
        .store(NamedStore::http("web"))
        .locations(WebLocations::new("web", Web, filter))
        .settings(Settings {
            do_secure_hash,
            ..Settings::default()
        })
}

fn add(images: &Images, location: &NewLocation) -> Result<(ImageId, Task)> {
    let image = images.create(new_image()).expect("create");
    let import = images.add_location(image.id(), location, &Requester::default())?;
    let task = import.run()?;
    assert_eq!(task.kind, TaskKind::LocationImport);
    Ok((*image.id(), task))
}

#[test]
fn data_is_held_against_its_digest_before_the_image_is_active() {
    for (algorithm, name) in [(Algorithm::Sha256, "sha256"), (Algorithm::Md5, "md5")] {
        let engine = engine(true);
        let images = engine.images(&caller());
        let location = NewLocation::new(HERE).validation(name, hex(algorithm));
        let (id, task) = add(&images, &location).expect("add");
        assert_eq!(task.status, TaskStatus::Success, "{}", task.message);
        let image = images.show(&id).expect("show");
        assert_eq!(image.status(), Status::Active);
        assert_eq!(
            (image.size(), image.os_hash_algo()),
            (Some(300_000), Some(name))
        );
        assert_eq!(image.property("os_glance_import_task"), None);
        let wrong = hex(algorithm).replace(|c: char| c.is_ascii_digit(), "0");
        let location = NewLocation::new(HERE).validation(name, wrong);
        let (id, task) = add(&images, &location).expect("add");
        assert_eq!(task.status, TaskStatus::Failure);
        assert!(task.message.starts_with("HashConflict"), "{}", task.message);
        let image = images.show(&id).expect("show");
        let learned = (image.status(), image.size(), image.os_hash_value());
        assert_eq!(learned, (Status::Queued, None, None));
        let admin = engine.images(&Caller::project("a").with_role("admin"));
        assert!(admin.locations(&id).expect("locations").is_empty());
    }
}

#[test]
fn digests_are_computed_afterwards_or_taken_over_as_was_configured() {
    let engine = engine(true);
    let images = engine.images(&caller());
    let (id, task) = add(&images, &NewLocation::new(HERE)).expect("add");
    assert_eq!((task.status, &*task.message), (TaskStatus::Success, ""));
    let image = images.show(&id).expect("show");
    assert_eq!(
        image.os_hash_value().map(ToString::to_string),
        Some(hex(Algorithm::Sha512))
    );
    assert_eq!(
        image.checksum().map(ToString::to_string),
        Some(hex(Algorithm::Md5))
    );
    let unread = images.open(&id).map(drop).expect_err("it is elsewhere");
    assert_eq!(unread.code(), ErrorCode::StoreUnavailable);
    let engine = self::engine(false);
    let images = engine.images(&caller());
    let location = NewLocation::new(HERE).validation("sha1", "ab".repeat(20));
    let (id, task) = add(&images, &location).expect("add");
    assert_eq!(task.status, TaskStatus::Success, "{}", task.message);
    let image = images.show(&id).expect("show");
    assert_eq!(
        image.os_hash_value().map(ToString::to_string),
        Some("ab".repeat(20))
    );
}

#[test]
fn a_location_without_data_fails_its_task_and_the_image_stays_queued() {
    let engine = engine(true);
    let images = engine.images(&caller());
    for url in ["http://1.1.1.1/none", "http://1.1.1.1/empty"] {
        let (id, task) = add(&images, &NewLocation::new(url)).expect("add");
        assert_eq!(task.status, TaskStatus::Failure, "{url}");
        let image = images.show(&id).expect("show");
        assert_eq!(image.status(), Status::Queued);
        assert_eq!(image.property("os_glance_import_task"), None);
        let mut upload = images.upload(&id).expect("it may be filled otherwise");
        upload.read_from(&mut &data()[..]).expect("write");
        upload.finish().expect("finish");
    }
}

#[test]
fn what_is_refused_changes_nothing() {
    let engine = engine(true);
    let images = engine.images(&caller());
    let reader = engine.images(&Caller::reader("a"));
    let service = engine.images(&Caller::project("a").with_role("service"));
    let image = images.create(new_image()).expect("create");
    let refused = |images: &Images, location: &NewLocation| {
        let error = images.add_location(image.id(), location, &Requester::default());
        let error = error.map(drop).expect_err("refused");
        assert_eq!(images.show(image.id()).expect("show"), image);
        (error.code(), error.http_status())
    };
    let here = || NewLocation::new(HERE);
    for (by, location, expected) in [
        (
            &images,
            here().validation("sha3_256", "ab"),
            (ErrorCode::SchemaViolation, 400),
        ),
        (
            &images,
            here().validation("sha1", "ab"),
            (ErrorCode::SchemaViolation, 400),
        ),
        (
            &images,
            here().validation("sha1", "xy".repeat(20)),
            (ErrorCode::SchemaViolation, 400),
        ),
        (
            &images,
            NewLocation::new("file:///etc/passwd"),
            (ErrorCode::Forbidden, 403),
        ),
        (
            &images,
            NewLocation::new("http://127.0.0.1/x"),
            (ErrorCode::UriNotAllowed, 400),
        ),
        (
            &service,
            NewLocation::new("http://[::1]/x"),
            (ErrorCode::UriNotAllowed, 400),
        ),
        (
            &images,
            NewLocation::new("x".repeat(2049)),
            (ErrorCode::SchemaViolation, 400),
        ),
        (&reader, here(), (ErrorCode::Forbidden, 403)),
    ] {
        assert_eq!(refused(by, &location), expected, "{location:?}");
    }
    for body in [
        &br#"{}"#[..],
        br#"{"url": 5}"#,
        br#"{"url": "http://a", "validation_data": []}"#,
        br#"{"url": "http://a", "validation_data": {"os_hash_algo": "md5"}}"#,
        br#"{"url": "http://a", "validation_data":
            {"os_hash_algo": "md5", "os_hash_value": "x", "more": 1}}"#,
    ] {
        let refused = NewLocation::parse(body).expect_err("refused");
        assert_eq!(refused.code(), ErrorCode::SchemaViolation);
    }
    let more = br#"{"url": "http://a", "more": 1}"#;
    NewLocation::parse(more).expect("what nobody knows is passed over");
    let held = images.add_location(image.id(), &here(), &Requester::default());
    let held = held.expect("accept");
    let locked = images.add_location(image.id(), &here(), &Requester::default());
    let locked = locked.map(drop).expect_err("locked");
    assert_eq!(locked.code(), ErrorCode::ImportLocked);
    drop(held);
    assert_eq!(
        images.show(image.id()).expect("show").status(),
        Status::Queued
    );
}

#[test]
fn data_at_a_location_is_held_to_every_limit() {
    let limits = |size, stage, uploading| ProjectLimits {
        image_size_total: size,
        image_stage_total: stage,
        image_count_uploading: uploading,
        ..ProjectLimits::default()
    };
    for (limits, expected) in [
        (limits(Some(0), None, None), TaskStatus::Failure),
        (limits(None, Some(0), None), TaskStatus::Failure),
        (limits(None, None, Some(0)), TaskStatus::Failure),
        (limits(Some(1), Some(1), Some(1)), TaskStatus::Success),
    ] {
        let engine = builder(true).project_limits(limits).open().expect("open");
        let images = engine.images(&caller());
        let digest = hex(Algorithm::Sha256);
        let location = NewLocation::new(HERE).validation("sha256", digest);
        let (id, task) = add(&images, &location).expect("add");
        assert_eq!(task.status, expected, "{limits:?}: {}", task.message);
        let is_exceeded = task.message.starts_with("QuotaExceeded");
        assert_eq!(
            is_exceeded,
            expected == TaskStatus::Failure,
            "{}",
            task.message
        );
        let status = images.show(&id).expect("show").status();
        assert_eq!(status == Status::Active, expected == TaskStatus::Success);
    }
}

#[test]
fn data_that_comes_in_beside_a_pending_location_wins_and_no_lock_is_left() {
    let engine = engine(true);
    let images = engine.images(&caller());
    let location = NewLocation::new(HERE);
    for is_staged in [false, true] {
        let id = *images.create(new_image()).expect("create").id();
        let import = images.add_location(&id, &location, &Requester::default());
        let import = import.expect("accept");
        let mut upload = match is_staged {
            false => images.upload(&id),
            true => images.stage(&id, smalti::UploadOptions::default()),
        }
        .expect("begin");
        let task = import.run().expect("the end is written down");
        assert_eq!(task.status, TaskStatus::Failure, "{}", task.message);
        let image = images.show(&id).expect("show");
        assert_eq!(image.property("os_glance_import_task"), None);
        upload.read_from(&mut &b"some data"[..]).expect("write");
        let image = upload.finish().expect("finish");
        let expected = match is_staged {
            false => Status::Active,
            true => Status::Uploading,
        };
        assert_eq!((image.status(), image.size()), (expected, Some(9)));
        if is_staged {
            let import = smalti::import::Request::glance_direct();
            let import = images.import(&id, &import, &Requester::default());
            let task = import.expect("the lock is free").expect("import").run();
            assert_eq!(task.expect("run").status, TaskStatus::Success);
        }
    }
}

#[test]
fn urls_of_the_web_pass_the_filter_whatever_stands_behind_them() {
    let filter = UriFilter::new(UriRules::default());
    let engine = Engine::builder_in_memory().web_download(Web, filter);
    let engine = engine.open().expect("open");
    let service = engine.images(&Caller::project("a").with_role("service"));
    let id = *service.create(new_image()).expect("create").id();
    let refused = |url: &str| {
        let location = NewLocation::new(url);
        let error = service.add_location(&id, &location, &Requester::default());
        error.expect_err(url).code()
    };
    for url in ["http://169.254.169.254/x", "HTTP://127.0.0.1/x"] {
        assert_eq!(refused(url), ErrorCode::UriNotAllowed, "{url}");
    }
    assert_eq!(
        refused("rbd://p/\u{1f600}"),
        ErrorCode::UnsupportedCharacter
    );
    assert_eq!(service.show(&id).expect("show").status(), Status::Queued);
}
