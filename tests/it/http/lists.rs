//! Lists, whose documents are kept from one to the next: they show what there is now, and to each
//! caller what it may see.

use serde_json::{Value, json};
use smalti::policy::{ProtectionFormat, Rules};
use smalti::{Caller, Engine, Settings};

use super::request::Request;
use super::scene::Scene;
use super::server::TestServer;
use crate::support::{caller, new_image};

/// Returns what a caller sees of the only image there is.
#[track_caller]
fn seen(server: &TestServer, caller: &Caller) -> Value {
    let reply = server.send(&Request::new("GET", "/v2/images").by(caller));
    assert_eq!(reply.check().status, 200);
    let listed = reply.json()["images"][0].take();
    let id = listed["id"].as_str().expect("an image");
    let shown = Request::new("GET", format!("/v2/images/{id}")).by(caller);
    assert_eq!(listed, server.send(&shown).json(), "listed and shown");
    listed
}

#[test]
fn a_list_shows_every_change_at_once() {
    let scene = Scene::new();
    let images = scene.engine.images(&caller());
    let id = scene.queued();
    assert_eq!(seen(&scene.server, &caller())["status"], "queued");
    let mut upload = images.upload(&id).expect("begun");
    assert_eq!(seen(&scene.server, &caller())["status"], "saving");
    upload.read_from(&mut &b"data"[..]).expect("written");
    upload.finish().expect("finished");
    assert_eq!(seen(&scene.server, &caller())["size"], 4);
    for number in 0..50 {
        let name = format!("{number}");
        let patch = json!([{"op": "replace", "path": "/name", "value": name}]);
        let patch = Request::new("PATCH", format!("/v2/images/{id}")).patch(&patch);
        assert_eq!(scene.server.send(&patch.by(&caller())).status, 200);
        assert_eq!(seen(&scene.server, &caller())["name"], json!(name));
        images.tags(&id).add(&name).expect("added");
        assert_eq!(
            seen(&scene.server, &caller())["tags"]
                .as_array()
                .expect("tags")
                .len(),
            number + 1
        );
    }
    images.deactivate(&id).expect("closed");
    assert_eq!(seen(&scene.server, &caller())["status"], "deactivated");
    images.delete(&id).expect("deleted");
    let reply = scene
        .server
        .send(&Request::new("GET", "/v2/images").by(&caller()));
    assert_eq!(reply.json()["images"], json!([]));
}

#[test]
fn a_list_shows_protected_properties_to_those_who_may_read_them() {
    let protections = "[secret]\ncreate = admin\nread = admin\nupdate = admin\ndelete = admin\n\
                       [.*]\ncreate = @\nread = @\nupdate = @\ndelete = @\n";
    let rules = Rules::builder().property_protections(protections, ProtectionFormat::Roles);
    let scene = Scene::of(
        Engine::builder_in_memory()
            .policy(rules.build().expect("rules"))
            .open()
            .expect("open"),
    );
    let admin = Caller::admin();
    let new = new_image()
        .owner("a")
        .property("secret", "1")
        .property("open", "2");
    scene.engine.images(&admin).create(new).expect("created");
    for _ in 0..2 {
        let all = seen(&scene.server, &admin);
        assert_eq!((&all["secret"], &all["open"]), (&json!("1"), &json!("2")));
        let some = seen(&scene.server, &caller());
        assert_eq!(
            (&some["secret"], &some["open"]),
            (&json!(null), &json!("2"))
        );
    }
}

#[test]
fn a_list_shows_places_to_those_who_may_know_them() {
    let settings = Settings {
        show_multiple_locations: true,
        ..Settings::default()
    };
    let scene = Scene::of(
        Engine::builder_in_memory()
            .settings(settings)
            .open()
            .expect("open"),
    );
    let id = scene.filled(b"data");
    scene
        .engine
        .images(&caller())
        .deactivate(&id)
        .expect("closed");
    for _ in 0..2 {
        let places = |caller: &Caller| {
            let seen = seen(&scene.server, caller);
            seen["locations"].as_array().map(Vec::len)
        };
        assert_eq!(places(&Caller::admin()), Some(1));
        assert_eq!(places(&caller()), Some(0), "it is closed to its owner");
    }
}
