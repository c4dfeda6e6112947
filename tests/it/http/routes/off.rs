//! Outcomes of what is switched off: stores, staging and import at a service that offers less,
//! locations and the cache everywhere; and what the service says of itself.

use serde_json::{Value, json};
use smalti::Caller;

use super::case::{Case, Service, bad, good};
use super::world::{World, admin, owner, stranger};
use crate::http::request::Request;

const ADD: &str = "POST /v2/images/{image_id}/locations";
const LIST: &str = "GET /v2/images/{image_id}/locations";

pub(super) fn cases(world: &World) -> Vec<Case> {
    [stores(world), infos(), locations(world), cache(world)].concat()
}

fn stores(world: &World) -> Vec<Case> {
    let path = world.active_at_bare();
    let id = path.rsplit('/').next().expect("an id");
    let delete = Request::new("DELETE", format!("/v2/stores/fast/{id}")).by(&admin());
    let get = |path: &str| Request::new("GET", path).by(&admin());
    let stage = Request::new("PUT", format!("{path}/stage"))
        .by(&owner())
        .octets("x");
    let import = Request::new("POST", format!("{path}/import")).by(&owner());
    let import = import.body("{\"method\": {\"name\": \"copy-image\"}}");
    let off =
        |route, request, status, code| bad(route, "off", request, status, code).to(Service::Bare);
    let (names, details) = ("/v2/info/stores", "/v2/info/stores/detail");
    vec![
        off(
            "DELETE /v2/stores/{store_id}/{image_id}",
            delete,
            404,
            "NotFound",
        ),
        off("GET /v2/info/stores", get(names), 404, "NotFound"),
        off("GET /v2/info/stores/detail", get(details), 404, "NotFound"),
        off("PUT /v2/images/{image_id}/stage", stage, 404, "NotFound"),
        off(
            "POST /v2/images/{image_id}/import",
            import,
            400,
            "UnknownImportMethod",
        ),
    ]
}

fn infos() -> Vec<Case> {
    let get = |path: &str| Request::new("GET", path).by(&owner());
    let import = get("/v2/info/import");
    let methods = |value: &str| {
        let described = "\"description\":\"Import methods available.\",\"type\":\"array\"";
        format!("{{\"import-methods\":{{{described},\"value\":{value}}}}}")
    };
    let all = methods("[\"glance-direct\",\"web-download\",\"copy-image\"]");
    vec![
        good("GET /v2/info/import", "methods", import.clone(), 200).body(all),
        good("GET /v2/info/import", "none", import, 200)
            .to(Service::Bare)
            .body(methods("[]")),
        good("GET /v2/info/usage", "usage", get("/v2/info/usage"), 200).body("{\"usage\":{}}"),
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
    let service = || Caller::project("p1").with_role("service");
    let other = world.queued(&Value::Null);
    vec![
        good(
            ADD,
            "by service",
            post(&other, place.clone()).by(&service()),
            202,
        )
        .body(""),
        bad(
            ADD,
            "no store takes it",
            post(&queued, json!({ "url": "ftp://a/1" })).by(&owner()),
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
