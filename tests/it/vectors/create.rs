//! Create: caller and body to document or error.

use serde_json::{Value, json};
use smalti::wire::ImageOptions;
use smalti::{Caller, Engine, Image, NewImage, Result};

use super::{Checked, File, body, caller, engine, expanded, operator, refused, same, settings};
use super::{shown, stored, text};

/// The id that is in use.
const TAKEN: &str = "11111111-1111-1111-1111-11111111111a";

#[test]
fn images_are_created_as_the_vectors_say() {
    let file = File::new("create", include_str!("../../vectors/create.json"));
    file.run(check);
}

fn check(vector: &Value) -> Checked {
    let engine = engine(settings(&vector["config"]));
    stored(&engine, &json!({ "id": TAKEN, "owner": "p2" }));
    let expect = &vector["expect"];
    let created = create(&engine, &actor(text(vector, "actor")), &vector["body"]);
    let is_new = created.is_ok();
    let found = match created {
        Ok(image) => {
            let kept = engine.images(&operator()).show(image.id());
            assert_eq!(kept.expect("it is there"), image);
            let mut document = shown(&image, ImageOptions::new());
            if expect["document"]["id"] == "<generated>" {
                let id = document["id"].as_str().expect("an id");
                assert_eq!(id.as_bytes()[14], b'4', "{id} is of version 4");
                document["id"] = json!("<generated>");
            }
            json!({ "status": 201, "document": document })
        }
        Err(error) => refused(&error),
    };
    let images = engine
        .images(&operator())
        .list(&"visibility=all".parse().expect("sound"));
    let hidden = engine
        .images(&operator())
        .list(&"os_hidden=true".parse().expect("sound"));
    let count = [images, hidden].map(|page| page.expect("listed").images().len());
    assert_eq!(count[0] + count[1], 1 + usize::from(is_new), "{vector}");
    same(&found, &wanted(expect))
}

pub(super) fn create(engine: &Engine, caller: &Caller, request: &Value) -> Result<Image> {
    let new = NewImage::from_json(body(request).as_deref(), &engine.settings().limits)?;
    engine.images(caller).create(new)
}

/// The callers that the file describes.
fn actor(name: &str) -> Caller {
    caller(&match name {
        "owner" => json!({ "project": "p1", "roles": ["member", "reader"] }),
        "reader" => json!({ "project": "p1", "roles": ["reader"] }),
        "admin" => json!({ "project": "padm", "roles": ["admin", "member", "reader"] }),
        "anon" => json!({ "read_only": true }),
        name => panic!("no actor {name}"),
    })
}

fn wanted(expect: &Value) -> Value {
    let mut wanted = expect.clone();
    if let Some(document) = wanted.get_mut("document") {
        *document = expanded(document);
    }
    wanted
}
