//! The operations that vectors of rights name, as one caller asks for them. For flows that the
//! engine has no calls for yet, its judge says what it would; a server answers that they are
//! switched off.

use std::cell::Cell;

use serde_json::{Value, json};
use smalti::policy::{Action, DefaultPolicy, Judge, Membership, Rules};
use smalti::{Caller, Engine, Error, ErrorCode, Image, ImageId, Result, Status};

use super::ask::{Answer, Ask, Face, PATCH, Transport};
use super::tally::{Tally, count};
use super::{body, engine_with_stores, operator, settings, stored};

const DATA: &[u8] = b"boot";

/// An image of a vector and a caller, under some rules.
pub(super) struct Scene<'a> {
    engine: Engine,
    face: Box<dyn Face + Send>,
    rules: &'a Rules,
    caller: &'a Caller,
    given: &'a Value,
    /// How many copies of the image were made.
    copies: Cell<u32>,
    tally: &'a Tally,
}

impl<'a> Scene<'a> {
    pub(super) fn new(
        way: &dyn Transport,
        rules: &'a Rules,
        caller: &'a Caller,
        given: &'a Value,
        tally: &'a Tally,
    ) -> Self {
        let settings = settings(&json!({ "show_multiple_locations": true }));
        let engine = engine_with_stores(settings);
        Self {
            face: way.face(&engine),
            engine,
            rules,
            caller,
            given,
            copies: Cell::default(),
            tally,
        }
    }

    /// Does an operation on a copy of the image of its own; returns the status of the answer. Where
    /// it is switched off, and the answer is the one that is due then, this is the status expected.
    pub(super) fn status(&self, operation: &str, argument: &Value, expected: &Value) -> Value {
        if let Some(answer) = self.call(operation, argument) {
            count(&self.tally.called);
            return json!(answer.status);
        }
        if let Some(answer) = self.answer_without_call(operation) {
            if IN_FULL.contains(&operation) {
                count(&self.tally.called);
                return json!(answer.status);
            }
            count(&self.tally.off);
            return match json!(answer.status) == due_when_off(operation, expected) {
                true => expected.clone(),
                false => json!(format!("{} where it is off", answer.status)),
            };
        }
        count(&self.tally.judged);
        let judged = self.judge(operation);
        json!(judged.unwrap_or_else(|error| error.http_status()))
    }

    /// Tells whether the list of a query holds the image, or why there is no list.
    pub(super) fn lists(&self, query: &str) -> Value {
        let image = self.copy();
        count(&self.tally.called);
        match self.ask(Ask::List(query)).done() {
            Ok(page) => {
                let images = page.document["images"].as_array().expect("a list").iter();
                let mut ids = images.map(|it| it["id"].as_str().expect("an id"));
                json!(ids.any(|id| id == image.id().to_string()))
            }
            Err(refusal) => refusal["status"].clone(),
        }
    }

    /// Returns the projects that the list of members holds.
    pub(super) fn member_rows(&self) -> Value {
        count(&self.tally.called);
        let id = *self.copy().id();
        match self.ask(Ask::Members(&id, "GET", None, None)).done() {
            Ok(list) => {
                let rows = list.document["members"].as_array().expect("a list").iter();
                rows.map(|row| row["member_id"].clone()).collect()
            }
            Err(refusal) => refusal["status"].clone(),
        }
    }

    fn ask(&self, ask: Ask<'_>) -> Answer {
        self.face.ask(self.caller, ask)
    }

    /// Stores one more copy of the image, with data where its status has some.
    fn copy(&self) -> Image {
        let has_data = ["active", "deactivated"].contains(&super::text(self.given, "status"));
        match has_data {
            true => self.copy_with_data(),
            false => self.copy_of(self.given.clone()),
        }
    }

    fn copy_of(&self, mut given: Value) -> Image {
        let number = self.copies.get() + 1;
        self.copies.set(number);
        given["id"] = json!(format!("00000000-0000-4000-8000-{number:012x}"));
        let image = stored(&self.engine, &given);
        self.engine.set_policy(self.rules.clone());
        image
    }

    fn copy_with_data(&self) -> Image {
        let mut queued = self.given.clone();
        queued["status"] = json!("queued");
        let id = *self.copy_of(queued).id();
        self.engine.set_policy(DefaultPolicy);
        let ask = |ask| self.engine.ask(&operator(), ask).status;
        assert_eq!(ask(Ask::Upload(&id, DATA)), 204);
        if self.given["status"] == "deactivated" {
            assert_eq!(ask(Ask::Deactivate(&id)), 204);
        }
        let image = self.engine.images(&operator()).show(&id).expect("shown");
        self.engine.set_policy(self.rules.clone());
        image
    }

    /// Stores a copy that has two locations.
    fn copy_with_locations(&self) -> Image {
        let mut given = self.given.clone();
        let place = |url| json!({ "url": url, "metadata": {} });
        given["locations"] = json!([place("http://a/1"), place("http://a/2")]);
        self.copy_of(given)
    }

    /// Asks for an operation, if engines have calls for it.
    fn call(&self, operation: &str, argument: &Value) -> Option<Answer> {
        self.engine.set_policy(self.rules.clone());
        if let Some(change) = operation.strip_prefix("patch_") {
            let image = match change.starts_with("locations") {
                true => self.copy_with_locations(),
                false => self.copy(),
            };
            let patch = patch_of(change).to_string();
            return Some(self.ask(Ask::Patch(image.id(), Some(PATCH), patch.as_bytes())));
        }
        if operation.starts_with("member_") {
            return Some(self.call_members(operation, argument.as_str()));
        }
        let id = || *self.copy().id();
        Some(match operation {
            "create" => self.ask(Ask::Create(body(argument).as_deref())),
            "list" => self.ask(Ask::List("")),
            "show" => self.ask(Ask::Show(&id())),
            "download" => self.download(&id()),
            "put_tag" => self.ask(Ask::Tag(&id(), "PUT", "x", b"")),
            "delete" => self.ask(Ask::Delete(&id())),
            "upload" => self.ask(Ask::Upload(&id(), DATA)),
            "stage" => self.ask(Ask::Stage(&id(), DATA)),
            "import_web" => {
                let method = json!({ "name": "web-download", "uri": "http://a/9" });
                self.import(&id(), &json!({ "method": method }))
            }
            "copy_image" => {
                let body = json!({ "method": { "name": "copy-image" }, "stores": ["slow"] });
                self.import(&id(), &body)
            }
            "image_tasks" => self.ask(Ask::Tasks(&id())),
            "download_prefer" => self.ask(Ask::DownloadFrom(&id(), "fast")),
            "store_delete" => self.ask(Ask::DeleteCopy(&self.copy_in_two_stores(), "fast")),
            "deactivate" => self.ask(Ask::Deactivate(&id())),
            "reactivate" => self.ask(Ask::Reactivate(&id())),
            _ => return None,
        })
    }

    fn import(&self, id: &ImageId, body: &Value) -> Answer {
        self.ask(Ask::Import(id, None, body.to_string().as_bytes()))
    }

    /// Stores a copy whose data, if it has some, is in two stores.
    fn copy_in_two_stores(&self) -> ImageId {
        let image = self.copy();
        if image.status() == Status::Active {
            self.engine.set_policy(DefaultPolicy);
            super::copy_to(&self.engine, image.id(), "slow");
            self.engine.set_policy(self.rules.clone());
        }
        *image.id()
    }

    fn download(&self, id: &ImageId) -> Answer {
        let answer = self.ask(Ask::Download(id));
        assert!(answer.status != 200 || answer.data == DATA);
        answer
    }

    fn call_members(&self, operation: &str, project: Option<&str>) -> Answer {
        let id = *self.copy().id();
        let (method, member, body) = match operation {
            "member_list" => ("GET", None, None),
            "member_add" => ("POST", None, Some(json!({ "member": project }))),
            "member_show" => ("GET", project, None),
            "member_accept" => ("PUT", project, Some(json!({ "status": "accepted" }))),
            "member_delete" => ("DELETE", project, None),
            other => panic!("no call {other:?}"),
        };
        let body = body.map(|body| body.to_string().into_bytes());
        self.ask(Ask::Members(&id, method, member, body.as_deref()))
    }

    /// Asks for an operation that engines have no calls for, if there is a route to it.
    fn answer_without_call(&self, operation: &str) -> Option<Answer> {
        if !self.face.has_routes() {
            return None;
        }
        let id = match self.given.is_null() {
            true => ImageId::from_bytes([7; 16]),
            false => *self.copy().id(),
        };
        Some(self.face.ask_by_route(self.caller, operation, &id))
    }

    /// Says what the judge says of an operation that has no call; statuses of images are tested
    /// where the specification says so.
    fn judge(&self, operation: &str) -> Result<u16> {
        let judge = Judge::new(self.rules, self.caller);
        let global = |action| judge.check_global(action);
        match operation {
            "cache_list" => return global(Action::CacheList).map(|()| 200),
            "cache_clear" => return global(Action::CacheClear).map(|()| 204),
            "tasks_list" => return global(Action::Tasks).map(|()| 200),
            "stores_detail" => return global(Action::StoresDetail).map(|()| 200),
            _ => {}
        }
        let image = self.copy();
        let membership = self.membership();
        let check = |action| judge.check(action, &image, membership);
        let is = |status| match image.status() == status {
            true => Ok(()),
            false => Err(Error::new(ErrorCode::InvalidState, "of another status")),
        };
        let after = |action, status| judge.check_after(action, &image, membership, || is(status));
        match operation {
            "locations_get" => check(Action::LocationsGet).map(|()| 200),
            "locations_post" => after(Action::LocationAdd, Status::Queued).map(|()| 202),
            "cache_put" => {
                let found = Some((&image, membership));
                judge
                    .check_cached(Action::CachePut, image.id(), found)
                    .map(|()| 202)
            }
            other => panic!("no operation {other}"),
        }
    }

    fn membership(&self) -> Membership {
        let project = self.caller.project_id();
        let entry = project.and_then(|project| self.given["members"].get(project.as_str()));
        match entry {
            Some(_) => Membership::Member,
            None => Membership::Stranger,
        }
    }
}

/// What is answered in full by routes.
const IN_FULL: [&str; 3] = ["locations_get", "stores_detail", "tasks_list"];

/// Returns the status that is due where an operation is switched off.
fn due_when_off(operation: &str, expected: &Value) -> Value {
    match (operation, expected.as_u64().expect("a status")) {
        // There is no store that takes locations.
        ("locations_post", 202) => json!(403),
        ("cache_list" | "cache_clear" | "cache_put", 200..300) => json!(404),
        _ => expected.clone(),
    }
}

fn patch_of(change: &str) -> Value {
    let replace = |name, value| json!({ "op": "replace", "path": name, "value": value });
    json!(match change {
        "empty" => vec![],
        "name" => vec![replace("/name", "x")],
        "owner" => vec![replace("/owner", "p7")],
        "public" | "community" | "private" => vec![replace("/visibility", change)],
        "locations_add" => {
            let place = json!({ "url": "http://a/3", "metadata": {} });
            vec![json!({ "op": "add", "path": "/locations/-", "value": place })]
        }
        "locations_remove" => vec![json!({ "op": "remove", "path": "/locations/0" })],
        other => panic!("no patch {other}"),
    })
}
