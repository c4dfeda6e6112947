//! Bodies that do not come as they should: cut off, too short, too long, too slow, and JSON that is
//! none or too much.

use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::json;
use smalti::Status;

use super::request::{OCTETS, PATCH, Request, chunk};
use super::scene::{Scene, put, put_chunks};
use crate::support::{Pattern, bytes, caller, eventually};

/// How an upload goes wrong after its first bytes.
#[derive(Debug, Clone, Copy)]
enum Wrong {
    Gone,
    /// No more comes, but the client listens.
    Ended,
    /// These bytes come.
    Sent(&'static [u8]),
}

/// Sends a head and some bytes, and goes wrong; returns the status, where there can be one.
fn go_wrong(scene: &Scene, head: &Request, first: &[u8], wrong: Wrong) -> Option<u16> {
    let mut client = scene.begin(head);
    client.write(first).expect("sent");
    match wrong {
        Wrong::Gone => return None,
        Wrong::Ended => client.end_writing(),
        Wrong::Sent(bytes) => client.write(bytes).expect("sent"),
    }
    let reply = client.reply();
    Some(reply.check().status)
}

#[test]
fn an_upload_that_goes_wrong_leaves_the_image_queued_and_uploadable() {
    let (scene, data) = (Scene::new(), bytes(Pattern::Random(1), 3 << 20));
    let whole = |len: usize| move |id: &_| put(id).octets(vec![0; len]);
    let in_chunks = |id: &_| put_chunks(id);
    let (one, half) = (chunk(&data[..100_000]), chunk(&data)[..2_000_000].to_vec());
    let longer = whole(data.len() + 1);
    type Head<'a> = &'a dyn Fn(&smalti::ImageId) -> Request;
    let ways: [(Head<'_>, &[u8], Wrong, Option<u16>); 10] = [
        (&in_chunks, b"", Wrong::Gone, None),
        (&in_chunks, &one, Wrong::Gone, None),
        (&in_chunks, &half, Wrong::Gone, None),
        (&in_chunks, &one, Wrong::Ended, Some(400)),
        (&in_chunks, &half, Wrong::Ended, Some(400)),
        (&in_chunks, &one, Wrong::Sent(b"no length\r\n"), Some(400)),
        (&in_chunks, &one, Wrong::Sent(b"3\r\nabcdef\r\n"), Some(400)),
        (
            &in_chunks,
            &one,
            Wrong::Sent(b"ffffffffffffffffff\r\n"),
            Some(400),
        ),
        (&longer, &data, Wrong::Gone, None),
        (&longer, &data, Wrong::Ended, Some(400)),
    ];
    for (head, first, wrong, status) in ways {
        let id = scene.queued();
        let found = go_wrong(&scene, &head(&id), first, wrong);
        assert_eq!(found, status, "{wrong:?} after {} bytes", first.len());
        eventually("queued", || scene.status(&id) == Status::Queued);
        scene.check_uploadable(&id, &data);
    }
}

#[test]
fn a_body_that_ends_before_its_length_is_a_mismatch_of_sizes() {
    let scene = Scene::new();
    let id = scene.queued();
    let mut client = scene.begin(&put(&id).octets(vec![0; 50]));
    client.write(b"abc").expect("sent");
    client.end_writing();
    let reply = client.reply();
    assert_eq!(reply.check().status, 400);
    assert_eq!(reply.json()["error"]["code"], "SizeMismatch");
    scene.check_uploadable(&id, b"abc");
}

#[test]
fn a_client_that_has_sent_all_may_say_so_before_the_answer() {
    let scene = Scene::new();
    let id = scene.queued();
    let mut client = scene.begin(&put(&id).octets(&b"boot"[..]));
    client.write(b"boot").expect("sent");
    client.end_writing();
    assert_eq!(client.reply().check().status, 204);
    assert_eq!(scene.data(&id), b"boot");
}

#[test]
fn a_coding_that_is_not_undone_is_refused() {
    let scene = Scene::new();
    let id = scene.queued();
    let coded = put(&id)
        .header("Content-Type", OCTETS)
        .header("Transfer-Encoding", "gzip, chunked");
    let mut client = scene.server.connect();
    client.write(&coded.bytes()).expect("sent");
    client.write(b"0\r\n\r\n").expect("sent");
    assert_eq!(client.reply().check().status, 501);
    assert_eq!(scene.status(&id), Status::Queued);
}

#[test]
fn what_follows_the_length_of_a_body_is_no_part_of_it() {
    let scene = Scene::new();
    let id = scene.queued();
    let mut client = scene.server.connect();
    let head = put(&id)
        .header("Content-Type", OCTETS)
        .header("Content-Length", "4");
    client.write(&head.bytes()).expect("sent");
    client.write(b"bootleg\r\n\r\n").expect("sent");
    assert_eq!(client.reply().check().status, 204);
    assert_eq!(client.reply().status, 400, "the rest is no request");
    assert_eq!(client.read_to_end().expect("it is closed"), b"");
    assert_eq!(scene.data(&id), b"boot");
}

#[test]
fn a_body_that_stops_coming_is_given_up() {
    let scene = Scene::impatient(Duration::from_millis(300));
    let id = scene.queued();
    let json = Request::new("POST", "/v2/images").by(&caller());
    let uploads = [put_chunks(&id), put(&id).octets(vec![0; 9])];
    let heads = uploads.into_iter().chain([json.chunked([], 1)]);
    for head in heads {
        let (mut client, begun) = (scene.server.connect(), Instant::now());
        client.write(&head.head()).expect("sent");
        let reply = client.reply();
        assert_eq!(reply.check().told(), (400, Some("SourceFailed".to_owned())));
        let took = begun.elapsed();
        assert!((300..30_000).contains(&took.as_millis()), "{took:?}");
    }
    eventually("queued", || scene.status(&id) == Status::Queued);
    scene.check_uploadable(&id, b"boot");
}

#[test]
fn a_body_that_comes_slowly_is_taken() {
    let scene = Scene::impatient(Duration::from_secs(3));
    let id = scene.queued();
    let mut client = scene.begin(&put_chunks(&id));
    let letters = b"0123456789abcdefghijklmnopqrstuvwxyz";
    for letter in letters {
        client.write(&chunk(&[*letter])).expect("sent");
        sleep(Duration::from_millis(100));
    }
    client.write(&chunk(b"")).expect("sent");
    assert_eq!(client.reply().check().status, 204);
    assert_eq!(scene.data(&id), letters);
}

#[test]
fn bodies_in_json_that_are_none_or_too_much_are_refused_by_what_is_wrong() {
    let scene = Scene::new();
    let path = format!("/v2/images/{}", scene.queued());
    let members = format!("{path}/members");
    let import = format!("{path}/import");
    let routes = [
        ("POST", "/v2/images"),
        ("PATCH", &*path),
        ("POST", &*members),
        ("POST", &*import),
    ];
    let nested = |open: &str, close: &str| open.repeat(100_000) + &close.repeat(100_000);
    let bodies: Vec<Vec<u8>> = vec![
        b"{".to_vec(),
        b"nul".to_vec(),
        b"{} {}".to_vec(),
        b"\xef\xbb\xbf{}".to_vec(),
        b"{\"name\": \"\xc3\x28\"}".to_vec(),
        b"{\"name\": \"\\ud800\"}".to_vec(),
        b"{\"min_ram\": 1e999}".to_vec(),
        b"[".to_vec(),
        b"{\"name\": NaN}".to_vec(),
        b"{'name': 'n'}".to_vec(),
        b"\0".to_vec(),
        nested("[", "]").into_bytes(),
        nested("{\"a\":", "}").into_bytes(),
        nested("[{\"a\":[", "]}]").into_bytes(),
        vec![b' '; (16 << 20) + 1],
        format!("[{}0]", "0,".repeat(100_000)).into_bytes(),
    ];
    let mut client = scene.server.connect();
    for (method, path) in routes {
        for body in &bodies {
            let request = Request::new(method, path).by(&caller());
            let request = request.header("Content-Type", PATCH).body(body.clone());
            let (status, code) = client.send(&request).check().told();
            let start = String::from_utf8_lossy(&body[..body.len().min(20)]);
            let codes = ["MalformedJson", "UnexpectedBody", "SchemaViolation"];
            let code = code.expect("a code");
            assert!(
                status == 400 && codes.contains(&&*code),
                "{start:?}: {status} {code}"
            );
        }
    }
    scene.check_alive();
}

#[test]
fn the_last_of_keys_that_are_there_twice_holds() {
    let scene = Scene::new();
    let body = "{\"name\": \"a\", \"min_ram\": 1, \"name\": \"b\", \"name\": \"c\"}";
    let create = Request::new("POST", "/v2/images").by(&caller()).body(body);
    let made = scene.server.send(&create);
    assert_eq!(made.check().status, 201);
    assert_eq!(made.json()["name"], "c");
    let path = made.header("location").expect("a place");
    let body = "[{\"op\": \"add\", \"op\": \"remove\", \"path\": \"/p\", \"path\": \"/q\"}]";
    let patch = Request::new("PATCH", path)
        .by(&caller())
        .header("Content-Type", PATCH);
    let reply = scene.server.send(&patch.body(body));
    assert_eq!(
        reply.check().told(),
        (409, Some("PropertyMissing".to_owned()))
    );
    let member = json!({ "member": "p7" })
        .to_string()
        .replace('{', "{\"member\": 5,");
    let add = Request::new("POST", format!("{path}/members")).by(&caller());
    assert_eq!(scene.server.send(&add.body(member)).check().status, 200);
}
