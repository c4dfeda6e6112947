//! Patches: document, caller, media type and body to document or error.

use serde_json::{Value, json};

use super::ask::{Ask, Transport};
use super::by_calls::Calls;
use super::{Checked, File, caller, engine, operator, same, settings, shown, stored, texts};

#[test]
fn images_are_patched_as_the_vectors_say() {
    run(&Calls);
}

#[cfg(feature = "http")]
#[test]
fn images_are_patched_through_http_as_the_vectors_say() {
    run(&super::by_http::Http);
}

fn run(way: &dyn Transport) {
    let file = File::new("patch", include_str!("../../vectors/patch.json"));
    file.run(way, |vector| check(way, vector));
}

fn check(way: &dyn Transport, vector: &Value) -> Checked {
    let engine = engine(settings(&vector["config"]));
    let mut given = vector["document"].clone();
    let members = texts(&vector["members"]).map(|name| (name.to_owned(), json!("accepted")));
    given["members"] = Value::Object(members.collect());
    let before = stored(&engine, &given);
    let (face, body) = (way.face(&engine), vector["patch"].to_string());
    let media_type = vector["media_type"].as_str();
    let ask = Ask::Patch(before.id(), media_type, body.as_bytes());
    let answer = face.ask(&caller(&vector["actor"]), ask).done();
    let after = engine.images(&operator()).show(before.id()).expect("shown");
    let found = match answer {
        Ok(answer) => {
            assert!(answer.image.is_none_or(|image| image == after));
            let is_empty = vector["patch"] == json!([]);
            assert_eq!(after.updated_at() == before.updated_at(), is_empty);
            assert_eq!(after.revision(), before.revision() + u64::from(!is_empty));
            let stored = face.ask(&operator(), Ask::Show(before.id()));
            assert_eq!(answer.document, stored.document, "what is stored");
            json!({ "status": answer.status, "document": shown(&answer.document) })
        }
        Err(refusal) => {
            assert_eq!(after, before, "a refusal changes nothing");
            refusal
        }
    };
    same(&found, &vector["expect"])
}
