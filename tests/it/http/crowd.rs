//! Many connections, slow ones beside fast ones, and what they leave: each test has a process of its
//! own, because it counts what the process holds.

use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use serde_json::json;

use super::client::Client;
use super::request::Request;
use super::scene::{Scene, get, show};
use crate::support::alone::{Held, expect_held, is_alone, resident_bytes};
use crate::support::{Pattern, bytes, caller};

const IDLE: usize = 1_000;
const ACTIVE: usize = 200;
/// What each of the active ones asks for.
const ROUNDS: usize = 20;

#[test]
fn a_thousand_idle_connections_do_not_disturb_two_hundred_active_ones() {
    if !is_alone("http::crowd::a_thousand_idle_connections_do_not_disturb_two_hundred_active_ones")
    {
        return;
    }
    let (scene, data) = (Scene::new(), bytes(Pattern::Random(1), 300_000));
    let id = scene.filled(&data);
    scene.check_alive();
    let before = Held::now();
    let mut idle: Vec<Client> = (0..IDLE).map(|_| scene.server.connect()).collect();
    for client in idle.iter_mut().step_by(2) {
        assert_eq!(client.send(&show(&id)).check().status, 200);
    }
    let begun = Instant::now();
    let most = thread::scope(|scope| {
        let client = |n| {
            let (scene, data) = (&scene, &data);
            scope.spawn(move || work(&mut scene.server.connect(), &id, data, n))
        };
        let active: Vec<_> = (0..ACTIVE).map(client).collect();
        let mut most = 0;
        while active.iter().any(|client| !client.is_finished()) {
            most = most.max(Held::now().threads);
        }
        most
    });
    let (took, threads) = (
        begun.elapsed(),
        most.saturating_sub(before.threads + ACTIVE),
    );
    println!("{ACTIVE} active beside {IDLE} idle: {took:?}, {threads} threads for them at most");
    // Nobody has a thread of its own: those of the engine are bounded by the cores.
    let cores = thread::available_parallelism().expect("known").get();
    assert!(threads <= 40 + 8 * cores, "{threads} threads more");
    for client in &mut idle {
        assert_eq!(client.send(&show(&id)).check().status, 200);
    }
    drop(idle);
    expect_held(&before);
}

/// Does what a client does, on one connection.
fn work(client: &mut Client, id: &smalti::ImageId, data: &[u8], n: usize) {
    for round in 0..ROUNDS {
        let from = (n * 997 + round * 131) % 200_000;
        let range = format!("bytes={from}-{}", from + 65_535);
        let reply = client.send(&get(id).header("Range", range));
        assert_eq!(reply.check().status, 206);
        assert!(reply.body == data[from..from + 65_536], "bytes from {from}");
    }
    let new = json!({ "name": n.to_string() });
    let made = client.send(&Request::new("POST", "/v2/images").by(&caller()).json(&new));
    assert_eq!(made.check().status, 201);
}

/// How long a slow reader reads: a minute where there is time.
fn slow_for() -> Duration {
    match std::env::var_os("SMALTI_LONG") {
        Some(_) => Duration::from_secs(60),
        None => Duration::from_secs(3),
    }
}

#[test]
fn a_reader_of_a_byte_a_second_does_not_hold_up_a_fast_one() {
    if !is_alone("http::crowd::a_reader_of_a_byte_a_second_does_not_hold_up_a_fast_one") {
        return;
    }
    let (scene, data) = (Scene::new(), bytes(Pattern::Random(2), 32 << 20));
    let id = scene.filled(&data);
    let mut fast = scene.server.connect();
    let alone = downloads(&mut fast, &id, &data, Duration::from_secs(1));
    thread::scope(|scope| {
        let slow = scope.spawn(|| read_slowly(&scene, &id, &data));
        let (count, secs) = (
            downloads(&mut fast, &id, &data, slow_for()),
            slow_for().as_secs(),
        );
        println!(
            "downloads of 32 MiB: {alone} in 1 s alone, {count} in {secs} s beside a slow one"
        );
        // The machine may be busy with other things.
        assert!(count as u64 >= secs, "{count} in {secs} s");
        slow.join().expect("no panic");
    });
    assert_eq!(fast.send(&show(&id)).check().status, 200);
}

/// Downloads an image again and again; returns how often.
fn downloads(client: &mut Client, id: &smalti::ImageId, data: &[u8], time: Duration) -> usize {
    let (begun, mut count) = (Instant::now(), 0);
    while begun.elapsed() < time {
        let reply = client.send(&get(id));
        assert!(reply.status == 200 && reply.body == data);
        count += 1;
    }
    count
}

/// Reads a byte a second.
fn read_slowly(scene: &Scene, id: &smalti::ImageId, data: &[u8]) {
    let mut client = scene.server.connect();
    client.write(&get(id).bytes()).expect("sent");
    assert_eq!(client.read_head().expect("an answer").status, 200);
    for (at, byte) in data.iter().take(slow_for().as_secs() as usize).enumerate() {
        assert_eq!(client.read_one().expect("a byte"), *byte, "byte {at}");
        sleep(Duration::from_secs(1));
    }
}

#[test]
fn ten_thousand_requests_leave_no_memory_behind() {
    if !is_alone("http::crowd::ten_thousand_requests_leave_no_memory_behind") {
        return;
    }
    let (scene, data) = (Scene::new(), bytes(Pattern::Random(3), 200_000));
    let id = scene.filled(&data);
    let mut client = scene.server.connect();
    let refused = Request::new("POST", "/v2/images").by(&caller()).body("{");
    let list = Request::new("GET", "/v2/images?limit=5&name=test").by(&caller());
    let absent = Request::new("GET", "/v2/images/none").by(&caller());
    let range = get(&id).header("Range", "bytes=1000-70000");
    let requests = [show(&id), list, range, absent, refused];
    let mut round = |count: usize| {
        for n in 0..count {
            let reply = client.send(&requests[n % requests.len()]);
            assert_eq!(reply.check().status, [200, 200, 206, 404, 400][n % 5]);
            // One in ten comes on a connection of its own.
            if n % 10 == 0 {
                client = scene.server.connect();
            }
        }
    };
    round(3_000);
    let before = resident_bytes();
    round(10_000);
    let after = resident_bytes();
    println!("resident: {before} bytes before 10,000 requests, {after} after");
    assert!(after < before + (8 << 20), "{before} before, {after} after");
}
