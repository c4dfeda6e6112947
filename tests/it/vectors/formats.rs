//! Formats: the values that are legal, alone and together, and when they change. The vectors that
//! look into data run in `tests/it/inspect/vectors.rs`.

use serde_json::{Value, json};
use smalti::Caller;

use super::ask::{Ask, PATCH, Transport};
use super::by_calls::Calls;
use super::{Checked, File, body, engine, same, settings, stored, text};

#[test]
fn formats_are_taken_as_the_vectors_say() {
    run_values(&Calls);
}

#[test]
fn pairs_of_formats_are_taken_as_the_vectors_say() {
    run_pairs(&Calls);
}

#[test]
fn formats_change_as_the_vectors_say() {
    run_changes(&Calls);
}

#[cfg(feature = "http")]
#[test]
fn formats_are_taken_and_change_through_http_as_the_vectors_say() {
    let way = &super::by_http::Http;
    run_values(way);
    run_pairs(way);
    run_changes(way);
}

fn run(way: &dyn Transport, kind: &str, count: u64, check: impl Fn(&Value) -> Checked) {
    let file = File::new("formats", include_str!("../../vectors/formats.json"));
    let is_of_kind = |vector: &Value| vector["kind"] == kind;
    file.run_where(way, &format!(", {kind}"), count, is_of_kind, check);
}

fn run_values(way: &dyn Transport) {
    run(way, "value", 34, |vector| {
        check_created(
            way,
            vector,
            &json!({ text(vector, "field"): vector["value"] }),
        )
    });
}

fn run_pairs(way: &dyn Transport) {
    run(way, "pair", 4, |vector| {
        let pair = ["disk_format", "container_format"];
        let pair = pair.map(|name| (name.to_owned(), vector[name].clone()));
        check_created(way, vector, &Value::Object(pair.into_iter().collect()))
    });
}

fn check_created(way: &dyn Transport, vector: &Value, request: &Value) -> Checked {
    let (face, body) = (way.face(&engine(settings(&Value::Null))), body(request));
    let created = face.ask(&Caller::project("p1"), Ask::Create(body.as_deref()));
    same(&json!(created.status), &vector["expect"])
}

fn run_changes(way: &dyn Transport) {
    run(way, "change", 14, |vector| {
        let engine = engine(settings(&Value::Null));
        let image = stored(
            &engine,
            &json!({ "status": vector["status"], "owner": "p1" }),
        );
        let field = text(vector, "field");
        let value = match field {
            "disk_format" => "qcow2",
            _ => "ova",
        };
        let patch = json!([{ "op": "replace", "path": format!("/{field}"), "value": value }]);
        let patch = patch.to_string();
        let ask = Ask::Patch(image.id(), Some(PATCH), patch.as_bytes());
        let done = way.face(&engine).ask(&Caller::project("p1"), ask);
        same(&json!(done.status), &vector["expect"])
    });
}
