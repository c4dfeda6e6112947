//! Outcomes of tags and members.

use serde_json::{Value, json};

use super::case::{Case, bad, good};
use super::world::{World, admin, owner, reader, sharer, stranger};
use crate::http::request::Request;

const PUT_TAG: &str = "PUT /v2/images/{image_id}/tags/{tag}";
const DELETE_TAG: &str = "DELETE /v2/images/{image_id}/tags/{tag}";
const LIST: &str = "GET /v2/images/{image_id}/members";
const ADD: &str = "POST /v2/images/{image_id}/members";
const SHOW: &str = "GET /v2/images/{image_id}/members/{member_id}";
const SET: &str = "PUT /v2/images/{image_id}/members/{member_id}";
const REMOVE: &str = "DELETE /v2/images/{image_id}/members/{member_id}";

pub(super) fn cases(world: &World) -> Vec<Case> {
    let shared = world.shared_with(&["p2"]);
    let private = world.queued(&json!({ "visibility": "private" }));
    let scene = Scene {
        world,
        shared,
        private,
    };
    [
        tags(world),
        scene.lists(),
        scene.adds(),
        scene.shows(),
        scene.sets(),
        scene.removes(),
    ]
    .concat()
}

fn tags(world: &World) -> Vec<Case> {
    let path = world.queued(&json!({ "tags": ["a", "b"] }));
    let public = world.queued(&json!({ "visibility": "public" }));
    let full = world.queued(&json!({ "tags": ["a", "b", "c"] }));
    let on = |method: &str, path: &str, tag: &str| {
        Request::new(method, format!("{path}/tags/{tag}")).by(&owner())
    };
    let put = |tag: &str| on("PUT", &path, tag);
    let foreign = |method| Request::new(method, format!("{public}/tags/a")).by(&stranger());
    let long = "x".repeat(256);
    vec![
        good(PUT_TAG, "tagged", put("c"), 204),
        good(PUT_TAG, "tagged already", put("a"), 204),
        bad(PUT_TAG, "empty", put(""), 400, "EmptyTag"),
        bad(PUT_TAG, "too long", put(&long), 400, "SchemaViolation"),
        bad(PUT_TAG, "no text", put("%ff"), 400, "SchemaViolation"),
        bad(PUT_TAG, "of another", foreign("PUT"), 403, "Forbidden"),
        bad(
            PUT_TAG,
            "too many",
            on("PUT", &full, "d"),
            413,
            "TagLimitExceeded",
        ),
        good(DELETE_TAG, "removed", on("DELETE", &path, "a"), 204),
        good(DELETE_TAG, "removed, with a slash", slashed(world), 204),
        bad(
            DELETE_TAG,
            "no such tag",
            on("DELETE", &path, "zz"),
            404,
            "NotFound",
        ),
        bad(
            DELETE_TAG,
            "of another",
            foreign("DELETE"),
            403,
            "Forbidden",
        ),
    ]
}

/// Returns the removal of a tag that holds a slash.
fn slashed(world: &World) -> Request {
    let path = world.queued(&json!({ "tags": ["a/b"] }));
    Request::new("DELETE", format!("{path}/tags/a%2Fb")).by(&owner())
}

struct Scene<'a> {
    world: &'a World,
    /// With the project `p2`.
    shared: String,
    private: String,
}

impl Scene<'_> {
    fn on(&self, method: &str, path: &str, member: &str) -> Request {
        Request::new(method, format!("{path}/members{member}"))
    }

    fn lists(&self) -> Vec<Case> {
        let get = |path| self.on("GET", path, "");
        vec![
            good(LIST, "all", get(&self.shared).by(&owner()), 200).shows("members"),
            good(LIST, "own", get(&self.shared).by(&sharer()), 200).shows("schema"),
            bad(
                LIST,
                "not shared",
                get(&self.private).by(&owner()),
                403,
                "NotShared",
            ),
        ]
    }

    fn adds(&self) -> Vec<Case> {
        let post = |path: &str| self.on("POST", path, "").by(&owner());
        let add = |member: Value| post(&self.shared).json(&json!({ "member": member }));
        let one = json!({ "member": "p3" });
        let full = self.world.shared_with(&["p2", "p3", "p4"]);
        let by = |caller| self.on("POST", &self.shared, "").by(&caller).json(&one);
        vec![
            good(ADD, "added", add(json!("p3")), 200)
                .shows("member_id")
                .shows("status"),
            bad(ADD, "no body", post(&self.shared), 400, "BodyRequired"),
            bad(
                ADD,
                "malformed",
                post(&self.shared).body("{"),
                400,
                "MalformedJson",
            ),
            bad(
                ADD,
                "no object",
                post(&self.shared).body("[]"),
                400,
                "SchemaViolation",
            ),
            bad(ADD, "no text", add(json!(5)), 400, "SchemaViolation"),
            bad(ADD, "empty", add(json!("")), 400, "SchemaViolation"),
            bad(ADD, "reader", by(reader()), 403, "Forbidden"),
            bad(ADD, "member", by(sharer()), 403, "Forbidden"),
            bad(
                ADD,
                "not shared",
                post(&self.private).json(&one),
                403,
                "NotShared",
            ),
            bad(ADD, "there already", add(json!("p2")), 409, "Duplicate"),
            bad(
                ADD,
                "too many",
                post(&full).json(&json!({ "member": "p5" })),
                413,
                "MemberLimitExceeded",
            ),
        ]
    }

    fn shows(&self) -> Vec<Case> {
        let get = |path, member| self.on("GET", path, member).by(&owner());
        let by = |caller| self.on("GET", &self.shared, "/p2").by(&caller);
        vec![
            good(SHOW, "member", get(&self.shared, "/p2"), 200).shows("member_id"),
            good(SHOW, "itself", by(sharer()), 200).shows("schema"),
            bad(
                SHOW,
                "no such member",
                get(&self.shared, "/p8"),
                404,
                "NotFound",
            ),
            bad(
                SHOW,
                "no member possible",
                get(&self.shared, "/%ff"),
                404,
                "NotFound",
            ),
            bad(
                SHOW,
                "not shared",
                get(&self.private, "/p2"),
                404,
                "NotFound",
            ),
        ]
    }

    fn sets(&self) -> Vec<Case> {
        let put = |path, member| self.on("PUT", path, member);
        let yes = json!({ "status": "accepted" });
        let own = |body: &Value| put(&self.shared, "/p2").by(&sharer()).json(body);
        let other = put(&self.shared, "/p8").by(&admin()).json(&yes);
        let not_shared = put(&self.private, "/p2").by(&admin()).json(&yes);
        let by_owner = put(&self.shared, "/p2").by(&owner()).json(&yes);
        vec![
            good(SET, "accepted", own(&yes), 200).shows("status"),
            bad(
                SET,
                "no body",
                put(&self.shared, "/p2").by(&sharer()),
                400,
                "BodyRequired",
            ),
            bad(
                SET,
                "malformed",
                put(&self.shared, "/p2").by(&sharer()).body("{"),
                400,
                "MalformedJson",
            ),
            bad(
                SET,
                "unknown word",
                own(&json!({ "status": "maybe" })),
                400,
                "InvalidParameter",
            ),
            bad(SET, "no word", own(&json!({})), 400, "SchemaViolation"),
            bad(SET, "owner", by_owner, 403, "Forbidden"),
            bad(SET, "not shared", not_shared, 403, "NotShared"),
            bad(SET, "no such member", other, 404, "NotFound"),
        ]
    }

    fn removes(&self) -> Vec<Case> {
        let shared = self.world.shared_with(&["p2", "p3"]);
        let delete = |path, member| self.on("DELETE", path, member);
        vec![
            good(REMOVE, "removed", delete(&shared, "/p3").by(&owner()), 204),
            bad(
                REMOVE,
                "member",
                delete(&shared, "/p2").by(&sharer()),
                403,
                "Forbidden",
            ),
            bad(
                REMOVE,
                "not shared",
                delete(&self.private, "/p2").by(&owner()),
                403,
                "NotShared",
            ),
            bad(
                REMOVE,
                "no such member",
                delete(&shared, "/p8").by(&owner()),
                404,
                "NotFound",
            ),
        ]
    }
}
