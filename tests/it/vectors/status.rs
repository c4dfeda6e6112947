//! The status machine: status and trigger to status and answer, as far as there are calls. Staging,
//! imports and calls on single copies are left to the tests of the moves, beside their table.

use std::io::Write;
use std::sync::Arc;

use serde_json::{Value, json};
use smalti::disk::sim::{Choices, SimDisk};
use smalti::engine::Builder;
use smalti::{Caller, Status};

use super::ask::{Ask, Transport};
use super::by_calls::Calls;
use super::stage::{Stage, Told, actor, told};
use super::{Checked, File, engine, settings, text};

/// What is asked for, and what happens within, besides patches and a crash.
const TRIGGERS: [&str; 11] = [
    "create",
    "upload_begin",
    "upload_complete",
    "upload_error",
    "client_disconnect",
    "delete",
    "deactivate",
    "reactivate",
    "deactivate concurrent with delete",
    "scrub",
    "restore",
];
/// How many vectors have a trigger that the engine has a call for.
const CALLED: u64 = 51;
/// How many of these are of the engine alone: a crash, and tools of the operator.
#[cfg(feature = "http")]
const WITHIN: u64 = 4;

#[test]
fn images_move_as_the_vectors_of_calls_say() {
    let file = File::new("status", include_str!("../../vectors/status.json"));
    file.run_where(&Calls, ", calls", CALLED, has_call, |vector| {
        check(&Calls, vector)
    });
    let rest = file.part("count").as_u64().expect("a count") - CALLED;
    println!("status.json: {rest} vectors of flows without calls are run beside the moves");
}

#[cfg(feature = "http")]
#[test]
fn images_move_through_http_as_the_vectors_of_requests_say() {
    let way = &super::by_http::Http;
    let file = File::new("status", include_str!("../../vectors/status.json"));
    let is_request = |vector: &Value| has_call(vector) && !is_within(vector);
    file.run_where(way, ", requests", CALLED - WITHIN, is_request, |vector| {
        check(way, vector)
    });
}

#[cfg(feature = "http")]
fn is_within(vector: &Value) -> bool {
    ["scrub", "restore", "engine_reopen"].contains(&text(vector, "trigger"))
}

fn has_call(vector: &Value) -> bool {
    let trigger = text(vector, "trigger");
    let is_crash = trigger == "engine_reopen" && vector["from"] == "saving";
    TRIGGERS.contains(&trigger) || trigger.starts_with("patch ") || is_crash
}

fn check(way: &dyn Transport, vector: &Value) -> Checked {
    let expect = &vector["expect"];
    let trigger = text(vector, "trigger");
    let (stage, answer) = match (vector["from"].as_str(), trigger) {
        (None, _) => create(way, vector),
        (Some("saving"), "engine_reopen") => reopen(way),
        (Some("saving"), _) if !["delete", "deactivate", "reactivate"].contains(&trigger) => {
            let stage = Stage::new(way, vector, "queued");
            let answer = stage.while_saving(trigger);
            (stage, answer)
        }
        (Some(from), _) => {
            let stage = Stage::new(way, vector, from);
            let answer = stage.run(trigger);
            (stage, answer)
        }
    };
    let mut found = answer.unwrap_or_else(|refusal| refusal);
    found["to"] = json!(match (trigger, found["error"].as_str()) {
        // Looked at while the upload ran.
        ("upload_begin", None) => "saving".to_owned(),
        _ => stage.status().to_string(),
    });
    if expect["status"].is_null() {
        // An event inside has no answer.
        found.as_object_mut().expect("an object").remove("status");
    }
    super::same(&found, expect)
}

fn create<'a>(way: &'a dyn Transport, vector: &Value) -> (Stage<'a>, Told) {
    let (engine, caller) = (engine(settings(&Value::Null)), actor(vector));
    let answer = way.face(&engine).ask(&caller, Ask::Create(Some(b"{}")));
    let id = answer.id();
    let stage = Stage::of(way, engine, caller, id);
    (stage, told(answer))
}

/// Loses power while an upload runs, and opens what is left.
fn reopen(way: &dyn Transport) -> (Stage<'_>, Told) {
    let disk = SimDisk::new();
    let settings = settings(&Value::Null);
    let open = |disk: SimDisk| {
        let builder = Builder::on_disk(Arc::new(disk)).settings(settings.clone());
        builder.open().expect("open")
    };
    let engine = open(disk.clone());
    let caller = Caller::project("p1");
    let images = engine.images(&caller);
    let image = images.create(crate::support::new_image()).expect("create");
    let mut upload = images.upload(image.id()).expect("begin");
    upload.write_all(b"boot").expect("write");
    let saving = images.show(image.id()).expect("shown").status();
    assert_eq!(saving, Status::Saving);
    let left = disk.crash_image(disk.op_count(), &mut Choices::all_unsynced());
    let (engine, id) = (open(left), *image.id());
    let stage = Stage::of(way, engine, caller, id);
    (stage, Ok(json!({ "status": 0 })))
}
