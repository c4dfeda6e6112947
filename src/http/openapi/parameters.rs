//! What operations take beside their bodies: parts of the path, parameters of the query, headers.

use serde_json::{Value, json};

use super::super::op::Op;
use super::super::tasks::SORT_KEYS;
use crate::query::SortKey;
use crate::task::TaskStatus;

/// Parameters of lists that are compared by `eq` and `in`.
const TEXTS: [&str; 5] = ["name", "id", "status", "disk_format", "container_format"];
/// A word, `eq:WORD` or `in:WORD,"WORD, quoted"`.
const TEXT_PATTERN: &str = concat!(
    r"^([^:]*|eq:[\s\S]*",
    r#"|in:("(\\[\s\S]|[^"\\])*"|[^",]*)(,("(\\[\s\S]|[^"\\])*"|[^",]*))*)$"#
);
/// A time of ISO 8601, behind an operator or none.
const TIME_PATTERN: &str = concat!(
    r"^((gte?|lte?|n?eq):)?[0-9]{4}(-(0[1-9]|1[0-2])",
    r"|(-(0[1-9]|1[0-2])-|(0[1-9]|1[0-2]))(0[1-9]|[12][0-9]|3[01])([T ]([01][0-9]|2[0-3])",
    r"(:?[0-5][0-9](:?[0-5][0-9]([.,][0-9]+)?)?)?(Z|[+-]([01][0-9]|2[0-3])(:?[0-5][0-9])?)?)?)?$"
);
/// Parameters of lists that are compared as they are.
const PLAIN: [&str; 4] = ["owner", "checksum", "os_hash_algo", "os_hash_value"];
/// Parameters of lists that are numbers.
const NUMBERS: [&str; 12] = [
    "size",
    "size_min",
    "size_max",
    "virtual_size",
    "virtual_size_min",
    "virtual_size_max",
    "min_disk",
    "min_disk_min",
    "min_disk_max",
    "min_ram",
    "min_ram_min",
    "min_ram_max",
];
const TIMES: [&str; 2] = ["created_at", "updated_at"];
/// Returns the parameters of a path.
pub(super) fn of_path(path: &str) -> Value {
    let names = path.split('/').filter_map(|part| {
        let name = part.strip_prefix('{')?;
        name.strip_suffix('}')
    });
    let parameter =
        |name| json!({ "name": name, "in": "path", "required": true, "schema": part(name) });
    names.map(parameter).collect()
}

fn part(name: &str) -> Value {
    match name {
        "image_id" | "task_id" => json!({ "type": "string", "format": "uuid" }),
        _ => json!({ "type": "string", "minLength": 1, "maxLength": 255 }),
    }
}

/// Returns the parameters of an operation beside those of its path.
pub(super) fn of(op: Op) -> Value {
    let text = json!({ "type": "string" });
    let number = json!({ "type": "integer", "minimum": 0 });
    let of_cache = json!({ "enum": ["", "cache", "queue"] });
    let all = match op {
        Op::ListImages => [filters(), order(), page()].concat(),
        Op::ListTasks => [of_tasks(), page()].concat(),
        Op::Download => vec![
            query("prefer", &text),
            // Any text: where there is no data, no range is looked at.
            header("Range", &text),
            header("Content-Range", &text),
        ],
        Op::Upload => vec![
            header("x-openstack-image-size", &number),
            header("x-image-meta-store", &text),
        ],
        Op::Stage => vec![header("x-openstack-image-size", &number)],
        Op::Import => vec![header("x-image-meta-store", &text)],
        Op::ClearCache => vec![header("x-image-cache-clear-target", &of_cache)],
        _ => Vec::new(),
    };
    Value::Array(all)
}

fn query(name: &str, schema: &Value) -> Value {
    json!({ "name": name, "in": "query", "schema": schema })
}

fn header(name: &str, schema: &Value) -> Value {
    json!({ "name": name, "in": "header", "schema": schema })
}

fn like(pattern: &str) -> Value {
    json!({ "type": "string", "pattern": pattern })
}

/// The filters of images. Any other parameter is compared with a custom property.
fn filters() -> Vec<Value> {
    let text = json!({ "type": "string" });
    let each = |names: &[&str], schema: Value| -> Vec<Value> {
        names.iter().map(|name| query(name, &schema)).collect()
    };
    let one_of = |name, words: Value| query(name, &json!({ "enum": words }));
    [
        each(&TEXTS, like(TEXT_PATTERN)),
        each(&PLAIN, text.clone()),
        each(&NUMBERS, json!({ "type": "integer" })),
        each(&TIMES, like(TIME_PATTERN)),
        vec![
            query("tag", &json!({ "type": "array", "items": text })),
            one_of(
                "visibility",
                json!(["public", "private", "shared", "community", "all"]),
            ),
            one_of(
                "member_status",
                json!(["accepted", "pending", "rejected", "all"]),
            ),
            one_of("protected", json!(["true", "false"])),
            query(
                "os_hidden",
                &json!({
                    "type": "string",
                    "pattern": "^([Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee])$",
                }),
            ),
        ],
    ]
    .concat()
}

/// How images are ordered; `sort` does not go with the other two.
fn order() -> Vec<Value> {
    let keys: Vec<&str> = SortKey::ALL.iter().map(|key| key.as_str()).collect();
    let list = |words| json!({ "type": "array", "items": { "enum": words } });
    let key = format!(r"\s*({})\s*(:\s*(asc|desc)?\s*)?", keys.join("|"));
    let sort = json!({ "type": "string", "pattern": format!("^{key}(,{key})*$") });
    vec![
        query("sort", &sort),
        query("sort_key", &list(keys)),
        query("sort_dir", &list(vec!["asc", "desc"])),
    ]
}

fn page() -> Vec<Value> {
    vec![
        query("marker", &json!({ "type": "string", "format": "uuid" })),
        query("limit", &json!({ "type": "integer", "minimum": 0 })),
    ]
}

/// The filters and the order of tasks.
fn of_tasks() -> Vec<Value> {
    let statuses: Vec<&str> = TaskStatus::ALL.iter().map(|it| it.as_str()).collect();
    vec![
        query("status", &json!({ "enum": statuses })),
        query("type", &json!({ "enum": ["import"] })),
        query("sort_key", &json!({ "enum": SORT_KEYS })),
        query("sort_dir", &json!({ "enum": ["asc", "desc"] })),
    ]
}
