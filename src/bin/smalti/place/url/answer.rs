//! Answers that are no success, and connections that give none, as faults.

use std::error::Error;
use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use smalti::wire::ErrorAnswer;

use crate::fault::{Exit, Fault, plain};
use crate::place::TOO_LONG;

/// How much of the body of a refusal is read, in bytes.
pub(super) const REASON_MAX_BYTES: usize = 16 << 10;
/// How much of a body that is no document is shown, in characters.
const SHOWN_CHARS: usize = 200;

/// Makes the fault of an answer other than success.
pub(super) fn refused(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Fault {
    let id = headers.get("x-openstack-request-id");
    let id = id.and_then(|id| id.to_str().ok()).map(str::to_owned);
    if let Ok(answer) = serde_json::from_slice::<ErrorAnswer>(body) {
        return Fault::answered(answer, status.as_u16(), id);
    }
    if status.is_redirection() {
        return elsewhere(status).with_answer(status.as_u16(), id);
    }
    let text = String::from_utf8_lossy(body);
    let shown: String = text.trim().chars().take(SHOWN_CHARS).collect();
    let message = match shown.is_empty() {
        true => format!("the server answered {status}"),
        false => format!("the server answered {status}: {}", plain(&shown)),
    };
    let exit = match status.as_u16() {
        404 | 410 => Exit::NotFound,
        401 | 403 => Exit::Forbidden,
        409 => Exit::Conflict,
        413 => Exit::Limit,
        400..=499 => Exit::Usage,
        503 => Exit::Unavailable,
        _ => Exit::Failed,
    };
    Fault::new(exit, "Refused", message).with_answer(status.as_u16(), id)
}

/// Makes the fault of a server that points elsewhere: to other versions, or to another url.
fn elsewhere(status: StatusCode) -> Fault {
    let message = format!("the server answered {status}: the Images API v2 is not at this url");
    Fault::new(Exit::Usage, "Refused", message)
        .with_hint("--at is http://HOST:PORT, with a path only where a proxy has one before /v2")
}

/// Makes the fault of a request that got no answer.
pub(super) fn failed(url: &str, error: &reqwest::Error) -> Fault {
    let mut root: &dyn Error = error;
    while let Some(source) = root.source() {
        root = source;
    }
    let url = url.trim_end_matches('/');
    if error.is_connect() || error.is_timeout() {
        let message = format!("cannot reach {url}: {root}");
        return Fault::new(Exit::Unavailable, "Unreachable", message)
            .with_hint("is `smalti serve` running there? --at names another place");
    }
    let message = format!("the connection to {url} broke: {root}");
    Fault::new(Exit::Unavailable, "Broken", message)
        .with_hint("look at the server's log, then try again")
}

/// Makes the fault of a server that does nothing.
pub(super) fn silent(idle: Duration) -> Fault {
    let message = format!("the server did nothing for {} s", idle.as_secs());
    Fault::new(Exit::Unavailable, "Timeout", message)
        .with_hint("try again, or wait longer with --timeout SECONDS")
}

/// Makes the fault of data that does not have the length that was announced.
pub(super) fn cut(left: u64) -> Fault {
    let message = format!("the data ended {left} bytes before or behind its announced end");
    Fault::new(Exit::Damaged, "Cut", message).with_hint("try again")
}

/// Makes the fault of a document that is longer than any.
pub(super) fn too_long(max: usize) -> Fault {
    let message = format!("the answer is longer than {max} bytes");
    Fault::new(Exit::Failed, TOO_LONG, message).with_hint("is this a server of the Images API v2?")
}

/// Makes the fault of data whose length is not announced.
pub(super) fn without_length() -> Fault {
    let message = "the server does not say how long the data is";
    Fault::new(Exit::Failed, "StrangeAnswer", message)
}

/// Makes the fault of a range that came as the whole.
pub(super) fn range_ignored() -> Fault {
    let message = "the server sent the whole image where a range was asked for";
    Fault::new(Exit::Failed, "StrangeAnswer", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(status: u16, body: &str, exit: Exit, shown: &str) {
        let status = StatusCode::from_u16(status).unwrap();
        let mut headers = HeaderMap::new();
        headers.insert("x-openstack-request-id", "req-7".parse().unwrap());
        let fault = refused(status, &headers, body.as_bytes());
        assert_eq!(fault.exit(), exit, "{status}");
        assert_eq!(fault.to_string(), shown);
    }

    #[test]
    fn refusals_show_what_the_server_says() {
        let body =
            r#"{"error": {"code": "Duplicate", "kind": "Conflict", "message": "id is in use"}}"#;
        let shown = "error: id is in use (status 409, Duplicate, request req-7)\n   do: \
                     choose another one; ids of deleted images are never used again";
        check(409, body, Exit::Conflict, shown);
        let shown = "error: the server answered 502 Bad Gateway: <p>\\u{1b} (status 502, Refused, \
                     request req-7)";
        check(502, " <p>\u{1b}", Exit::Failed, shown);
        let shown = "error: the server answered 404 Not Found (status 404, Refused, request req-7)";
        check(404, "", Exit::NotFound, shown);
        let shown = "error: the server answered 300 Multiple Choices: the Images API v2 is not at \
                     this url (status 300, Refused, request req-7)\n   do: --at is \
                     http://HOST:PORT, with a path only where a proxy has one before /v2";
        check(300, r#"{"versions": []}"#, Exit::Usage, shown);
    }
}
