//! The schemas of what is sent and answered. Those of records are the API's own.
//!
//! They leave out what a host configures: code points from U+10000 on, which are refused by default,
//! and how many tags, properties and members there may be.

use serde_json::{Map, Value, json};

use crate::limits::NAME_MAX_CHARS;
use crate::wire::Schemas;

/// A pointer of a patch: one or two tokens.
const POINTER_PATTERN: &str = "^(/([^~/]|~[01])+){1,2}$";

/// What every image has.
const OF_IMAGE: [&str; 22] = [
    "id",
    "name",
    "status",
    "visibility",
    "protected",
    "os_hidden",
    "owner",
    "disk_format",
    "container_format",
    "min_disk",
    "min_ram",
    "tags",
    "size",
    "virtual_size",
    "checksum",
    "os_hash_algo",
    "os_hash_value",
    "created_at",
    "updated_at",
    "self",
    "file",
    "schema",
];
const OF_MEMBER: [&str; 6] = [
    "member_id",
    "image_id",
    "status",
    "created_at",
    "updated_at",
    "schema",
];
const OF_IMAGES: [&str; 3] = ["images", "first", "schema"];
const OF_TASKS: [&str; 3] = ["tasks", "first", "schema"];

/// Returns all schemas by their names.
pub(super) fn all() -> Value {
    let (Value::Object(mut all), Value::Object(asked)) = (answered(), asked()) else {
        return Value::Null;
    };
    all.extend(asked);
    Value::Object(all)
}

/// The schemas of what is answered.
fn answered() -> Value {
    let schemas = Schemas::new();
    let mut images = whole(json!(schemas.images()), &OF_IMAGES);
    images["properties"]["images"]["items"] = super::reference("Image");
    let mut members = whole(json!(schemas.members()), &["members", "schema"]);
    members["properties"]["members"]["items"] = super::reference("Member");
    let tasks = json!({ "type": "array", "items": super::reference("Task") });
    json!({
        "Image": whole(json!(schemas.image()), &OF_IMAGE),
        "Images": images,
        "Member": whole(json!(schemas.member()), &OF_MEMBER),
        "Members": members,
        "Task": whole(json!(schemas.task()), &["id", "type", "status"]),
        "Tasks": whole(json!(schemas.tasks()), &OF_TASKS),
        "ImageTasks": object(&json!({ "tasks": tasks }), &["tasks"]),
        "Locations": list(&object(
            &json!({ "url": { "type": "string" }, "metadata": { "type": "object" } }),
            &["url", "metadata"],
        )),
        "Versions": versions(),
        "Schema": object(
            &json!({ "name": { "type": "string" }, "properties": { "type": "object" } }),
            &["name", "properties"],
        ),
        "ImportInfo": import_info(),
        "Stores": stores(&store()),
        "StoresDetail": stores(&detailed_store()),
        "Cache": cache(),
        "Pruned": object(
            &json!({ "total_files_pruned": number(), "total_bytes_pruned": number() }),
            &["total_files_pruned", "total_bytes_pruned"],
        ),
        "Usage": object(&json!({ "usage": { "type": "object" } }), &["usage"]),
        "Error": error(),
    })
}

fn number() -> Value {
    json!({ "type": "integer", "minimum": 0 })
}

fn cache() -> Value {
    let id = json!({ "type": "string", "format": "uuid" });
    let time = json!({ "type": "number" });
    let cached = object(
        &json!({
            "image_id": id,
            "hits": number(),
            "last_accessed": time,
            "last_modified": time,
            "size": number(),
        }),
        &["image_id", "hits", "last_accessed", "last_modified", "size"],
    );
    object(
        &json!({ "cached_images": list(&cached), "queued_images": list(&id) }),
        &["cached_images", "queued_images"],
    )
}

/// The schemas of what is asked.
fn asked() -> Value {
    let name = json!({ "type": "string", "minLength": 1, "maxLength": NAME_MAX_CHARS });
    let method = object(
        &json!({
            "name": { "type": "string" },
            "uri": { "type": "string" },
            "glance_region": { "type": "string" },
            "glance_image_id": { "type": "string" },
            "glance_service_interface": { "type": "string" },
        }),
        &["name"],
    );
    let mut stores = list(&json!({ "type": "string" }));
    stores["minItems"] = json!(1);
    stores["uniqueItems"] = json!(true);
    json!({
        "NewImage": new_image(),
        "Patch": list(&operation()),
        "OldPatch": list(&old_operation()),
        "NewMember": object(&json!({ "member": name }), &["member"]),
        "MemberStatus": object(
            &json!({ "status": { "enum": ["pending", "accepted", "rejected"] } }),
            &["status"],
        ),
        "Import": object(
            &json!({
                "method": method,
                "stores": stores,
                "all_stores": { "type": "boolean" },
                "all_stores_must_succeed": { "type": "boolean" },
            }),
            &["method"],
        ),
        "NewLocation": new_location(),
    })
}

/// Completes a schema of the API: what it is of, and what is always there.
fn whole(mut schema: Value, required: &[&str]) -> Value {
    schema["type"] = json!("object");
    schema["required"] = json!(required);
    schema
}

fn object(properties: &Value, required: &[&str]) -> Value {
    json!({ "type": "object", "properties": properties, "required": required })
}

fn list(items: &Value) -> Value {
    json!({ "type": "array", "items": items })
}

fn text(max_len: usize) -> Value {
    json!({ "type": "string", "maxLength": max_len })
}

fn text_or_null(max_len: usize) -> Value {
    let mut text = text(max_len);
    text["type"] = json!(["string", "null"]);
    text
}

fn new_image() -> Value {
    let image = json!(Schemas::new().image());
    let of_image = |name: &str| image["properties"][name].clone();
    let number = json!({ "type": "integer", "minimum": 0, "maximum": i32::MAX });
    let mut tag = text(NAME_MAX_CHARS);
    tag["minLength"] = json!(1);
    let mut schema = object(
        &json!({
            "id": { "type": "string", "format": "uuid" },
            "name": text_or_null(NAME_MAX_CHARS),
            "owner": text_or_null(NAME_MAX_CHARS),
            "visibility": of_image("visibility"),
            "disk_format": of_image("disk_format"),
            "container_format": of_image("container_format"),
            "min_disk": number,
            "min_ram": number,
            "protected": { "type": "boolean" },
            "os_hidden": { "type": "boolean" },
            "tags": list(&tag),
        }),
        &[],
    );
    // Longer ones than 65,535 bytes are refused, which is no number of characters.
    schema["additionalProperties"] = json!({ "type": "string" });
    schema["propertyNames"] = json!({ "minLength": 1, "maxLength": NAME_MAX_CHARS });
    schema
}

/// An operation of a patch as the API has them today.
fn operation() -> Value {
    let path = json!({ "type": "string", "pattern": POINTER_PATTERN });
    let with = |words: Value, value: Option<Value>| {
        let mut members = json!({ "op": { "enum": words }, "path": path });
        let mut required = vec!["op", "path"];
        if let Some(value) = value {
            members["value"] = value;
            required.push("value");
        }
        object(&members, &required)
    };
    let writing = with(json!(["add", "replace"]), Some(json!({})));
    json!({ "anyOf": [writing, with(json!(["remove"]), None)] })
}

/// An operation of a patch as it was once: the name of the member says what is done.
fn old_operation() -> Value {
    let path = json!({ "type": "string", "pattern": POINTER_PATTERN });
    let with = |deed: &str, required: &[&str]| {
        let mut members = Map::new();
        members.insert(deed.to_owned(), path.clone());
        object(&Value::Object(members), required)
    };
    json!({ "anyOf": [
        with("add", &["add", "value"]),
        with("replace", &["replace", "value"]),
        with("remove", &["remove"]),
    ] })
}

fn new_location() -> Value {
    let mut proof = object(
        &json!({
            "os_hash_algo": { "enum": ["sha1", "sha256", "sha512", "md5"] },
            "os_hash_value": { "type": "string" },
        }),
        &["os_hash_algo", "os_hash_value"],
    );
    proof["additionalProperties"] = json!(false);
    let url = json!({ "type": "string", "maxLength": 2048 });
    object(&json!({ "url": url, "validation_data": proof }), &["url"])
}

fn versions() -> Value {
    let text = json!({ "type": "string" });
    let link = object(&json!({ "rel": text, "href": text }), &["rel", "href"]);
    let status = json!({ "enum": ["CURRENT", "SUPPORTED"] });
    let version = object(
        &json!({ "id": text, "status": status, "links": list(&link) }),
        &["id", "status", "links"],
    );
    object(&json!({ "versions": list(&version) }), &["versions"])
}

fn import_info() -> Value {
    let text = json!({ "type": "string" });
    let methods = object(
        &json!({ "description": text, "type": { "enum": ["array"] }, "value": list(&text) }),
        &["description", "type", "value"],
    );
    object(&json!({ "import-methods": methods }), &["import-methods"])
}

fn stores(store: &Value) -> Value {
    object(&json!({ "stores": list(store) }), &["stores"])
}

fn store() -> Value {
    let text = json!({ "type": "string" });
    let flag = json!({ "enum": ["true"] });
    object(
        &json!({ "id": text, "description": text, "default": flag, "read-only": flag }),
        &["id"],
    )
}

fn detailed_store() -> Value {
    let mut store = store();
    store["properties"]["type"] = json!({ "type": "string" });
    store["properties"]["weight"] = json!({ "type": "integer" });
    store["properties"]["properties"] = json!({ "type": "object" });
    store["required"] = json!(["id", "type", "weight", "properties"]);
    store
}

fn error() -> Value {
    let text = json!({ "type": "string" });
    let reason = object(
        &json!({ "code": text, "kind": text, "message": text }),
        &["code", "kind", "message"],
    );
    object(&json!({ "error": reason }), &["error"])
}
