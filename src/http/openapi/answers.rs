//! What operations answer with: each status that there is, and what comes with it.

use serde_json::{Map, Value, json};

use super::super::op::Op;
use super::super::route::{RESOURCES, Row};
use super::reference;

/// Statuses of refusals that any operation below a version has: a header of the host or of identity
/// that is malformed, no identity, a page of another site, a request id that is too long, a fault of
/// the service, a transfer encoding that is unknown, and a service that is closed or whose disk
/// failed.
const COMMON: [u16; 7] = [400, 401, 403, 431, 500, 501, 503];
/// Those of operations outside of the versions.
const COMMON_APART: [u16; 3] = [400, 431, 501];

/// Returns all answers of an operation by their statuses.
pub(super) fn of(row: &Row, path: &str) -> Value {
    let mut all = Map::new();
    let mut put = |status: u16, answer| all.insert(status.to_string(), answer);
    if let Some(status) = row.op.success() {
        put(status, success(row.op));
    }
    for status in refusals(row, path) {
        put(status, json!({ "$ref": "#/components/responses/Error" }));
    }
    match row.op {
        Op::Download => {
            put(206, part());
            put(204, answer("There is no data yet", None));
        }
        Op::Health => {
            put(
                503,
                answer("Takes no writes, for the reason in the text", text()),
            );
        }
        _ => {}
    }
    Value::Object(all)
}

fn refusals(row: &Row, path: &str) -> Vec<u16> {
    let common: &[u16] = match path.starts_with("/v2/") {
        true => &COMMON,
        false => &COMMON_APART,
    };
    [common, row.op.refusals()].concat()
}

fn success(op: Op) -> Value {
    let mut answer = answer("Done", content(op));
    if op == Op::CreateImage {
        answer["headers"]["Location"] = header("Url of the image");
        for (name, description) in [
            (
                "OpenStack-image-import-methods",
                "Methods of import, with commas between",
            ),
            ("OpenStack-image-store-ids", "Stores, with commas between"),
        ] {
            answer["headers"][name] = maybe(description);
        }
        answer["links"] = links();
    }
    answer
}

/// Returns what may be done next with an image that was made, for tools that follow links.
fn links() -> Value {
    let of_image = |path: &str| path.starts_with("/v2/images/{image_id}");
    let resources = RESOURCES.iter().filter(|it| of_image(it.path));
    let names = resources
        .flat_map(|resource| resource.rows)
        .map(|row| row.op.name());
    let link = |name: &str| {
        let parameters = json!({ "image_id": "$response.body#/id" });
        (
            name.to_owned(),
            json!({ "operationId": name, "parameters": parameters }),
        )
    };
    Value::Object(names.map(link).collect())
}

/// Returns the documents of success by their media types.
fn content(op: Op) -> Option<Value> {
    let json = |schema| Some(json!({ "application/json": { "schema": reference(schema) } }));
    match op {
        Op::ListVersions => json("Versions"),
        Op::Health => text(),
        Op::ImageSchema
        | Op::ImagesSchema
        | Op::MemberSchema
        | Op::MembersSchema
        | Op::TaskSchema
        | Op::TasksSchema => json("Schema"),
        Op::ListImages => json("Images"),
        Op::CreateImage | Op::ShowImage | Op::PatchImage => json("Image"),
        Op::Download => Some(json!({ "application/octet-stream": {} })),
        Op::ListImageTasks => json("ImageTasks"),
        Op::ListLocations => json("Locations"),
        Op::ListMembers => json("Members"),
        Op::AddMember | Op::ShowMember | Op::SetMember => json("Member"),
        Op::ImportInfo => json("ImportInfo"),
        Op::UsageInfo => json("Usage"),
        Op::ListTasks => json("Tasks"),
        Op::ShowTask => json("Task"),
        Op::StoresInfo => json("Stores"),
        Op::StoresDetail => json("StoresDetail"),
        Op::ShowCache => json("Cache"),
        Op::PruneCache => json("Pruned"),
        _ => None,
    }
}

fn text() -> Option<Value> {
    Some(json!({ "text/plain": { "schema": { "type": "string" } } }))
}

fn part() -> Value {
    let mut part = answer("Part of the data", content(Op::Download));
    part["headers"]["Content-Range"] = header("Which bytes these are, and of how many");
    part
}

fn header(description: &str) -> Value {
    let schema = json!({ "type": "string" });
    json!({ "description": description, "required": true, "schema": schema })
}

/// A header that is left out where there is nothing to say.
fn maybe(description: &str) -> Value {
    let mut header = header(description);
    header["required"] = json!(false);
    header
}

fn answer(description: &str, content: Option<Value>) -> Value {
    let id = header("Names the request, in logs too");
    let mut answer = json!({
        "description": description,
        "headers": { "x-openstack-request-id": id },
    });
    if let Some(content) = content {
        answer["content"] = content;
    }
    answer
}

/// Returns the answer of any refusal.
pub(super) fn error() -> Value {
    let content = json!({ "application/json": { "schema": reference("Error") } });
    answer(
        "Refused, for the reason that the document names",
        Some(content),
    )
}
