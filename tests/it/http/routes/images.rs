//! Outcomes of records: schemas, lists, create, show, and the switches of data.

use serde_json::{Value, json};

use super::case::{Case, bad, good};
use super::world::{World, nobody, owner, reader, stranger};
use crate::http::request::Request;

const LIST: &str = "GET /v2/images";
const CREATE: &str = "POST /v2/images";
const SHOW: &str = "GET /v2/images/{image_id}";
const OFF: &str = "POST /v2/images/{image_id}/actions/deactivate";
const ON: &str = "POST /v2/images/{image_id}/actions/reactivate";
/// An id that was given from outside.
const ID: &str = "0c0ffee0-0000-4000-8000-00000000c0de";

pub(super) fn cases(world: &World) -> Vec<Case> {
    [
        schemas(),
        lists(),
        creates(world),
        shows(world),
        switches(world),
    ]
    .concat()
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
            .header("location", format!("http://test/v2/images/{ID}"))
            .header(
                "openstack-image-import-methods",
                "glance-direct,web-download,copy-image",
            )
            .header("openstack-image-store-ids", "fast,slow,web")
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
