//! The limits of a server: heads that do not come, answers that nobody takes, and too many clients.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use smalti::ImageId;
use smalti::http::{HttpSettings, ServerSettings};

use super::client::Client;
use super::request::Request;
use super::scene::{Scene, get, show};
use super::server::trusting;
use crate::support::{Pattern, bytes, caller, eventually, new_image};

const SOON: Duration = Duration::from_millis(400);

#[test]
fn a_head_that_does_not_come_closes_the_connection() {
    let settings = ServerSettings {
        header_timeout: SOON,
        ..ServerSettings::default()
    };
    let scene = Scene::with(trusting(), settings);
    let id = scene.queued();
    let head = show(&id).bytes();
    for sent in [&b""[..], &head[..1], &head[..head.len() - 2]] {
        let (mut client, begun) = (scene.server.connect(), Instant::now());
        client.write(sent).expect("sent");
        let answered = client.read_to_end().expect("it is closed");
        let took = begun.elapsed();
        assert!((300..30_000).contains(&took.as_millis()), "{took:?}");
        let is_refusal = answered.starts_with(b"HTTP/1.1 4");
        assert!(answered.is_empty() || is_refusal, "{answered:?}");
    }
    let mut idle = scene.server.connect();
    assert_eq!(idle.send(&show(&id)).check().status, 200);
    assert_eq!(idle.read_to_end().expect("it is closed"), b"");
    scene.check_alive();
}

#[test]
fn a_client_that_takes_nothing_is_let_go() {
    let settings = ServerSettings {
        write_timeout: SOON,
        ..ServerSettings::default()
    };
    let scene = Scene::with(trusting(), settings);
    // More than the buffers of the system hold.
    let id = scene.filled(&bytes(Pattern::Random(1), 32 << 20));
    let mut client = scene.server.connect();
    client.write(&get(&id).bytes()).expect("sent");
    assert_eq!(client.read_head().expect("an answer").status, 200);
    scene.engine.images(&caller()).delete(&id).expect("deleted");
    eventually("collected", || {
        scene.engine.collect().expect("collected");
        scene.engine.stats().expect("stats").unique_bytes == 0
    });
    let taken = client.take(32 << 20);
    assert!(taken.is_err(), "the body is cut, and its end is no end");
}

#[test]
fn clients_beyond_the_limit_wait_until_others_have_gone() {
    let settings = ServerSettings {
        max_connections: 2,
        ..ServerSettings::default()
    };
    let scene = Scene::with(trusting(), settings);
    let id = scene.queued();
    let mut first = [scene.server.connect(), scene.server.connect()];
    for client in &mut first {
        assert_eq!(client.send(&show(&id)).check().status, 200);
    }
    let mut third = scene.server.connect();
    third.write(&show(&id).bytes()).expect("sent");
    let waited = third.try_reply_within(SOON);
    assert!(waited.is_none(), "{waited:?}");
    drop(first);
    assert_eq!(third.reply().check().status, 200);
}

/// A server with 16 MiB for documents, and some images of 8 MiB each.
fn long_images(http: HttpSettings) -> (Scene, Vec<ImageId>) {
    let http = HttpSettings {
        document_memory_bytes: 16 << 20,
        ..http
    };
    let scene = Scene::with(http, ServerSettings::default());
    let images = scene.engine.images(&caller());
    let long = |new: smalti::NewImage, at| new.property(format!("p{at}"), "v".repeat(65_000));
    let create = |_| {
        let image = images.create((0..120).fold(new_image(), long));
        *image.expect("create").id()
    };
    let ids = (0..3).map(create).collect();
    (scene, ids)
}

/// Asks, and takes no more than the head of the answer.
fn take_head(scene: &Scene, request: &Request) -> Client {
    let mut client = scene.server.connect();
    client.write(&request.bytes()).expect("sent");
    assert_eq!(client.read_head().expect("an answer").status, 200);
    client
}

#[test]
fn long_documents_wait_while_others_that_nobody_takes_have_the_memory() {
    let (scene, ids) = long_images(trusting());
    let list = Request::new("GET", "/v2/images").by(&caller());
    let name = json!([{ "op": "replace", "path": "/name", "value": "n" }]);
    let patch = Request::new("PATCH", format!("/v2/images/{}", ids[1])).by(&caller());
    for request in [list.clone(), show(&ids[0]), patch.patch(&name)] {
        let first = [take_head(&scene, &list), take_head(&scene, &show(&ids[0]))];
        let mut third = scene.server.connect();
        third.write(&request.bytes()).expect("sent");
        let waited = third.try_reply_within(SOON);
        assert!(waited.is_none(), "all memory is taken");
        let short = Request::new("GET", "/v2/images?limit=0").by(&caller());
        assert_eq!(scene.server.send(&short).check().status, 200);
        drop(first);
        assert_eq!(third.reply().check().status, 200);
    }
}

#[test]
fn a_long_page_ends_early_and_the_next_one_goes_on() {
    let (scene, mut ids) = long_images(trusting());
    let mut seen = Vec::new();
    let mut path = "/v2/images?limit=10".to_owned();
    while seen.len() <= ids.len() {
        let reply = scene.server.send(&Request::new("GET", &path).by(&caller()));
        let page = reply.check().json();
        let images = page["images"].as_array().expect("images");
        assert!(images.len() <= 1, "each is longer than a page may be");
        let id = |image: &Value| image["id"].as_str().expect("an id").parse::<ImageId>();
        seen.extend(images.iter().map(|image| id(image).expect("an id")));
        match page["next"].as_str() {
            Some(next) => path = next.to_owned(),
            None => break,
        }
    }
    ids.reverse();
    assert_eq!(seen, ids);
}

#[test]
fn a_document_that_is_not_taken_in_time_gives_its_memory_back() {
    let (scene, ids) = long_images(HttpSettings {
        document_time: Duration::from_secs(1),
        ..trusting()
    });
    let mut slow = [0, 1].map(|_| take_head(&scene, &show(&ids[0])));
    let others = scene.server.send(&show(&ids[1]));
    assert_eq!(others.check().status, 200);
    for client in &mut slow {
        let taken = client.read_to_end().map_or(0, |taken| taken.len());
        assert!(taken < 7 << 20, "{taken} bytes: it is broken off");
    }
}
