//! Outcomes of changes of records: patch and delete.

use serde_json::{Value, json};

use super::case::{Case, bad, good};
use super::world::{World, admin, owner, stranger};
use crate::http::request::{PATCH, Request};

const CHANGE: &str = "PATCH /v2/images/{image_id}";
const DELETE: &str = "DELETE /v2/images/{image_id}";

pub(super) fn cases(world: &World) -> Vec<Case> {
    [refused_patches(world), patches(world), deletes(world)].concat()
}

fn patch(path: &str, operations: Value) -> Request {
    Request::new("PATCH", path).by(&owner()).patch(&operations)
}

fn refused_patches(world: &World) -> Vec<Case> {
    let path = world.queued(&Value::Null);
    let typed = |media_type: &str, body: &str| {
        let request = Request::new("PATCH", path.as_str()).by(&owner());
        request.header("Content-Type", media_type).body(body)
    };
    let types = "application/openstack-images-v2.0-json-patch, \
                 application/openstack-images-v2.1-json-patch";
    let untyped = Request::new("PATCH", path.as_str()).by(&owner()).body("[]");
    let wrong = |outcome, request| {
        bad(CHANGE, outcome, request, 415, "UnsupportedMediaType").header("accept-patch", types)
    };
    let one = |op: &str, pointer: &str, value: Value| {
        patch(
            &path,
            json!([{ "op": op, "path": pointer, "value": value }]),
        )
    };
    let missing = patch(&path, json!([{ "op": "add", "path": "/name" }]));
    vec![
        wrong("wrong type", typed("application/json", "[]")),
        wrong("no type", untyped),
        bad(
            CHANGE,
            "two types",
            typed(PATCH, "[]").header("Content-Type", PATCH),
            400,
            "InvalidParameter",
        ),
        bad(
            CHANGE,
            "malformed",
            typed(PATCH, "[{"),
            400,
            "MalformedJson",
        ),
        bad(CHANGE, "no list", typed(PATCH, "{}"), 400, "UnexpectedBody"),
        bad(
            CHANGE,
            "pointer",
            one("add", "name", json!("x")),
            400,
            "InvalidPointer",
        ),
        bad(
            CHANGE,
            "operation",
            one("move", "/name", json!("x")),
            400,
            "UnknownOperation",
        ),
        bad(CHANGE, "no value", missing, 400, "MissingValue"),
        bad(
            CHANGE,
            "wrong value",
            one("add", "/name", json!(5)),
            400,
            "SchemaViolation",
        ),
        bad(
            CHANGE,
            "read-only",
            one("add", "/status", json!("active")),
            403,
            "ReadOnlyProperty",
        ),
        bad(
            CHANGE,
            "reserved",
            one("add", "/os_glance_x", json!("v")),
            403,
            "ReservedProperty",
        ),
        bad(
            CHANGE,
            "base removed",
            one("remove", "/name", json!(0)),
            403,
            "NotRemovable",
        ),
        bad(
            CHANGE,
            "hidden",
            one("remove", "/locations/0", json!(0)),
            403,
            "Forbidden",
        ),
        bad(
            CHANGE,
            "none such",
            one("replace", "/p", json!("v")),
            409,
            "PropertyMissing",
        ),
        bad(
            CHANGE,
            "tags",
            one("add", "/tags", json!(["a", "b", "c", "d"])),
            413,
            "TagLimitExceeded",
        ),
    ]
}

fn patches(world: &World) -> Vec<Case> {
    let (path, frozen) = (world.queued(&Value::Null), world.active(&Value::Null));
    let public = world.queued(&json!({ "visibility": "public" }));
    let name = json!([{ "op": "replace", "path": "/name", "value": "x" }]);
    let format = json!([{ "op": "replace", "path": "/disk_format", "value": "iso" }]);
    let full = json!({ "p1": "v", "p2": "v", "p3": "v" });
    let full = patch(
        &world.queued(&full),
        json!([{ "op": "add", "path": "/p4", "value": "v" }]),
    );
    let old = Request::new("PATCH", path.as_str()).by(&owner());
    let old = old.header("Content-Type", &*PATCH.replace("2.1", "2.0"));
    let old_name = old.clone().body("[{\"add\": \"/name\", \"value\": \"x\"}]");
    let by = |caller, path: &str| Request::new("PATCH", path).by(&caller).patch(&name);
    vec![
        good(CHANGE, "changed", patch(&path, name.clone()), 200).shows("name"),
        good(CHANGE, "nothing changed", patch(&path, json!([])), 200).shows("name"),
        good(
            CHANGE,
            "changed, older type",
            old.body("[{\"add\": \"/p\", \"value\": \"v\"}]"),
            200,
        ),
        bad(CHANGE, "there already", old_name, 409, "PropertyExists"),
        bad(
            CHANGE,
            "frozen",
            patch(&frozen, format),
            403,
            "FormatFrozen",
        ),
        bad(
            CHANGE,
            "of another",
            by(stranger(), &public),
            403,
            "Forbidden",
        ),
        bad(CHANGE, "properties", full, 413, "PropertyLimitExceeded"),
    ]
}

fn deletes(world: &World) -> Vec<Case> {
    let delete = |path: &str| Request::new("DELETE", path).by(&owner());
    let public = world.queued(&json!({ "visibility": "public" }));
    let foreign = Request::new("DELETE", public.as_str()).by(&stranger());
    let protected = world.queued(&json!({ "protected": true }));
    let by_admin = Request::new("DELETE", protected.as_str()).by(&admin());
    vec![
        good(DELETE, "deleted", delete(&world.active(&Value::Null)), 204),
        bad(
            DELETE,
            "protected",
            delete(&protected),
            403,
            "ProtectedImage",
        ),
        bad(
            DELETE,
            "protected from admin",
            by_admin,
            403,
            "ProtectedImage",
        ),
        bad(DELETE, "of another", foreign, 403, "Forbidden"),
    ]
}
