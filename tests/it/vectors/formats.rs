//! Formats: the values that are legal, alone and together, when they change, and what becomes of
//! data that is or is not of them. What is recognised is tested in `tests/it/inspect/vectors.rs`.

use serde_json::{Value, json};
use smalti::inspect::{InspectRules, Inspector};
use smalti::{Caller, Settings};

use super::ask::{Ask, PATCH, Transport};
use super::by_calls::Calls;
use super::{Checked, File, body, engine, same, settings, stored, text};
use crate::inspect::vectors::data;

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

#[test]
fn data_is_held_against_its_format_as_the_vectors_say() {
    run_uploads(&Calls);
}

#[cfg(feature = "http")]
#[test]
fn data_is_held_against_its_format_through_http_as_the_vectors_say() {
    run_uploads(&super::by_http::Http);
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

/// All but one, whose formats no bytes have at once.
fn run_uploads(way: &dyn Transport) {
    let file = File::new("formats", include_str!("../../vectors/formats.json"));
    let has_data = |vector: &Value| vector["kind"] == "upload" && data(vector).is_some();
    file.run_where(way, ", upload", 45, has_data, |vector| {
        check_upload(way, vector)
    });
}

fn check_upload(way: &dyn Transport, vector: &Value) -> Checked {
    let data = data(vector).unwrap_or_default();
    let engine = engine(Settings {
        inspect: InspectRules {
            require_image_format_match: vector["require_image_format_match"] == true,
            ..InspectRules::default()
        },
        ..settings(&Value::Null)
    });
    let (face, caller) = (way.face(&engine), Caller::project("p1"));
    let new = json!({
        "disk_format": vector["disk_format"], "container_format": vector["container_format"],
    });
    let created = face.ask(&caller, Ask::Create(body(&new).as_deref()));
    let uploaded = face.ask(&caller, Ask::Upload(&created.id(), &data));
    let shown = face.ask(&caller, Ask::Show(&created.id())).document;
    let is_taken = uploaded.status == 204;
    let expected = match &vector["expect"]["virtual_size"] {
        Value::String(word) if word == "size" => json!(data.len()),
        Value::String(word) if word == "header" => json!(disk_len(&data)),
        other => other.clone(),
    };
    let expected = json!({
        "status": vector["expect"]["status"],
        "is": if is_taken { "active" } else { "queued" },
        "size": if is_taken { json!(data.len()) } else { Value::Null },
        "virtual_size": expected,
    });
    let found = json!({
        "status": uploaded.status,
        "is": shown["status"],
        "size": shown["size"],
        "virtual_size": shown["virtual_size"],
    });
    same(&found, &expected)
}

fn disk_len(data: &[u8]) -> Option<u64> {
    let mut inspector = Inspector::new();
    inspector.write(data);
    inspector.finish().finding()?.virtual_size()
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
