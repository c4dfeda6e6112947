//! Outcomes of stores: what is said of them, and copies that leave one.

use serde_json::Value;
use smalti::Caller;

use super::case::{Case, bad, good};
use super::world::{World, admin, owner};
use crate::http::request::Request;

const NAMES: &str = "GET /v2/info/stores";
const DETAILS: &str = "GET /v2/info/stores/detail";
const DELETE: &str = "DELETE /v2/stores/{store_id}/{image_id}";

pub(super) fn cases(world: &World) -> Vec<Case> {
    [infos(), deletes(world)].concat()
}

fn infos() -> Vec<Case> {
    let names = |caller: &Caller| Request::new("GET", "/v2/info/stores").by(caller);
    let details = |caller: &Caller| Request::new("GET", "/v2/info/stores/detail").by(caller);
    let known = concat!(
        r#"{"stores":[{"id":"fast","description":"solid disks","default":"true"},"#,
        r#"{"id":"slow"},{"id":"web","read-only":"true"}]}"#
    );
    let all = concat!(
        r#"{"stores":[{"id":"fast","description":"solid disks","default":"true","#,
        r#""type":"file","weight":0,"properties":{}},"#,
        r#"{"id":"slow","type":"file","weight":-5,"#,
        r#""properties":{"chunk_size":65536,"thin_provisioning":false}},"#,
        r#"{"id":"web","read-only":"true","type":"http","weight":0,"properties":{}}]}"#
    );
    let service = Caller::project("p9").with_role("service");
    vec![
        good(NAMES, "names", names(&owner()), 200).body(known),
        good(NAMES, "names, anonymous", names(&Caller::anonymous()), 200).body(known),
        good(DETAILS, "details", details(&admin()), 200).body(all),
        good(DETAILS, "details, by service", details(&service), 200).body(all),
        bad(DETAILS, "no admin", details(&owner()), 403, "Forbidden"),
    ]
}

fn deletes(world: &World) -> Vec<Case> {
    let delete = |store: &str, path: &str| {
        let id = path.rsplit('/').next().expect("an id");
        Request::new("DELETE", format!("/v2/stores/{store}/{id}")).by(&admin())
    };
    let by_owner = |path: &str| {
        let id = path.rsplit('/').next().expect("an id");
        Request::new("DELETE", format!("/v2/stores/slow/{id}")).by(&owner())
    };
    let refused = |outcome, request, status, code| bad(DELETE, outcome, request, status, code);
    let (copied, alone) = (world.copied(), world.active(&Value::Null));
    vec![
        refused("no admin", by_owner(&copied), 403, "Forbidden"),
        refused("no copy", delete("web", &copied), 404, "NotFound"),
        refused(
            "unknown store",
            delete("none", &copied),
            409,
            "UnknownStore",
        ),
        refused("last copy", delete("fast", &alone), 403, "LastLocation"),
        refused(
            "queued",
            delete("fast", &world.queued(&Value::Null)),
            409,
            "InvalidState",
        ),
        good(DELETE, "removed", delete("fast", &copied), 204),
        refused(
            "last one left",
            delete("slow", &copied),
            403,
            "LastLocation",
        ),
    ]
}
