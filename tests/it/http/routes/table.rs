//! The routes of the specification, `http.md` section 2, in its order.

/// A route: method, path, and whether a body is refused.
pub(in crate::http) struct Route(
    pub(in crate::http) &'static str,
    pub(in crate::http) &'static str,
    pub(in crate::http) Body,
);

/// Whether a route takes a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) enum Body {
    /// One is refused.
    Refused,
    /// One is read, or not looked at.
    Taken,
}

use Body::{Refused, Taken};

pub(in crate::http) const ROUTES: [Route; 46] = [
    Route("GET", "/", Taken),
    Route("GET", "/versions", Taken),
    Route("GET", "/healthcheck", Taken),
    Route("GET", "/v2/schemas/image", Refused),
    Route("GET", "/v2/schemas/images", Refused),
    Route("GET", "/v2/schemas/member", Refused),
    Route("GET", "/v2/schemas/members", Refused),
    Route("GET", "/v2/schemas/task", Taken),
    Route("GET", "/v2/schemas/tasks", Taken),
    Route("GET", "/v2/images", Taken),
    Route("POST", "/v2/images", Taken),
    Route("GET", "/v2/images/{image_id}", Refused),
    Route("PATCH", "/v2/images/{image_id}", Taken),
    Route("DELETE", "/v2/images/{image_id}", Refused),
    Route("GET", "/v2/images/{image_id}/tasks", Refused),
    Route("POST", "/v2/images/{image_id}/actions/deactivate", Refused),
    Route("POST", "/v2/images/{image_id}/actions/reactivate", Refused),
    Route("PUT", "/v2/images/{image_id}/file", Taken),
    Route("GET", "/v2/images/{image_id}/file", Refused),
    Route("PUT", "/v2/images/{image_id}/stage", Taken),
    Route("POST", "/v2/images/{image_id}/import", Taken),
    Route("POST", "/v2/images/{image_id}/locations", Taken),
    Route("GET", "/v2/images/{image_id}/locations", Taken),
    Route("PUT", "/v2/images/{image_id}/tags/{tag}", Refused),
    Route("DELETE", "/v2/images/{image_id}/tags/{tag}", Refused),
    Route("GET", "/v2/images/{image_id}/members", Refused),
    Route("POST", "/v2/images/{image_id}/members", Taken),
    Route("GET", "/v2/images/{image_id}/members/{member_id}", Refused),
    Route("PUT", "/v2/images/{image_id}/members/{member_id}", Taken),
    Route(
        "DELETE",
        "/v2/images/{image_id}/members/{member_id}",
        Refused,
    ),
    Route("DELETE", "/v2/stores/{store_id}/{image_id}", Refused),
    Route("GET", "/v2/info/import", Refused),
    Route("GET", "/v2/info/stores", Refused),
    Route("GET", "/v2/info/stores/detail", Refused),
    Route("GET", "/v2/info/usage", Taken),
    Route("GET", "/v2/tasks", Taken),
    Route("POST", "/v2/tasks", Taken),
    Route("GET", "/v2/tasks/{task_id}", Taken),
    Route("DELETE", "/v2/tasks/{task_id}", Taken),
    Route("GET", "/v2/cache", Refused),
    Route("DELETE", "/v2/cache", Taken),
    Route("PUT", "/v2/cache/{image_id}", Taken),
    Route("DELETE", "/v2/cache/{image_id}", Taken),
    Route("GET", "/v2/cache/nodes/{image_id}", Refused),
    Route("POST", "/v2/cache/clean", Taken),
    Route("POST", "/v2/cache/prune", Taken),
];

/// What the header `Allow` of a path says, in its order.
pub(in crate::http) fn allow(path: &str) -> &'static str {
    match path {
        "/v2/images" | "/v2/tasks" | "/v2/images/{image_id}/locations" => "GET, POST",
        "/v2/images/{image_id}" => "GET, PATCH, DELETE",
        "/v2/images/{image_id}/file" => "GET, PUT",
        "/v2/images/{image_id}/stage" => "PUT",
        "/v2/images/{image_id}/import" => "POST",
        "/v2/images/{image_id}/actions/deactivate" => "POST",
        "/v2/images/{image_id}/actions/reactivate" => "POST",
        "/v2/images/{image_id}/tags/{tag}" => "PUT, DELETE",
        "/v2/images/{image_id}/members" => "GET, POST",
        "/v2/images/{image_id}/members/{member_id}" => "GET, PUT, DELETE",
        "/v2/stores/{store_id}/{image_id}" => "DELETE",
        "/v2/tasks/{task_id}" | "/v2/cache" => "GET, DELETE",
        "/v2/cache/{image_id}" => "DELETE, PUT",
        "/v2/cache/clean" | "/v2/cache/prune" => "POST",
        _ => "GET",
    }
}
