//! Outcomes of records: schemas, lists, create, show, patch, delete, and the switches of data.

use serde_json::{Value, json};

use super::case::{Case, bad, good};
use super::world::{World, admin, nobody, owner, reader, stranger};
use crate::http::request::{PATCH, Request};

const LIST: &str = "GET /v2/images";
const CREATE: &str = "POST /v2/images";
const SHOW: &str = "GET /v2/images/{image_id}";
const CHANGE: &str = "PATCH /v2/images/{image_id}";
const DELETE: &str = "DELETE /v2/images/{image_id}";
const OFF: &str = "POST /v2/images/{image_id}/actions/deactivate";
const ON: &str = "POST /v2/images/{image_id}/actions/reactivate";
/// An id that was given from outside.
const ID: &str = "0c0ffee0-0000-4000-8000-00000000c0de";

pub(super) fn cases(world: &World) -> Vec<Case> {
    let records = [schemas(), lists(), creates(world), shows(world)];
    let changes = [
        refused_patches(world),
        patches(world),
        deletes(world),
        switches(world),
    ];
    records.into_iter().chain(changes).flatten().collect()
}

fn schemas() -> Vec<Case> {
    let names = ["image", "images", "member", "members", "task", "tasks"];
    let shown = |name| {
        let path = format!("/v2/schemas/{name}");
        let request = Request::new("GET", path.as_str()).by(&owner());
        good(&format!("GET {path}"), "schema", request, 200).shows("properties")
    };
    names.into_iter().map(shown).collect()
}

fn lists() -> Vec<Case> {
    let get = |query: &str| Request::new("GET", format!("/v2/images{query}")).by(&owner());
    let refused = |outcome, query, code| bad(LIST, outcome, get(query), 400, code);
    let nobody = Request::new("GET", "/v2/images").by(&nobody());
    vec![
        good(LIST, "page", get(""), 200)
            .shows("images")
            .shows("first")
            .shows("schema"),
        good(
            LIST,
            "page with a next one",
            get("?limit=1&name=a&name=b"),
            200,
        ),
        good(LIST, "page, with a body", get("").body("x"), 200),
        bad(LIST, "anonymous", nobody, 403, "Forbidden"),
        refused("bad filter", "?size_min=x", "InvalidFilterValue"),
        refused("bad operator", "?name=foo:x", "InvalidFilterOperator"),
        refused(
            "unsupported filter",
            "?changes-since=x",
            "UnsupportedFilter",
        ),
        refused("bad visibility", "?visibility=", "InvalidVisibility"),
        refused(
            "bad member status",
            "?member_status=x",
            "InvalidMemberStatus",
        ),
        refused("repeated", "?limit=1&limit=2", "RepeatedParameter"),
        refused("bad limit", "?limit=-1", "InvalidLimit"),
        refused("bad marker", "?marker=x", "InvalidMarker"),
        refused("bad sort key", "?sort=owner", "InvalidSortKey"),
        refused("bad sort direction", "?sort=name:up", "InvalidSortDir"),
        refused(
            "two ways to sort",
            "?sort=name&sort_key=name",
            "SortSyntaxMixed",
        ),
        refused(
            "too many directions",
            "?sort_dir=asc&sort_dir=asc",
            "SortCountMismatch",
        ),
        refused("query that is no text", "?name=%ff", "InvalidFilterValue"),
    ]
}

fn creates(world: &World) -> Vec<Case> {
    let post = || Request::new("POST", "/v2/images").by(&owner());
    let put = |body: Value| post().json(&body);
    let refused = |outcome, body, status, code| bad(CREATE, outcome, put(body), status, code);
    let taken = world.queued(&Value::Null);
    let taken = taken.rsplit('/').next().expect("an id");
    let many = json!({ "p1": "v", "p2": "v", "p3": "v", "p4": "v" });
    let by = |caller| Request::new("POST", "/v2/images").by(&caller).body("{}");
    vec![
        good(CREATE, "made", put(json!({ "id": ID })), 201)
            .header("location", format!("/v2/images/{ID}"))
            .shows("id")
            .shows("created_at"),
        good(
            CREATE,
            "made in chunks",
            post().chunked("{\"name\": \"n\"}", 3),
            201,
        )
        .shows("id"),
        good(
            CREATE,
            "made, of another type",
            post().header("Content-Type", "x/y").body("{}"),
            201,
        ),
        bad(CREATE, "no body", post(), 400, "BodyRequired"),
        bad(
            CREATE,
            "malformed",
            post().body("{\"name\": "),
            400,
            "MalformedJson",
        ),
        bad(
            CREATE,
            "no text",
            post().body(*b"{\"name\": \"\xff\"}"),
            400,
            "MalformedJson",
        ),
        refused("no object", json!([]), 400, "SchemaViolation"),
        refused("wrong type", json!({ "name": 5 }), 400, "SchemaViolation"),
        refused(
            "long name",
            json!({ "p".repeat(256): "v" }),
            400,
            "PropertyNameTooLong",
        ),
        refused(
            "long value",
            json!({ "p": "v".repeat(65_536) }),
            400,
            "PropertyTooLong",
        ),
        refused("empty tag", json!({ "tags": [""] }), 400, "EmptyTag"),
        refused(
            "negative",
            json!({ "min_ram": -1 }),
            400,
            "InvalidParameter",
        ),
        refused(
            "astral",
            json!({ "name": "\u{1f600}" }),
            400,
            "UnsupportedCharacter",
        ),
        refused(
            "read-only",
            json!({ "checksum": null }),
            403,
            "ReadOnlyProperty",
        ),
        refused(
            "reserved",
            json!({ "os_glance_x": "v" }),
            403,
            "ReservedProperty",
        ),
        refused(
            "public",
            json!({ "visibility": "public" }),
            403,
            "Forbidden",
        ),
        refused("for another", json!({ "owner": "p9" }), 403, "Forbidden"),
        bad(CREATE, "reader", by(reader()), 403, "Forbidden"),
        bad(CREATE, "anonymous", by(nobody()), 403, "ReadOnlyCaller"),
        refused("taken", json!({ "id": taken }), 409, "Duplicate"),
        refused(
            "tags",
            json!({ "tags": ["a", "b", "c", "d"] }),
            413,
            "TagLimitExceeded",
        ),
        refused("properties", many, 413, "PropertyLimitExceeded"),
    ]
}

fn shows(world: &World) -> Vec<Case> {
    let path = world.queued(&Value::Null);
    let get = |path: &str| Request::new("GET", path).by(&owner());
    let (prefix, id) = path.rsplit_once('/').expect("an id");
    let upper = format!("{prefix}/{}", id.to_uppercase());
    vec![
        good(SHOW, "image", get(&path), 200)
            .shows("id")
            .shows("self")
            .shows("file"),
        good(SHOW, "image in capitals", get(&upper), 200).shows("id"),
        bad(
            SHOW,
            "cut id",
            get(&path[..path.len() - 1]),
            404,
            "NotFound",
        ),
    ]
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

fn switches(world: &World) -> Vec<Case> {
    let (active, queued) = (world.active(&Value::Null), world.queued(&Value::Null));
    let post =
        |caller, path: &str, end| Request::new("POST", format!("{path}/actions/{end}")).by(&caller);
    let public = world.active(&json!({ "visibility": "public" }));
    let of = |route, end| {
        let request = |path| post(owner(), path, end);
        let foreign = post(stranger(), &public, end);
        vec![
            good(route, "switched", request(&active), 204),
            good(route, "switched already", request(&active), 204),
            bad(route, "queued", request(&queued), 403, "InvalidState"),
            bad(route, "of another", foreign, 403, "Forbidden"),
        ]
    };
    [of(OFF, "deactivate"), of(ON, "reactivate")].concat()
}
