//! Uploads of signed data, good and bad, over HTTP.

use serde_json::json;
use smalti::Status;

use super::request::Request;
use super::scene::{Scene, get, put, show};
use crate::signature::NAMES;
use crate::signature::upload::verifying;
use crate::signature::vector::{middle, signed};
use crate::support::caller;

#[test]
fn data_that_does_not_verify_is_400_and_leaves_the_image_queued() {
    let scene = Scene::of(verifying(middle()));
    for vector in signed() {
        let image = scene.engine.images(&caller()).create(vector.image());
        let id = *image.expect("created").id();
        let refused = scene.server.send(&put(&id).octets(&b"other data"[..]));
        let told = refused.check().told();
        assert_eq!(told, (400, Some("SignatureInvalid".to_owned())));
        let record = scene.server.send(&show(&id)).json();
        assert_eq!(
            (&record["status"], &record["checksum"]),
            (&json!("queued"), &json!(null))
        );
        assert_eq!(scene.server.send(&get(&id)).status, 204);
        scene.check_uploadable(&id, vector.data.as_bytes());
        assert_eq!(scene.status(&id), Status::Active);
    }
}

#[test]
fn properties_that_are_malformed_are_400_at_the_upload() {
    let scene = Scene::of(verifying(middle()));
    let mut body = json!({"name": "n", "disk_format": "raw", "container_format": "bare"});
    for (name, value) in NAMES
        .into_iter()
        .zip(["c2lnbmVk", "MD5", "RSA-PSS", "rsa-2048"])
    {
        body[name] = json!(value);
    }
    let create = Request::new("POST", "/v2/images").by(&caller()).json(&body);
    let record = scene.server.send(&create);
    assert_eq!(record.check().status, 201);
    let id = record.json()["id"]
        .as_str()
        .expect("an id")
        .parse()
        .expect("an id");
    let refused = scene.server.send(&put(&id).octets(&b"data"[..]));
    assert_eq!(
        refused.check().told(),
        (400, Some("SignatureInvalid".to_owned()))
    );
    let message = &refused.json()["error"]["message"];
    assert!(
        message.as_str().is_some_and(|text| text.contains("MD5")),
        "{message}"
    );
    assert_eq!(scene.status(&id), Status::Queued);
}
