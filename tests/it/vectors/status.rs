//! The status machine: status and trigger to status and answer, as far as there are calls. Staging,
//! imports and calls on single copies are left to the tests of the moves, beside their table.

use std::cell::Cell;
use std::io::Write;
use std::sync::Arc;

use serde_json::{Value, json};
use smalti::disk::sim::{Choices, SimDisk};
use smalti::engine::Builder;
use smalti::{Caller, Engine, Error, ImageId, Settings, Status};

use super::ask::{Answer, Ask, Face, PATCH, Running, Transport};
use super::by_calls::Calls;
use super::{Checked, File, engine, operator, settings, stored, text};
use crate::support::eventually;

/// How many vectors have a trigger that the engine has a call for.
const CALLED: u64 = 51;
/// How many of these are of the engine alone: a crash, and tools of the operator.
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

fn is_within(vector: &Value) -> bool {
    ["scrub", "restore", "engine_reopen"].contains(&text(vector, "trigger"))
}

fn has_call(vector: &Value) -> bool {
    let triggers = [
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
    let trigger = text(vector, "trigger");
    let is_crash = trigger == "engine_reopen" && vector["from"] == "saving";
    triggers.contains(&trigger) || trigger.starts_with("patch ") || is_crash
}

/// An engine with the image that a vector begins with.
struct Stage<'a> {
    way: &'a dyn Transport,
    engine: Engine,
    caller: Caller,
    id: ImageId,
    /// An upload that runs until the end was looked at, and its way.
    running: Cell<Option<(Box<dyn Running>, Box<dyn Face + Send>)>>,
}

/// What an answer says that vectors look at.
type Told = Result<Value, Value>;

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

fn actor(vector: &Value) -> Caller {
    match text(vector, "actor") {
        "owner-member" | "engine" => Caller::project("p1"),
        "admin" => operator(),
        other => panic!("no actor {other}"),
    }
}

fn told(answer: Answer) -> Told {
    answer.done().map(|it| json!({ "status": it.status }))
}

impl<'a> Stage<'a> {
    fn new(way: &'a dyn Transport, vector: &Value, from: &str) -> Self {
        let condition = vector["condition"].as_str().unwrap_or_default();
        let mut options = settings(&json!({ "show_multiple_locations": true }));
        options.delayed_delete = condition == "delayed_delete=true";
        let engine = engine(Settings { ..options });
        let has_data = ["active", "deactivated", "pending_delete"].contains(&from);
        let place = json!({ "url": "http://a/0", "metadata": {} });
        let mut given = json!({
            "status": from, "owner": "p1", "protected": condition == "protected=true",
            "locations": if has_data { json!([place]) } else { json!([]) },
        });
        if condition == "disk_format or container_format is null" {
            given["disk_format"] = Value::Null;
        }
        if from == "deleted" {
            given["status"] = json!("queued");
        }
        let id = *stored(&engine, &given).id();
        let caller = actor(vector);
        if from == "deleted" {
            engine.images(&caller).delete(&id).expect("deleted");
        }
        Self::of(way, engine, caller, id)
    }

    fn of(way: &'a dyn Transport, engine: Engine, caller: Caller, id: ImageId) -> Self {
        Self {
            way,
            engine,
            caller,
            id,
            running: Cell::default(),
        }
    }

    fn ask(&self, ask: Ask<'_>) -> Answer {
        self.way.face(&self.engine).ask(&self.caller, ask)
    }

    fn run(&self, trigger: &str) -> Told {
        let (id, within) = (&self.id, |done: smalti::Result<()>| match done {
            Ok(()) => Answer::new(0),
            Err(error) => error.into(),
        });
        told(match trigger {
            "upload_begin" => self.begin(),
            "delete" => self.ask(Ask::Delete(id)),
            "deactivate" => self.ask(Ask::Deactivate(id)),
            "reactivate" => self.ask(Ask::Reactivate(id)),
            "deactivate concurrent with delete" => self.race(),
            "scrub" => {
                assert_eq!(self.engine.scrub().expect("scrubbed"), 1);
                Answer::new(0)
            }
            "restore" => within(self.engine.restore(id).map(drop)),
            trigger => self.patch(trigger),
        })
    }

    /// Begins an upload: one that is let in is seen, and dropped.
    fn begin(&self) -> Answer {
        let image = self.engine.images(&self.caller).show(&self.id);
        let image = image.expect("it is there");
        if image.status() != Status::Queued || image.disk_format().is_none() {
            return self.ask(Ask::Upload(&self.id, b"bo"));
        }
        let face = self.way.face(&self.engine);
        let upload = face.begin(&self.caller, &self.id);
        assert_eq!(self.status(), Status::Saving);
        drop(upload);
        Answer::new(0)
    }

    /// Deactivates and deletes at once: whoever comes second may find nothing, and no other fault.
    fn race(&self) -> Answer {
        let (face, caller, id) = (self.way.face(&self.engine), &self.caller, &self.id);
        std::thread::scope(|scope| {
            let deleted = scope.spawn(move || face.ask(caller, Ask::Delete(id)));
            let deactivated = self.ask(Ask::Deactivate(&self.id)).status;
            let deleted = deleted.join().expect("no panic");
            assert!([204, 404].contains(&deactivated), "{deactivated}");
            deleted
        })
    }

    /// Begins an upload to an image that is queued, and does something then.
    fn while_saving(&self, trigger: &str) -> Told {
        let face = self.way.face(&self.engine);
        let mut upload = face.begin(&self.caller, &self.id);
        assert_eq!(self.status(), Status::Saving);
        upload.write(b"bo");
        let answer = match trigger {
            "upload_begin" => {
                let refused = self.ask(Ask::Upload(&self.id, b"bo"));
                assert_eq!(self.status(), Status::Saving);
                // Its end would be seen instead.
                self.running.set(Some((upload, face)));
                refused
            }
            "upload_complete" => upload.finish(),
            "upload_error" => {
                assert_eq!(upload.fail().status, 400);
                Answer::new(0)
            }
            "client_disconnect" => {
                drop(upload);
                // What ends with a connection ends soon after it.
                eventually("queued", || self.status() == Status::Queued);
                Answer::new(0)
            }
            "patch /name while upload completes" => {
                let body = json!([{ "op": "replace", "path": "/name", "value": "x" }]).to_string();
                let ask = Ask::Patch(&self.id, Some(PATCH), body.as_bytes());
                assert_eq!(self.ask(ask).status, 200);
                let finished = upload.finish();
                let document = self.ask(Ask::Show(&self.id)).document;
                assert_eq!(
                    (&document["name"], &document["size"]),
                    (&json!("x"), &json!(2))
                );
                finished
            }
            other => panic!("no trigger {other}"),
        };
        told(answer)
    }

    fn patch(&self, trigger: &str) -> Answer {
        let operation = match trigger {
            "patch /status" => json!({ "op": "replace", "path": "/status", "value": "active" }),
            "patch add /locations" => {
                let place = json!({ "url": "http://a/1", "metadata": {} });
                json!({ "op": "add", "path": "/locations/-", "value": place })
            }
            "patch remove last location" => json!({ "op": "remove", "path": "/locations/0" }),
            other => panic!("no trigger {other}"),
        };
        let body = json!([operation]).to_string();
        self.ask(Ask::Patch(&self.id, Some(PATCH), body.as_bytes()))
    }

    /// Returns the status of the image. What is invisible is told apart by whether it comes back.
    fn status(&self) -> Status {
        let gone = |error: &Error| error.http_status() == 404;
        match self.engine.images(&operator()).show(&self.id) {
            Ok(image) => image.status(),
            Err(error) if gone(&error) => match self.engine.restore(&self.id) {
                Ok(_) => Status::PendingDelete,
                Err(error) if gone(&error) => Status::Deleted,
                Err(error) => panic!("{error}"),
            },
            Err(error) => panic!("{error}"),
        }
    }
}
