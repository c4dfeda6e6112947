//! Stores and imports end to end: what documents show, and what requests set going.

use serde_json::{Value, json};
use smalti::{Caller, Engine, ImageId, Status};

use super::reply::Reply;
use super::request::{OCTETS, Request};
use super::scene::{Scene, get, put, show};
use crate::support::elsewhere::{ELSEWHERE, with_sources, with_stores};
use crate::support::{Pattern, bytes, caller, eventually};

fn scene() -> Scene {
    let builder = with_sources(with_stores(Engine::builder_in_memory()));
    Scene::of(builder.open().expect("open"))
}

fn admin() -> Caller {
    Caller::project("ops").with_role("admin")
}

fn send(scene: &Scene, request: &Request) -> Reply {
    let reply = scene.server.send(request);
    reply.check();
    reply
}

fn import(scene: &Scene, id: &ImageId, by: &Caller, body: &Value) {
    let request = Request::new("POST", format!("/v2/images/{id}/import"));
    let reply = send(scene, &request.by(by).json(body));
    assert_eq!((reply.status, &*reply.body), (202, &b""[..]), "{reply:?}");
}

fn stage(id: &ImageId) -> Request {
    Request::new("PUT", format!("/v2/images/{id}/stage")).by(&caller())
}

/// Returns the tasks of an image once all have ended.
fn tasks(scene: &Scene, id: &ImageId) -> Vec<Value> {
    let list = || {
        let request = Request::new("GET", format!("/v2/images/{id}/tasks"));
        send(scene, &request.by(&admin())).json()["tasks"].clone()
    };
    let tasks = || list().as_array().expect("a list").clone();
    let is_over =
        |task: &Value| ["success", "failure"].contains(&task["status"].as_str().expect("a word"));
    eventually("over", || tasks().iter().all(is_over));
    tasks()
}

/// Returns what a list and a show of an image say of its stores to a caller.
fn shown(scene: &Scene, id: &ImageId, by: &Caller) -> Value {
    let one = Request::new("GET", format!("/v2/images/{id}")).by(by);
    let one = send(scene, &one).json()["stores"].clone();
    let list = format!("/v2/images?visibility=all&id={id}");
    let list = send(scene, &Request::new("GET", list).by(by)).json();
    assert_eq!(list["images"][0]["stores"], one, "{list}");
    one
}

#[test]
fn stores_are_shown_to_who_may_know_them() {
    let scene = scene();
    let id = scene.queued();
    assert_eq!(shown(&scene, &id, &caller()), Value::Null, "no data yet");
    let upload = put(&id)
        .header("X-Image-Meta-Store", "slow")
        .octets(*b"boot");
    assert_eq!(send(&scene, &upload).status, 204);
    let publish = json!([{ "op": "replace", "path": "/visibility", "value": "public" }]);
    let patch = Request::new("PATCH", format!("/v2/images/{id}")).by(&admin());
    let patched = send(&scene, &patch.patch(&publish));
    assert_eq!(patched.json()["stores"], "slow");
    let (reader, stranger) = (Caller::reader("a"), Caller::project("z"));
    // Twice, as documents of lists are kept.
    for _ in 0..2 {
        assert_eq!(shown(&scene, &id, &stranger), Value::Null);
        assert_eq!(shown(&scene, &id, &reader), "slow");
        assert_eq!(shown(&scene, &id, &admin()), "slow");
    }
    let off = Request::new("POST", format!("/v2/images/{id}/actions/deactivate"));
    assert_eq!(send(&scene, &off.by(&caller())).status, 204);
    assert_eq!(shown(&scene, &id, &reader), Value::Null);
    assert_eq!(shown(&scene, &id, &admin()), "slow");
}

#[test]
fn staged_data_is_imported_behind_the_answer() {
    let scene = scene();
    let (id, data) = (scene.queued(), bytes(Pattern::Mixed(1), 2_000_000));
    assert_eq!(send(&scene, &stage(&id).octets(data.clone())).status, 204);
    let staged = send(&scene, &show(&id)).json();
    assert_eq!(staged["status"], "uploading");
    assert_eq!(staged["size"], data.len());
    assert_eq!(send(&scene, &get(&id)).status, 204, "it is no data yet");
    let by = caller().with_user("u1");
    let body = json!({ "method": { "name": "glance-direct" }, "all_stores": true });
    import(&scene, &id, &by, &body);
    let tasks = tasks(&scene, &id);
    assert_eq!(tasks.len(), 1, "{tasks:?}");
    let task = &tasks[0];
    assert_eq!(task["status"], "success", "{task}");
    assert_eq!(task["user_id"], "u1");
    assert_eq!(task["owner"], "a");
    let request_id = task["request_id"].as_str().expect("an id");
    assert!(request_id.starts_with("req-"), "{request_id}");
    assert_eq!(task["input"]["import_req"], body);
    assert_eq!(task["input"]["backend"], json!(["fast", "slow"]));
    let image = send(&scene, &show(&id)).json();
    assert_eq!(image["status"], "active");
    assert_eq!(image["stores"], "fast,slow");
    assert_eq!(image["os_glance_failed_import"], "");
    for store in ["fast", "slow"] {
        let path = format!("/v2/images/{id}/file?prefer={store}");
        let read = send(&scene, &Request::new("GET", path).by(&caller()));
        assert!(read.body == data);
    }
    let removed = Request::new("DELETE", format!("/v2/stores/fast/{id}"));
    assert_eq!(send(&scene, &removed.by(&admin())).status, 204);
    assert_eq!(send(&scene, &show(&id)).json()["stores"], "slow");
    assert!(send(&scene, &get(&id)).body == data);
}

#[test]
fn data_of_the_web_is_imported_and_copied() {
    let scene = scene();
    let id = scene.queued();
    let method = json!({ "name": "web-download", "uri": "https://example.org/a.img" });
    import(&scene, &id, &caller(), &json!({ "method": method }));
    assert_eq!(tasks(&scene, &id)[0]["status"], "success");
    assert_eq!(send(&scene, &get(&id)).body, ELSEWHERE);
    let copy = json!({ "method": { "name": "copy-image" }, "all_stores": true });
    import(&scene, &id, &admin(), &copy);
    let ended = tasks(&scene, &id);
    assert_eq!(ended[1]["status"], "success", "{ended:?}");
    assert_eq!(ended[1]["input"]["backend"], json!(["slow"]));
    import(&scene, &id, &admin(), &copy);
    assert_eq!(tasks(&scene, &id).len(), 2, "it is everywhere already");
    let own = Request::new("GET", format!("/v2/images/{id}/tasks")).by(&caller());
    let own = send(&scene, &own).json();
    assert_eq!(own["tasks"].as_array().expect("a list").len(), 1);
    let page = Request::new("GET", "/v2/tasks?limit=1").by(&admin());
    let page = send(&scene, &page).json();
    assert_eq!(page["tasks"][0]["id"], ended[1]["id"], "the newest first");
    assert!(page["tasks"][0].get("input").is_none());
    let next = page["next"].as_str().expect("a further page");
    let page = send(&scene, &Request::new("GET", next).by(&admin())).json();
    assert_eq!(page["tasks"][0]["id"], ended[0]["id"]);
}

#[test]
fn what_is_staged_halfway_leaves_the_image_queued_and_stageable() {
    let (scene, data) = (scene(), bytes(Pattern::Random(2), 1 << 20));
    let id = scene.queued();
    for is_heard in [false, true] {
        let head = stage(&id).header("Content-Type", OCTETS);
        let mut client = scene.begin(&head.chunked([], 1));
        client.write(&super::request::chunk(&data)).expect("sent");
        assert_eq!(scene.status(&id), Status::Uploading);
        if is_heard {
            client.end_writing();
            assert_eq!(client.reply().check().status, 400);
        }
        drop(client);
        eventually("queued", || scene.status(&id) == Status::Queued);
    }
    assert_eq!(send(&scene, &stage(&id).octets(data)).status, 204);
    assert_eq!(scene.status(&id), Status::Uploading);
}

#[test]
fn nothing_of_stores_or_imports_is_told_where_there_are_none() {
    let builder = Engine::builder_in_memory().settings(smalti::Settings {
        enabled_import_methods: Vec::new(),
        ..smalti::Settings::default()
    });
    let scene = Scene::of(builder.open().expect("open"));
    let create = Request::new("POST", "/v2/images").by(&caller()).body("{}");
    let reply = send(&scene, &create);
    assert_eq!(reply.status, 201);
    assert_eq!(reply.header("openstack-image-import-methods"), None);
    assert_eq!(reply.header("openstack-image-store-ids"), None);
    let id = scene.filled(b"boot");
    assert_eq!(shown(&scene, &id, &caller()), Value::Null);
}
