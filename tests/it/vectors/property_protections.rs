//! Property protections: file, caller and call to what becomes of a property.

use serde_json::{Value, json};
use smalti::policy::Rules;
use smalti::{Caller, ErrorCode, ImageId, Result};

use super::ask::{Answer, Ask, Face, PATCH, PATCH_OLD, Transport};
use super::by_calls::Calls;
use super::{Checked, File, engine, project, same, settings, stored, text, texts};

#[test]
fn properties_are_protected_as_the_vectors_say() {
    run(&Calls);
}

#[cfg(feature = "http")]
#[test]
fn properties_are_protected_through_http_as_the_vectors_say() {
    run(&super::by_http::Http);
}

fn run(way: &dyn Transport) {
    let text = include_str!("../../vectors/property_protections.json");
    File::new("property_protections", text).run(way, |vector| check(way, vector));
}

fn check(way: &dyn Transport, vector: &Value) -> Checked {
    let built = rules(vector);
    if vector["expect"]["outcome"] == "config_error" {
        return match built {
            Err(error) if error.code() == ErrorCode::InvalidPolicy => Ok(()),
            other => Err(format!("{other:?}, a refusal of the file expected")),
        };
    }
    let engine = engine(settings(&Value::Null));
    let name = text(vector, "property");
    let properties = match vector["exists"] == true {
        true => json!({ name: "v" }),
        false => json!({}),
    };
    let given = json!({ "visibility": "private", "owner": "p1", "properties": properties });
    let image = stored(&engine, &given);
    engine.set_policy(built.map_err(|error| error.to_string())?);
    let found = match ask(&*way.face(&engine), image.id(), vector).done() {
        Ok(answer) => {
            let mut found = json!({ "status": answer.status });
            if !vector["expect"]["shown"].is_null() {
                found["shown"] = json!(answer.document.get(name).is_some());
            }
            found
        }
        Err(refusal) => refusal,
    };
    same(&found, &vector["expect"])
}

/// Reads the file, with a policy under which everybody may create and modify images.
fn rules(vector: &Value) -> Result<Rules> {
    let format = text(vector, "format").parse()?;
    let policies = vector.get("policies").cloned().unwrap_or(json!({}));
    let builder = Rules::builder()
        .file("policy.json", policies.to_string())
        .property_protections(text(vector, "file"), format);
    let open = ["get_image", "add_image", "modify_image"];
    open.iter()
        .fold(builder, |builder, rule| builder.rule(*rule, "@"))
        .build()
}

fn ask(face: &dyn Face, id: &ImageId, vector: &Value) -> Answer {
    let caller = Caller::authenticated(Some(project("p1")));
    let given = &vector["caller"];
    let caller = texts(&given["roles"]).fold(caller, Caller::with_role);
    let caller = texts(&given["service_roles"]).fold(caller, Caller::with_service_role);
    let name = text(vector, "property");
    let pointer = format!("/{}", name.replace('~', "~0").replace('/', "~1"));
    let (media_type, operation) = match text(vector, "operation") {
        "create" => {
            let body = json!({ name: "v" }).to_string();
            return face.ask(&caller, Ask::Create(Some(body.as_bytes())));
        }
        "show" => return face.ask(&caller, Ask::Show(id)),
        "add20" => (PATCH_OLD, json!({ "add": pointer, "value": "w" })),
        "remove" => (PATCH, json!({ "op": "remove", "path": pointer })),
        op => (PATCH, json!({ "op": op, "path": pointer, "value": "w" })),
    };
    let body = json!([operation]).to_string();
    face.ask(&caller, Ask::Patch(id, Some(media_type), body.as_bytes()))
}
