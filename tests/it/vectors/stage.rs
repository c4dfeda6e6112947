//! The stage of vectors of statuses: an engine with an image, and what happens to it on some way.

use std::cell::Cell;

use serde_json::{Value, json};
use smalti::{Caller, Engine, Error, ImageId, Settings, Status};

use super::ask::{Answer, Ask, Face, PATCH, Running, Transport};
use super::{engine, operator, settings, stored, text};
use crate::support::eventually;

/// An engine with the image that a vector begins with.
pub(super) struct Stage<'a> {
    way: &'a dyn Transport,
    engine: Engine,
    caller: Caller,
    id: ImageId,
    /// An upload that runs until the end was looked at, and its way.
    running: Cell<Option<(Box<dyn Running>, Box<dyn Face + Send>)>>,
}

/// What an answer says that vectors look at.
pub(super) type Told = Result<Value, Value>;

pub(super) fn actor(vector: &Value) -> Caller {
    match text(vector, "actor") {
        "owner-member" | "engine" => Caller::project("p1"),
        "admin" => operator(),
        other => panic!("no actor {other}"),
    }
}

pub(super) fn told(answer: Answer) -> Told {
    answer.done().map(|it| json!({ "status": it.status }))
}

impl<'a> Stage<'a> {
    pub(super) fn new(way: &'a dyn Transport, vector: &Value, from: &str) -> Self {
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

    pub(super) fn of(way: &'a dyn Transport, engine: Engine, caller: Caller, id: ImageId) -> Self {
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

    pub(super) fn run(&self, trigger: &str) -> Told {
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
    pub(super) fn while_saving(&self, trigger: &str) -> Told {
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
    pub(super) fn status(&self) -> Status {
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
