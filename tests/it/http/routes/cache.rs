//! Outcomes of the cache where there is one; `off` has those where there is none.

use smalti::ImageId;

use super::case::{Case, Service, bad, good};
use super::world::{World, admin, owner};
use crate::http::request::Request;

const SHOW: &str = "GET /v2/cache";
const CLEAR: &str = "DELETE /v2/cache";
const QUEUE: &str = "PUT /v2/cache/{image_id}";
const REMOVE: &str = "DELETE /v2/cache/{image_id}";
const NODES: &str = "GET /v2/cache/nodes/{image_id}";
const TARGET: &str = "x-image-cache-clear-target";

fn by_admin(method: &str, path: impl Into<String>) -> Request {
    Request::new(method, path.into()).by(&admin())
}

pub(super) fn cases(world: &World) -> Vec<Case> {
    let mut cases = [whole(), of_images(world)].concat();
    // In this order: the first finds what the others remove.
    cases.splice(0..0, first(world));
    cases.into_iter().map(|it| it.to(Service::Cached)).collect()
}

fn first(world: &World) -> Vec<Case> {
    let (cached, waiting) = (world.in_cache(), world.beside_cache(true));
    let show = || by_admin("GET", "/v2/cache");
    let queue = by_admin("PUT", format!("/v2/cache/{waiting}"));
    let download = Request::new("GET", format!("/v2/images/{cached}/file")).by(&owner());
    let pruned = "{\"total_files_pruned\":1,\"total_bytes_pruned\":10}";
    vec![
        good(QUEUE, "waits", queue, 202).body(""),
        good(
            "GET /v2/images/{image_id}/file",
            "from the cache",
            download,
            200,
        )
        .body("0123456789"),
        good(SHOW, "shown", show(), 200)
            .shows("cached_images")
            .shows("queued_images"),
        good(
            "POST /v2/cache/clean",
            "cleaned",
            by_admin("POST", "/v2/cache/clean"),
            200,
        )
        .body(""),
        good(
            "POST /v2/cache/prune",
            "pruned",
            by_admin("POST", "/v2/cache/prune"),
            200,
        )
        .body(pruned),
        good(
            CLEAR,
            "the cache",
            by_admin("DELETE", "/v2/cache").header(TARGET, "Cache"),
            204,
        ),
        good(SHOW, "what waits", show(), 200).body(format!(
            "{{\"cached_images\":[],\"queued_images\":[\"{waiting}\"]}}"
        )),
        good(CLEAR, "both", by_admin("DELETE", "/v2/cache"), 204),
        good(SHOW, "nothing", show(), 200).body("{\"cached_images\":[],\"queued_images\":[]}"),
    ]
}

fn whole() -> Vec<Case> {
    let clear = |caller: &smalti::Caller| {
        let clear = Request::new("DELETE", "/v2/cache").by(caller);
        clear.header(TARGET, "everything")
    };
    vec![
        bad(
            CLEAR,
            "malformed",
            clear(&admin()),
            400,
            "InvalidCacheTarget",
        ),
        bad(CLEAR, "rights first", clear(&owner()), 403, "Forbidden"),
    ]
}

fn of_images(world: &World) -> Vec<Case> {
    let (active, queued) = (world.beside_cache(true), world.beside_cache(false));
    let absent = ImageId::from_bytes([0x5a; 16]);
    let at = |method: &str, id: &ImageId| by_admin(method, format!("/v2/cache/{id}"));
    let nodes = |id: &ImageId| by_admin("GET", format!("/v2/cache/nodes/{id}"));
    vec![
        bad(QUEUE, "not active", at("PUT", &queued), 400, "NotActive"),
        bad(QUEUE, "no image", at("PUT", &absent), 404, "NotFound"),
        good(
            REMOVE,
            "neither cached nor waiting",
            at("DELETE", &active),
            204,
        ),
        bad(REMOVE, "no image", at("DELETE", &absent), 404, "NotFound"),
        bad(
            NODES,
            "none but this",
            nodes(&active),
            409,
            "CacheNotCentral",
        ),
        bad(NODES, "no image", nodes(&absent), 404, "NotFound"),
    ]
}
