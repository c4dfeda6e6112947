//! The schemas against the documents of the API.

use serde_json::{Value, json};

use super::{CustomProperty, ID_PATTERN, Schema, Schemas};
use crate::error::ErrorCode;

/// Serializes a schema and takes the descriptions out, which are for readers.
fn shape(schema: &Schema) -> Value {
    let mut value = serde_json::to_value(schema).unwrap();
    strip(&mut value);
    value
}

fn strip(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(strip),
        Value::Object(members) => {
            if members.get("description").is_some_and(Value::is_string) {
                members.remove("description");
            }
            members.values_mut().for_each(strip);
        }
        _ => {}
    }
}

/// The properties of an image, as section 3 of the specification of HTTP lists them.
const IMAGE_PROPERTIES: &str = r#"{
    "id": {"type": "string", "pattern": "^([0-9a-fA-F]){8}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){12}$"},
    "name": {"type": ["null", "string"], "maxLength": 255},
    "status": {"type": "string", "readOnly": true, "enum": ["queued", "saving", "active", "killed",
        "deleted", "uploading", "importing", "pending_delete", "deactivated"]},
    "visibility": {"type": "string", "enum": ["community", "public", "private", "shared"]},
    "protected": {"type": "boolean"},
    "os_hidden": {"type": "boolean"},
    "checksum": {"type": ["null", "string"], "maxLength": 32, "readOnly": true},
    "os_hash_algo": {"type": ["null", "string"], "maxLength": 64, "readOnly": true},
    "os_hash_value": {"type": ["null", "string"], "maxLength": 128, "readOnly": true},
    "owner": {"type": ["null", "string"], "maxLength": 255},
    "size": {"type": ["null", "integer"], "readOnly": true},
    "virtual_size": {"type": ["null", "integer"], "readOnly": true},
    "container_format": {"type": ["null", "string"], "enum": [null, "ami", "ari", "aki", "bare",
        "ovf", "ova", "docker", "compressed"]},
    "disk_format": {"type": ["null", "string"], "enum": [null, "ami", "ari", "aki", "vhd", "vhdx",
        "vmdk", "raw", "qcow2", "vdi", "iso", "ploop"]},
    "created_at": {"type": "string", "readOnly": true},
    "updated_at": {"type": "string", "readOnly": true},
    "tags": {"type": "array", "items": {"type": "string", "maxLength": 255}},
    "direct_url": {"type": "string", "readOnly": true},
    "self": {"type": "string", "readOnly": true},
    "file": {"type": "string", "readOnly": true},
    "stores": {"type": "string", "readOnly": true},
    "schema": {"type": "string", "readOnly": true},
    "min_ram": {"type": "integer"},
    "min_disk": {"type": "integer"},
    "locations": {"type": "array", "items": {
        "type": "object",
        "properties": {
            "url": {"type": "string", "maxLength": 255},
            "metadata": {"type": "object"},
            "validation_data": {
                "type": "object",
                "writeOnly": true,
                "additionalProperties": false,
                "properties": {
                    "checksum": {"type": "string", "maxLength": 32},
                    "os_hash_algo": {"type": "string", "maxLength": 64},
                    "os_hash_value": {"type": "string", "maxLength": 128}
                },
                "required": ["os_hash_algo", "os_hash_value"]
            }
        },
        "required": ["url", "metadata"]
    }}
}"#;

fn image_shape() -> Value {
    let properties: Value = serde_json::from_str(IMAGE_PROPERTIES).unwrap();
    json!({
        "name": "image",
        "properties": properties,
        "additionalProperties": {"type": "string"},
        "links": [
            {"rel": "self", "href": "{self}"},
            {"rel": "enclosure", "href": "{file}"},
            {"rel": "describedby", "href": "{schema}"},
        ],
    })
}

#[test]
fn the_schema_of_an_image_is_that_of_the_api() {
    assert_eq!(shape(&Schemas::new().image()), image_shape());
    let schema = serde_json::to_value(Schemas::new().image()).unwrap();
    for (name, property) in schema["properties"].as_object().unwrap() {
        assert!(
            property["description"]
                .as_str()
                .is_some_and(|text| !text.is_empty()),
            "{name}"
        );
    }
}

#[test]
fn properties_stand_in_the_order_of_the_api() {
    let text = serde_json::to_string(&Schemas::new().image()).unwrap();
    let order = [
        "{\"name\":\"image\"",
        "\"properties\":{\"id\":",
        "\"name\":{",
        "\"status\":",
        "\"locations\":",
        "\"additionalProperties\":{",
        "\"links\":",
    ];
    let places: Vec<_> = order
        .iter()
        .map(|piece| text.find(piece).expect(piece))
        .collect();
    assert!(places.is_sorted(), "{places:?}");
}

#[test]
fn the_schemas_of_collections_hold_those_of_their_items() {
    let text = json!({"type": "string"});
    let images = json!({
        "name": "images",
        "properties": {
            "images": {"type": "array", "items": image_shape()},
            "first": text, "next": text, "schema": text,
        },
        "links": [
            {"rel": "first", "href": "{first}"},
            {"rel": "next", "href": "{next}"},
            {"rel": "describedby", "href": "{schema}"},
        ],
    });
    assert_eq!(shape(&Schemas::new().images()), images);
    let member = json!({
        "name": "member",
        "properties": {
            "member_id": text,
            "image_id": {"type": "string", "pattern": ID_PATTERN},
            "created_at": text,
            "updated_at": text,
            "status": {"type": "string", "enum": ["pending", "accepted", "rejected"]},
            "schema": {"type": "string", "readOnly": true},
        },
    });
    assert_eq!(shape(&Schemas::new().member()), member);
    let members = json!({
        "name": "members",
        "properties": {"members": {"type": "array", "items": member}, "schema": text},
        "links": [{"rel": "describedby", "href": "{schema}"}],
    });
    assert_eq!(shape(&Schemas::new().members()), members);
}

#[test]
fn the_schemas_of_tasks_differ_by_what_a_page_leaves_out() {
    let text = json!({"type": "string"});
    let object = json!({"type": ["null", "object"]});
    let mut task = json!({
        "name": "task",
        "properties": {
            "id": {"type": "string", "pattern": ID_PATTERN},
            "type": {"type": "string", "enum": ["import", "api_image_import", "location_import"]},
            "status": {"type": "string", "enum": ["pending", "processing", "success", "failure"]},
            "input": object, "result": object, "owner": text, "message": text, "image_id": text,
            "request_id": text, "user_id": text, "expires_at": {"type": ["null", "string"]},
            "created_at": text, "updated_at": text, "self": text, "schema": text,
        },
    });
    assert_eq!(shape(&Schemas::new().task()), task);
    for name in ["input", "result", "message"] {
        task["properties"].as_object_mut().unwrap().remove(name);
    }
    let tasks = json!({
        "name": "tasks",
        "properties": {"tasks": {"type": "array", "items": task}, "schema": text},
        "links": [{"rel": "describedby", "href": "{schema}"}],
    });
    assert_eq!(shape(&Schemas::new().tasks()), tasks);
}

#[test]
fn what_a_host_configures_is_in_the_schema() {
    let schemas = Schemas::new()
        .disk_formats(["raw"])
        .container_formats([""; 0])
        .property(
            CustomProperty::new("tier", "Class")
                .one_of(["gold", "iron"])
                .required(),
        )
        .unwrap()
        .property(
            CustomProperty::new("rack", "Place")
                .max_len(8)
                .pattern("^r"),
        )
        .unwrap();
    let schema = serde_json::to_value(schemas.image()).unwrap();
    let properties = &schema["properties"];
    assert_eq!(properties["disk_format"]["enum"], json!([null, "raw"]));
    assert_eq!(properties["container_format"]["enum"], json!([null]));
    let tier = json!({
        "type": "string", "description": "Class", "enum": ["gold", "iron"], "is_base": false,
    });
    assert_eq!(properties["tier"], tier);
    let rack = json!({
        "type": "string", "description": "Place", "maxLength": 8, "pattern": "^r", "is_base": false,
    });
    assert_eq!(properties["rack"], rack);
    assert_eq!(schema["required"], json!(["tier"]));
    for name in ["owner", "tier", "locations"] {
        let again = schemas.clone().property(CustomProperty::new(name, ""));
        let error = again.expect_err("there already");
        assert_eq!(error.code(), ErrorCode::InvalidSettings, "{name}");
    }
}
