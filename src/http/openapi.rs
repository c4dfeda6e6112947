//! The OpenAPI document, made of the table of routes.

use serde_json::{Map, Value, json};

use super::route::{Op, RESOURCES, Resource, Row};
use crate::patch::Dialect;
use crate::wire::Schemas;

/// Returns the OpenAPI 3.1 document of every route that [`router`](super::router) serves, for
/// clients, generators and fuzzers. A host serves it where it likes.
///
/// # Examples
/// ```
/// let document = smalti::http::openapi();
/// assert_eq!(document["openapi"], "3.1.0");
/// assert!(document["paths"]["/v2/images/{image_id}"]["get"].is_object());
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
        "components": { "schemas": schemas(), "responses": { "Error": error() } },
    })
}

fn schemas() -> Value {
    let schemas = Schemas::new();
    json!({
        "Image": schemas.image(),
        "Images": schemas.images(),
        "Member": schemas.member(),
        "Members": schemas.members(),
        "Task": schemas.task(),
        "Tasks": schemas.tasks(),
        "NewImage": new_image(),
        "Patch": patch(),
        "NewMember": object(&json!({ "member": { "type": "string" } }), &["member"]),
        "MemberStatus": object(
            &json!({ "status": { "enum": ["pending", "accepted", "rejected"] } }),
            &["status"],
        ),
        "Import": object(
            &json!({ "method": object(&json!({ "name": { "type": "string" } }), &["name"]) }),
            &["method"],
        ),
        "Location": object(&json!({ "url": { "type": "string" } }), &["url"]),
    })
}

fn object(properties: &Value, required: &[&str]) -> Value {
    json!({ "type": "object", "properties": properties, "required": required })
}

fn new_image() -> Value {
    let text = json!({ "type": ["string", "null"], "maxLength": 255 });
    let number = json!({ "type": "integer", "minimum": 0, "maximum": i32::MAX });
    json!({
        "type": "object",
        "properties": {
            "id": { "type": "string", "format": "uuid" },
            "name": text,
            "owner": text,
            "visibility": { "enum": ["public", "private", "shared", "community"] },
            "disk_format": { "type": ["string", "null"] },
            "container_format": { "type": ["string", "null"] },
            "min_disk": number,
            "min_ram": number,
            "protected": { "type": "boolean" },
            "os_hidden": { "type": "boolean" },
            "tags": { "type": "array", "items": { "type": "string", "maxLength": 255 } },
        },
        "additionalProperties": { "type": "string" },
    })
}

fn patch() -> Value {
    let operation = object(
        &json!({
            "op": { "enum": ["add", "replace", "remove"] },
            "path": { "type": "string" },
            "value": {},
        }),
        &["op", "path"],
    );
    json!({ "type": "array", "items": operation })
}

fn error() -> Value {
    let text = json!({ "type": "string" });
    let parts = json!({ "code": text, "kind": text, "message": text });
    let schema = object(
        &json!({ "error": object(&parts, &["code", "kind", "message"]) }),
        &["error"],
    );
    json!({
        "description": "Refused, for the reason that the document names",
        "content": { "application/json": { "schema": schema } },
    })
}

fn path(resource: &Resource) -> Value {
    let variables = resource.path.split('/').filter_map(|part| {
        let name = part.strip_prefix('{')?.strip_suffix('}')?;
        let schema = json!({ "type": "string" });
        Some(json!({ "name": name, "in": "path", "required": true, "schema": schema }))
    });
    let mut path = Map::new();
    path.insert("parameters".to_owned(), variables.collect());
    for row in resource.rows {
        path.insert(row.method.to_lowercase(), operation(row));
    }
    Value::Object(path)
}

fn operation(row: &Row) -> Value {
    let mut operation = json!({
        "operationId": format!("{:?}", row.op),
        "description": format!("Since v2.{}", row.since),
        "parameters": parameters(row.op),
        "responses": responses(row.op),
    });
    if let Some(body) = body(row.op) {
        operation["requestBody"] = json!({ "required": true, "content": body });
    }
    operation
}

/// The parameters beside those of the path: name, where, type.
fn parameters(op: Op) -> Value {
    let texts: &[&str] = match op {
        Op::ListImages => &[
            "name",
            "status",
            "visibility",
            "member_status",
            "owner",
            "tag",
            "disk_format",
            "container_format",
            "checksum",
            "os_hash_algo",
            "os_hash_value",
            "id",
            "created_at",
            "updated_at",
            "size_min",
            "size_max",
            "protected",
            "os_hidden",
            "sort",
            "sort_key",
            "sort_dir",
            "marker",
            "limit",
        ],
        Op::ListTasks => &["status", "type", "marker", "limit", "sort_key", "sort_dir"],
        Op::Download => &["prefer"],
        _ => &[],
    };
    let headers: &[&str] = match op {
        Op::Download => &["Range", "Content-Range"],
        Op::Upload => &["x-openstack-image-size"],
        Op::ClearCache => &["x-image-cache-clear-target"],
        _ => &[],
    };
    let one =
        |name: &&str, place| json!({ "name": name, "in": place, "schema": { "type": "string" } });
    let texts = texts.iter().map(|name| one(name, "query"));
    let headers = headers.iter().map(|name| one(name, "header"));
    texts.chain(headers).collect()
}

fn body(op: Op) -> Option<Value> {
    let json = |schema| json!({ "application/json": { "schema": reference(schema) } });
    Some(match op {
        Op::CreateImage => json("NewImage"),
        Op::AddMember => json("NewMember"),
        Op::SetMember => json("MemberStatus"),
        Op::Import => json("Import"),
        Op::AddLocation => json("Location"),
        Op::PatchImage => json!({
            Dialect::V2_1.media_type(): { "schema": reference("Patch") },
        }),
        Op::Upload | Op::Stage => json!({
            "application/octet-stream": { "schema": { "type": "string", "format": "binary" } },
        }),
        _ => return None,
    })
}

fn reference(schema: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{schema}") })
}

/// Tells whether an operation always refuses, for the feature behind it is switched off.
fn is_off(op: Op) -> bool {
    matches!(
        op,
        Op::Stage
            | Op::Import
            | Op::AddLocation
            | Op::DeleteFromStore
            | Op::StoresInfo
            | Op::StoresDetail
            | Op::CreateTask
            | Op::ShowTask
            | Op::DeleteTask
            | Op::ShowCache
            | Op::ClearCache
            | Op::CacheImage
            | Op::UncacheImage
            | Op::CacheNodes
            | Op::CleanCache
            | Op::PruneCache
    )
}

fn responses(op: Op) -> Value {
    let (status, schema) = success(op);
    let mut responses = json!({ "default": { "$ref": "#/components/responses/Error" } });
    if is_off(op) {
        return responses;
    }
    let content = match (op, schema) {
        (Op::Download, _) => json!({ "application/octet-stream": {} }),
        (_, Some(schema)) => json!({ "application/json": { "schema": reference(schema) } }),
        (_, None) if status == "200" => json!({ "application/json": {} }),
        (_, None) => json!({}),
    };
    responses[status] = json!({ "description": "Done", "content": content });
    if op == Op::Download {
        let part = json!({ "description": "Part of the data", "content": content });
        responses["206"] = part;
        responses["204"] = json!({ "description": "There is no data yet" });
    }
    responses
}

/// Returns the status of success, and the schema of what is answered then.
fn success(op: Op) -> (&'static str, Option<&'static str>) {
    match op {
        Op::CreateImage => ("201", Some("Image")),
        Op::ShowImage | Op::PatchImage => ("200", Some("Image")),
        Op::ListImages => ("200", Some("Images")),
        Op::ListMembers => ("200", Some("Members")),
        Op::AddMember | Op::ShowMember | Op::SetMember => ("200", Some("Member")),
        Op::ListTasks => ("200", Some("Tasks")),
        Op::DeleteImage
        | Op::Deactivate
        | Op::Reactivate
        | Op::Upload
        | Op::PutTag
        | Op::DeleteTag
        | Op::DeleteMember => ("204", None),
        _ => ("200", None),
    }
}
