//! Single tags: image, caller and call to the tags of the image.

use serde_json::{Value, json};
use smalti::Caller;

use super::ask::{Ask, Transport};
use super::by_calls::Calls;
use super::{Checked, File, engine, operator, same, settings, stored, text};

#[test]
fn images_are_tagged_as_the_vectors_say() {
    run(&Calls);
}

#[cfg(feature = "http")]
#[test]
fn images_are_tagged_through_http_as_the_vectors_say() {
    run(&super::by_http::Http);
}

fn run(way: &dyn Transport) {
    let file = File::new("tags", include_str!("../../vectors/tags.json"));
    file.run(way, |vector| check(way, vector));
}

fn check(way: &dyn Transport, vector: &Value) -> Checked {
    let engine = engine(settings(&json!({ "image_tag_quota": vector["quota"] })));
    let (caller, visibility) = actor(text(vector, "actor"));
    let before = stored(
        &engine,
        &json!({
            "status": vector["image_status"].as_str().unwrap_or("queued"), "owner": "p1",
            "visibility": visibility, "tags": vector["tags"], "members": { "p2": "accepted" },
        }),
    );
    let body = vector["body"].as_str().unwrap_or_default().as_bytes();
    let ask = Ask::Tag(before.id(), text(vector, "op"), text(vector, "tag"), body);
    let answer = way.face(&engine).ask(&caller, ask).done();
    let after = engine.images(&operator()).show(before.id()).expect("shown");
    let found = match answer {
        Ok(answer) => {
            assert!(after.updated_at() > before.updated_at());
            json!({ "status": answer.status, "tags": after.tags() })
        }
        Err(refusal) => {
            assert_eq!(after, before, "a refusal changes nothing");
            refusal
        }
    };
    same(&found, &vector["expect"])
}

/// The callers that the file names, and the visibility of the image that goes with each; `p2` is
/// a member where it is shared.
fn actor(name: &str) -> (Caller, &'static str) {
    match name {
        "owner-member" => (Caller::project("p1"), "shared"),
        "owner-reader" => (Caller::reader("p1"), "shared"),
        "image-member" => (Caller::project("p2"), "shared"),
        "other-public" => (Caller::project("p2"), "public"),
        "other-private" => (Caller::project("p2"), "private"),
        "admin" => (operator(), "shared"),
        name => panic!("no actor {name}"),
    }
}
