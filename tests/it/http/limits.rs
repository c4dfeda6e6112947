//! The limits of a server: heads that do not come, answers that nobody takes, and too many clients.

use std::time::{Duration, Instant};

use smalti::http::{HttpSettings, ServerSettings};

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

#[test]
fn a_long_page_waits_while_others_that_nobody_takes_have_the_memory() {
    let http = HttpSettings {
        document_memory_bytes: 16 << 20,
        ..trusting()
    };
    let scene = Scene::with(http, ServerSettings::default());
    let images = scene.engine.images(&caller());
    for _ in 0..3 {
        let long = |new: smalti::NewImage, at| new.property(format!("p{at}"), "v".repeat(65_000));
        images
            .create((0..120).fold(new_image(), long))
            .expect("create");
    }
    let list = Request::new("GET", "/v2/images").by(&caller());
    let mut first = scene.server.connect();
    first.write(&list.bytes()).expect("sent");
    assert_eq!(first.read_head().expect("an answer").status, 200);
    let mut second = scene.server.connect();
    second.write(&list.bytes()).expect("sent");
    assert!(
        second.try_reply_within(SOON).is_none(),
        "all memory is taken"
    );
    let short = Request::new("GET", "/v2/images?limit=0").by(&caller());
    assert_eq!(scene.server.send(&short).check().status, 200);
    drop(first);
    let reply = second.reply();
    assert_eq!(reply.check().status, 200);
    let page = reply.json();
    assert_eq!(page["images"].as_array().map(Vec::len), Some(3));
}
