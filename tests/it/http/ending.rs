//! Ends: of a server that is told to stop, and of requests that are answered before their end.

use std::thread;
use std::time::{Duration, Instant};

use smalti::Status;
use smalti::http::ServerSettings;

use super::client::Client;
use super::request::{Request, chunk};
use super::scene::{Scene, get, put, put_chunks, show};
use super::server::trusting;
use crate::support::{Pattern, bytes, caller, eventually, read_all};

/// A server that lets requests run on for so long when it ends.
fn with_grace(shutdown_grace: Duration) -> Scene {
    let settings = ServerSettings {
        shutdown_grace,
        ..ServerSettings::default()
    };
    Scene::with(trusting(), settings)
}

#[test]
fn requests_that_run_end_before_the_server_does() {
    let scene = with_grace(Duration::from_secs(30));
    let (id, data) = (scene.queued(), bytes(Pattern::Random(1), 2 << 20));
    let full = scene.filled(&bytes(Pattern::Random(2), 30 << 20));
    let mut upload = scene.begin(&put_chunks(&id));
    upload.write(&chunk(&data[..1000])).expect("sent");
    let mut download = scene.server.connect();
    download.write(&get(&full).bytes()).expect("sent");
    assert_eq!(download.read_head().expect("an answer").status, 200);
    let address = scene.server.address();
    let Scene { server, engine } = scene;
    let stopping = thread::spawn(move || server.stop());
    eventually("closed to others", || {
        std::net::TcpStream::connect(address).is_err()
    });
    upload.write(&chunk(&data[1000..])).expect("sent");
    upload.write(&chunk(b"")).expect("sent");
    let reply = upload.reply();
    assert_eq!(reply.check().status, 204);
    assert_eq!(reply.header("connection"), Some("close"));
    assert_eq!(
        download.take(30 << 20).expect("all of it"),
        bytes(Pattern::Random(2), 30 << 20)
    );
    drop((upload, download));
    let took = stopping.join().expect("no panic");
    assert!(took < Duration::from_secs(20), "{took:?}");
    let images = engine.images(&caller());
    assert!(read_all(&images, &id) == data);
}

#[test]
fn an_upload_that_does_not_end_in_time_is_broken_off_and_its_image_queued() {
    let scene = with_grace(Duration::from_millis(300));
    let id = scene.queued();
    let mut upload = scene.begin(&put_chunks(&id));
    upload.write(&chunk(&[7; 100_000])).expect("sent");
    let Scene { server, engine } = scene;
    let took = server.stop();
    assert!((300..20_000).contains(&took.as_millis()), "{took:?}");
    assert!(upload.try_reply("PUT").is_err(), "there is no answer");
    let images = engine.images(&caller());
    eventually("queued", || {
        images.show(&id).expect("shown").status() == Status::Queued
    });
    Scene::of(engine).check_uploadable(&id, b"boot");
}

#[test]
fn idle_connections_are_closed_when_the_server_ends() {
    let scene = with_grace(Duration::from_secs(30));
    let id = scene.queued();
    let mut idle: Vec<Client> = (0..50).map(|_| scene.server.connect()).collect();
    for client in idle.iter_mut().step_by(2) {
        assert_eq!(client.send(&show(&id)).check().status, 200);
    }
    scene.check_alive();
    let begun = Instant::now();
    let Scene { server, .. } = scene;
    let stopping = thread::spawn(move || server.stop());
    for client in &mut idle {
        assert_eq!(client.read_to_end().expect("it is closed"), b"");
    }
    let closed = begun.elapsed();
    assert!(closed < Duration::from_secs(8), "{closed:?}");
    // The clients do not close: the server does not wait for them.
    let took = stopping.join().expect("no panic");
    assert!(took < Duration::from_secs(8), "{took:?}");
    drop(idle);
}

#[test]
fn half_a_head_does_not_hold_up_the_end_of_the_server() {
    let scene = with_grace(Duration::from_secs(30));
    let head = show(&scene.queued()).bytes();
    let mut clients: Vec<Client> = (0..4).map(|_| scene.server.connect()).collect();
    // One has had an answer before; one is within its second request.
    assert_eq!(clients[0].send(&show(&scene.queued())).check().status, 200);
    for client in &mut clients {
        client.write(&head[..head.len() / 2]).expect("sent");
    }
    scene.check_alive();
    let Scene { server, .. } = scene;
    let took = server.stop();
    assert!(took < Duration::from_secs(8), "{took:?}");
    for client in &mut clients {
        assert!(client.try_reply("GET").is_err(), "there is no answer");
    }
}

#[test]
fn an_answer_that_is_being_taken_is_not_broken_off_when_the_server_ends() {
    let scene = with_grace(Duration::from_secs(30));
    let data = bytes(Pattern::Random(4), 30 << 20);
    let id = scene.filled(&data);
    let mut download = scene.server.connect();
    download.write(&get(&id).bytes()).expect("sent");
    assert_eq!(download.read_head().expect("an answer").status, 200);
    let (address, Scene { server, .. }) = (scene.server.address(), scene);
    let stopping = thread::spawn(move || server.stop());
    eventually("closed to others", || {
        std::net::TcpStream::connect(address).is_err()
    });
    // Nothing is taken for longer than an idle client is waited for.
    thread::sleep(Duration::from_millis(2500));
    assert!(download.take(data.len()).expect("all of it") == data);
    drop(download);
    let took = stopping.join().expect("no panic");
    assert!((2500..20_000).contains(&took.as_millis()), "{took:?}");
}

#[test]
fn the_rest_of_a_body_that_never_comes_does_not_hold_up_the_end_of_the_server() {
    let scene = with_grace(Duration::from_secs(30));
    let mut client = scene.server.connect();
    let upload = put(&scene.queued()).body(vec![7; 1000]);
    client.write(&upload.head()).expect("sent");
    assert_eq!(client.reply().check().status, 415);
    // The server waits for the body now, for 10 s.
    assert_eq!(client.read_to_end().expect("it is ended"), b"");
    let Scene { server, .. } = scene;
    let took = server.stop();
    assert!(took < Duration::from_secs(5), "{took:?}");
}

#[test]
fn an_early_refusal_reaches_a_client_that_sends_all_before_it_reads() {
    let scene = Scene::new();
    let (full, empty) = (scene.filled(b"boot"), scene.queued());
    let data = vec![7; 32 << 20];
    let there = put(&full).octets(data.clone());
    let chunks = put(&full).header("Content-Type", "application/octet-stream");
    let cases: [(Request, u16, &str); 4] = [
        (there, 409, "InvalidState"),
        (chunks.chunked(data.clone(), 1 << 16), 409, "InvalidState"),
        (put(&empty).body(data.clone()), 415, "UnsupportedMediaType"),
        (show(&empty).body(data), 400, "BodyNotAllowed"),
    ];
    for (request, status, code) in cases {
        let mut client = scene.server.connect();
        client.write(&request.bytes()).expect("all of it is taken");
        let reply = client.reply();
        assert_eq!(reply.check().told(), (status, Some(code.to_owned())));
    }
    assert_eq!(scene.status(&empty), Status::Queued);
    scene.check_alive();
}

#[test]
fn an_answer_before_the_end_of_a_body_says_that_the_connection_ends() {
    let scene = Scene::new();
    let (full, empty) = (scene.filled(b"boot"), scene.queued());
    let said = |request: &Request| {
        let mut client = scene.server.connect();
        client.write(&request.head()).expect("sent");
        client
            .reply()
            .check()
            .header("connection")
            .map(str::to_owned)
    };
    let close = Some("close".to_owned());
    assert_eq!(said(&put(&full).octets("leg")), close);
    assert_eq!(said(&put_chunks(&full)), close);
    assert_eq!(said(&show(&full).body("x")), close);
    assert_eq!(said(&show(&full)), None);
    let mut client = scene.server.connect();
    for request in [
        put(&empty).octets("boot"),
        show(&empty).body(""),
        show(&empty),
    ] {
        assert_eq!(client.send(&request).check().header("connection"), None);
    }
}

#[test]
fn a_download_whose_client_goes_leaves_nothing_running() {
    let scene = Scene::new();
    let id = scene.filled(&bytes(Pattern::Random(3), 20 << 20));
    for _ in 0..10 {
        let mut client = scene.server.connect();
        client.write(&get(&id).bytes()).expect("sent");
        assert_eq!(client.read_head().expect("an answer").status, 200);
        client.take(1000).expect("the start");
    }
    let images = scene.engine.images(&caller());
    images.delete(&id).expect("deleted");
    // What nobody reads any more can be collected.
    eventually("collected", || {
        scene.engine.collect().expect("collected");
        scene.engine.stats().expect("stats").unique_bytes == 0
    });
}
