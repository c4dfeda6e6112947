//! The vectors of formats that need no data: their values, their pairs, and when they change.

use crate::image::vectors::create::{actor, create};
use crate::image::vectors::gate::{Actor, Known};
use crate::image::vectors::{File, MADE, integer, plain, text};
use crate::image::{ApplyRules, Limits, Patch, Visibility};
use crate::json::{Json, Object};
use crate::patch::Dialect;

fn run(kind: &str, count: usize, check: impl Fn(&Object<'_>) -> Result<(), String>) {
    let file = File::parse(include_str!("../../../tests/vectors/formats.json"));
    let of_kind = |vector: &Object<'_>| text(vector, "kind") == kind;
    file.run(&format!("formats, {kind}"), count, of_kind, check);
}

fn compare(status: u16, vector: &Object<'_>) -> Result<(), String> {
    match integer(vector, "expect") {
        expected if expected == i64::from(status) => Ok(()),
        expected => Err(format!("{status} found, {expected} expected")),
    }
}

fn created(body: &Object<'_>) -> u16 {
    let body = Json::Object(body.clone()).to_string();
    let created = create(Some(body.as_bytes()), &actor("owner"), &Limits::default());
    created.map_or_else(|error| error.http_status(), |_| 201)
}

#[test]
fn every_value_of_a_format_is_legal_or_not() {
    run("value", 34, |vector| {
        let value = vector.member("value").expect("a value").clone();
        let body = Object::new(vec![(text(vector, "field").into(), value)]);
        compare(created(&body), vector)
    });
}

#[test]
fn the_two_formats_are_not_tied_together() {
    run("pair", 4, |vector| {
        let member = |name: &'static str| (name.into(), vector.member(name).unwrap().clone());
        let body = Object::new(vec![member("disk_format"), member("container_format")]);
        compare(created(&body), vector)
    });
}

#[test]
fn formats_change_until_data_depends_on_them() {
    run("change", 14, |vector| {
        let field = text(vector, "field");
        let value = if field == "disk_format" {
            "qcow2"
        } else {
            "ova"
        };
        let body = format!(r#"[{{"op":"replace","path":"/{field}","value":"{value}"}}]"#);
        let limits = Limits::default();
        let patch = Patch::parse(Dialect::V2_1, body.as_bytes(), &limits).unwrap();
        let rules = ApplyRules {
            limits: &limits,
            locations_are_shown: false,
            hash: None,
            storage_left_bytes: None,
            source: &Known,
        };
        let image = plain(text(vector, "status").parse().unwrap(), Visibility::Shared);
        let owner = Actor::new("p1", &["member", "reader"]);
        let applied = image.apply(&patch, &owner, &rules, MADE);
        compare(
            applied.map_or_else(|error| error.http_status(), |_| 200),
            vector,
        )
    });
}
