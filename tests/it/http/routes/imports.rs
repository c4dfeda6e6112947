//! Outcomes of staging and of imports.

use serde_json::{Value, json};

use super::case::{Case, bad, good};
use super::world::{CAP, DATA, World, admin, owner, reader, stranger};
use crate::http::request::{OCTETS, Request};

const STAGE: &str = "PUT /v2/images/{image_id}/stage";
const IMPORT: &str = "POST /v2/images/{image_id}/import";
const SIZE: &str = "x-openstack-image-size";
const STORE: &str = "x-image-meta-store";

pub(super) fn cases(world: &World) -> Vec<Case> {
    [
        stages(world),
        refused_stages(world),
        imports(world),
        malformed(world),
        refused_imports(world),
        refused_stores(world),
    ]
    .concat()
}

fn stage(path: &str) -> Request {
    Request::new("PUT", format!("{path}/stage")).by(&owner())
}

fn stages(world: &World) -> Vec<Case> {
    let queued = || stage(&world.queued(&Value::Null));
    let bare = world.queued(&json!({ "disk_format": null, "container_format": null }));
    // What it is, is looked at when it is imported.
    let qcow2 = world.queued(&json!({ "disk_format": "qcow2" }));
    let chunks = queued().header("Content-Type", OCTETS).chunked(DATA, 3);
    vec![
        good(STAGE, "whole", queued().octets(DATA), 204).body(""),
        good(STAGE, "nothing", queued().octets(""), 204),
        good(STAGE, "chunks", chunks, 204),
        good(
            STAGE,
            "size told",
            queued().header(SIZE, "10").octets(DATA),
            204,
        ),
        good(STAGE, "no format", stage(&bare).octets(DATA), 204),
        good(STAGE, "not of its format", stage(&qcow2).octets(DATA), 204),
    ]
}

fn refused_stages(world: &World) -> Vec<Case> {
    let queued = || stage(&world.queued(&Value::Null));
    let public = world.queued(&json!({ "visibility": "public" }));
    let by = |caller| {
        let request = Request::new("PUT", format!("{public}/stage"));
        request.by(&caller).octets(DATA)
    };
    let sized = |size| queued().header(SIZE, size).octets(DATA);
    let typed = queued().header("Content-Type", "text/plain").body(DATA);
    let large = vec![7; CAP as usize + 1];
    let chunks = queued().header("Content-Type", OCTETS);
    let chunks = chunks.chunked(large.clone(), 100);
    let refused = |outcome, request, status, code| bad(STAGE, outcome, request, status, code);
    let to = |path: String| stage(&path).octets(DATA);
    vec![
        refused("other type", typed, 415, "UnsupportedMediaType"),
        refused("no type", queued().body(DATA), 415, "UnsupportedMediaType"),
        refused("size no number", sized("ten"), 400, "InvalidSize"),
        refused("too short", sized("11"), 400, "SizeMismatch"),
        refused("too long", sized("9"), 400, "SizeMismatch"),
        refused("reader", by(reader()), 403, "Forbidden"),
        refused("of another", by(stranger()), 403, "Forbidden"),
        refused(
            "staged",
            to(world.staged(&Value::Null)),
            409,
            "InvalidState",
        ),
        refused(
            "active",
            to(world.active(&Value::Null)),
            409,
            "InvalidState",
        ),
        refused("over the cap", queued().octets(large), 413, "ImageTooLarge"),
        refused("chunks over the cap", chunks, 413, "ImageTooLarge"),
    ]
}

fn post(path: &str, body: &Value) -> Request {
    let request = Request::new("POST", format!("{path}/import"));
    request.by(&owner()).json(body)
}

fn method(name: &str) -> Value {
    json!({ "method": { "name": name } })
}

fn with(name: &str, more: &Value) -> Value {
    let mut body = method(name);
    let more = more.as_object().expect("an object").clone();
    body.as_object_mut().expect("an object").extend(more);
    body
}

fn from_web(uri: &str) -> Value {
    json!({ "method": { "name": "web-download", "uri": uri } })
}

fn by_admin(path: &str, body: &Value) -> Request {
    let request = Request::new("POST", format!("{path}/import"));
    request.by(&admin()).json(body)
}

fn imports(world: &World) -> Vec<Case> {
    let staged = || world.staged(&Value::Null);
    let direct = method("glance-direct");
    let all = with("glance-direct", &json!({ "all_stores": true }));
    let web = from_web("http://example.org/a.img");
    let copy = with("copy-image", &json!({ "stores": ["slow"] }));
    let copies = with("copy-image", &json!({ "all_stores": true }));
    let begun = |outcome, request| good(IMPORT, outcome, request, 202).body("");
    vec![
        begun("staged", post(&staged(), &direct)),
        begun("staged, to all stores", post(&staged(), &all)),
        begun(
            "staged, to the store of the header",
            post(&staged(), &direct).header(STORE, "slow"),
        ),
        begun("from the web", post(&world.queued(&Value::Null), &web)),
        begun("copied", by_admin(&world.active(&Value::Null), &copy)),
        begun(
            "copied everywhere already",
            by_admin(&world.copied(), &copies),
        ),
    ]
}

fn malformed(world: &World) -> Vec<Case> {
    let path = world.queued(&Value::Null);
    let bare = || Request::new("POST", format!("{path}/import")).by(&owner());
    let refused = |outcome, body: Value, code| bad(IMPORT, outcome, post(&path, &body), 400, code);
    vec![
        bad(IMPORT, "no body", bare(), 400, "BodyRequired"),
        bad(IMPORT, "malformed", bare().body("{"), 400, "MalformedJson"),
        refused("no object", json!([]), "SchemaViolation"),
        refused("no method", json!({}), "SchemaViolation"),
        refused(
            "method no object",
            json!({ "method": "web-download" }),
            "SchemaViolation",
        ),
        refused("no name", json!({ "method": {} }), "SchemaViolation"),
        refused("unknown method", method("teleport"), "UnknownImportMethod"),
        refused(
            "method that is not enabled",
            method("glance-download"),
            "UnknownImportMethod",
        ),
        refused(
            "no store",
            with("glance-direct", &json!({ "stores": [] })),
            "SchemaViolation",
        ),
        refused("no uri", method("web-download"), "UriNotAllowed"),
        refused(
            "uri of the machine itself",
            from_web("http://127.0.0.1/a"),
            "UriNotAllowed",
        ),
        refused(
            "uri of nobody",
            from_web("http://nobody.example/a"),
            "UriNotAllowed",
        ),
    ]
}

fn refused_imports(world: &World) -> Vec<Case> {
    let (queued, active) = (world.queued(&Value::Null), world.active(&Value::Null));
    let public = world.queued(&json!({ "visibility": "public" }));
    let bare = world.queued(&json!({ "disk_format": null }));
    let web = from_web("http://example.org/a.img");
    let by = |caller| {
        let request = Request::new("POST", format!("{public}/import"));
        request.by(&caller).json(&web)
    };
    let copy = with("copy-image", &json!({ "stores": ["slow"] }));
    let refused = |outcome, request, status, code| bad(IMPORT, outcome, request, status, code);
    let direct = method("glance-direct");
    vec![
        refused("reader", by(reader()), 403, "Forbidden"),
        refused("of another", by(stranger()), 403, "Forbidden"),
        refused(
            "copied by its owner",
            post(&active, &copy),
            403,
            "Forbidden",
        ),
        refused("not staged", post(&queued, &direct), 409, "InvalidState"),
        refused("active", post(&active, &web), 409, "InvalidState"),
        refused("no format", post(&bare, &web), 409, "MissingFormat"),
    ]
}

fn refused_stores(world: &World) -> Vec<Case> {
    let staged = world.staged(&Value::Null);
    let active = world.active(&Value::Null);
    let to = |stores: Value| post(&staged, &with("glance-direct", &stores));
    let refused = |outcome, request, status, code| bad(IMPORT, outcome, request, status, code);
    let direct = || post(&staged, &method("glance-direct"));
    let both = json!({ "stores": ["fast"], "all_stores": true });
    let headed = to(json!({ "stores": ["fast"] })).header(STORE, "fast");
    let twice = direct().header(STORE, "fast").header(STORE, "slow");
    let here = with("copy-image", &json!({ "stores": ["fast"] }));
    let read_only = json!({ "stores": ["web"] });
    vec![
        refused("two ways to stores", to(both), 400, "ConflictingParameters"),
        refused("header and stores", headed, 400, "ConflictingParameters"),
        refused("two headers", twice, 400, "InvalidParameter"),
        refused(
            "unknown store",
            to(json!({ "stores": ["none"] })),
            409,
            "UnknownStore",
        ),
        refused(
            "unknown store of the header",
            direct().header(STORE, "none"),
            409,
            "UnknownStore",
        ),
        refused("read-only store", to(read_only), 409, "StoreReadOnly"),
        refused(
            "there already",
            by_admin(&active, &here),
            400,
            "AlreadyInStore",
        ),
    ]
}
