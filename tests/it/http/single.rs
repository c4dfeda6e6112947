//! The service of a single user: everybody is an administrator, but for pages of other sites in the
//! browser of that user.

use serde_json::json;
use smalti::Caller;
use smalti::http::{HttpSettings, Identity, ServerSettings};

use super::request::Request;
use super::scene::Scene;

fn single(public_endpoint: Option<&str>) -> Scene {
    let http = HttpSettings {
        identity: Identity::SingleUser,
        public_endpoint: public_endpoint.map(str::to_owned),
        ..HttpSettings::default()
    };
    Scene::with(http, ServerSettings::default())
}

fn create() -> Request {
    Request::new("POST", "/v2/images")
        .hosts(&["127.0.0.1:9292"])
        .body("{}")
}

#[test]
fn a_single_user_is_an_administrator_and_headers_of_identity_are_refused() {
    let scene = single(None);
    let made = scene.server.send(&create());
    assert_eq!(
        (made.check().status, &made.json()["owner"]),
        (201, &json!(null))
    );
    let show = Request::new("GET", format!("/v2/images/{}", scene.queued()));
    let reply = scene.server.send(&show.hosts(&["localhost"]));
    assert_eq!(reply.check().status, 200);
    let named = create().header("X-Identity-Status", "Confirmed");
    assert_eq!(scene.server.send(&named).check().status, 401);
}

fn count(scene: &Scene) -> usize {
    let all = "limit=1000".parse().expect("a query");
    let page = scene.engine.images(&Caller::admin()).list(&all);
    page.expect("a page").images().len()
}

/// Tests whether an image may be made by a host, from pages of such origins.
#[track_caller]
fn check(scene: &Scene, host: &str, origins: &[&str], is_own: bool) {
    let before = count(scene);
    let request = origins.iter().fold(create().hosts(&[host]), |it, origin| {
        it.header("Origin", *origin)
    });
    let reply = scene.server.send(&request);
    let expected = match is_own {
        true => (201, None),
        false => (403, Some("Forbidden".to_owned())),
    };
    assert_eq!(
        reply.check().told(),
        expected,
        "{host} {origins:?}: {reply:?}"
    );
    assert_eq!(
        count(scene) - before,
        usize::from(is_own),
        "{host} {origins:?}"
    );
}

#[test]
fn a_page_of_another_site_cannot_use_the_service_of_a_single_user() {
    let scene = single(None);
    for host in [
        "127.0.0.1:9292",
        "127.0.0.1",
        "192.168.1.7:80",
        "[::1]:9292",
        "[fe80::1]",
        "localhost",
        "LocalHost:9292",
    ] {
        check(&scene, host, &[], true);
        check(&scene, host, &[&format!("http://{host}")], true);
        for origin in [
            "http://evil.example:9292",
            "https://127.0.0.1:9292",
            "http://127.0.0.1:8080",
            "null",
            "",
            "127.0.0.1:9292",
            "file://",
        ] {
            check(&scene, host, &[origin], false);
            check(&scene, host, &[&format!("http://{host}"), origin], false);
        }
    }
    for host in [
        "evil.example:9292",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "localhost.",
        "test",
        "1.2.3",
    ] {
        check(&scene, host, &[], false);
        check(&scene, host, &[&format!("http://{host}")], false);
    }
    // The default port need not be named.
    check(&scene, "localhost:80", &["http://localhost"], true);
    // A whole url goes before the header, and neither may be of another site.
    let whole = |url: &str, host| {
        let request = Request::new("GET", url).hosts(&[host]);
        scene.server.send(&request).check().status
    };
    assert_eq!(whole("http://127.0.0.1/v2/images", "localhost"), 200);
    assert_eq!(whole("http://evil.example/v2/images", "localhost"), 403);
    assert_eq!(whole("http://127.0.0.1/v2/images", "evil.example"), 403);
}

#[test]
fn the_public_endpoint_of_a_single_user_is_another_name_of_the_service() {
    let scene = single(Some("https://Images.example/glance"));
    check(&scene, "images.example", &[], true);
    check(&scene, "images.example:8443", &[], true);
    check(&scene, "127.0.0.1:9292", &["https://images.example"], true);
    check(
        &scene,
        "images.example",
        &["https://images.example:443"],
        true,
    );
    check(&scene, "127.0.0.1:9292", &["https://evil.example"], false);
    check(
        &scene,
        "images.example",
        &["https://images.example:8443"],
        false,
    );
    check(&scene, "evil.example", &[], false);
}

#[test]
fn a_refusal_says_what_a_single_user_may_do() {
    let scene = single(None);
    let told = |request: Request| {
        let reply = scene.server.send(&request);
        reply.check().json()["error"]["message"].to_string()
    };
    let by_name = told(create().hosts(&["images.example"]));
    assert!(by_name.contains("images.example"), "{by_name}");
    assert!(by_name.contains("public_endpoint"), "{by_name}");
    let by_page = told(create().header("Origin", "http://evil.example"));
    assert!(by_page.contains("http://evil.example"), "{by_page}");
}
