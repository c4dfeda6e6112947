//! Who a request comes from: headers of a proxy, what the host puts beside it, or everybody; and
//! ids of requests.

use axum::Extension;
use serde_json::{Value, json};
use smalti::http::{HttpSettings, ServerSettings, router};
use smalti::{Caller, Engine};

use super::reply::Reply;
use super::request::Request;
use super::scene::Scene;
use super::server::{TestServer, trusting};

/// Creates an image with these headers.
fn create(server: &TestServer, headers: &[(&str, &str)]) -> Reply {
    let request = Request::new("POST", "/v2/images").json(&json!({}));
    let request = headers
        .iter()
        .fold(request, |it, (name, value)| it.header(name, *value));
    let reply = server.send(&request);
    reply.check();
    reply
}

const CONFIRMED: (&str, &str) = ("X-Identity-Status", "Confirmed");

#[test]
fn headers_of_a_proxy_name_the_caller() {
    let scene = Scene::new();
    let made = |headers: &[(&str, &str)]| {
        let reply = create(&scene.server, headers);
        (
            reply.status,
            reply.json()["owner"].as_str().map(str::to_owned),
        )
    };
    let owned = |owner: &str| (201, Some(owner.to_owned()));
    let (project, roles) = (("X-Project-Id", "a"), ("X-Roles", "member"));
    assert_eq!(made(&[CONFIRMED, project, roles]), owned("a"));
    assert_eq!(
        made(&[CONFIRMED, ("x-tenant-id", "b"), ("x-role", "member")]),
        owned("b")
    );
    assert_eq!(
        made(&[CONFIRMED, project, ("X-Tenant-Id", "b"), roles]),
        owned("a")
    );
    assert_eq!(
        made(&[CONFIRMED, project, ("X-Roles", " x , Member ,")]),
        owned("a")
    );
    assert_eq!(
        made(&[CONFIRMED, ("X-Project-Id", " a "), roles]),
        owned("a")
    );
    assert_eq!(made(&[CONFIRMED, ("X-Roles", "admin")]), (201, None));
    assert_eq!(
        made(&[CONFIRMED, project, roles, ("X-Service-Catalog", "[]")]),
        owned("a")
    );
    assert_eq!(made(&[CONFIRMED, roles]).0, 403, "no project");
    assert_eq!(made(&[CONFIRMED, project]).0, 403, "no role");
    assert_eq!(
        made(&[CONFIRMED, project, ("X-Service-Roles", "member")]).0,
        403
    );
    assert_eq!(
        made(&[CONFIRMED, project, roles, ("X-Service-Catalog", "{")]).0,
        400
    );
    assert_eq!(
        made(&[CONFIRMED, ("X-Project-Id", &"p".repeat(256)), roles]).0,
        400
    );
    let twice = [CONFIRMED, project, ("X-Roles", "admin"), roles];
    assert_eq!(made(&twice).0, 400, "one of two may be forged");
    let twice = [CONFIRMED, ("X-Identity-Status", "Invalid"), project, roles];
    assert_eq!(made(&twice).0, 403, "one of two is not confirmed");
    let empty = [CONFIRMED, ("X-Project-Id", ""), ("X-Tenant-Id", "b"), roles];
    assert_eq!(
        made(&empty).0,
        403,
        "the old name is for where there is no new one"
    );
    let empty = [CONFIRMED, project, ("X-Roles", ""), ("X-Role", "admin")];
    assert_eq!(made(&empty).0, 403);
    assert_eq!(made(&[project, roles]).0, 403, "anonymous");
    assert_eq!(
        made(&[("X-Identity-Status", "confirmed"), project, roles]).0,
        403
    );
    assert_eq!(
        made(&[("X-Identity-Status", "Invalid"), project, roles]).0,
        403
    );
}

#[test]
fn nobody_is_served_without_identity_unless_the_host_says_so() {
    for (allow_anonymous_access, status) in [(false, 401), (true, 404)] {
        let http = HttpSettings {
            allow_anonymous_access,
            ..trusting()
        };
        let scene = Scene::with(http, ServerSettings::default());
        let path = format!("/v2/images/{}", scene.queued());
        let reply = scene.server.send(&Request::new("GET", path));
        assert_eq!(reply.check().status, status);
        let asks = reply.header("www-authenticate").is_some();
        assert_eq!(asks, status == 401);
    }
}

#[test]
fn what_the_host_puts_beside_a_request_names_the_caller() {
    let engine = Engine::in_memory().expect("open");
    let serve = |http: HttpSettings, caller: Option<Caller>| {
        let app = router(engine.clone(), http);
        let app = match caller {
            Some(caller) => app.layer(Extension(caller)),
            None => app,
        };
        TestServer::start(app, ServerSettings::default())
    };
    let server = serve(HttpSettings::default(), Some(Caller::project("a")));
    let made = create(&server, &[]);
    assert_eq!((made.status, &made.json()["owner"]), (201, &json!("a")));
    assert_eq!(
        create(&server, &[CONFIRMED]).status,
        401,
        "not behind a proxy"
    );
    assert_eq!(
        create(&serve(HttpSettings::default(), None), &[]).status,
        401
    );
    // Behind a proxy, what the host says goes before the headers.
    let server = serve(trusting(), Some(Caller::project("a")));
    let made = create(
        &server,
        &[CONFIRMED, ("X-Project-Id", "b"), ("X-Roles", "admin")],
    );
    assert_eq!((made.status, &made.json()["owner"]), (201, &json!("a")));
}

#[test]
fn ids_of_requests_come_back() {
    let scene = Scene::new();
    let told = |id: &str| {
        let request = Request::new("GET", "/versions").header("X-OpenStack-Request-ID", id);
        let reply = scene.server.send(&request);
        let told = reply.check().header("x-openstack-request-id");
        (reply.status, told.expect("an id").to_owned())
    };
    assert_eq!(told("abc"), (200, "req-abc".to_owned()));
    assert_eq!(told("req-abc"), (200, "req-abc".to_owned()));
    let (long, longer) = ("r".repeat(64), "r".repeat(65));
    assert_eq!(told(&long), (200, format!("req-{long}")));
    let (status, made) = told(&longer);
    assert!(status == 431 && made.len() == 40, "{status} {made}");
    assert_ne!(told("").1, told("").1, "made ones differ");
}

/// Asks for the versions and makes an image; returns the url of the newest version, and of the image
/// without its id.
fn urls(public_endpoint: Option<&str>) -> (Value, String) {
    let http = HttpSettings {
        public_endpoint: public_endpoint.map(str::to_owned),
        ..trusting()
    };
    let scene = Scene::with(http, ServerSettings::default());
    let reply = scene.server.send(&Request::new("GET", "/versions"));
    let newest = reply.check().json()["versions"][0].clone();
    assert_eq!(
        (&newest["id"], &newest["status"]),
        (&json!("v2.17"), &json!("CURRENT"))
    );
    let made = create(&scene.server, &[CONFIRMED, ("X-Roles", "admin")]);
    let id = made.json()["id"].as_str().expect("an id").to_owned();
    let url = made.header("location").expect("a place");
    let base = url.strip_suffix(&id).expect("the id is its end").to_owned();
    // Nothing fetches from urls, and there is one store.
    assert_eq!(
        made.header("openstack-image-import-methods"),
        Some("glance-direct,copy-image")
    );
    assert_eq!(made.header("openstack-image-store-ids"), None);
    (newest["links"][0]["href"].clone(), base)
}

#[test]
fn versions_and_new_images_name_the_url_that_the_service_is_reached_by() {
    let expect = |base: &str| (json!(base), format!("{base}images/"));
    assert_eq!(urls(None), expect("http://test/v2/"));
    assert_eq!(
        urls(Some("https://images.example/glance/")),
        expect("https://images.example/glance/v2/")
    );
    assert_eq!(
        urls(Some("https://im\u{e4}ges.example")),
        expect("https://im\u{e4}ges.example/v2/")
    );
}
