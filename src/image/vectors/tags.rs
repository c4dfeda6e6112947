//! Every vector of single tags.

use crate::error::Result;
use crate::image::vectors::gate::Actor;
use crate::image::vectors::texts;
use crate::image::vectors::{File, MADE, child, compare_error, optional_text, plain, quota, text};
use crate::image::{Gate, Image, Limits, Status, Visibility};
use crate::json::{self, Object};

#[test]
fn every_vector_of_tags_holds() {
    let file = File::parse(include_str!("../../../tests/vectors/tags.json"));
    file.run("tags", 28, |_| true, check);
}

fn check(vector: &Object<'_>) -> Result<(), String> {
    let (status, expect) = (
        optional_text(vector, "image_status"),
        child(vector, "expect"),
    );
    let status = status.map_or(Status::Queued, |it| it.parse().unwrap());
    let (actor, visibility) = actor(text(vector, "actor"));
    let mut image = plain(status, visibility);
    image.0.tags = texts(vector, "tags").into_iter().collect();
    match call(vector, &actor, &mut image) {
        Ok(()) => {
            assert_eq!(image.revision(), 2);
            let found: Vec<&str> = image.tags().iter().collect();
            let expected = texts(expect, "tags");
            if expected.iter().eq(found.iter().copied()) {
                Ok(())
            } else {
                Err(format!("{found:?} found, {expected:?} expected"))
            }
        }
        Err(error) => compare_error(&error, expect),
    }
}

fn call(vector: &Object<'_>, actor: &Actor, image: &mut Image) -> Result<()> {
    json::nothing(optional_text(vector, "body").unwrap_or_default().as_bytes())?;
    let limits = Limits {
        tags_max: quota(vector, "quota"),
        ..Limits::default()
    };
    let tag = text(vector, "tag");
    match text(vector, "op") {
        "PUT" => {
            limits.check_tag(tag)?;
            actor.modify(image)?;
            image.add_tag(tag, &limits, MADE)
        }
        "DELETE" => {
            actor.modify(image)?;
            image.remove_tag(tag, MADE)
        }
        other => panic!("no method {other}"),
    }
}

fn actor(name: &str) -> (Actor, Visibility) {
    let member = &["member", "reader"];
    match name {
        "owner-member" => (Actor::new("p1", member), Visibility::Shared),
        "owner-reader" => (Actor::new("p1", &["reader"]), Visibility::Shared),
        "image-member" => {
            let mut actor = Actor::new("p2", member);
            actor.members.push("p2".to_owned());
            (actor, Visibility::Shared)
        }
        "other-public" => (Actor::new("p2", member), Visibility::Public),
        "other-private" => (Actor::new("p2", member), Visibility::Private),
        "admin" => (Actor::new("padm", &["admin"]), Visibility::Shared),
        _ => panic!("no actor {name}"),
    }
}
