//! Errors as answers: the status and the document that the error itself names, and a header.

use axum::response::{IntoResponse, Response};
use hyper::header::{ALLOW, HeaderName, HeaderValue, WWW_AUTHENTICATE};

use super::answer;
use crate::error::{Error, ErrorCode, ErrorKind};
use crate::wire::ErrorDocument;

/// Why a request is refused, and what the answer says besides.
#[derive(Debug)]
pub(super) struct Refusal {
    error: Error,
    header: Option<(HeaderName, HeaderValue)>,
}

impl Refusal {
    /// Refuses for a reason.
    pub(super) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Error::new(code, message).into()
    }

    /// Refuses what a feature would do that is switched off: there is no such thing.
    pub(super) fn absent(feature: &str) -> Self {
        Self::new(ErrorCode::NotFound, format!("{feature} is switched off"))
    }

    /// Refuses a method, naming those that are allowed.
    pub(super) fn method(method: &str, allowed: &str) -> Self {
        let message = format!("method {method} is not one of {allowed}");
        Self::new(ErrorCode::MethodNotAllowed, message).with(ALLOW, allowed)
    }

    /// Refuses a caller without identity.
    pub(super) fn unauthenticated(message: &str) -> Self {
        Self::new(ErrorCode::Unauthenticated, message).with(WWW_AUTHENTICATE, "Keystone")
    }

    /// Says so in a header, too.
    pub(super) fn with(mut self, name: HeaderName, value: &str) -> Self {
        self.header = HeaderValue::from_str(value).ok().map(|value| (name, value));
        self
    }

    /// Logs what is no fault of the client.
    fn log(&self) {
        let error = &self.error;
        match error.kind() {
            ErrorKind::Corrupt | ErrorKind::Full | ErrorKind::Internal | ErrorKind::Unavailable => {
                tracing::error!(code = error.code().name(), ?error, "request failed");
            }
            _ => tracing::debug!(code = error.code().name(), %error, "request refused"),
        }
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self {
            error,
            header: None,
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        self.log();
        let document = ErrorDocument::new(&self.error);
        let mut response = answer::json(self.error.http_status(), &document);
        if let Some((name, value)) = self.header {
            response.headers_mut().insert(name, value);
        }
        response
    }
}
