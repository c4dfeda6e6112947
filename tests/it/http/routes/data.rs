//! Outcomes of data: uploads and downloads.

use serde_json::{Value, json};

use super::case::{Case, Service, bad, good};
use super::world::{CAP, DATA, World, admin, owner, reader, stranger};
use crate::http::request::{OCTETS, Request};

const PUT: &str = "PUT /v2/images/{image_id}/file";
const GET: &str = "GET /v2/images/{image_id}/file";
const STORE: &str = "x-image-meta-store";
const SIZE: &str = "x-openstack-image-size";
/// The MD5 of the data.
const MD5: &str = "781e5e245d69b566979b86e28d23f2c7";

pub(super) fn cases(world: &World) -> Vec<Case> {
    [
        uploads(world),
        refused_uploads(world),
        downloads(world),
        refused_downloads(world),
    ]
    .concat()
}

fn put(path: &str) -> Request {
    Request::new("PUT", format!("{path}/file")).by(&owner())
}

fn uploads(world: &World) -> Vec<Case> {
    let queued = || put(&world.queued(&Value::Null));
    let typed = |media_type| queued().header("Content-Type", media_type).body(DATA);
    let sized = queued().header(SIZE, "10").octets(DATA);
    let chunks = queued().header("Content-Type", OCTETS).chunked(DATA, 3);
    vec![
        good(PUT, "whole", queued().octets(DATA), 204),
        good(PUT, "nothing", queued().octets(""), 204),
        good(PUT, "chunks", chunks, 204),
        good(
            PUT,
            "store told",
            queued().header(STORE, "slow").octets(DATA),
            204,
        ),
        good(PUT, "size told", sized, 204),
        good(
            PUT,
            "size told as 0",
            queued().header(SIZE, "0").octets(DATA),
            204,
        ),
        good(
            PUT,
            "type with a parameter",
            typed("Application/Octet-Stream; x=y"),
            204,
        ),
        bad(
            PUT,
            "other type",
            typed("text/plain"),
            415,
            "UnsupportedMediaType",
        ),
        bad(
            PUT,
            "no type",
            queued().body(DATA),
            415,
            "UnsupportedMediaType",
        ),
    ]
}

fn refused_uploads(world: &World) -> Vec<Case> {
    let queued = || put(&world.queued(&Value::Null));
    let sized = |size| queued().header(SIZE, size).octets(DATA);
    let bare = world.queued(&json!({ "disk_format": null }));
    let public = world.queued(&json!({ "visibility": "public" }));
    let by = |caller| {
        Request::new("PUT", format!("{public}/file"))
            .by(&caller)
            .octets(DATA)
    };
    let qcow2 = || put(&world.queued(&json!({ "disk_format": "qcow2" })));
    let backed = [&b"QFI\xfb\0\0\0\x03\0\0\0\0\0\0\x01"[..], &[0; 497]].concat();
    let stored = |outcome, store, status, code| {
        let request = queued().header(STORE, store).octets(DATA);
        bad(PUT, outcome, request, status, code)
    };
    let large = vec![7; CAP as usize + 1];
    let chunks = queued()
        .header("Content-Type", OCTETS)
        .chunked(large.clone(), 100);
    vec![
        bad(PUT, "size no number", sized("ten"), 400, "InvalidSize"),
        bad(PUT, "size negative", sized("-1"), 400, "InvalidSize"),
        bad(
            PUT,
            "size told twice",
            queued().header(SIZE, "10").header(SIZE, "10").octets(DATA),
            400,
            "InvalidSize",
        ),
        bad(
            PUT,
            "two types",
            queued().header("Content-Type", OCTETS).octets(DATA),
            400,
            "InvalidParameter",
        ),
        bad(PUT, "too short", sized("11"), 400, "SizeMismatch"),
        bad(PUT, "too long", sized("9"), 400, "SizeMismatch"),
        bad(
            PUT,
            "no format",
            put(&bare).octets(DATA),
            400,
            "MissingFormat",
        ),
        bad(
            PUT,
            "not of its format",
            qcow2().octets(DATA),
            415,
            "InvalidImageData",
        ),
        bad(
            PUT,
            "unsafe, said to be raw",
            queued().octets(backed),
            415,
            "InvalidImageData",
        ),
        bad(PUT, "reader", by(reader()), 403, "Forbidden"),
        bad(PUT, "of another", by(stranger()), 403, "Forbidden"),
        bad(
            PUT,
            "there already",
            put(&world.active(&Value::Null)).octets(DATA),
            409,
            "InvalidState",
        ),
        bad(
            PUT,
            "deactivated",
            put(&world.deactivated()).octets(DATA),
            409,
            "InvalidState",
        ),
        bad(
            PUT,
            "over the cap",
            queued().octets(large),
            413,
            "ImageTooLarge",
        ),
        bad(PUT, "chunks over the cap", chunks, 413, "ImageTooLarge"),
        stored("store unknown", "none", 400, "UnknownStore"),
        stored("store no text", "\u{e4}", 400, "UnknownStore"),
        stored("store that takes nothing", "web", 410, "StoreAddDisabled"),
        bad(
            PUT,
            "store told twice",
            queued()
                .header(STORE, "slow")
                .header(STORE, "fast")
                .octets(DATA),
            400,
            "InvalidParameter",
        ),
    ]
}

fn downloads(world: &World) -> Vec<Case> {
    let path = world.active(&Value::Null);
    let get = |path: &str| Request::new("GET", format!("{path}/file")).by(&owner());
    let ranged = |range| get(&path).header("Range", range);
    let some = |case: Case, len: usize| {
        let case = case
            .header("content-md5", MD5)
            .header("content-type", OCTETS);
        case.header("content-length", len.to_string())
    };
    let whole = some(good(GET, "whole", get(&path), 200), 10).body(DATA);
    let part = |outcome, request, range: std::ops::Range<usize>| {
        let told = format!("bytes {}-{}/10", range.start, range.end - 1);
        let case = some(good(GET, outcome, request, 206), range.len());
        case.header("content-range", told).body(&DATA[range])
    };
    let empty = world.queued(&Value::Null);
    let uploaded = world.send(&put(&empty).octets(""));
    assert_eq!(uploaded.status, 204);
    let preferring = |list| {
        let target = format!("{path}/file?prefer={list}");
        Request::new("GET", target).by(&owner())
    };
    let by_admin = Request::new("GET", format!("{}/file", world.deactivated())).by(&admin());
    let by_place = get(&path).header("Content-Range", "bytes 1-2/*");
    vec![
        whole,
        part("part", ranged("bytes=2-4"), 2..5),
        part("end", ranged("bytes=-3"), 7..10),
        part("rest, clamped", ranged("bytes=8-99"), 8..10),
        part("part by Content-Range", by_place, 1..3),
        good(GET, "whole, empty", get(&empty), 200)
            .header("content-length", "0")
            .body(""),
        good(GET, "no data", get(&world.queued(&Value::Null)), 204).body(""),
        some(
            good(GET, "from a store", preferring("slow,%20fast"), 200),
            10,
        )
        .body(DATA),
        some(good(GET, "from no store", preferring(",%20,"), 200), 10).body(DATA),
        good(GET, "deactivated, by admin", by_admin, 200).body(DATA),
    ]
}

fn refused_downloads(world: &World) -> Vec<Case> {
    let path = world.active(&json!({ "visibility": "public" }));
    let get = |query: &str| Request::new("GET", format!("{path}/file{query}")).by(&owner());
    let by_reader = Request::new("GET", format!("{path}/file")).by(&reader());
    let by_reader_from = Request::new("GET", format!("{path}/file?prefer=none")).by(&reader());
    let bare = format!("{}/file?prefer=fast", world.active_at_bare());
    let bare = Request::new("GET", bare).by(&owner());
    let closed = Request::new("GET", format!("{}/file", world.deactivated())).by(&owner());
    let beyond = |outcome, name, value| {
        let case = bad(
            GET,
            outcome,
            get("").header(name, value),
            416,
            "RangeNotSatisfiable",
        );
        case.header("content-range", "bytes */10")
    };
    let two = |name, values: [&str; 2]| get("").header(name, values[0]).header(name, values[1]);
    let many = get("").header("Range", "bytes=0-1,3-4");
    let lines = two("Range", ["bytes=0-1", "bytes=0-1"]);
    let places = two("Content-Range", ["bytes 1-2/*", "bytes 1-2/*"]);
    vec![
        bad(GET, "several ranges", many, 400, "MultiRange"),
        bad(GET, "several lines of ranges", lines, 400, "MultiRange"),
        bad(
            GET,
            "several lines of Content-Range",
            places,
            400,
            "InvalidParameter",
        ),
        bad(GET, "store", get("?prefer=none"), 400, "UnknownStore"),
        bad(GET, "store where there are none", bare, 400, "UnknownStore").to(Service::Bare),
        bad(GET, "store, by reader", by_reader_from, 403, "Forbidden"),
        bad(GET, "reader", by_reader, 403, "Forbidden"),
        bad(GET, "deactivated", closed, 403, "ImageDeactivated"),
        beyond("past the end", "Range", "bytes=10-"),
        beyond("malformed range", "Range", "octets=1-2"),
        beyond(
            "past the end by Content-Range",
            "Content-Range",
            "bytes 5-10/20",
        ),
    ]
}
