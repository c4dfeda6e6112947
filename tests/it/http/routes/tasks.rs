//! Outcomes of tasks.

use serde_json::Value;

use super::case::{Case, bad, good};
use super::world::{World, admin, owner};
use crate::http::request::Request;

const OF_IMAGE: &str = "GET /v2/images/{image_id}/tasks";
const LIST: &str = "GET /v2/tasks";
const SHOW: &str = "GET /v2/tasks/{task_id}";
const CREATE: &str = "POST /v2/tasks";
const DELETE: &str = "DELETE /v2/tasks/{task_id}";
/// A task that nobody has made.
const NONE: &str = "/v2/tasks/00000000-0000-4000-8000-000000000001";

pub(super) fn cases(world: &World) -> Vec<Case> {
    [lists(world), refused_lists(), tasks(world)].concat()
}

fn get(path: &str) -> Request {
    Request::new("GET", path).by(&admin())
}

fn by_owner(method: &str, path: &str) -> Request {
    Request::new(method, path).by(&owner())
}

fn lists(world: &World) -> Vec<Case> {
    let of_image = |path: &str| format!("{path}/tasks");
    let (none, copied) = (world.queued(&Value::Null), of_image(&world.copied()));
    let list = |outcome, query: &str| {
        let case = good(LIST, outcome, get(&format!("/v2/tasks{query}")), 200);
        case.shows("tasks").shows("first").shows("schema")
    };
    vec![
        good(OF_IMAGE, "none", by_owner("GET", &of_image(&none)), 200).body("{\"tasks\":[]}"),
        // The task is that of an administrator of another project.
        good(OF_IMAGE, "none of its own", by_owner("GET", &copied), 200).body("{\"tasks\":[]}"),
        good(OF_IMAGE, "all", get(&copied), 200).shows("tasks"),
        list("page", ""),
        list("filtered page", "?status=success&limit=1"),
        list("sorted", "?sort_key=expires_at"),
    ]
}

fn refused_lists() -> Vec<Case> {
    let refused = |outcome, query: &str, code| {
        let request = get(&format!("/v2/tasks?{query}"));
        bad(LIST, outcome, request, 400, code)
    };
    vec![
        bad(
            LIST,
            "no admin",
            by_owner("GET", "/v2/tasks"),
            403,
            "Forbidden",
        ),
        refused("bad status", "status=done", "InvalidFilterValue"),
        refused("bad type", "type=export", "InvalidFilterValue"),
        refused("bad limit", "limit=x", "InvalidLimit"),
        refused("bad key", "sort_key=size", "InvalidSortKey"),
        refused("no key", "sort_key=", "InvalidSortKey"),
        refused("bad direction", "sort_dir=up", "InvalidSortDir"),
        refused("bad marker", "marker=x", "InvalidMarker"),
        refused(
            "unknown marker",
            "marker=00000000-0000-4000-8000-000000000001",
            "InvalidMarker",
        ),
    ]
}

fn tasks(world: &World) -> Vec<Case> {
    let copied = format!("{}/tasks", world.copied());
    let found = world.send(&get(&copied)).json();
    let id = found["tasks"][0]["id"].as_str().expect("a task");
    let task = format!("/v2/tasks/{id}");
    let make = Request::new("POST", "/v2/tasks").by(&admin()).body("{}");
    let delete = Request::new("DELETE", task.as_str()).by(&admin());
    let (owners, removed) = (by_owner("POST", "/v2/tasks"), by_owner("DELETE", &task));
    vec![
        good(SHOW, "task", get(&task), 200)
            .shows("input")
            .shows("result")
            .shows("message")
            .shows("self"),
        bad(SHOW, "no such task", get(NONE), 404, "NotFound"),
        bad(SHOW, "no id", get("/v2/tasks/none"), 404, "NotFound"),
        bad(SHOW, "no admin", by_owner("GET", &task), 403, "Forbidden"),
        bad(CREATE, "from outside", make, 403, "Forbidden"),
        bad(CREATE, "no admin", owners, 403, "Forbidden"),
        bad(DELETE, "never", delete, 405, "MethodNotAllowed").header("allow", "GET"),
        bad(DELETE, "no admin", removed, 403, "Forbidden"),
    ]
}
