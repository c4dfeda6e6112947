//! Property protections: file, caller and call to what becomes of a property.

use serde_json::{Value, json};
use smalti::image::Patch;
use smalti::patch::Dialect;
use smalti::policy::Rules;
use smalti::wire::ImageOptions;
use smalti::{Caller, Engine, ErrorCode, Image, NewImage, Result};

use super::{Checked, File, engine, project, refused, same, settings, shown, stored, text, texts};

#[test]
fn properties_are_protected_as_the_vectors_say() {
    let text = include_str!("../../vectors/property_protections.json");
    File::new("property_protections", text).run(check);
}

fn check(vector: &Value) -> Checked {
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
    let found = match call(&engine, &image, vector) {
        Ok((status, image)) => {
            let document = shown(&image, ImageOptions::new());
            let mut found = json!({ "status": status });
            if !vector["expect"]["shown"].is_null() {
                found["shown"] = json!(document.get(name).is_some());
            }
            found
        }
        Err(error) => refused(&error),
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

fn call(engine: &Engine, image: &Image, vector: &Value) -> Result<(u16, Image)> {
    let caller = Caller::authenticated(Some(project("p1")));
    let given = &vector["caller"];
    let caller = texts(&given["roles"]).fold(caller, Caller::with_role);
    let caller = texts(&given["service_roles"]).fold(caller, Caller::with_service_role);
    let (images, name) = (engine.images(&caller), text(vector, "property"));
    let limits = &engine.settings().limits;
    let pointer = format!("/{}", name.replace('~', "~0").replace('/', "~1"));
    let (dialect, body) = match text(vector, "operation") {
        "create" => {
            let new = NewImage::default().property(name, "v");
            return Ok((201, images.create(new)?));
        }
        "show" => return Ok((200, images.show(image.id())?)),
        "add20" => (Dialect::V2_0, json!([{ "add": pointer, "value": "w" }])),
        "remove" => (Dialect::V2_1, json!([{ "op": "remove", "path": pointer }])),
        op => (
            Dialect::V2_1,
            json!([{ "op": op, "path": pointer, "value": "w" }]),
        ),
    };
    let patch = Patch::parse(dialect, body.to_string().as_bytes(), limits)?;
    Ok((200, images.update(image.id(), &patch)?))
}
