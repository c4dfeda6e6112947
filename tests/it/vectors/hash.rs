//! Digests: content and algorithm to what the record says after an upload.

use std::io::Write;

use serde_json::{Value, json};
use smalti::wire::ImageOptions;
use smalti::{Caller, Settings};

use super::{Checked, File, engine, same, settings, shown, text};
use crate::support::new_image;

#[test]
fn records_name_the_digests_that_the_vectors_say() {
    let file = File::new("hash", include_str!("../../vectors/hash.json"));
    file.run(check);
}

fn check(vector: &Value) -> Checked {
    let algorithm = text(vector, "algorithm").parse().expect("an algorithm");
    let engine = engine(Settings {
        hashing_algorithm: Some(algorithm),
        ..settings(&Value::Null)
    });
    let images = engine.images(&Caller::project("p1"));
    let image = images.create(new_image()).expect("create");
    let mut upload = images.upload(image.id()).expect("begin");
    upload
        .write_all(&content(text(vector, "content")))
        .expect("write");
    let image = upload.finish().expect("finish");
    let document = shown(&image, ImageOptions::new());
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
