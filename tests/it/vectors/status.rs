//! The status machine: status and trigger to status and answer, as far as there are calls. Staging,
//! imports and calls on single copies are left to the tests of the moves, beside their table.

use std::io::{self, Read, Write};
use std::sync::Arc;

use serde_json::{Value, json};
use smalti::disk::sim::{Choices, SimDisk};
use smalti::engine::Builder;
use smalti::image::Patch;
use smalti::patch::Dialect;
use smalti::{Caller, Engine, Error, ImageId, NewImage, Result, Settings, Status};

use super::{Checked, File, engine, operator, refused, settings, stored, text};

/// How many vectors have a trigger that the engine has a call for.
const CALLED: u64 = 51;

#[test]
fn images_move_as_the_vectors_of_calls_say() {
    let file = File::new("status", include_str!("../../vectors/status.json"));
    file.run_where(", calls", CALLED, has_call, check);
    let rest = file.part("count").as_u64().expect("a count") - CALLED;
    println!("status.json: {rest} vectors of flows without calls are run beside the moves");
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
struct Stage {
    engine: Engine,
    caller: Caller,
    id: ImageId,
}

fn check(vector: &Value) -> Checked {
    let expect = &vector["expect"];
    let trigger = text(vector, "trigger");
    let (stage, answer) = match (vector["from"].as_str(), trigger) {
        (None, _) => create(vector),
        (Some("saving"), "engine_reopen") => reopen(),
        (Some("saving"), _) if !["delete", "deactivate", "reactivate"].contains(&trigger) => {
            let stage = Stage::new(vector, "queued");
            let answer = stage.while_saving(trigger);
            (stage, answer)
        }
        (Some(from), _) => {
            let stage = Stage::new(vector, from);
            let answer = stage.run(trigger);
            (stage, answer)
        }
    };
    let mut found = answer.unwrap_or_else(|error| refused(&error));
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

fn create(vector: &Value) -> (Stage, Result<Value>) {
    let (engine, caller) = (engine(settings(&Value::Null)), actor(vector));
    let image = engine
        .images(&caller)
        .create(NewImage::default())
        .expect("create");
    let id = *image.id();
    let stage = Stage { engine, caller, id };
    (stage, Ok(json!({ "status": 201 })))
}

/// Loses power while an upload runs, and opens what is left.
fn reopen() -> (Stage, Result<Value>) {
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
    (Stage { engine, caller, id }, Ok(json!({ "status": 0 })))
}

fn actor(vector: &Value) -> Caller {
    match text(vector, "actor") {
        "owner-member" | "engine" => Caller::project("p1"),
        "admin" => operator(),
        other => panic!("no actor {other}"),
    }
}

impl Stage {
    fn new(vector: &Value, from: &str) -> Self {
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
        Self { engine, caller, id }
    }

    fn run(&self, trigger: &str) -> Result<Value> {
        let (images, id) = (self.engine.images(&self.caller), &self.id);
        let done = match trigger {
            "upload_begin" => {
                let _upload = images.upload(id)?;
                assert_eq!(self.status(), Status::Saving);
                0
            }
            "delete" => images.delete(id).map(|()| 204)?,
            "deactivate" => images.deactivate(id).map(|()| 204)?,
            "reactivate" => images.reactivate(id).map(|()| 204)?,
            "deactivate concurrent with delete" => self.race(),
            "scrub" => {
                assert_eq!(self.engine.scrub()?, 1);
                0
            }
            "restore" => self.engine.restore(id).map(|_| 0)?,
            trigger => self.patch(trigger).map(|()| 200)?,
        };
        Ok(json!({ "status": done }))
    }

    /// Deactivates and deletes at once: whoever comes second may find nothing, and no other fault.
    fn race(&self) -> u16 {
        let images = self.engine.images(&self.caller);
        std::thread::scope(|scope| {
            let deleted = scope.spawn(|| images.delete(&self.id));
            let deactivated = images.deactivate(&self.id);
            deleted.join().expect("no panic").expect("deleted");
            match deactivated {
                Ok(()) => 204,
                Err(error) => error.http_status(),
            }
        });
        204
    }

    /// Begins an upload to an image that is queued, and does something then.
    fn while_saving(&self, trigger: &str) -> Result<Value> {
        let images = self.engine.images(&self.caller);
        let mut upload = images.upload(&self.id)?;
        assert_eq!(self.status(), Status::Saving);
        upload.write_all(b"bo").expect("written");
        match trigger {
            "upload_begin" => {
                let refused = images.upload(&self.id).map(drop);
                assert_eq!(self.status(), Status::Saving);
                // Its end would be seen instead.
                std::mem::forget(upload);
                refused?;
            }
            "upload_complete" => drop(upload.finish()?),
            "upload_error" => {
                upload.read_from(&mut Failing).expect_err("it fails");
                drop(upload);
            }
            "client_disconnect" => drop(upload),
            "patch /name while upload completes" => {
                images.update(&self.id, &Patch::new().set_name("x"))?;
                let image = upload.finish()?;
                assert_eq!((image.name(), image.size()), (Some("x"), Some(2)));
            }
            other => panic!("no trigger {other}"),
        }
        Ok(json!({ "status": 204 }))
    }

    fn patch(&self, trigger: &str) -> Result<()> {
        let operation = match trigger {
            "patch /status" => json!({ "op": "replace", "path": "/status", "value": "active" }),
            "patch add /locations" => {
                let place = json!({ "url": "http://a/1", "metadata": {} });
                json!({ "op": "add", "path": "/locations/-", "value": place })
            }
            "patch remove last location" => json!({ "op": "remove", "path": "/locations/0" }),
            other => panic!("no trigger {other}"),
        };
        let (body, limits) = (
            json!([operation]).to_string(),
            &self.engine.settings().limits,
        );
        let patch = Patch::parse(Dialect::V2_1, body.as_bytes(), limits)?;
        self.engine
            .images(&self.caller)
            .update(&self.id, &patch)
            .map(drop)
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

/// A source that breaks.
struct Failing;

impl Read for Failing {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::Error::other("the line is dead"))
    }
}
