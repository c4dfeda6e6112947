//! As much of an identity service as the command `openstack` asks for: tokens for names, a catalog
//! with the service under test, and projects. It proves nothing: any password is right.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Path;
use axum::response::Response;
use axum::routing::{get, post};
use serde_json::{Value, json};

use crate::server::project;

/// Serves it for a service at `url`, below `base/identity`.
pub(crate) fn router(base: &str, url: &str) -> Router {
    let base = format!("{base}/identity/v3");
    let catalog = json!([entry("image", url), entry("identity", &base)]);
    let version = json!({"version": {
        "id": "v3.14",
        "status": "stable",
        "links": [{"rel": "self", "href": base}],
    }});
    let tokens = move |body: Bytes| async move { issue(&body, &catalog) };
    let projects =
        |Path(id): Path<String>| async move { answer(200, &json!({"project": named(&id)})) };
    Router::new()
        .route("/v3", get(move || async move { answer(200, &version) }))
        .route("/v3/auth/tokens", post(tokens))
        .route("/v3/projects/{id}", get(projects))
}

/// Issues a token to who asks; it is the name of the user.
fn issue(body: &[u8], catalog: &Value) -> Response {
    let request: Value = serde_json::from_slice(body).unwrap_or_default();
    let name = &request["auth"]["identity"]["password"]["user"]["name"];
    let Some((name, project)) = name.as_str().and_then(|name| Some((name, project(name)?))) else {
        return answer(401, &json!({"error": {"message": "nobody by this name"}}));
    };
    let token = json!({
        "methods": ["password"],
        "user": named(name),
        "project": named(project),
        "roles": [named("member")],
        "catalog": catalog,
        "issued_at": "2026-01-01T00:00:00.000000Z",
        "expires_at": "2126-01-01T00:00:00.000000Z",
    });
    let mut response = answer(201, &json!({ "token": token }));
    let token = name.parse().expect("a name in ASCII");
    response.headers_mut().insert("x-subject-token", token);
    response
}

fn named(name: &str) -> Value {
    json!({"id": name, "name": name, "domain": {"id": "default", "name": "Default"}})
}

fn entry(kind: &str, url: &str) -> Value {
    let endpoint = json!({"id": kind, "interface": "public", "region": "one", "region_id": "one",
        "url": url});
    json!({"id": kind, "type": kind, "name": kind, "endpoints": [endpoint]})
}

fn answer(status: u16, document: &Value) -> Response {
    Response::builder()
        .status(status)
        .header("content-type", "application/json")
        .body(Body::from(document.to_string()))
        .expect("a response")
}
