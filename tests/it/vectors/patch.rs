//! Patches: document, caller, media type and body to document or error.

use serde_json::{Value, json};
use smalti::image::Patch;
use smalti::patch::Dialect;
use smalti::wire::ImageOptions;
use smalti::{Engine, Image, Result};

use super::{
    Checked, File, caller, engine, operator, refused, same, settings, shown, stored, texts,
};

#[test]
fn images_are_patched_as_the_vectors_say() {
    let file = File::new("patch", include_str!("../../vectors/patch.json"));
    file.run(check);
}

fn check(vector: &Value) -> Checked {
    let engine = engine(settings(&vector["config"]));
    let mut given = vector["document"].clone();
    let members = texts(&vector["members"]).map(|name| (name.to_owned(), json!("accepted")));
    given["members"] = Value::Object(members.collect());
    let before = stored(&engine, &given);
    let answer = patch(&engine, &before, vector);
    let after = engine.images(&operator()).show(before.id()).expect("shown");
    let found = match answer {
        Ok(image) => {
            assert_eq!(image.updated_at(), after.updated_at());
            let is_empty = vector["patch"] == json!([]);
            assert_eq!(after.updated_at() == before.updated_at(), is_empty);
            assert_eq!(after.revision(), before.revision() + u64::from(!is_empty));
            let document = shown(&image, options(vector));
            assert_eq!(document, shown(&after, options(vector)), "what is stored");
            json!({ "status": 200, "document": document })
        }
        Err(error) => {
            assert_eq!(after, before, "a refusal changes nothing");
            refused(&error)
        }
    };
    same(&found, &vector["expect"])
}

fn patch(engine: &Engine, image: &Image, vector: &Value) -> Result<Image> {
    let dialect = Dialect::from_media_type(vector["media_type"].as_str())?;
    let body = vector["patch"].to_string();
    let patch = Patch::parse(dialect, body.as_bytes(), &engine.settings().limits)?;
    engine
        .images(&caller(&vector["actor"]))
        .update(image.id(), &patch)
}

fn options(vector: &Value) -> ImageOptions<'static> {
    match vector["config"]["show_multiple_locations"] == true {
        true => ImageOptions::new().locations(),
        false => ImageOptions::new(),
    }
}
