//! The id of a request: taken from outside, or made.

use hyper::header::{HeaderMap, HeaderName, HeaderValue};

use super::refusal::Refusal;
use crate::error::ErrorCode;
use crate::id::ImageId;

/// The header of requests and answers.
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-openstack-request-id");

/// Returns the id of a request; one from outside gets `req-` before it, unless it has that.
pub(super) fn of(headers: &HeaderMap, max_len: usize) -> Result<Option<HeaderValue>, Refusal> {
    let Some(given) = headers.get(REQUEST_ID).filter(|id| !id.is_empty()) else {
        return Ok(None);
    };
    if given.len() > max_len {
        let message = format!("request id is {} bytes, limit {max_len}", given.len());
        return Err(Refusal::new(ErrorCode::RequestIdTooLong, message));
    }
    if given.as_bytes().starts_with(b"req-") {
        return Ok(Some(given.clone()));
    }
    let id = [b"req-", given.as_bytes()].concat();
    Ok(HeaderValue::from_bytes(&id).ok())
}

/// Makes the id of a request of its name.
pub(super) fn made(name: [u8; 16]) -> HeaderValue {
    let id = format!("req-{}", ImageId::from_bytes(name));
    HeaderValue::from_str(&id).expect("digits and dashes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(given: Option<&str>, expected: Result<Option<&str>, ()>) {
        let mut headers = HeaderMap::new();
        if let Some(given) = given {
            headers.insert(REQUEST_ID, HeaderValue::from_str(given).expect("a value"));
        }
        let found = of(&headers, 8).map_err(drop);
        let expected = expected.map(|id| id.map(|id| HeaderValue::from_str(id).expect("a value")));
        assert_eq!(found, expected, "{given:?}");
    }

    #[test]
    fn ids_from_outside_come_back_marked_and_bounded() {
        check(None, Ok(None));
        check(Some(""), Ok(None));
        check(Some("abc"), Ok(Some("req-abc")));
        check(Some("req-abcd"), Ok(Some("req-abcd")));
        check(Some("abcdefgh"), Ok(Some("req-abcdefgh")));
        check(Some("abcdefghi"), Err(()));
        assert_eq!(made([0; 16]).len(), 40);
    }
}
