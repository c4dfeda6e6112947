//! Routes of features that are switched off, which answer as the API does then: rights are tested,
//! and then there is no such thing.
//!
//! The cache.

use axum::response::Response;

use super::call::Call;
use super::refusal::Refusal;
use crate::error::ErrorCode;
use crate::policy::Action;

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
