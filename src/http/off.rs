//! Routes of features that are switched off, which answer as the API does then: rights are tested,
//! and then there is no such thing.
//!
//! The cache, and locations that are added by a call of their own.

use axum::response::Response;

use super::answer;
use super::call::Call;
use super::refusal::Refusal;
use crate::error::{Error, ErrorCode, Result};
use crate::image::Status;
use crate::json::{self, Json, Object};
use crate::policy::Action;
use crate::wire::LocationsDocument;

/// Longest url of a location, in characters.
const URL_MAX_CHARS: usize = 2048;
/// The algorithms that may vouch for a location.
const ALGORITHMS: [&str; 4] = ["sha1", "sha256", "sha512", "md5"];

/// Answers that a feature is switched off.
pub(super) fn absent(feature: &str) -> Result<Response, Refusal> {
    let message = format!("{feature} is switched off");
    Err(Refusal::new(ErrorCode::NotFound, message))
}

/// Answers to who may that there is no cache.
pub(super) fn cache(call: &Call, action: Action) -> Result<Response, Refusal> {
    call.images.check_global(action)?;
    absent("the cache")
}

/// Answers to who may that there is no cache, where an image is named: rules may ask about it.
pub(super) fn cached(call: &Call, action: Action) -> Result<Response, Refusal> {
    match call.image_id() {
        Ok(id) => call.images.check_cached(&id, action)?,
        Err(_) => call.images.check_global(action)?,
    }
    absent("the cache")
}

/// Answers with the places of an image, to other services.
pub(super) fn list_locations(call: &Call) -> Result<Response, Refusal> {
    let locations = call.images.locations(&call.image_id()?)?;
    Ok(answer::json(200, &LocationsDocument::new(&locations)))
}

/// Refuses a location: no store takes any.
pub(super) async fn add_location(mut call: Box<Call>) -> Result<Response, Refusal> {
    let body = call.read_body().await?;
    check_location(&json::object(&body)?)?;
    let id = call.image_id()?;
    call.images
        .check_in(&id, Action::LocationAdd, Status::Queued)?;
    let message = "no store of this service takes locations";
    Err(Refusal::new(ErrorCode::Forbidden, message))
}

fn check_location(location: &Object<'_>) -> Result<()> {
    let url = text(location.member("url"), "url")?;
    let len = url.chars().count();
    if len > URL_MAX_CHARS {
        let message = format!("url is {len} characters, limit {URL_MAX_CHARS}");
        return Err(Error::new(ErrorCode::SchemaViolation, message));
    }
    let Some(proof) = location.member("validation_data") else {
        return Ok(());
    };
    let proof = object(Some(proof), "validation_data")?;
    let algorithm = text(proof.member("os_hash_algo"), "os_hash_algo")?;
    text(proof.member("os_hash_value"), "os_hash_value")?;
    let is_known = |(name, _): (&str, _)| ["os_hash_algo", "os_hash_value"].contains(&name);
    if !ALGORITHMS.contains(&algorithm) || !proof.iter().all(is_known) {
        let message = "validation_data is not os_hash_algo, one of sha1, sha256, sha512, md5, and \
                       os_hash_value";
        return Err(Error::new(ErrorCode::SchemaViolation, message));
    }
    Ok(())
}

fn text<'a>(value: Option<&'a Json<'_>>, name: &str) -> Result<&'a str> {
    match value {
        Some(Json::Text(text)) => Ok(text),
        _ => Err(Error::new(
            ErrorCode::SchemaViolation,
            format!("{name} is not a text"),
        )),
    }
}

fn object<'a, 'b>(value: Option<&'a Json<'b>>, name: &str) -> Result<&'a Object<'b>> {
    match value {
        Some(Json::Object(object)) => Ok(object),
        _ => Err(Error::new(
            ErrorCode::SchemaViolation,
            format!("{name} is not an object"),
        )),
    }
}
