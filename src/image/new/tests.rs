//! Tests of create: each bound from both sides, each reserved name, and the order of the tests.

use super::*;

const NOW: Timestamp = Timestamp::MAX;

fn fresh() -> ImageId {
    ImageId::from_bytes([9; 16])
}

fn project(name: &str) -> ProjectId {
    ProjectId::new(name).unwrap()
}

fn make(new: NewImage, limits: &Limits) -> Result<Image> {
    new.into_image(fresh(), Some(&project("p1")), limits, NOW)
}

#[track_caller]
fn check(new: NewImage, limits: &Limits, expected: Option<ErrorCode>) {
    assert_eq!(make(new, limits).err().map(|e| e.code()), expected);
}

fn prop(name: &str) -> NewImage {
    NewImage::default().property(name, "x")
}

#[test]
fn an_empty_request_makes_a_queued_shared_image_of_the_caller() {
    let image = make(NewImage::default(), &Limits::default()).unwrap();
    assert_eq!(image.id(), &fresh());
    assert_eq!((image.name(), image.status()), (None, Status::Queued));
    assert_eq!(image.visibility(), Visibility::Shared);
    assert_eq!(image.owner(), Some(&project("p1")));
    assert_eq!(
        (image.min_disk(), image.min_ram(), image.revision()),
        (0, 0, 1)
    );
    assert_eq!((image.created_at(), image.updated_at()), (NOW, NOW));
    assert!(!image.is_protected() && !image.is_hidden() && image.tags().is_empty());
    assert!(
        image.size().is_none() && image.checksum().is_none() && image.copies().next().is_none()
    );
}

#[test]
fn a_full_request_is_kept_whole() {
    let id: ImageId = "B2173DD3-7AD6-4362-BAA6-A68BCE3565CB".parse().unwrap();
    let new = NewImage::named("n")
        .id(id)
        .visibility(Visibility::Private)
        .protected()
        .hidden();
    let new = new
        .disk_format(DiskFormat::Qcow2)
        .container_format(ContainerFormat::Bare);
    let new = new
        .min_ram(1)
        .min_disk(2u32)
        .tag("b")
        .tag("a")
        .tag("b")
        .property("foo", "bar");
    let image = make(new, &Limits::default()).unwrap();
    assert_eq!(
        image.id().to_string(),
        "B2173DD3-7AD6-4362-BAA6-A68BCE3565CB"
    );
    assert_eq!(image.tags().iter().collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!((image.min_ram(), image.min_disk()), (1, 2));
    assert_eq!(image.property("foo"), Some("bar"));
    assert!(image.is_protected() && image.is_hidden());
}

#[test]
fn lengths_are_bounded() {
    let limits = Limits::default();
    let (fits, over) = ("\u{e9}".repeat(255), "\u{e9}".repeat(256));
    check(NewImage::named(fits.as_str()), &limits, None);
    check(
        NewImage::named(over.as_str()),
        &limits,
        Some(ErrorCode::SchemaViolation),
    );
    check(NewImage::default().tag(fits.as_str()), &limits, None);
    let long_tag = NewImage::default().tag(over.as_str());
    check(long_tag, &limits, Some(ErrorCode::SchemaViolation));
    check(
        NewImage::default().tag(""),
        &limits,
        Some(ErrorCode::EmptyTag),
    );
    check(prop(&fits), &limits, None);
    check(prop(&over), &limits, Some(ErrorCode::PropertyNameTooLong));
    check(prop(""), &limits, Some(ErrorCode::SchemaViolation));
    let value = |len| NewImage::default().property("k", "v".repeat(len));
    check(value(65_535), &limits, None);
    check(value(65_536), &limits, Some(ErrorCode::PropertyTooLong));
    check(value(0), &limits, None);
    let owner = NewImage::default().owner(over);
    check(owner, &limits, Some(ErrorCode::SchemaViolation));
}

#[test]
fn names_of_the_engine_are_refused_as_custom_names() {
    use ErrorCode::{ReadOnlyProperty, ReservedProperty, SchemaViolation};
    let limits = Limits::default();
    for name in [
        "direct_url",
        "self",
        "file",
        "schema",
        "stores",
        "status",
        "checksum",
        "size",
        "virtual_size",
        "created_at",
        "updated_at",
        "os_hash_algo",
        "os_hash_value",
    ] {
        check(prop(name), &limits, Some(ReadOnlyProperty));
    }
    for name in [
        "location",
        "deleted",
        "deleted_at",
        "locations",
        "os_glance",
        "os_glance_x",
        "os_glancer",
    ] {
        check(prop(name), &limits, Some(ReservedProperty));
    }
    for name in [
        "id",
        "name",
        "visibility",
        "protected",
        "os_hidden",
        "owner",
        "disk_format",
        "container_format",
        "min_disk",
        "min_ram",
        "tags",
    ] {
        check(prop(name), &limits, Some(SchemaViolation));
    }
    for name in [
        "os_glanc",
        "OS_GLANCE_x",
        "Name",
        "image_id",
        "extra_properties",
        "a/b",
        " ",
    ] {
        check(prop(name), &limits, None);
    }
}

#[test]
fn quotas_count_distinct_names() {
    let one = Limits {
        tags_max: Some(1),
        properties_max: Some(1),
        ..Limits::default()
    };
    let none = Limits {
        tags_max: Some(0),
        properties_max: Some(0),
        ..Limits::default()
    };
    let any = Limits {
        tags_max: None,
        properties_max: None,
        ..Limits::default()
    };
    let (tags, props) = (
        ErrorCode::TagLimitExceeded,
        ErrorCode::PropertyLimitExceeded,
    );
    check(NewImage::default().tag("a").tag("a"), &one, None);
    check(NewImage::default().tag("a").tag("b"), &one, Some(tags));
    check(NewImage::default().tag("a"), &none, Some(tags));
    check(prop("a"), &one, None);
    check(prop("a").property("b", "2"), &one, Some(props));
    check(prop("a"), &none, Some(props));
    let many = (0..1000).fold(NewImage::default(), |new, i| {
        new.property(format!("k{i}"), "")
    });
    check(many.clone(), &any, None);
    check(many, &Limits::default(), Some(props));
    let heavy = "v".repeat(65_535);
    let heavy = (0..200).fold(NewImage::default(), |new, i| {
        new.property(format!("k{i}"), heavy.as_str())
    });
    check(heavy, &any, Some(props));
}

#[test]
fn disk_and_memory_are_bounded() {
    let limits = Limits::default();
    check(NewImage::default().min_disk(2_147_483_647), &limits, None);
    for value in [-1, 2_147_483_648, i64::MIN, i64::MAX] {
        let code = Some(ErrorCode::InvalidParameter);
        check(NewImage::default().min_disk(value), &limits, code);
        check(NewImage::default().min_ram(value), &limits, code);
    }
}

#[test]
fn wide_characters_are_refused_unless_allowed() {
    let wide = "\u{1f600}";
    let open = Limits {
        reject_4byte_unicode: false,
        ..Limits::default()
    };
    let default = NewImage::default;
    for new in [
        NewImage::named(wide),
        default().owner(wide),
        default().tag(wide),
        prop(wide),
        default().property("k", wide),
    ] {
        check(
            new.clone(),
            &Limits::default(),
            Some(ErrorCode::UnsupportedCharacter),
        );
        check(new, &open, None);
    }
    check(NewImage::named("\u{ffff}"), &Limits::default(), None);
}

#[test]
fn tests_come_in_the_order_of_the_api() {
    let limits = Limits {
        tags_max: Some(0),
        properties_max: Some(0),
        ..Limits::default()
    };
    let long = "n".repeat(256);
    // Each request is wrong in what follows too; the first wrong thing is told.
    let new = NewImage::default().min_disk(-1);
    check(new.clone(), &limits, Some(ErrorCode::InvalidParameter));
    let new = new.property("a", "b");
    check(new.clone(), &limits, Some(ErrorCode::PropertyLimitExceeded));
    let new = new.tag("t");
    check(new.clone(), &limits, Some(ErrorCode::TagLimitExceeded));
    let new = new.property("locations", "x");
    check(new.clone(), &limits, Some(ErrorCode::ReservedProperty));
    let new = new.property("status", "active");
    check(new.clone(), &limits, Some(ErrorCode::ReadOnlyProperty));
    assert!(
        new.check(&limits).is_ok(),
        "what comes after policy is not tested before it"
    );
    let new = new.property("deleted", "x");
    check(new.clone(), &limits, Some(ErrorCode::ReservedProperty));
    let new = new.property(long.as_str(), "x");
    check(new.clone(), &limits, Some(ErrorCode::PropertyNameTooLong));
    let new = new.tag(long.as_str());
    check(new.clone(), &limits, Some(ErrorCode::SchemaViolation));
    check(
        new.property("self", "x"),
        &limits,
        Some(ErrorCode::ReadOnlyProperty),
    );
}

#[test]
fn the_empty_owner_is_none() {
    let owner = |new: NewImage| make(new, &Limits::default()).unwrap().owner().cloned();
    assert_eq!(owner(NewImage::default().owner("")), None);
    assert_eq!(owner(NewImage::default().without_owner()), None);
    assert_eq!(owner(NewImage::default().owner("p2")), Some(project("p2")));
    let id = fresh();
    let image = NewImage::default()
        .into_image(id, None, &Limits::default(), NOW)
        .unwrap();
    assert_eq!(image.owner(), None);
}

#[test]
fn a_protected_property_is_refused_in_its_turn() {
    let limits = Limits {
        properties_max: Some(0),
        ..Limits::default()
    };
    let code = |new: NewImage| {
        let may_create = |name: &str| name != "closed";
        let made = new.into_image_within(&may_create, fresh(), None, &limits, NOW);
        made.err().map(|e| e.code())
    };
    assert_eq!(code(prop("closed")), Some(ErrorCode::ReservedProperty));
    assert_eq!(code(prop("open")), Some(ErrorCode::PropertyLimitExceeded));
    assert_eq!(
        code(prop("closed").property("status", "")),
        Some(ErrorCode::ReadOnlyProperty)
    );
}

#[test]
fn json_and_the_builder_make_the_same_request() {
    let body = br#"{"id":"b2173dd3-7ad6-4362-baa6-a68bce3565cb","name":"old","name":"n",
        "visibility":"private","protected":true,"os_hidden":true,"disk_format":"raw",
        "container_format":"bare","min_disk":2.0,"min_ram":1,"tags":["b","a","b"],"owner":"p1",
        "k":"v"}"#;
    let read = NewImage::from_json(Some(body), &Limits::default()).unwrap();
    let id: ImageId = "b2173dd3-7ad6-4362-baa6-a68bce3565cb".parse().unwrap();
    let built = NewImage::named("n").id(id).visibility(Visibility::Private);
    let built = built.protected().hidden().disk_format(DiskFormat::Raw);
    let built = built
        .container_format(ContainerFormat::Bare)
        .min_disk(2)
        .min_ram(1);
    let built = built.tag("a").tag("b").owner("p1").property("k", "v");
    let limits = Limits::default();
    assert_eq!(make(read, &limits).unwrap(), make(built, &limits).unwrap());
}

#[test]
fn a_body_is_held_against_the_configured_formats() {
    let limits = Limits {
        disk_formats: vec![DiskFormat::Raw],
        ..Limits::default()
    };
    let code = |body: &str| {
        let read = NewImage::from_json(Some(body.as_bytes()), &limits);
        read.err().map(|e| e.code())
    };
    assert_eq!(code(r#"{"disk_format":"raw"}"#), None);
    assert_eq!(code(r#"{"disk_format":null}"#), None);
    assert_eq!(
        code(r#"{"disk_format":"iso"}"#),
        Some(ErrorCode::SchemaViolation)
    );
    assert_eq!(code(""), Some(ErrorCode::BodyRequired));
    assert_eq!(code("{"), Some(ErrorCode::MalformedJson));
    assert_eq!(code(r#"{"size":true}"#), Some(ErrorCode::SchemaViolation));
}
