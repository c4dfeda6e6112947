//! Requests in the two forms in which the engine takes them: as text, and by its builders.

use serde_json::{Map, Value, json};
use smalti::image::Patch;
use smalti::patch::Dialect;
use smalti::{ImageId, Limits, NewImage, Result};

use super::calls::{New, Op, Route};
use super::schema::BASE;

/// Makes the request for an image.
pub(super) fn new_image(new: &New, id: Option<&ImageId>) -> Result<NewImage> {
    match new.route {
        Route::Built => Ok(built_image(new, id)),
        Route::Json => {
            let body = body(new, id).to_string();
            NewImage::from_json(Some(body.as_bytes()), &Limits::default())
        }
    }
}

fn built_image(new: &New, id: Option<&ImageId>) -> NewImage {
    let mut made = match &new.name {
        Some(name) => NewImage::named(name.as_str()),
        None => NewImage::default(),
    };
    made = made.min_disk(new.min_disk).min_ram(new.min_ram);
    made = id.map_or(made.clone(), |id| made.id(*id));
    made = match new.owner.as_deref() {
        None => made,
        Some("") => made.without_owner(),
        Some(owner) => made.owner(owner),
    };
    if let Some(visibility) = new.visibility {
        made = made.visibility(visibility);
    }
    if new.protected {
        made = made.protected();
    }
    if new.hidden {
        made = made.hidden();
    }
    if let Some(format) = new.disk_format {
        made = made.disk_format(format);
    }
    if let Some(format) = new.container_format {
        made = made.container_format(format);
    }
    let tags = new.tags.iter();
    made = tags.fold(made, |made, tag| made.tag(tag.as_str()));
    let properties = new.properties.iter();
    properties.fold(made, |made, (name, value)| {
        made.property(name.as_str(), value.as_str())
    })
}

fn body(new: &New, id: Option<&ImageId>) -> Value {
    let mut body = Map::new();
    let mut put = |name: &str, value: Value| body.insert(name.to_owned(), value);
    put("name", json!(new.name));
    put("protected", json!(new.protected));
    put("os_hidden", json!(new.hidden));
    put("min_disk", json!(new.min_disk));
    put("min_ram", json!(new.min_ram));
    put("tags", json!(new.tags));
    put("disk_format", json!(new.disk_format.map(|it| it.as_str())));
    put(
        "container_format",
        json!(new.container_format.map(|it| it.as_str())),
    );
    for (name, value) in &new.properties {
        put(name, json!(value));
    }
    if let Some(id) = id {
        put("id", json!(id.to_string()));
    }
    if let Some(visibility) = new.visibility {
        put("visibility", json!(visibility.as_str()));
    }
    match new.owner.as_deref() {
        None => {}
        Some("") => drop(put("owner", Value::Null)),
        Some(owner) => drop(put("owner", json!(owner))),
    }
    Value::Object(body)
}

/// Makes a patch: by its builder where that is asked for and can say it, else by its text.
pub(super) fn patch(dialect: Dialect, route: Route, ops: &[Op], limits: &Limits) -> Result<Patch> {
    let built = || {
        let patch = Some(Patch::new());
        ops.iter().fold(patch, |patch, op| step(patch?, op))
    };
    let can_build = route == Route::Built && dialect == Dialect::V2_1;
    match can_build.then(built).flatten() {
        Some(patch) => Ok(patch),
        None => {
            let ops = ops.iter().map(|op| operation(dialect, op));
            let body = Value::Array(ops.collect()).to_string();
            Patch::parse(dialect, body.as_bytes(), limits)
        }
    }
}

fn operation(dialect: Dialect, op: &Op) -> Value {
    let mut object = Map::new();
    match dialect {
        Dialect::V2_0 => drop(object.insert(op.verb.to_owned(), json!(op.path))),
        Dialect::V2_1 => {
            object.insert("op".to_owned(), json!(op.verb));
            object.insert("path".to_owned(), json!(op.path));
        }
    }
    if let Some(value) = &op.value {
        object.insert("value".to_owned(), value.clone());
    }
    Value::Object(object)
}

/// Adds an operation by a call of the builder, if there is one.
fn step(patch: Patch, op: &Op) -> Option<Patch> {
    let name = op.path.strip_prefix('/')?;
    let is_plain = !name.is_empty() && !name.contains(['/', '~', ' ']);
    let value = op.value.as_ref();
    if !is_plain || name == "locations" {
        return None;
    }
    if BASE.contains(&name) {
        return match op.verb {
            "add" | "replace" => set(patch, name, value?),
            _ => None,
        };
    }
    match op.verb {
        "add" => Some(patch.set_property(name, value?.as_str()?)),
        "replace" => Some(patch.replace_property(name, value?.as_str()?)),
        "remove" => Some(patch.remove_property(name)),
        _ => None,
    }
}

fn set(patch: Patch, name: &str, value: &Value) -> Option<Patch> {
    let word = value.as_str();
    Some(match name {
        "name" if value.is_null() => patch.clear_name(),
        "name" => patch.set_name(word?),
        "visibility" => patch.set_visibility(word?.parse().ok()?),
        "protected" => patch.set_protected(value.as_bool()?),
        "os_hidden" => patch.set_hidden(value.as_bool()?),
        "owner" => patch.set_owner(word?),
        "disk_format" if value.is_null() => patch.set_disk_format(None),
        "disk_format" => patch.set_disk_format(Some(word?.parse().ok()?)),
        "container_format" if value.is_null() => patch.set_container_format(None),
        "container_format" => patch.set_container_format(Some(word?.parse().ok()?)),
        "min_disk" => patch.set_min_disk(value.as_i64()?),
        "min_ram" => patch.set_min_ram(value.as_i64()?),
        "tags" => {
            let tags = value.as_array()?.iter().map(Value::as_str);
            patch.set_tags(tags.collect::<Option<Vec<_>>>()?)
        }
        _ => return None,
    })
}
