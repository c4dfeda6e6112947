//! Byte ranges of downloads: size and headers to the bytes of an answer.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use serde_json::{Value, json};
use smalti::{Caller, Engine, ImageId, Settings};

use super::by_http::Http;
use super::{Checked, File, engine, same, settings};
use crate::http::client::Client;
use crate::http::request::Request;
use crate::http::server::TestServer;
use crate::support::new_image;

/// Images up to this hold letters, larger ones zeros.
const LETTERS_MAX: u64 = 10;
/// More of a body than this is not read.
const READ_MAX: u64 = 1 << 20;

#[test]
fn ranges_are_downloaded_through_http_as_the_vectors_say() {
    let file = File::new("range", include_str!("../../vectors/range.json"));
    let engine = engine(Settings {
        hashing_algorithm: None,
        legacy_md5: false,
        ..settings(&Value::Null)
    });
    let sizes = file.json["vectors"].as_array().expect("a list").iter();
    let sizes: BTreeSet<_> = sizes.map(|vector| vector["size"].as_u64()).collect();
    let images = sizes.into_iter().map(|size| (size, filled(&engine, size)));
    let images: BTreeMap<Option<u64>, ImageId> = images.collect();
    let server = TestServer::of(&engine);
    file.run(&Http, |vector| {
        let id = images[&vector["size"].as_u64()];
        check(server.connect(), &id, vector)
    });
}

fn filled(engine: &Engine, size: Option<u64>) -> ImageId {
    let images = engine.images(&Caller::project("p1"));
    let id = *images.create(new_image()).expect("create").id();
    if let Some(size) = size {
        let mut upload = images.upload(&id).expect("begin");
        match size <= LETTERS_MAX {
            true => upload.write_all(&letters(size)).expect("write"),
            false => upload.skip(size).expect("skip"),
        }
        upload.finish().expect("finish");
    }
    id
}

fn letters(size: u64) -> Vec<u8> {
    (b'a'..).take(size as usize).collect()
}

fn check(mut client: Client, id: &ImageId, vector: &Value) -> Checked {
    let mut request = Request::new("GET", format!("/v2/images/{id}/file"));
    request = request.by(&Caller::project("p1"));
    for (name, key) in [("Range", "range"), ("Content-Range", "content_range")] {
        if let Some(value) = vector[key].as_str() {
            request = request.header(name, value);
        }
    }
    client.write(&request.bytes()).expect("sent");
    let head = client.read_head().expect("an answer");
    let told = head.header("content-range");
    let found = match head.status {
        200 | 206 => {
            let len = head.header("content-length").expect("a length");
            let len: u64 = len.parse().expect("a number");
            let offset = vector["expect"]["offset"].as_u64().unwrap_or_default();
            check_bytes(&mut client, vector["size"].as_u64(), offset, len)?;
            json!({ "status": head.status, "offset": offset, "length": len, "content_range": told })
        }
        416 => json!({ "status": 416, "content_range": told }),
        status => json!({ "status": status }),
    };
    same(&found, &vector["expect"])
}

/// Reads the start of a body, and compares it with the bytes from an offset on.
fn check_bytes(client: &mut Client, size: Option<u64>, offset: u64, len: u64) -> Checked {
    let body = client.take(len.min(READ_MAX) as usize);
    let body = body.map_err(|error| error.to_string())?;
    let is_right = match size.filter(|size| *size <= LETTERS_MAX) {
        Some(size) => letters(size)[offset as usize..].starts_with(&body),
        None => body.iter().all(|byte| *byte == 0),
    };
    match is_right {
        true => Ok(()),
        false => Err(format!("other bytes at {offset}")),
    }
}
