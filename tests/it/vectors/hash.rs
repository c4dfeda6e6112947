//! Digests: content and algorithm to what the record says after an upload.

use serde_json::{Value, json};
use smalti::{Caller, Settings};

use super::ask::{Ask, Transport};
use super::by_calls::Calls;
use super::{Checked, File, engine, same, settings, text};

#[test]
fn records_name_the_digests_that_the_vectors_say() {
    run(&Calls);
}

#[cfg(feature = "http")]
#[test]
fn records_name_the_digests_through_http_that_the_vectors_say() {
    run(&super::by_http::Http);
}

fn run(way: &dyn Transport) {
    let file = File::new("hash", include_str!("../../vectors/hash.json"));
    file.run(way, |vector| check(way, vector));
}

fn check(way: &dyn Transport, vector: &Value) -> Checked {
    let algorithm = text(vector, "algorithm").parse().expect("an algorithm");
    let engine = engine(Settings {
        hashing_algorithm: Some(algorithm),
        ..settings(&Value::Null)
    });
    let (face, caller) = (way.face(&engine), Caller::project("p1"));
    let new = json!({ "disk_format": "raw", "container_format": "bare" }).to_string();
    let id = face.ask(&caller, Ask::Create(Some(new.as_bytes()))).id();
    let data = content(text(vector, "content"));
    assert_eq!(face.ask(&caller, Ask::Upload(&id, &data)).status, 204);
    let read = face.ask(&caller, Ask::Download(&id));
    assert!((read.status, &read.data) == (200, &data), "{vector}");
    let document = face.ask(&caller, Ask::Show(&id)).document;
    let names = ["size", "os_hash_algo", "os_hash_value", "checksum"];
    let found = names.map(|name| (name.to_owned(), document[name].clone()));
    same(
        &Value::Object(found.into_iter().collect()),
        &json!(vector["expect"]),
    )
}

fn content(name: &str) -> Vec<u8> {
    match name {
        "empty" => Vec::new(),
        "zeros-4096" => vec![0; 4096],
        "zeros-1MiB" => vec![0; 1 << 20],
        "ramp-1000" => (0..1000_u32).map(|at| (at % 256) as u8).collect(),
        letters => letters.bytes().collect(),
    }
}
