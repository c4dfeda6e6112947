//! Tests of apply beside the vectors: protections, quotas, locations that are removed and added, and
//! that the work grows with the patch and not with its square.

use std::time::{Duration, Instant};

use super::*;
use crate::error::{Error, ErrorCode};
use crate::image::change::tests::{at, image, learned};
use crate::image::{LocationAction, PropertyAction, Status, Visibility};

/// Grants all but what is done with some properties: letters of what is denied, behind a name.
struct Protected(&'static [(&'static str, &'static str)]);

impl Gate for Protected {
    fn modify(&self, _image: &Image) -> Result<()> {
        Ok(())
    }

    fn visibility(&self, _image: &Image, _wanted: Visibility) -> Result<()> {
        Ok(())
    }

    fn owner(&self, _image: &Image) -> Result<()> {
        Ok(())
    }

    fn locations(&self, _image: &Image, _action: LocationAction) -> Result<()> {
        Ok(())
    }

    fn property(&self, name: &str, action: PropertyAction) -> bool {
        let letter = match action {
            PropertyAction::Create => 'c',
            PropertyAction::Read => 'r',
            PropertyAction::Update => 'u',
            PropertyAction::Delete => 'd',
        };
        let mut denied = self.0.iter();
        !denied.any(|(denied, letters)| *denied == name && letters.contains(letter))
    }
}

/// Takes `http` urls; the length is the number at the end of the url, and `bad` is no copy.
struct Web;

impl LocationSource for Web {
    fn size_bytes(&self, url: &str) -> Result<u64> {
        let number = url
            .strip_prefix("http://")
            .and_then(|rest| rest.parse().ok());
        number.ok_or_else(|| Error::new(ErrorCode::InvalidLocation, "not there"))
    }

    fn store(&self, url: &str) -> Option<String> {
        url.ends_with('7').then(|| "seven".to_owned())
    }

    fn verify(&self, url: &str, expected: &Expected<'_>) -> Result<()> {
        if Some(self.size_bytes(url)?) == expected.size_bytes && expected.os_hash.is_some() {
            return Ok(());
        }
        Err(Error::new(ErrorCode::HashConflict, "another length"))
    }
}

const ALL: Protected = Protected(&[]);

fn rules(limits: &Limits) -> ApplyRules<'_> {
    ApplyRules {
        limits,
        locations_are_shown: true,
        hash: Some(("sha256", 32)),
        storage_left_bytes: None,
        source: &Web,
    }
}

fn parse(dialect: Dialect, body: &str) -> Patch {
    Patch::parse(dialect, body.as_bytes(), &Limits::default()).unwrap()
}

fn apply(image: &Image, patch: &Patch, gate: &dyn Gate) -> Result<Applied> {
    image.apply(patch, gate, &rules(&Limits::default()), at(9_000))
}

#[track_caller]
fn refused(applied: Result<Applied>, code: ErrorCode) {
    assert_eq!(applied.unwrap_err().code(), code);
}

fn with_properties(pairs: &[(&str, &str)]) -> Image {
    let mut image = image(Status::Queued);
    image.0.properties = pairs.iter().copied().collect();
    image
}

fn active() -> Image {
    let mut image = image(Status::Saving);
    image.activate(at(2_000), learned()).unwrap();
    image
}

#[test]
fn protections_decide_by_what_the_caller_sees() {
    let image = with_properties(&[("open", "1"), ("hidden", "2"), ("fixed", "3")]);
    let gate = Protected(&[
        ("hidden", "r"),
        ("fixed", "ud"),
        ("closed", "c"),
        ("secret", "rc"),
    ]);
    let ok = |patch: Patch| apply(&image, &patch, &gate).unwrap().image;
    let bad = |patch: Patch, code| refused(apply(&image, &patch, &gate), code);
    use ErrorCode::{PropertyExists, PropertyMissing, ReservedProperty};
    // What is hidden is absent to the caller, may be overwritten, and survives.
    bad(
        Patch::new().replace_property("hidden", "x"),
        PropertyMissing,
    );
    bad(Patch::new().remove_property("hidden"), PropertyMissing);
    let after = ok(Patch::new()
        .set_property("hidden", "x")
        .set_property("open", "y"));
    assert_eq!(
        (after.property("hidden"), after.property("open")),
        (Some("x"), Some("y"))
    );
    assert_eq!(
        ok(Patch::new().remove_property("open")).property("hidden"),
        Some("2")
    );
    bad(Patch::new().set_property("fixed", "x"), ReservedProperty);
    bad(
        Patch::new().replace_property("fixed", "x"),
        ReservedProperty,
    );
    bad(Patch::new().remove_property("fixed"), ReservedProperty);
    bad(Patch::new().set_property("closed", "x"), ReservedProperty);
    bad(Patch::new().set_property("secret", "x"), ReservedProperty);
    // The older language: a conflict where it is seen, a creation where it is not.
    let add = |name| {
        parse(
            Dialect::V2_0,
            &format!(r#"[{{"add":"/{name}","value":"x"}}]"#),
        )
    };
    bad(add("fixed"), PropertyExists);
    bad(add("closed"), ReservedProperty);
    assert_eq!(ok(add("hidden")).property("hidden"), Some("x"));
}

#[test]
fn quotas_count_the_result_and_only_what_was_added() {
    let limits = Limits {
        tags_max: Some(1),
        properties_max: Some(1),
        ..Limits::default()
    };
    let mut image = with_properties(&[("a", ""), ("b", ""), ("os_glance_x", "")]);
    image.0.tags = ["x", "y"].into_iter().collect();
    let code = |patch: Patch| {
        let applied = image.apply(&patch, &ALL, &rules(&limits), at(9_000));
        applied.err().map(|e| e.code())
    };
    let (tags, props) = (
        ErrorCode::TagLimitExceeded,
        ErrorCode::PropertyLimitExceeded,
    );
    assert_eq!(
        code(Patch::new().set_name("over both quotas, and edited")),
        None
    );
    assert_eq!(
        code(Patch::new().set_property("a", "1").remove_property("b")),
        None
    );
    assert_eq!(
        code(Patch::new().remove_property("a").set_property("a", "1")),
        None
    );
    assert_eq!(
        code(Patch::new().remove_property("a").set_property("c", "1")),
        Some(props)
    );
    let swap = Patch::new()
        .set_property("c", "1")
        .remove_property("a")
        .remove_property("b");
    assert_eq!(code(swap), None);
    assert_eq!(code(Patch::new().set_tags(["x", "y"])), Some(tags));
    assert_eq!(
        code(Patch::new().set_tags(["x", "y"]).set_tags(["z"])),
        None
    );
    assert_eq!(
        code(Patch::new().set_property("c", "1").set_tags(["x", "y"])),
        Some(tags)
    );
    let heavy = |from: u8, to| {
        let value = "v".repeat(65_535);
        (from..to).fold(Patch::new(), |patch, i| {
            patch.set_property(format!("k{i}"), &*value)
        })
    };
    let unlimited = Limits {
        properties_max: None,
        ..Limits::default()
    };
    let apply = |patch: Patch| image.apply(&patch, &ALL, &rules(&unlimited), at(9_000));
    assert!(apply(heavy(0, 190)).is_ok());
    refused(apply(heavy(0, 200)), props);
}

#[test]
fn bounds_of_numbers_come_after_the_right_to_modify() {
    struct Denied;
    impl Gate for Denied {
        fn modify(&self, _image: &Image) -> Result<()> {
            Err(Error::new(ErrorCode::Forbidden, "denied"))
        }
        fn visibility(&self, _image: &Image, _wanted: Visibility) -> Result<()> {
            Err(Error::new(ErrorCode::NotShared, "the first right"))
        }
        fn owner(&self, _image: &Image) -> Result<()> {
            Err(Error::new(ErrorCode::NotShared, "the first right"))
        }
        fn locations(&self, _image: &Image, _action: LocationAction) -> Result<()> {
            Err(Error::new(ErrorCode::Forbidden, "denied"))
        }
        fn property(&self, _name: &str, _action: PropertyAction) -> bool {
            panic!("the image comes first")
        }
    }
    let image = active();
    use ErrorCode::{Forbidden, LastLocation, NotShared};
    refused(
        apply(&image, &Patch::new().set_min_disk(-1), &Denied),
        Forbidden,
    );
    refused(
        apply(&image, &Patch::new().set_min_disk(-1), &ALL),
        ErrorCode::InvalidParameter,
    );
    refused(
        apply(&image, &Patch::new().set_disk_format(None), &Denied),
        Forbidden,
    );
    refused(
        apply(&image, &Patch::new().set_owner("x"), &Denied),
        NotShared,
    );
    refused(
        apply(
            &image,
            &Patch::new().set_visibility(Visibility::Public),
            &Denied,
        ),
        NotShared,
    );
    refused(
        apply(&image, &Patch::new().remove_property("none"), &Denied),
        Forbidden,
    );
    refused(
        apply(&image, &Patch::new().set_property("none", ""), &Denied),
        Forbidden,
    );
    for operation in [r#"{"remove":"/name"}"#, r#"{"add":"/name","value":"x"}"#] {
        let patch = parse(Dialect::V2_0, &format!("[{operation}]"));
        refused(apply(&image, &patch, &Denied), Forbidden);
    }
    let empty = parse(Dialect::V2_0, r#"[{"replace":"/locations","value":[]}]"#);
    refused(apply(&image, &empty, &Denied), LastLocation);
    assert_eq!(apply(&image, &Patch::new(), &Denied).unwrap().image, image);
}

#[test]
fn a_patch_counts_as_one_change_and_leaves_the_rest() {
    let image = active();
    let patch = Patch::new().set_name("x").set_hidden(true).set_name("y");
    let after = apply(&image, &patch, &ALL).unwrap().image;
    assert_eq!(
        (after.name(), after.revision()),
        (Some("y"), image.revision() + 1)
    );
    assert_eq!(
        (after.size(), after.locations()),
        (image.size(), image.locations())
    );
    assert_eq!(after.created_at(), image.created_at());
}

#[test]
fn locations_of_an_image_with_data_wait_to_be_verified() {
    let image = active();
    let applied = apply(&image, &Patch::new().add_location("http://10"), &ALL).unwrap();
    assert_eq!(applied.unverified.len(), 1);
    applied.verify(&Web).unwrap();
    let applied = apply(&image, &Patch::new().add_location("http://11"), &ALL).unwrap();
    let error = applied.verify(&Web).unwrap_err();
    assert_eq!(error.code(), ErrorCode::HashConflict);
    let both = Patch::new().add_location("http://11").remove_location(1);
    let applied = apply(&image, &both, &ALL).unwrap();
    assert!(applied.unverified.is_empty(), "it is gone again");
    assert_eq!(applied.removed[0].url(), "http://11");
    // The first makes the image active, and the second is held against it.
    let queued = self::image(Status::Queued);
    let two = Patch::new()
        .add_location("http://10")
        .add_location("http://17");
    let applied = apply(&queued, &two, &ALL).unwrap();
    assert_eq!(
        (applied.image.status(), applied.image.size()),
        (Status::Active, Some(10))
    );
    assert_eq!(applied.unverified.len(), 1);
    assert_eq!(applied.image.locations()[1].store(), Some("seven"));
}

#[test]
fn a_removed_location_gives_its_data_back_once_nothing_names_it() {
    let image = active();
    let own = image.locations()[0].clone();
    let twice = r#"[{"op":"add","path":"/locations/0","value":{"url":"http://10","metadata":{}}},
        {"op":"add","path":"/locations/-","value":{"url":"http://10","metadata":{"k":"v"}}},
        {"op":"remove","path":"/locations/0"}]"#;
    let applied = apply(&image, &parse(Dialect::V2_1, twice), &ALL).unwrap();
    assert!(
        applied.removed.is_empty(),
        "the other entry has the same data"
    );
    assert!(applied.image.copies().eq(image.copies()));
    let applied = apply(&applied.image, &Patch::new().remove_location(0), &ALL).unwrap();
    assert_eq!(applied.removed, [own]);
    assert_eq!(applied.image.copies().next(), None);
}

#[test]
fn urls_of_the_host_and_of_the_engine_are_refused() {
    let image = active();
    for url in [
        "file:///etc/passwd",
        "FILE:///etc/passwd",
        "filesystem:///x",
        "swift+config://r/c",
        "smalti://fast/8",
        "/etc/passwd",
        "",
        "://x",
        "http://0",
        "ftp://5",
    ] {
        let applied = apply(&image, &Patch::new().add_location(url), &ALL);
        let error = applied.unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidLocation, "{url}");
        assert!(url.len() < 5 || !error.to_string().contains(url), "{error}");
    }
}

#[test]
fn storage_and_number_of_locations_are_bounded() {
    let image = self::image(Status::Queued);
    let limits = Limits {
        locations_max: Some(2),
        ..Limits::default()
    };
    let apply = |patch: &Patch, left| {
        let rules = ApplyRules {
            storage_left_bytes: Some(left),
            ..rules(&limits)
        };
        image.apply(patch, &ALL, &rules, at(9_000))
    };
    let two = Patch::new()
        .add_location("http://10")
        .add_location("http://20");
    refused(apply(&two, 19), ErrorCode::QuotaExceeded);
    assert!(
        apply(&two, 20).is_ok(),
        "each copy has the length of the image"
    );
    let three = two.add_location("http://30");
    refused(apply(&three, 99), ErrorCode::LocationLimitExceeded);
    let set = r#"[{"op":"replace","path":"/locations","value":[{"url":"http://10","metadata":{}},
        {"url":"http://10","metadata":{"k":"v"}}]}]"#;
    let set = parse(Dialect::V2_1, set);
    refused(apply(&set, 19), ErrorCode::QuotaExceeded);
    assert_eq!(apply(&set, 20).unwrap().image.locations().len(), 2);
}

#[test]
fn ten_thousand_operations_are_cheap() {
    let unlimited = Limits {
        properties_max: None,
        locations_max: None,
        ..Limits::default()
    };
    let operations = (0..10_000).map(|i| match i % 4 {
        0 | 1 => format!(r#"{{"op":"add","path":"/k{i}","value":"{i}"}}"#),
        2 => format!(r#"{{"op":"replace","path":"/k{}","value":""}}"#, i - 1),
        _ => format!(r#"{{"op":"remove","path":"/k{}"}}"#, i - 2),
    });
    let body = format!("[{}]", operations.collect::<Vec<_>>().join(","));
    let started = Instant::now();
    let patch = Patch::parse(Dialect::V2_1, body.as_bytes(), &unlimited).unwrap();
    let image = self::image(Status::Queued);
    let after = image
        .apply(&patch, &ALL, &rules(&unlimited), at(9_000))
        .unwrap()
        .image;
    let spent = started.elapsed();
    assert_eq!((patch.len(), after.properties().len()), (10_000, 2_500));
    println!("10,000 operations took {spent:?}");
    // Far above what it takes, and far below what a square takes.
    assert!(spent < Duration::from_secs(2), "{spent:?}");
    let locations = (0..10_000).map(|i| {
        format!(
            r#"{{"op":"add","path":"/locations/0","value":{{"url":"http://{}","metadata":{{}}}}}}"#,
            i + 1
        )
    });
    let body = format!("[{}]", locations.collect::<Vec<_>>().join(","));
    let patch = Patch::parse(Dialect::V2_1, body.as_bytes(), &unlimited).unwrap();
    let applied = image.apply(&patch, &ALL, &rules(&unlimited), at(9_000));
    refused(applied, ErrorCode::LocationLimitExceeded);
}
