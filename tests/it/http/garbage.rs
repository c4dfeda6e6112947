//! What is no request, or one of another intention: each is answered or closed, and the server goes
//! on.

use std::io;

use super::client::Client;
use super::request::{Request, chunk};
use super::scene::{Scene, get, put, show};
use crate::support::{Rng, caller, seed};

/// What a server may say to bytes that are no request of this API.
const REFUSALS: [u16; 13] = [
    300, 400, 401, 404, 405, 408, 411, 413, 414, 417, 431, 501, 505,
];

/// Sends bytes, ends, and returns the statuses of all that is answered until the server closes.
fn statuses(scene: &Scene, bytes: &[u8]) -> Vec<u16> {
    let mut client = scene.server.connect();
    // The server may have closed before all was sent.
    let _ = client.write(bytes);
    client.try_end_writing();
    let mut found = Vec::new();
    while let Some(status) = next_status(&mut client) {
        found.push(status);
    }
    found
}

fn next_status(client: &mut Client) -> Option<u16> {
    match client.try_reply("GET") {
        Ok(reply) => Some(reply.status),
        Err(error) => {
            let is_end = [
                io::ErrorKind::UnexpectedEof,
                io::ErrorKind::ConnectionReset,
                io::ErrorKind::BrokenPipe,
            ];
            assert!(is_end.contains(&error.kind()), "{error}");
            None
        }
    }
}

#[test]
fn what_is_no_request_is_refused_or_closed() {
    let scene = Scene::new();
    let head = "GET /v2/images HTTP/1.1\r\nHost: a\r\n";
    let long = "x".repeat(100_000);
    let many: String = (0..5_000).map(|n| format!("H{n}: v\r\n")).collect();
    let cases: Vec<Vec<u8>> = vec![
        b"\r\n\r\n".to_vec(),
        b"GET\r\n\r\n".to_vec(),
        b"GET /\r\n\r\n".to_vec(),
        b"GET / HTTP/9.9\r\n\r\n".to_vec(),
        b"GET / HTTP/2.0\r\n\r\n".to_vec(),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(),
        b"GET /v2/ima ges HTTP/1.1\r\n\r\n".to_vec(),
        b"G\0T / HTTP/1.1\r\n\r\n".to_vec(),
        b"GET /\xff\xfe HTTP/1.1\r\nHost: a\r\n\r\n".to_vec(),
        b"GET http:// HTTP/1.1\r\nHost: a\r\n\r\n".to_vec(),
        b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n".to_vec(),
        b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n".to_vec(),
        format!("{head}no colon\r\n\r\n").into_bytes(),
        format!("{head}A\0: b\r\n\r\n").into_bytes(),
        format!("{head}A: b\0\r\n\r\n").into_bytes(),
        format!("{head}A: b\r\n folded\r\n\r\n").into_bytes(),
        format!("{head}A : b\r\n\r\n").into_bytes(),
        format!("{head}: b\r\n\r\n").into_bytes(),
        format!("{head}Content-Length: -1\r\n\r\n").into_bytes(),
        format!("{head}Content-Length: 99999999999999999999\r\n\r\n").into_bytes(),
        format!("{head}Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx").into_bytes(),
        format!("{head}Content-Length: 1, 2\r\n\r\nxx").into_bytes(),
        format!("{head}Transfer-Encoding: gzip\r\n\r\n").into_bytes(),
        format!("{head}Transfer-Encoding: chunked, gzip\r\n\r\n").into_bytes(),
        format!("{head}{many}\r\n").into_bytes(),
        format!("{head}A: {}\r\n\r\n", long.repeat(20)).into_bytes(),
        format!("GET /{long} HTTP/1.1\r\nHost: a\r\n\r\n").into_bytes(),
        format!("{long}{long}").into_bytes(),
    ];
    for case in &cases {
        let found = statuses(&scene, case);
        let start = String::from_utf8_lossy(&case[..case.len().min(120)]);
        assert!(
            found.iter().all(|status| REFUSALS.contains(status)),
            "{start:?}: {found:?}"
        );
        println!("{:?}: {found:?}", start.get(..60).unwrap_or(&start));
    }
    scene.check_alive();
}

#[test]
fn a_head_that_is_too_large_is_refused_with_431() {
    let scene = Scene::new();
    let large = |len: usize| show(&scene.queued()).header("X-Large", "x".repeat(len));
    let mut client = scene.server.connect();
    assert_eq!(client.send(&large(10_000)).check().status, 200);
    let found = statuses(&scene, &large(2 << 20).bytes());
    assert!(found == [431] || found.is_empty(), "{found:?}");
    let many = (0..5_000).fold(show(&scene.queued()), |it, n| {
        it.header(&format!("H{n}"), "v")
    });
    assert_eq!(statuses(&scene, &many.bytes()), [431]);
    scene.check_alive();
}

#[test]
fn random_bytes_are_refused_or_closed() {
    let (scene, mut rng) = (Scene::new(), Rng(seed()));
    let valid = show(&scene.queued()).bytes();
    for _ in 0..500 {
        let mut bytes = valid.clone();
        match rng.below(3) {
            0 => rng.fill(&mut bytes),
            1 => {
                let at = rng.below(bytes.len() as u64) as usize;
                bytes[at] = rng.next() as u8;
            }
            _ => bytes.truncate(rng.below(bytes.len() as u64) as usize),
        }
        let found = statuses(&scene, &bytes);
        let is_fine = |status: &u16| *status == 200 || REFUSALS.contains(status);
        let shown = String::from_utf8_lossy(&bytes);
        assert!(
            found.len() <= 1 && found.iter().all(is_fine),
            "{shown:?}: {found:?}"
        );
    }
    scene.check_alive();
}

#[test]
fn one_request_is_no_two_however_its_length_is_told() {
    let scene = Scene::new();
    let inner = String::from_utf8(show(&scene.queued()).bytes()).expect("a text");
    let head = "POST /v2/images HTTP/1.1\r\nHost: a\r\nX-Identity-Status: Confirmed\r\n";
    let both = format!("{head}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
    let twice = format!("{head}Transfer-Encoding: chunked, identity\r\n\r\n{inner}");
    let spaced = format!("{head}Transfer-Encoding : chunked\r\n\r\n{inner}");
    for smuggled in [both + &inner, twice, spaced] {
        let found = statuses(&scene, smuggled.as_bytes());
        let is_refused = found.first().is_none_or(|status| *status >= 400);
        assert!(is_refused, "{smuggled:?}: {found:?}");
        assert!(found.len() <= 2, "{smuggled:?}: {found:?}");
    }
}

#[test]
fn requests_that_come_at_once_are_answered_in_order() {
    let scene = Scene::new();
    let id = scene.filled(b"0123456789");
    let request = |n: usize| {
        let request = match n % 3 {
            0 => show(&id),
            1 => get(&id).header("Range", format!("bytes={}-", n % 10)),
            _ => Request::new("POST", "/v2/images")
                .by(&caller())
                .chunked("{}", 1),
        };
        request.header("X-OpenStack-Request-ID", format!("r{n}"))
    };
    let mut sent: Vec<u8> = (0..100).flat_map(|n| request(n).bytes()).collect();
    sent.extend_from_slice(b"NO REQUEST\r\n\r\n");
    let mut client = scene.server.connect();
    client.write(&sent).expect("sent");
    for n in 0..100 {
        let reply = client.reply();
        let told = reply.check().header("x-openstack-request-id");
        assert_eq!(told, Some(&*format!("req-r{n}")));
        assert_eq!(reply.status, [200, 206, 201][n % 3], "{reply:?}");
    }
    assert_eq!(client.reply().status, 400);
    assert_eq!(client.read_to_end().expect("it is closed"), b"");
}

#[test]
fn a_chunked_body_may_say_what_is_ignored() {
    let scene = Scene::new();
    let id = scene.queued();
    let head = put(&id).header("Content-Type", "application/octet-stream");
    let head = head
        .header("Transfer-Encoding", "chunked")
        .header("Trailer", "X");
    let mut client = scene.server.connect();
    client.write(&head.bytes()).expect("sent");
    client.write(b"4;name=\"value\"\r\nboot\r\n").expect("sent");
    client.write(&chunk(b"leg")).expect("sent");
    client.write(b"0\r\nX: trailer\r\n\r\n").expect("sent");
    assert_eq!(client.reply().check().status, 204);
    assert_eq!(scene.data(&id), b"bootleg");
}

#[test]
fn paths_lead_nowhere_but_to_what_they_name() {
    let scene = Scene::new();
    let id = scene.queued();
    let paths = [
        "/v2/images/../../etc/passwd".to_owned(),
        "/v2/images/..%2f..%2fetc%2fpasswd/file".to_owned(),
        "/v2/images/%2e%2e/file".to_owned(),
        "/v2/images/%00/file".to_owned(),
        "/v2/images/%".to_owned(),
        "/v2/images/%zz%".to_owned(),
        "/v2/images/%ff%fe".to_owned(),
        "/v2//images".to_owned(),
        "/v2/images/".to_owned(),
        "/v2/images//file".to_owned(),
        format!("/v2/images/{id}/"),
        format!("/v2/images/{id}%20"),
        format!("/v2/images/{id}%0d%0aX:%20y"),
        format!("/v2/images/{id}/file/../file"),
        format!("/v2/images/{id}/members/{}", "%2f".repeat(300)),
        format!("/v2/images/{}", "a".repeat(5_000)),
        format!("/v2/{}", "a/".repeat(3_000)),
    ];
    let mut client = scene.server.connect();
    for path in &paths {
        let reply = client.send(&Request::new("GET", path.as_str()).by(&caller()));
        assert_eq!(reply.check().status, 404, "{path}");
        assert!(reply.header("x").is_none());
    }
    for path in [
        "/",
        "//",
        "/../v2/images",
        "/%76%32/images",
        "/v2%2fimages",
        "/v3/images",
    ] {
        let reply = client.send(&Request::new("GET", path).by(&caller()));
        assert_eq!(reply.check().status, 300, "{path}");
    }
    scene.check_alive();
}
