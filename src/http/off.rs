//! The answer of features that are switched off: there is no such thing.

use axum::response::Response;

use super::refusal::Refusal;
use crate::error::ErrorCode;

/// Answers that a feature is switched off.
pub(super) fn absent(feature: &str) -> Result<Response, Refusal> {
    let message = format!("{feature} is switched off");
    Err(Refusal::new(ErrorCode::NotFound, message))
}
