//! Outcomes that every route has, or every one of a kind.

use serde_json::Value;

use super::case::{Case, Service, bad, good};
use super::table::{Body, ROUTES, Route, allow};
use super::world::{World, absent, admin, nobody, owner, stranger};
use crate::http::request::{OCTETS, PATCH, Request};

/// Routes that answer without asking who is there.
const OPEN: [&str; 3] = ["/", "/versions", "/healthcheck"];
/// Routes to what is switched off as a whole, whatever image is named.
const OFF: [&str; 1] = ["/v2/cache"];

pub(super) fn cases(world: &World) -> Vec<Case> {
    let hidden = world.queued(&Value::Null);
    let each = ROUTES
        .iter()
        .flat_map(|route| of_route(world, route, &hidden));
    each.chain(paths()).collect()
}

/// Fills the variable parts of a path.
fn path(template: &str, image: &str) -> String {
    let id = image.rsplit('/').next().expect("an id");
    let filled = template.replace("{image_id}", id).replace("{tag}", "blue");
    let filled = filled.replace("{member_id}", "p2").replace("{task_id}", id);
    filled.replace("{store_id}", "fast")
}

/// Adds what comes before the image in the order of tests, so that the image is looked up.
fn with_body(method: &str, template: &str, request: Request) -> Request {
    match (method, template.rsplit('/').next().unwrap_or_default()) {
        ("PATCH", _) => request.header("Content-Type", PATCH).body("[]"),
        ("PUT", "file" | "stage") => request.header("Content-Type", OCTETS).body("x"),
        ("POST", "members") => request.body("{\"member\": \"p7\"}"),
        ("PUT", "{member_id}") => request.body("{\"status\": \"accepted\"}"),
        ("POST", "import") => request.body("{\"method\": {\"name\": \"copy-image\"}}"),
        ("POST", "locations") => request.body("{\"url\": \"http://a/1\"}"),
        _ => request,
    }
}

fn of_route(world: &World, route: &Route, hidden: &str) -> Vec<Case> {
    let Route(method, template, body) = route;
    let named = format!("{method} {template}");
    let to = |image: &str| Request::new(*method, path(template, image));
    let long = to(&absent()).by(&admin());
    let long = long.header("X-OpenStack-Request-ID", "r".repeat(65));
    let mut cases = vec![bad(&named, "id too long", long, 431, "RequestIdTooLong")];
    for hosts in [&[][..], &["test", "test"], &["a b"], &["a@test"]] {
        let request = to(&absent()).by(&admin()).hosts(hosts);
        cases.push(bad(
            &named,
            "not one host",
            request,
            400,
            "InvalidParameter",
        ));
    }
    if !OPEN.contains(template) {
        cases.extend(of_identity(&named, &to(&absent())));
    }
    cases.extend(of_path(&named, template));
    if *body == Body::Refused {
        let over = to(&absent()).by(&owner()).body("x");
        cases.push(bad(&named, "a body", over, 400, "BodyNotAllowed"));
    }
    let is_off = OFF.iter().any(|off| template.contains(off));
    if template.contains("{image_id}") && !is_off {
        let lookups = [
            ("absent", absent(), owner()),
            ("invisible", hidden.to_owned(), stranger()),
        ];
        let no_id = ("no id", "/v2/images/no-such".to_owned(), owner());
        let deleted = ("deleted", world.deleted(), admin());
        for (outcome, image, caller) in lookups.into_iter().chain([no_id, deleted]) {
            let request = with_body(method, template, to(&image).by(&caller));
            cases.push(bad(&named, outcome, request, 404, "NotFound"));
        }
        if *method != "GET" {
            let request = with_body(method, template, to(&absent()).by(&nobody()));
            cases.push(bad(&named, "anonymous", request, 403, "ReadOnlyCaller"));
        }
    }
    cases
}

/// Returns the outcomes of a request whose caller is not known.
fn of_identity(named: &str, request: &Request) -> [Case; 3] {
    let unnamed = bad(
        named,
        "no identity",
        request.clone(),
        401,
        "Unauthenticated",
    );
    let twice = request.clone().by(&admin()).header("X-Roles", "member");
    let page = request.clone().hosts(&["127.0.0.1"]);
    let page = page.header("Origin", "http://evil.example");
    [
        unnamed
            .to(Service::Strict)
            .header("www-authenticate", "Keystone"),
        bad(named, "two identities", twice, 400, "SchemaViolation"),
        bad(named, "page of another site", page, 403, "Forbidden").to(Service::Single),
    ]
}

/// Returns the outcomes of methods that a path does not have. The first path is no path: whatever
/// is no version is answered with those there are.
fn of_path(named: &str, template: &str) -> Vec<Case> {
    if template == "/" {
        return Vec::new();
    }
    let allowed: Vec<&str> = allow(template).split(", ").collect();
    let tried = [
        "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW",
    ];
    let others = tried.into_iter().filter(|method| !allowed.contains(method));
    let refused = |method| {
        let request = Request::new(method, path(template, &absent())).by(&admin());
        // An answer to HEAD has no body.
        let case = match method {
            "HEAD" => good(named, "method HEAD", request, 405),
            _ => bad(named, "other method", request, 405, "MethodNotAllowed"),
        };
        case.header("allow", allow(template))
    };
    others.map(refused).collect()
}

/// Returns the outcomes of paths that are no routes.
fn paths() -> Vec<Case> {
    let get = |path: &str| Request::new("GET", path).by(&owner());
    let root = "GET /";
    let brew = Request::new("BREW", "/v2/nowhere").by(&owner());
    let accept = "application/vnd.openstack.images-v2.7";
    let by_header = get("/images").header("Accept", accept);
    vec![
        good(root, "versions", get("/"), 300).shows("versions"),
        good(root, "unknown version", get("/v1/images"), 300).shows("versions"),
        good(root, "version not offered", get("/v2.16/images"), 300).shows("versions"),
        good(root, "version without slash", get("/v2"), 302).header("location", "/v2/"),
        good(root, "minor version without slash", get("/v2.3"), 302).header("location", "/v2.3/"),
        good(root, "minor version", get("/v2.0/images"), 200).shows("images"),
        good(root, "version by header", by_header, 200).shows("images"),
        bad(root, "version alone", get("/v2/"), 404, "NotFound"),
        bad(root, "unknown path", get("/v2/nowhere"), 404, "NotFound"),
        bad(
            root,
            "path too deep",
            get("/v2/images/a/tags/b/c"),
            404,
            "NotFound",
        ),
        bad(root, "unknown verb", brew, 501, "NotImplemented"),
        good("GET /versions", "versions", get("/versions"), 200).shows("versions"),
        good("GET /healthcheck", "healthy", get("/healthcheck"), 200).body("OK"),
    ]
}
