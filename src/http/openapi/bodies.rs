//! What operations take as their bodies.

use serde_json::{Value, json};

use super::super::op::Op;
use super::reference;
use crate::patch::Dialect;

/// Returns the bodies of an operation by their media types; none where it takes none.
pub(super) fn of(op: Op) -> Option<Value> {
    let json = |schema| json!({ "application/json": { "schema": reference(schema) } });
    Some(match op {
        Op::CreateImage => json("NewImage"),
        Op::AddMember => json("NewMember"),
        Op::SetMember => json("MemberStatus"),
        Op::Import => json("Import"),
        Op::AddLocation => json("NewLocation"),
        Op::PatchImage => json!({
            Dialect::V2_1.media_type(): { "schema": reference("Patch") },
            Dialect::V2_0.media_type(): { "schema": reference("OldPatch") },
        }),
        Op::Upload | Op::Stage => json!({
            "application/octet-stream": { "schema": { "type": "string", "format": "binary" } },
        }),
        _ => return None,
    })
}
