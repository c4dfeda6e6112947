//! Outcomes of what is switched off, or holds nothing: stores, staging, import, locations, tasks,
//! the cache, and what the service says of itself.

use serde_json::{Value, json};
use smalti::Caller;

use super::case::{Case, bad, good};
use super::world::{World, admin, owner, stranger};
use crate::http::request::Request;

const IMPORT: &str = "POST /v2/images/{image_id}/import";
const ADD: &str = "POST /v2/images/{image_id}/locations";
const LIST: &str = "GET /v2/images/{image_id}/locations";
const TASKS: &str = "GET /v2/tasks";
const TASK: &str = "/v2/tasks/00000000-0000-4000-8000-000000000001";

pub(super) fn cases(world: &World) -> Vec<Case> {
    [
        stores(world),
        infos(),
        imports(world),
        locations(world),
        tasks(world),
        cache(world),
    ]
    .concat()
}

fn stores(world: &World) -> Vec<Case> {
    let path = world.queued(&Value::Null);
    let id = path.rsplit('/').next().expect("an id");
    let delete = Request::new("DELETE", format!("/v2/stores/fast/{id}")).by(&admin());
    let get = |path: &str| Request::new("GET", path).by(&admin());
    let stage = Request::new("PUT", format!("{path}/stage"))
        .by(&owner())
        .octets("x");
    vec![
        bad(
            "DELETE /v2/stores/{store_id}/{image_id}",
            "off",
            delete,
            404,
            "NotFound",
        ),
        bad(
            "GET /v2/info/stores",
            "off",
            get("/v2/info/stores"),
            404,
            "NotFound",
        ),
        bad(
            "GET /v2/info/stores/detail",
            "off",
            get("/v2/info/stores/detail"),
            404,
            "NotFound",
        ),
        bad(
            "PUT /v2/images/{image_id}/stage",
            "off",
            stage,
            404,
            "NotFound",
        ),
    ]
}

fn infos() -> Vec<Case> {
    let get = |path: &str| Request::new("GET", path).by(&owner());
    let import = get("/v2/info/import");
    vec![
        good("GET /v2/info/import", "methods", import, 200).shows("import-methods"),
        good("GET /v2/info/usage", "usage", get("/v2/info/usage"), 200).body("{\"usage\":{}}"),
    ]
}

fn imports(world: &World) -> Vec<Case> {
    let path = format!("{}/import", world.queued(&Value::Null));
    let post = || Request::new("POST", path.as_str()).by(&owner());
    let known = json!({ "method": { "name": "web-download", "uri": "http://a/1" } });
    let refused = |outcome, body: Value, code| bad(IMPORT, outcome, post().json(&body), 400, code);
    vec![
        bad(
            IMPORT,
            "off",
            post().json(&known),
            400,
            "UnknownImportMethod",
        ),
        bad(IMPORT, "no body", post(), 400, "BodyRequired"),
        bad(IMPORT, "malformed", post().body("{"), 400, "MalformedJson"),
        refused("no object", json!([]), "SchemaViolation"),
        refused("no method", json!({}), "SchemaViolation"),
        refused(
            "method no object",
            json!({ "method": "web-download" }),
            "SchemaViolation",
        ),
        refused("no name", json!({ "method": {} }), "SchemaViolation"),
    ]
}

fn locations(world: &World) -> Vec<Case> {
    let (queued, active) = (world.queued(&Value::Null), world.active(&Value::Null));
    let public = world.queued(&json!({ "visibility": "public" }));
    let post =
        |path: &str, body: Value| Request::new("POST", format!("{path}/locations")).json(&body);
    let place = json!({ "url": "http://a/1" });
    let refused =
        |outcome, body, code| bad(ADD, outcome, post(&queued, body).by(&owner()), 400, code);
    let get = |path: &str| Request::new("GET", format!("{path}/locations"));
    let proof = |proof: Value| json!({ "url": "http://a/1", "validation_data": proof });
    let malformed = Request::new("POST", format!("{queued}/locations"))
        .by(&owner())
        .body("{");
    vec![
        bad(
            ADD,
            "no store takes it",
            post(&queued, place.clone()).by(&owner()),
            403,
            "Forbidden",
        ),
        bad(
            ADD,
            "of another",
            post(&public, place.clone()).by(&stranger()),
            403,
            "Forbidden",
        ),
        bad(
            ADD,
            "there already",
            post(&active, place).by(&owner()),
            409,
            "InvalidState",
        ),
        bad(ADD, "malformed", malformed, 400, "MalformedJson"),
        refused("no url", json!({}), "SchemaViolation"),
        refused(
            "long url",
            json!({ "url": "u".repeat(2049) }),
            "SchemaViolation",
        ),
        refused(
            "half a proof",
            proof(json!({ "os_hash_algo": "sha512" })),
            "SchemaViolation",
        ),
        good(
            LIST,
            "places, by service",
            get(&active).by(&Caller::project("p1").with_role("service")),
            200,
        ),
        good(LIST, "no places", get(&queued).by(&admin()), 200).body("[]"),
        bad(
            LIST,
            "no service",
            get(&active).by(&owner()),
            403,
            "Forbidden",
        ),
    ]
}

fn tasks(world: &World) -> Vec<Case> {
    let get = |path: &str| Request::new("GET", path).by(&admin());
    let of_image = format!("{}/tasks", world.queued(&Value::Null));
    let refused = |outcome, query: &str, code| {
        bad(
            TASKS,
            outcome,
            get(&format!("/v2/tasks?{query}")),
            400,
            code,
        )
    };
    let by_owner = |method: &str, path: &str| Request::new(method, path).by(&owner());
    let delete = Request::new("DELETE", TASK).by(&admin());
    let (create, show, remove) = (
        "POST /v2/tasks",
        "GET /v2/tasks/{task_id}",
        "DELETE /v2/tasks/{task_id}",
    );
    let make = Request::new("POST", "/v2/tasks").by(&admin()).body("{}");
    vec![
        good(
            "GET /v2/images/{image_id}/tasks",
            "none",
            by_owner("GET", &of_image),
            200,
        )
        .body("{\"tasks\":[]}"),
        good(TASKS, "none", get("/v2/tasks?status=success&limit=1"), 200)
            .shows("tasks")
            .shows("first"),
        bad(
            TASKS,
            "no admin",
            by_owner("GET", "/v2/tasks"),
            403,
            "Forbidden",
        ),
        refused("bad status", "status=done", "InvalidFilterValue"),
        refused("bad type", "type=export", "InvalidFilterValue"),
        refused("bad limit", "limit=x", "InvalidLimit"),
        good(TASKS, "sorted", get("/v2/tasks?sort_key=expires_at"), 200).shows("tasks"),
        refused("bad key", "sort_key=size", "InvalidSortKey"),
        refused("no key", "sort_key=", "InvalidSortKey"),
        refused("bad direction", "sort_dir=up", "InvalidSortDir"),
        refused("bad marker", "marker=x", "InvalidMarker"),
        bad(create, "from outside", make, 403, "Forbidden"),
        bad(
            create,
            "no admin",
            by_owner("POST", "/v2/tasks"),
            403,
            "Forbidden",
        ),
        bad(show, "no such task", get(TASK), 404, "NotFound"),
        bad(show, "no admin", by_owner("GET", TASK), 403, "Forbidden"),
        bad(remove, "never", delete, 405, "MethodNotAllowed").header("allow", "GET"),
        bad(
            remove,
            "no admin",
            by_owner("DELETE", TASK),
            403,
            "Forbidden",
        ),
    ]
}

fn cache(world: &World) -> Vec<Case> {
    let path = world.active(&Value::Null);
    let id = path.rsplit('/').next().expect("an id");
    let routes = [
        ("GET /v2/cache", "/v2/cache".to_owned()),
        ("DELETE /v2/cache", "/v2/cache".to_owned()),
        ("PUT /v2/cache/{image_id}", format!("/v2/cache/{id}")),
        ("DELETE /v2/cache/{image_id}", format!("/v2/cache/{id}")),
        (
            "GET /v2/cache/nodes/{image_id}",
            format!("/v2/cache/nodes/{id}"),
        ),
        ("POST /v2/cache/clean", "/v2/cache/clean".to_owned()),
        ("POST /v2/cache/prune", "/v2/cache/prune".to_owned()),
    ];
    let both = |(route, path): (&str, String)| {
        let method = route.split(' ').next().expect("a method");
        let request = Request::new(method, path);
        [
            bad(route, "off", request.clone().by(&admin()), 404, "NotFound"),
            bad(route, "no admin", request.by(&owner()), 403, "Forbidden"),
        ]
    };
    routes.into_iter().flat_map(both).collect()
}
