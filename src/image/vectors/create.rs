//! Every vector of create: body and actor to document or error.

use crate::error::{Error, ErrorCode, Result};
use crate::id::ImageId;
use crate::image::vectors::gate::Actor;
use crate::image::vectors::{File, MADE, child, compare, compare_error, limits, text};
use crate::image::{Gate, Image, Limits, NewImage, PropertyAction, Visibility};
use crate::json::{Json, Object};

/// The id that is in use.
const TAKEN: &str = "11111111-1111-1111-1111-11111111111a";

#[test]
fn every_vector_of_create_holds() {
    let file = File::parse(include_str!("../../../tests/vectors/create.json"));
    file.run("create", 97, |_| true, check);
}

fn check(vector: &Object<'_>) -> Result<(), String> {
    let expect = child(vector, "expect");
    let limits = limits(child(vector, "config"));
    let body = vector.member("body").filter(|body| **body != Json::Null);
    let body = body.map(|body| body_text(body));
    let body = body.as_deref().map(str::as_bytes);
    match create(body, &actor(text(vector, "actor")), &limits) {
        Ok(image) => {
            assert_eq!(crate::image::vectors::integer(expect, "status"), 201);
            compare(&image, &expanded(child(expect, "document")))
        }
        Err(error) => compare_error(&error, expect),
    }
}

/// Creates in the order of the documents.
pub(super) fn create(body: Option<&[u8]>, actor: &Actor, limits: &Limits) -> Result<Image> {
    let new = NewImage::from_json(body, limits)?;
    if actor.read_only {
        return Err(Error::new(ErrorCode::ReadOnlyCaller, "anonymous"));
    }
    let owner = new.owner_for(actor.project.as_ref())?;
    let owns = owner.is_some() && owner == actor.project;
    actor.allow(actor.is("admin") || (actor.is("member") && owns))?;
    let wanted = new.chosen_visibility().unwrap_or(Visibility::Private);
    actor.allow(wanted != Visibility::Public || actor.is("admin"))?;
    let may_create = |name: &str| actor.property(name, PropertyAction::Create);
    let (fresh, project) = (ImageId::from_bytes([5; 16]), actor.project.as_ref());
    let image = new.into_image_within(&may_create, fresh, project, limits, MADE)?;
    let taken: ImageId = TAKEN.parse()?;
    if *image.id() == taken {
        return Err(Error::new(ErrorCode::Duplicate, "id is in use"));
    }
    Ok(image)
}

/// The callers that the file names.
pub(super) fn actor(name: &str) -> Actor {
    match name {
        "owner" => Actor::new("p1", &["member", "reader"]),
        "reader" => Actor::new("p1", &["reader"]),
        "admin" => Actor::new("padm", &["admin", "member", "reader"]),
        "anon" => Actor {
            read_only: true,
            ..Actor::default()
        },
        _ => panic!("no actor {name}"),
    }
}

/// Prints a body; long texts are written as `<65535 x v>` in the file.
fn body_text(body: &Json<'_>) -> String {
    match body {
        Json::Object(object) => Json::Object(expanded(object)).to_string(),
        other => other.to_string(),
    }
}

fn expanded<'a>(object: &Object<'a>) -> Object<'a> {
    let members = object.iter().map(|(name, value)| {
        let value = match value {
            Json::Text(text) => Json::Text(repeated(text).into()),
            other => other.clone(),
        };
        (name.to_owned().into(), value)
    });
    Object::new(members.collect())
}

fn repeated(text: &str) -> String {
    let inner = text
        .strip_prefix('<')
        .and_then(|rest| rest.strip_suffix('>'));
    match inner.and_then(|inner| inner.split_once(" x ")) {
        Some((count, piece)) => piece.repeat(count.parse().unwrap()),
        None => text.to_owned(),
    }
}
