//! The OpenAPI document, made of the table of routes: what is sent, and all that may be answered.
//!
//! It promises: an answer that it does not list is a fault of one of both. It says nothing of what
//! the connection itself refuses, such as a head that is no HTTP.

mod answers;
mod bodies;
mod parameters;
mod schemas;

use serde_json::{Map, Value, json};

use super::route::{RESOURCES, Resource, Row};

/// Returns the OpenAPI 3.1 document of every route that [`router`](super::router) serves, for
/// clients, generators and fuzzers. A host serves it where it likes.
///
/// Each operation lists every status that it answers with, and the documents that come then.
///
/// # Examples
/// ```
/// let document = smalti::http::openapi();
/// assert_eq!(document["openapi"], "3.1.0");
/// let show = &document["paths"]["/v2/images/{image_id}"]["get"];
/// assert_eq!(show["operationId"], "showImage");
/// assert!(show["responses"]["404"].is_object());
/// ```
pub fn openapi() -> Value {
    let paths: Map<String, Value> = RESOURCES
        .iter()
        .map(|resource| (resource.path.to_owned(), path(resource)))
        .collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Images API v2, as smalti serves it",
            "version": env!("CARGO_PKG_VERSION"),
        },
        "paths": paths,
        "components": { "schemas": schemas::all(), "responses": { "Error": answers::error() } },
    })
}

fn path(resource: &Resource) -> Value {
    let mut path = Map::new();
    let parameters = parameters::of_path(resource.path);
    path.insert("parameters".to_owned(), parameters);
    for row in resource.rows {
        let name = row.method.to_lowercase();
        path.insert(name, operation(row, resource.path));
    }
    Value::Object(path)
}

fn operation(row: &Row, path: &str) -> Value {
    let mut operation = json!({
        "operationId": row.op.name(),
        "description": format!("Since v2.{}", row.since),
        "parameters": parameters::of(row.op),
        "responses": answers::of(row, path),
    });
    if let Some(content) = bodies::of(row.op) {
        operation["requestBody"] = json!({ "required": true, "content": content });
    }
    operation
}

/// Refers to a schema of the document.
fn reference(schema: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{schema}") })
}
