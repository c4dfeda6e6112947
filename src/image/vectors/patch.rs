//! Every vector of patches: body, document and actor to document or error.

use crate::clock::Timestamp;
use crate::error::Result;
use crate::image::vectors::gate::{Actor, Known};
use crate::image::vectors::{File, MADE, child, compare, compare_error, image, is_true, limits};
use crate::image::vectors::{optional_text, texts};
use crate::image::{ApplyRules, Image, Limits, Patch};
use crate::json::Object;
use crate::patch::Dialect;

const NOW: Timestamp = Timestamp::MAX;

#[test]
fn every_vector_of_patches_holds() {
    let file = File::parse(include_str!("../../../tests/vectors/patch.json"));
    file.run("patch", 208, |_| true, check);
}

fn check(vector: &Object<'_>) -> Result<(), String> {
    let (before, expect) = (image(child(vector, "document")), child(vector, "expect"));
    let kept = before.clone();
    let limits = limits(child(vector, "config"));
    let after = parse(vector, &limits).and_then(|patch| {
        let is_empty = patch.is_empty();
        apply(vector, &before, &patch, &limits).map(|after| (after, is_empty))
    });
    assert_eq!(before, kept);
    let (after, is_empty) = match after {
        Ok(after) => after,
        Err(error) => return compare_error(&error, expect),
    };
    let updated_at = if is_empty { MADE } else { NOW };
    assert_eq!(after.updated_at(), updated_at);
    assert_eq!(after.revision(), before.revision() + u64::from(!is_empty));
    match expect.member("document") {
        Some(_) => compare(&after, child(expect, "document")),
        None => Err("is applied, an error is expected".to_owned()),
    }
}

/// What comes before the lookup.
fn parse(vector: &Object<'_>, limits: &Limits) -> Result<Patch> {
    let dialect = Dialect::from_media_type(optional_text(vector, "media_type"))?;
    let body = vector.member("patch").expect("a patch").to_string();
    let patch = Patch::parse(dialect, body.as_bytes(), limits)?;
    let printed = patch.to_string();
    let again = Patch::parse(dialect, printed.as_bytes(), limits)?;
    assert_eq!(again, patch, "{printed}");
    Ok(patch)
}

fn apply(vector: &Object<'_>, image: &Image, patch: &Patch, limits: &Limits) -> Result<Image> {
    let actor = Actor::read(child(vector, "actor"), texts(vector, "members"));
    actor.see(image)?;
    let rules = ApplyRules {
        limits,
        locations_are_shown: is_true(child(vector, "config"), "show_multiple_locations"),
        hash: Some(("sha512", 64)),
        storage_left_bytes: None,
        source: &Known,
    };
    let applied = image.apply(patch, &actor, &rules, NOW)?;
    applied.verify(&Known)?;
    Ok(applied.image)
}
