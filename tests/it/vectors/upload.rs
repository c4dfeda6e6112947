//! Uploads: headers, body and state to the answer, and what the image is then.

use serde_json::{Value, json};
use smalti::quota::storage_quota;
use smalti::{Caller, Engine, ImageId, Settings, Status};

use super::by_http::Http;
use super::{Checked, File, actor, engine, engine_with_stores, operator, settings, stored, text};
use crate::http::client::Client;
use crate::http::reply::Reply;
use crate::http::request::{Request, chunk};
use crate::http::server::TestServer;
use crate::support::{eventually, new_image};

#[test]
fn images_are_uploaded_through_http_as_the_vectors_say() {
    let file = File::new("upload", include_str!("../../vectors/upload.json"));
    let count = file.part("count").as_u64().expect("a count");
    file.run_where(&Http, "", count, |_| true, check);
}

/// Has the project use some bytes.
fn charge(engine: &Engine, used: u64) {
    if used == 0 {
        return;
    }
    let images = engine.images(&Caller::project("p1"));
    let image = images.create(new_image()).expect("create");
    let mut upload = images.upload(image.id()).expect("begin");
    upload
        .read_from(&mut &vec![b'x'; used as usize][..])
        .expect("write");
    upload.finish().expect("finish");
}

fn check(vector: &Value) -> Checked {
    let (request, state) = (&vector["request"], &vector["state"]);
    let settings = Settings {
        image_size_cap: state["image_size_cap"].as_u64().expect("a cap"),
        user_storage_quota: storage_quota(text(state, "user_storage_quota")).expect("a quota"),
        ..settings(&Value::Null)
    };
    let engine = match state["multi_store"] == true {
        true => engine_with_stores(settings),
        false => engine(settings),
    };
    charge(&engine, state["used"].as_u64().expect("a number"));
    let (caller, visibility) = actor(text(request, "actor"));
    let format = if state["formats_set"] == true {
        json!("raw")
    } else {
        Value::Null
    };
    let given = json!({
        "status": state["status"], "owner": "p1", "visibility": visibility, "disk_format": format,
    });
    let id = *stored(&engine, &given).id();
    let server = TestServer::of(&engine);
    let reply = upload(
        &engine,
        server.connect(),
        &head(request, &id, &caller),
        vector,
    );
    reply.check();
    let status = text(&vector["expect"], "image_status");
    // What ends with a connection ends soon after it.
    eventually(status, || word(&engine, &id) == status);
    check_empty(&engine, &id);
    if reply.status == 204 {
        check_store(&engine, &id, vector);
    }
    match json!(reply.status) == vector["expect"]["status"] {
        true => Ok(()),
        false => Err(format!("{reply:?}, {} expected", vector["expect"])),
    }
}

fn head(given: &Value, id: &ImageId, caller: &Caller) -> Request {
    let mut head = Request::new("PUT", format!("/v2/images/{id}/file")).by(caller);
    for (name, key) in [
        ("Content-Type", "content_type"),
        ("X-OpenStack-Image-Size", "x_openstack_image_size"),
        ("X-Image-Meta-Store", "x_image_meta_store"),
    ] {
        if let Some(value) = given[key].as_str() {
            head = head.header(name, value);
        }
    }
    match given["content_length"].as_u64() {
        Some(len) => head.header("Content-Length", len.to_string()),
        None => head.header("Transfer-Encoding", "chunked"),
    }
}

/// Sends the body, which may be shorter than was said: then the client sends no more.
fn upload(engine: &Engine, mut client: Client, head: &Request, vector: &Value) -> Reply {
    let request = &vector["request"];
    let body = vec![b'x'; request["body_bytes"].as_u64().expect("a length") as usize];
    let told = request["content_length"].as_u64();
    if vector["state"]["delete_during"] == true {
        return upload_deleted(engine, client, head, &body);
    }
    client.write(&head.bytes()).expect("sent");
    let body = match told {
        Some(_) => body.clone(),
        None => [chunk(&body), chunk(b"")].concat(),
    };
    client.write(&body).expect("sent");
    if told.is_some_and(|told| told > body.len() as u64) {
        client.end_writing();
    }
    client.reply()
}

/// Deletes the image once the server has asked for the body, and sends it then.
fn upload_deleted(engine: &Engine, mut client: Client, head: &Request, body: &[u8]) -> Reply {
    let head = head.clone().header("Expect", "100-continue");
    client.write(&head.bytes()).expect("sent");
    assert_eq!(client.read_head().expect("an answer").status, 100);
    let images = engine.images(&operator());
    let id = "77777777-7777-7777-7777-777777777777"
        .parse()
        .expect("an id");
    assert_eq!(images.show(&id).expect("shown").status(), Status::Saving);
    images.delete(&id).expect("deleted");
    client.write(body).expect("sent");
    client.reply()
}

fn word(engine: &Engine, id: &ImageId) -> String {
    match engine.images(&operator()).show(id) {
        Ok(image) => image.status().to_string(),
        Err(error) => {
            assert_eq!(error.http_status(), 404);
            "deleted".to_owned()
        }
    }
}

/// Tests that data is in the store that was asked for: that of the engine unless one is named.
fn check_store(engine: &Engine, id: &ImageId, vector: &Value) {
    let image = engine.images(&operator()).show(id).expect("it is there");
    let found: Vec<_> = image.locations().iter().map(|it| it.store()).collect();
    let named = vector["request"]["x_image_meta_store"].as_str();
    let expected = match vector["state"]["multi_store"] == true {
        true => named.unwrap_or("fast"),
        false => "local",
    };
    assert_eq!(found, [Some(expected)]);
}

/// Tests that an image that is queued has nothing of an upload that failed.
fn check_empty(engine: &Engine, id: &ImageId) {
    let images = engine.images(&operator());
    let Ok(image) = images.show(id) else { return };
    if image.status() == Status::Queued {
        assert!(
            image.size().is_none() && image.checksum().is_none(),
            "{image:?}"
        );
        assert!(
            image.os_hash_value().is_none() && image.locations().is_empty(),
            "{image:?}"
        );
        assert!(images.open(id).expect("visible").is_none());
    }
}
