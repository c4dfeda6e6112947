//! Formats: the values that are legal, alone and together, and when they change. What inspects data
//! waits for a call that does.

use serde_json::{Value, json};
use smalti::image::Patch;
use smalti::patch::Dialect;
use smalti::{Caller, Result};

use super::create::create;
use super::{Checked, File, engine, same, settings, stored, text};

fn run(kind: &str, count: u64, check: impl Fn(&Value) -> Checked) {
    let file = File::new("formats", include_str!("../../vectors/formats.json"));
    let is_of_kind = |vector: &Value| vector["kind"] == kind;
    file.run_where(&format!(", {kind}"), count, is_of_kind, check);
}

fn answer<T>(done: u16, result: Result<T>) -> Value {
    json!(result.map_or_else(|error| error.http_status(), |_| done))
}

fn check_created(vector: &Value, request: &Value) -> Checked {
    let engine = engine(settings(&Value::Null));
    let created = create(&engine, &Caller::project("p1"), request);
    same(&answer(201, created), &vector["expect"])
}

#[test]
fn formats_are_taken_as_the_vectors_say() {
    run("value", 34, |vector| {
        check_created(vector, &json!({ text(vector, "field"): vector["value"] }))
    });
}

#[test]
fn pairs_of_formats_are_taken_as_the_vectors_say() {
    run("pair", 4, |vector| {
        let pair = ["disk_format", "container_format"];
        let pair = pair.map(|name| (name.to_owned(), vector[name].clone()));
        check_created(vector, &Value::Object(pair.into_iter().collect()))
    });
}

#[test]
fn formats_change_as_the_vectors_say() {
    run("change", 14, |vector| {
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
        let patch = Patch::parse(Dialect::V2_1, patch.as_bytes(), &engine.settings().limits);
        let images = engine.images(&Caller::project("p1"));
        let done = images.update(image.id(), &patch.expect("a patch"));
        same(&answer(200, done), &vector["expect"])
    });
}
