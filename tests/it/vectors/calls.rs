//! The operations that vectors of rights name, as one caller makes them: calls of the engine, and
//! for flows that it has no calls for yet, what its judge says.

use std::cell::Cell;
use std::io::Write;

use serde_json::{Value, json};
use smalti::image::{MemberStatus, Patch};
use smalti::policy::{Action, DefaultPolicy, Judge, Membership, Rules};
use smalti::query::ListQuery;
use smalti::{Caller, Engine, Error, ErrorCode, Image, Images, Result, Status, Visibility};

use super::create::create;
use super::{engine, operator, project, settings, stored};

const DATA: &[u8] = b"boot";

/// An image of a vector and a caller, under some rules.
pub(super) struct Scene<'a> {
    engine: Engine,
    rules: &'a Rules,
    caller: &'a Caller,
    given: &'a Value,
    /// How many copies of the image were made.
    copies: Cell<u32>,
    /// How many operations were calls of the engine, and how many only were judged.
    pub(super) called: Cell<u64>,
    pub(super) judged: Cell<u64>,
}

/// An operation is not one that the engine has a call for.
struct NoCall;

impl<'a> Scene<'a> {
    pub(super) fn new(rules: &'a Rules, caller: &'a Caller, given: &'a Value) -> Self {
        Self {
            engine: engine(settings(&json!({ "show_multiple_locations": true }))),
            rules,
            caller,
            given,
            copies: Cell::default(),
            called: Cell::default(),
            judged: Cell::default(),
        }
    }

    /// Does an operation on a copy of the image of its own; returns the status of the answer.
    pub(super) fn status(&self, operation: &str, argument: &Value) -> u16 {
        let done = match self.call(operation, argument) {
            Ok(done) => {
                self.called.set(self.called.get() + 1);
                done
            }
            Err(NoCall) => {
                self.judged.set(self.judged.get() + 1);
                self.judge(operation)
            }
        };
        done.unwrap_or_else(|error| error.http_status())
    }

    /// Tells whether the list of a query holds the image, or why there is no list.
    pub(super) fn lists(&self, query: &str) -> Value {
        let image = self.copy();
        self.called.set(self.called.get() + 1);
        let query: ListQuery = query.parse().expect("a query");
        match self.images().list(&query) {
            Ok(page) => json!(page.images().iter().any(|it| it.id() == image.id())),
            Err(error) => json!(error.http_status()),
        }
    }

    /// Returns the projects that the list of members holds.
    pub(super) fn member_rows(&self) -> Value {
        self.called.set(self.called.get() + 1);
        let members = self.images().members(self.copy().id());
        match members.list() {
            Ok(rows) => json!(
                rows.iter()
                    .map(|row| row.member_id().as_str())
                    .collect::<Vec<_>>()
            ),
            Err(error) => json!(error.http_status()),
        }
    }

    fn images(&self) -> Images {
        self.engine.images(self.caller)
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
        let images = self.engine.images(&operator());
        upload(&images, &id).expect("data");
        if self.given["status"] == "deactivated" {
            images.deactivate(&id).expect("deactivated");
        }
        let image = images.show(&id).expect("shown");
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

    fn call(&self, operation: &str, argument: &Value) -> Result<Result<u16>, NoCall> {
        let images = self.images();
        if operation == "create" {
            self.engine.set_policy(self.rules.clone());
            return Ok(create(&self.engine, self.caller, argument).map(|_| 201));
        }
        if operation == "list" {
            self.engine.set_policy(self.rules.clone());
            return Ok(images.list(&ListQuery::new()).map(|_| 200));
        }
        if let Some(patch) = patch_of(operation) {
            let image = match operation.starts_with("patch_locations") {
                true => self.copy_with_locations(),
                false => self.copy(),
            };
            return Ok(images.update(image.id(), &patch).map(|_| 200));
        }
        if let Some(done) = self.call_members(operation, argument) {
            return Ok(done);
        }
        if ![
            "show",
            "download",
            "put_tag",
            "delete",
            "upload",
            "deactivate",
            "reactivate",
        ]
        .contains(&operation)
        {
            return Err(NoCall);
        }
        let id = *self.copy().id();
        Ok(match operation {
            "show" => images.show(&id).map(|_| 200),
            "download" => download(&images, &id),
            "put_tag" => images.tags(&id).add("x").map(|()| 204),
            "delete" => images.delete(&id).map(|()| 204),
            "upload" => upload(&images, &id).map(|()| 204),
            "deactivate" => images.deactivate(&id).map(|()| 204),
            _ => images.reactivate(&id).map(|()| 204),
        })
    }

    fn call_members(&self, operation: &str, argument: &Value) -> Option<Result<u16>> {
        if !operation.starts_with("member_") {
            return None;
        }
        let members = self.images().members(self.copy().id());
        let project = argument.as_str().map(project);
        Some(match (operation, project) {
            ("member_list", None) => members.list().map(|_| 200),
            ("member_add", Some(project)) => members.add(&project).map(|_| 200),
            ("member_show", Some(project)) => members.show(&project).map(|_| 200),
            ("member_accept", Some(project)) => {
                let done = members.set_status(&project, MemberStatus::Accepted);
                done.map(|_| 200)
            }
            ("member_delete", Some(project)) => members.remove(&project).map(|()| 204),
            other => panic!("no call {other:?}"),
        })
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
            "image_tasks" => check(Action::ImageTasks).map(|()| 200),
            "download_prefer" => check(Action::DownloadFromStore).map(|()| 200),
            "locations_get" => check(Action::LocationsGet).map(|()| 200),
            "stage" => check(Action::Stage).and(is(Status::Queued)).map(|()| 204),
            "import_web" => check(Action::Import).and(is(Status::Queued)).map(|()| 202),
            "store_delete" => check(Action::StoreDelete)
                .and(is(Status::Active))
                .map(|()| 204),
            "copy_image" => after(Action::CopyImage, Status::Active).map(|()| 202),
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

fn patch_of(operation: &str) -> Option<Patch> {
    let patch = Patch::new();
    Some(match operation.strip_prefix("patch_")? {
        "empty" => patch,
        "name" => patch.set_name("x"),
        "owner" => patch.set_owner("p7"),
        "public" => patch.set_visibility(Visibility::Public),
        "community" => patch.set_visibility(Visibility::Community),
        "private" => patch.set_visibility(Visibility::Private),
        "locations_add" => patch.add_location("http://a/3"),
        "locations_remove" => patch.remove_location(0),
        other => panic!("no patch {other}"),
    })
}

fn upload(images: &Images, id: &smalti::ImageId) -> Result<()> {
    let mut upload = images.upload(id)?;
    upload.write_all(DATA).expect("written");
    let image = upload.finish()?;
    assert_eq!(image.size(), Some(DATA.len() as u64));
    Ok(())
}

fn download(images: &Images, id: &smalti::ImageId) -> Result<u16> {
    let Some(reader) = images.open(id)? else {
        return Ok(204);
    };
    let slices: Result<Vec<_>> = reader.slices(..)?.collect();
    assert_eq!(slices?.concat(), DATA);
    Ok(200)
}
