//! Imports: what is asked and the state to the answer, and the stores that the task is for.

use std::io::Write;

use serde_json::{Value, json};
use smalti::import::ImportMethod;
use smalti::{Engine, ImageId, Settings, Upload, UploadOptions};

use super::ask::{Ask, Transport};
use super::by_calls::Calls;
use super::{Checked, File, actor, copy_to, operator, same, settings, stored, text, texts};
use crate::support::elsewhere::{with_sources, with_stores};
use crate::support::stage::Ticks;

#[test]
fn imports_are_accepted_and_refused_as_the_vectors_say() {
    run(&Calls);
}

#[cfg(feature = "http")]
#[test]
fn imports_are_accepted_and_refused_through_http_as_the_vectors_say() {
    run(&super::by_http::Http);
}

fn run(way: &dyn Transport) {
    let file = File::new("import", include_str!("../../vectors/import.json"));
    file.run(way, |vector| check(way, vector));
}

fn check(way: &dyn Transport, vector: &Value) -> Checked {
    let engine = open(vector);
    let (caller, visibility) = actor(text(vector, "actor"));
    let id = prepared(&engine, &vector["image"], visibility);
    let face = way.face(&engine);
    let (store, body) = (&vector["x_image_meta_store"], vector["body"].to_string());
    let tasks = || face.ask(&operator(), Ask::Tasks(&id)).document["tasks"].clone();
    let before = tasks().as_array().expect("a list").len();
    let ask = Ask::Import(&id, store.as_str(), body.as_bytes());
    let found = match face.ask(&caller, ask).done() {
        Ok(answer) => json!({ "status": answer.status }),
        Err(refusal) => refusal,
    };
    let tasks = tasks();
    let news = &tasks.as_array().expect("a list")[before..];
    same(&with_stores_of(news, found, vector), &vector["expect"])
}

/// Adds to what was answered the stores of the one task that there is then, or none. Where there is
/// one store, nobody knows its name.
fn with_stores_of(tasks: &[Value], mut found: Value, vector: &Value) -> Value {
    let stores = match tasks {
        [] if found["status"] != 202 => return found,
        [] => json!([]),
        [task] => match task["input"]["backend"].clone() {
            local if vector["multi_store"] == false && local == json!(["local"]) => Value::Null,
            stores => stores,
        },
        more => json!(more),
    };
    found["stores"] = stores;
    found
}

fn open(vector: &Value) -> Engine {
    let method = |word| {
        let mut all = ImportMethod::ALL.iter().copied();
        all.find(|method| method.as_str() == word)
            .expect("a method")
    };
    let builder = Engine::builder_in_memory().settings(Settings {
        enabled_import_methods: texts(&vector["enabled_methods"]).map(method).collect(),
        ..settings(&Value::Null)
    });
    let builder = with_sources(builder.clock(Ticks::default()));
    let builder = match vector["multi_store"] == true {
        true => with_stores(builder),
        false => builder,
    };
    builder.open().expect("open")
}

/// Stores an image of a status and with copies of its data in some stores.
fn prepared(engine: &Engine, image: &Value, visibility: &str) -> ImageId {
    let format = (image["formats_set"] == true).then_some("raw");
    let status = text(image, "status");
    let stores: Vec<&str> = texts(&image["stores"]).collect();
    let has_data = status == "uploading" || (status == "active" && !stores.is_empty());
    let given = json!({
        "status": if has_data { "queued" } else { status },
        "owner": "p1", "visibility": visibility, "disk_format": format,
    });
    let id = *stored(engine, &given).id();
    if status == "uploading" {
        fill(
            engine
                .images(&operator())
                .stage(&id, UploadOptions::default()),
        );
    } else if has_data {
        let options = UploadOptions {
            store: Some(stores[0].to_owned()),
            ..UploadOptions::default()
        };
        fill(engine.images(&operator()).upload_with(&id, options));
        stores[1..]
            .iter()
            .for_each(|store| copy_to(engine, &id, store));
    }
    id
}

fn fill(upload: smalti::Result<Upload>) {
    let mut upload = upload.expect("it is let in");
    upload.write_all(b"boot").expect("written");
    upload.finish().expect("finished");
}
