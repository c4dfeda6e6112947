//! Create: caller and body to document or error.

use serde_json::{Value, json};
use smalti::Caller;

use super::ask::{Ask, Transport};
use super::by_calls::Calls;
use super::{
    Checked, File, body, caller, engine, expanded, operator, same, settings, shown, stored,
};

/// The id that is in use.
const TAKEN: &str = "11111111-1111-1111-1111-11111111111a";

#[test]
fn images_are_created_as_the_vectors_say() {
    run(&Calls);
}

#[cfg(feature = "http")]
#[test]
fn images_are_created_through_http_as_the_vectors_say() {
    run(&super::by_http::Http);
}

fn run(way: &dyn Transport) {
    let file = File::new("create", include_str!("../../vectors/create.json"));
    file.run(way, |vector| check(way, vector));
}

fn check(way: &dyn Transport, vector: &Value) -> Checked {
    let engine = engine(settings(&vector["config"]));
    stored(&engine, &json!({ "id": TAKEN, "owner": "p2" }));
    let (expect, body) = (&vector["expect"], body(&vector["body"]));
    let caller = actor(super::text(vector, "actor"));
    let created = way.face(&engine).ask(&caller, Ask::Create(body.as_deref()));
    let created = created.done();
    let is_new = created.is_ok();
    let found = created.map(|answer| {
        let kept = engine.images(&operator()).show(&answer.id());
        let kept = kept.expect("it is there");
        assert!(answer.image.is_none_or(|image| image == kept));
        let mut document = shown(&answer.document);
        if expect["document"]["id"] == "<generated>" {
            let id = document["id"].as_str().expect("an id");
            assert_eq!(id.as_bytes()[14], b'4', "{id} is of version 4");
            document["id"] = json!("<generated>");
        }
        json!({ "status": answer.status, "document": document })
    });
    let images = engine
        .images(&operator())
        .list(&"visibility=all".parse().expect("sound"));
    let hidden = engine
        .images(&operator())
        .list(&"os_hidden=true".parse().expect("sound"));
    let count = [images, hidden].map(|page| page.expect("listed").images().len());
    assert_eq!(count[0] + count[1], 1 + usize::from(is_new), "{vector}");
    same(&found.unwrap_or_else(|refusal| refusal), &wanted(expect))
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
