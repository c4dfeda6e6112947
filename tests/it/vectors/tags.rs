//! Single tags: image, caller and call to the tags of the image.

use serde_json::{Value, json};
use smalti::wire::expect_no_body;
use smalti::{Caller, Engine, ImageId, Result};

use super::{Checked, File, engine, operator, refused, same, settings, stored, text};

#[test]
fn images_are_tagged_as_the_vectors_say() {
    let file = File::new("tags", include_str!("../../vectors/tags.json"));
    file.run(check);
}

fn check(vector: &Value) -> Checked {
    let engine = engine(settings(&json!({ "image_tag_quota": vector["quota"] })));
    let (caller, visibility) = actor(text(vector, "actor"));
    let before = stored(
        &engine,
        &json!({
            "status": vector["image_status"].as_str().unwrap_or("queued"), "owner": "p1",
            "visibility": visibility, "tags": vector["tags"], "members": { "p2": "accepted" },
        }),
    );
    let done = call(&engine, &caller, before.id(), vector);
    let after = engine.images(&operator()).show(before.id()).expect("shown");
    let found = match done {
        Ok(()) => {
            assert!(after.updated_at() > before.updated_at());
            json!({ "status": 204, "tags": after.tags() })
        }
        Err(error) => {
            assert_eq!(after, before, "a refusal changes nothing");
            refused(&error)
        }
    };
    same(&found, &vector["expect"])
}

fn call(engine: &Engine, caller: &Caller, id: &ImageId, vector: &Value) -> Result<()> {
    // The calls of the engine take no body; a server refuses one before.
    expect_no_body(vector["body"].as_str().unwrap_or_default().as_bytes())?;
    let (tags, tag) = (engine.images(caller).tags(id), text(vector, "tag"));
    match text(vector, "op") {
        "PUT" => tags.add(tag),
        "DELETE" => tags.remove(tag),
        other => panic!("no call {other}"),
    }
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
