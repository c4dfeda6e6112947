//! What an answer says: where it redirects, or what data it brings, from which byte and how much.
//!
//! It owns statuses and headers; sources are RFC 9110, sections 8.8, 13, 14 and 15. It refuses
//! answers that contradict themselves or the request.

use reqwest::header::{
    CONTENT_LENGTH, CONTENT_RANGE, DATE, ETAG, HeaderMap, HeaderName, LAST_MODIFIED, LOCATION,
    TRANSFER_ENCODING,
};
use reqwest::{Response, StatusCode};

use crate::error::{Error, ErrorCode, Result};
use crate::fetch::{Opening, failed};

/// The data that is wanted: all, or the rest of what has a validator.
#[derive(Debug)]
pub(super) struct Wanted {
    offset: u64,
    validator: Option<String>,
}

/// What data an answer brings.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Content {
    pub(super) len_bytes: Option<u64>,
    pub(super) validator: Option<String>,
    pub(super) starts_at: u64,
}

/// An answer whose body was not read.
#[derive(Debug)]
pub(super) struct Answer(Response);

impl Wanted {
    /// Wants what an opening asks for.
    pub(super) fn new(opening: &Opening<'_>) -> Self {
        Self {
            offset: opening.offset,
            validator: opening.validator.map(str::to_owned),
        }
    }

    /// Returns the values of `Range` and `If-Range`, or nothing if all is wanted.
    pub(super) fn headers(&self) -> Option<(String, String)> {
        let validator = self.validator.clone().filter(|_| self.offset > 0)?;
        Some((format!("bytes={}-", self.offset), validator))
    }
}

impl Answer {
    /// Looks at an answer.
    pub(super) fn new(response: Response) -> Self {
        Self(response)
    }

    /// Returns the answer, to read its body.
    pub(super) fn into_response(self) -> Response {
        self.0
    }

    /// Returns where the answer redirects to, if it does.
    pub(super) fn redirect(&self) -> Result<Option<String>> {
        match self.0.status().as_u16() {
            301 | 302 | 303 | 307 | 308 => {
                let location = text(self.0.headers(), LOCATION)?;
                let location = location.ok_or_else(|| failed("a redirect leads nowhere"));
                location.map(|text| Some(text.to_owned()))
            }
            _ => Ok(None),
        }
    }

    /// Returns what data the answer brings.
    pub(super) fn content(&self, wanted: &Wanted) -> Result<Content> {
        content(self.0.status(), self.0.headers(), wanted)
    }
}

/// Returns what data an answer with these headers brings.
pub(super) fn content(status: StatusCode, headers: &HeaderMap, wanted: &Wanted) -> Result<Content> {
    let len = content_len(headers)?;
    let validator = validator(headers)?;
    match status {
        StatusCode::OK => Ok(Content {
            len_bytes: len,
            validator,
            starts_at: 0,
        }),
        StatusCode::PARTIAL_CONTENT if wanted.headers().is_some() => {
            let range = text(headers, CONTENT_RANGE)?.and_then(rest);
            let range = range.ok_or_else(|| failed("the source gives another range than asked"))?;
            let (starts_at, total) = range;
            if len.is_some_and(|len| starts_at.checked_add(len) != Some(total)) {
                return Err(failed(
                    "the source gives a range of another length than it says",
                ));
            }
            Ok(Content {
                len_bytes: Some(total),
                validator,
                starts_at,
            })
        }
        _ => Err(status_error(status)),
    }
}

/// Makes the error for a status that brings no data; whether asking again may help is by its class.
fn status_error(status: StatusCode) -> Error {
    let code = match status.as_u16() {
        408 | 425 | 429 | 500 | 502..=504 => ErrorCode::SourceUnavailable,
        _ => ErrorCode::SourceFailed,
    };
    Error::new(
        code,
        format!("the source answers with status {}", status.as_u16()),
    )
}

/// Returns the one value of a header, if it is there.
fn text(headers: &HeaderMap, name: HeaderName) -> Result<Option<&str>> {
    let mut values = headers.get_all(&name).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return match headers.contains_key(&name) {
            true => Err(failed(format!("the source gives header {name} twice"))),
            false => Ok(None),
        };
    };
    let what = |_| failed(format!("header {name} of the source is no text"));
    value.to_str().map(Some).map_err(what)
}

/// Returns the length of the body. With a transfer coding as well it has two ends, which one of two
/// readers might miss.
fn content_len(headers: &HeaderMap) -> Result<Option<u64>> {
    let Some(len) = text(headers, CONTENT_LENGTH)? else {
        return Ok(None);
    };
    if headers.contains_key(TRANSFER_ENCODING) {
        return Err(failed("the source gives a length and a transfer coding"));
    }
    let len = number(len).ok_or_else(|| failed("the length that the source gives is no number"));
    len.map(Some)
}

/// Returns the validator by which data is the same byte for byte: a strong `ETag`; else a
/// `Last-Modified` of another second than `Date`, which is strong by RFC 9110, section 8.8.2.2.
fn validator(headers: &HeaderMap) -> Result<Option<String>> {
    let is_strong = |tag: &&str| tag.len() >= 2 && tag.starts_with('"') && tag.ends_with('"');
    if let Some(tag) = text(headers, ETAG)? {
        return Ok(Some(tag).filter(is_strong).map(str::to_owned));
    }
    let modified = text(headers, LAST_MODIFIED)?;
    let date = text(headers, DATE)?;
    let is_old = |modified: &&str| date.is_some_and(|date| date != *modified);
    Ok(modified.filter(is_old).map(str::to_owned))
}

/// Reads `bytes a-b/c` where `b` is the last byte of all: first byte and length.
fn rest(range: &str) -> Option<(u64, u64)> {
    let (range, total) = range.strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let (first, last, total) = (number(first)?, number(last)?, number(total)?);
    (first <= last && last.checked_add(1) == Some(total)).then_some((first, total))
}

fn number(text: &str) -> Option<u64> {
    let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(HeaderName, &str)]) -> HeaderMap {
        let pairs = pairs.iter().cloned();
        pairs
            .map(|(name, value)| (name, value.parse().unwrap()))
            .collect()
    }

    #[track_caller]
    fn check_range(value: &str, expected: Option<(u64, u64)>) {
        assert_eq!(rest(value), expected, "{value}");
    }

    #[test]
    fn a_range_reaches_to_the_end_of_the_data() {
        check_range("bytes 5-9/10", Some((5, 10)));
        check_range("bytes 0-0/1", Some((0, 1)));
        for bad in [
            "bytes 5-8/10",
            "bytes 5-10/10",
            "bytes 9-5/10",
            "bytes */10",
            "bytes 5-9/*",
            "bytes=5-9/10",
            "5-9/10",
            "bytes +5-9/10",
            "bytes 5-9/18446744073709551616",
            "",
            "bytes 0-18446744073709551615/0",
        ] {
            check_range(bad, None);
        }
    }

    #[test]
    fn only_strong_validators_count() {
        let day = "Tue, 24 Nov 2026 08:00:00 GMT";
        let later = "Tue, 24 Nov 2026 08:00:01 GMT";
        let rows: &[(&[(HeaderName, &str)], Option<&str>)] = &[
            (&[(ETAG, "\"a\"")], Some("\"a\"")),
            (&[(ETAG, "W/\"a\"")], None),
            (&[(ETAG, "a")], None),
            (&[(ETAG, "\"")], None),
            (
                &[(ETAG, "W/\"a\""), (LAST_MODIFIED, day), (DATE, later)],
                None,
            ),
            (&[(LAST_MODIFIED, day), (DATE, later)], Some(day)),
            (&[(LAST_MODIFIED, day), (DATE, day)], None),
            (&[(LAST_MODIFIED, day)], None),
            (&[], None),
        ];
        for (pairs, expected) in rows {
            let found = validator(&headers(pairs)).unwrap();
            assert_eq!(found.as_deref(), *expected, "{pairs:?}");
        }
    }

    #[test]
    fn answers_that_contradict_themselves_are_refused() {
        let wanted = Wanted {
            offset: 5,
            validator: Some("\"a\"".to_owned()),
        };
        let check = |status: StatusCode, pairs: &[(HeaderName, &str)], expected: Option<u64>| {
            let found = content(status, &headers(pairs), &wanted).ok();
            assert_eq!(
                found.map(|content| content.starts_at),
                expected,
                "{pairs:?}"
            );
        };
        let (ok, part) = (StatusCode::OK, StatusCode::PARTIAL_CONTENT);
        check(ok, &[(CONTENT_LENGTH, "10")], Some(0));
        check(
            ok,
            &[(CONTENT_LENGTH, "10"), (TRANSFER_ENCODING, "chunked")],
            None,
        );
        check(ok, &[(CONTENT_LENGTH, "+10")], None);
        check(part, &[(CONTENT_RANGE, "bytes 5-9/10")], Some(5));
        check(
            part,
            &[(CONTENT_RANGE, "bytes 5-9/10"), (CONTENT_LENGTH, "5")],
            Some(5),
        );
        check(
            part,
            &[(CONTENT_RANGE, "bytes 5-9/10"), (CONTENT_LENGTH, "6")],
            None,
        );
        check(part, &[], None);
        check(StatusCode::NO_CONTENT, &[], None);
        check(
            StatusCode::RANGE_NOT_SATISFIABLE,
            &[(CONTENT_RANGE, "bytes */3")],
            None,
        );
        let all = Wanted {
            offset: 0,
            validator: None,
        };
        let unasked = content(part, &headers(&[(CONTENT_RANGE, "bytes 0-9/10")]), &all);
        assert_eq!(unasked.unwrap_err().code(), ErrorCode::SourceFailed);
    }
}
