//! Rules of the Images API that hold across rooms; `docs/semantics.md` names these tests.

use std::io::Write;

use smalti::engine::Dedup;
use smalti::hash::Algorithm;
use smalti::image::Patch;
use smalti::{
    Caller, Engine, ErrorCode, ImageId, NewImage, ProjectId, Settings, Status, Visibility,
};

use crate::support::{Pattern, bytes, caller, new_image};

fn in_memory(settings: Settings) -> Engine {
    let builder = Engine::builder_in_memory().settings(settings);
    builder.open().expect("open")
}

#[test]
fn the_id_of_a_deleted_image_is_never_used_again() {
    let engine = Engine::in_memory().expect("open");
    let images = engine.images(&caller());
    let text = "b2173dd3-7ad6-4362-baa6-a68bce3565cb";
    let id: ImageId = text.parse().expect("an id");
    let upper: ImageId = text.to_uppercase().parse().expect("an id");
    let create = |id| images.create(new_image().id(id)).map_err(|e| e.code());
    create(id).expect("create");
    assert_eq!(create(upper), Err(ErrorCode::Duplicate));
    images.delete(&upper).expect("delete");
    engine.collect().expect("collect");
    assert_eq!(create(id), Err(ErrorCode::Duplicate));
    let admin = engine.images(&Caller::admin());
    let by_admin = admin.create(new_image().id(upper)).expect_err("taken");
    assert_eq!(by_admin.http_status(), 409);
}

#[test]
fn an_id_is_shown_in_the_case_of_its_record_wherever_it_stands() {
    let engine = Engine::in_memory().expect("open");
    let images = engine.images(&caller());
    let upper = "B2173DD3-7AD6-4362-BAA6-A68BCE3565CB";
    let id: ImageId = upper.to_lowercase().parse().expect("an id");
    let stored = upper.parse().expect("an id");
    images.create(new_image().id(stored)).expect("create");
    let image = images.upload(&id).and_then(|it| it.finish());
    let image = image.expect("upload");
    assert_eq!(
        image.locations()[0].url(),
        format!("smalti://local/{upper}")
    );
    let (project, members) = (ProjectId::new("b").expect("an id"), images.members(&id));
    members.add(&project).expect("share");
    let mut shown = members.list().expect("list");
    shown.push(members.show(&project).expect("show"));
    for member in shown {
        assert_eq!(member.image_id().to_string(), upper);
    }
}

#[test]
fn a_built_patch_that_no_image_takes_is_refused_before_the_image_is_looked_up() {
    let engine = Engine::in_memory().expect("open");
    let nowhere = ImageId::from_bytes([1; 16]);
    let anonymous = engine.images(&Caller::anonymous());
    for (patch, code) in [
        (
            Patch::new().set_name("n".repeat(256)),
            ErrorCode::SchemaViolation,
        ),
        (
            Patch::new().set_property("id", "v"),
            ErrorCode::ReadOnlyProperty,
        ),
        (Patch::new().set_tags([""]), ErrorCode::EmptyTag),
        (Patch::new().set_name("n"), ErrorCode::ReadOnlyCaller),
    ] {
        let error = anonymous.update(&nowhere, &patch).expect_err("no image");
        assert_eq!(error.code(), code);
    }
}

#[test]
fn a_protected_image_refuses_delete() {
    let engine = Engine::in_memory().expect("open");
    let images = engine.images(&caller());
    let image = images.create(new_image().protected()).expect("create");
    for caller in [caller(), Caller::admin()] {
        let refused = engine.images(&caller).delete(image.id()).expect_err("no");
        assert_eq!(refused.code(), ErrorCode::ProtectedImage);
    }
    images.show(image.id()).expect("it is still there");
}

#[test]
fn a_full_image_takes_no_data() {
    let engine = Engine::in_memory().expect("open");
    let images = engine.images(&caller());
    let bare = images.create(NewImage::named("bare")).expect("create");
    let refused = images.upload(bare.id()).expect_err("no formats");
    assert_eq!(refused.code(), ErrorCode::MissingFormat);
    let image = images.create(new_image()).expect("create");
    let empty = images.upload(image.id()).expect("begin");
    assert_eq!(empty.finish().expect("finish").size(), Some(0));
    let refused = images.upload(image.id()).expect_err("it has data");
    assert_eq!(refused.code(), ErrorCode::InvalidState);
}

#[test]
fn two_uploads_to_one_image_make_one_winner() {
    let engine = Engine::in_memory().expect("open");
    let images = engine.images(&caller());
    let image = images.create(new_image()).expect("create");
    let begun: Vec<_> = std::thread::scope(|scope| {
        let upload = || images.upload(image.id());
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(upload)).collect();
        let joined = threads.into_iter().map(|thread| thread.join());
        joined.map(|begun| begun.expect("no panic")).collect()
    });
    let (won, lost): (Vec<_>, Vec<_>) = begun.into_iter().partition(Result::is_ok);
    assert_eq!(won.len(), 1);
    for error in lost.into_iter().filter_map(Result::err) {
        assert_eq!(error.code(), ErrorCode::InvalidState);
    }
}

#[test]
fn deleting_an_image_ends_its_upload_with_410() {
    let engine = Engine::in_memory().expect("open");
    let images = engine.images(&caller());
    let image = images.create(new_image()).expect("create");
    let mut upload = images.upload(image.id()).expect("begin");
    let data = bytes(Pattern::Random(1), 2_000_000);
    upload.write_all(&data).expect("write");
    images.delete(image.id()).expect("delete");
    let gone = upload.finish().expect_err("it is gone");
    assert_eq!(
        (gone.code(), gone.http_status()),
        (ErrorCode::GoneDuringUpload, 410)
    );
    let shown = images.show(image.id()).expect_err("it is gone");
    assert_eq!(shown.code(), ErrorCode::NotFound);
    engine.collect().expect("collect");
    assert_eq!(engine.stats().expect("stats").unique_bytes, 0);
}

#[test]
fn what_a_caller_may_not_see_is_not_there() {
    let engine = Engine::in_memory().expect("open");
    let new = new_image().visibility(Visibility::Private);
    let image = engine.images(&caller()).create(new).expect("create");
    let (id, absent) = (image.id(), ImageId::from_bytes([7; 16]));
    let stranger = engine.images(&Caller::project("b"));
    for asked in [id, &absent] {
        let answers = [
            stranger.show(asked).expect_err("show"),
            stranger.open(asked).expect_err("open"),
            stranger.upload(asked).expect_err("upload"),
            stranger.delete(asked).expect_err("delete"),
        ];
        for error in answers {
            assert_eq!(error.code(), ErrorCode::NotFound);
            assert_eq!(error.message(), format!("no image {asked}"));
        }
    }
    let reader = engine.images(&Caller::reader("a"));
    assert_eq!(reader.show(id).expect("show").status(), Status::Queued);
    let refused = reader.open(id).expect_err("readers read no data");
    assert_eq!(refused.code(), ErrorCode::Forbidden);
    let nobody = engine.images(&Caller::anonymous());
    for asked in [id, &absent] {
        let refused = nobody.delete(asked).expect_err("no identity");
        assert_eq!(refused.code(), ErrorCode::ReadOnlyCaller);
    }
}

#[test]
fn digests_are_those_that_were_configured() {
    // RFC 1321, A.5 and FIPS 180-4: digests of "abc".
    let md5 = "900150983cd24fb0d6963f7d28e17f72";
    let sha1 = "a9993e364706816aba3e25717850c26c9cd0d89d";
    for (legacy_md5, algorithm, checksum, hash) in [
        (true, Some(Algorithm::Sha1), Some(md5), Some(sha1)),
        (true, Some(Algorithm::Md5), Some(md5), Some(md5)),
        (false, Some(Algorithm::Sha1), None, Some(sha1)),
        (false, None, None, None),
    ] {
        let engine = in_memory(Settings {
            legacy_md5,
            hashing_algorithm: algorithm,
            ..Settings::default()
        });
        let images = engine.images(&caller());
        let image = images.create(new_image()).expect("create");
        let mut upload = images.upload(image.id()).expect("begin");
        upload.write_all(b"abc").expect("write");
        let image = upload.finish().expect("finish");
        let shown = |digest: Option<&smalti::image::Digest>| digest.map(ToString::to_string);
        assert_eq!(shown(image.checksum()).as_deref(), checksum);
        assert_eq!(shown(image.os_hash_value()).as_deref(), hash);
        assert_eq!(image.os_hash_algo(), algorithm.map(Algorithm::name));
    }
}

#[test]
fn owners_share_nothing_unless_the_host_says_so() {
    let data = bytes(Pattern::Random(9), 3_000_000);
    let len = data.len() as u64;
    for (dedup, first, stored) in [
        (Dedup::Owner, Visibility::Private, 2 * len),
        (Dedup::Owner, Visibility::Public, len),
        (Dedup::Engine, Visibility::Private, len),
    ] {
        let engine = in_memory(Settings {
            dedup,
            ..Settings::default()
        });
        let admin = Caller::admin();
        for (owner, visibility) in [("a", first), ("b", Visibility::Private)] {
            let images = engine.images(&admin);
            let new = new_image().owner(owner).visibility(visibility);
            let image = images.create(new).expect("create");
            let mut upload = images.upload(image.id()).expect("begin");
            upload.write_all(&data).expect("write");
            upload.finish().expect("finish");
        }
        let stats = engine.stats().expect("stats");
        assert_eq!(stats.unique_bytes, stored, "{dedup:?}, first {first}");
    }
}
