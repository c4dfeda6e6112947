//! Answers, and what holds for every one of them.

use std::fmt;

use serde_json::{Map, Value};

/// An answer that was read to its end.
#[derive(Clone, Default)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// Whether it answers HEAD, so that there is no body whatever the headers say.
    pub(crate) is_to_head: bool,
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let start = self.body.get(..300).unwrap_or(&self.body);
        let start = String::from_utf8_lossy(start);
        write!(f, "{} {:?} {start:?}", self.status, self.headers)
    }
}

impl Reply {
    /// Reads a head, without the empty line at its end.
    pub(crate) fn of_head(head: &str) -> Self {
        let mut lines = head.split("\r\n");
        let first = lines.next().expect("a status line");
        let status = first.strip_prefix("HTTP/1.1 ");
        let status = status.and_then(|rest| rest.get(..3)?.parse().ok());
        let header = |line: &str| {
            let (name, value) = line.split_once(':').expect("a header");
            (name.to_lowercase(), value.trim().to_owned())
        };
        Self {
            status: status.unwrap_or_else(|| panic!("no status in {first:?}")),
            headers: lines.map(header).collect(),
            ..Self::default()
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter().filter(|header| header.0 == name);
        let found = headers.next().map(|(_, value)| value.as_str());
        assert!(headers.next().is_none(), "{name} stands there twice");
        found
    }

    pub(crate) fn json(&self) -> Value {
        let found = serde_json::from_slice(&self.body);
        found.unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }

    /// Returns the status, and the code of a refusal.
    pub(crate) fn told(&self) -> (u16, Option<String>) {
        let code = || Some(self.json()["error"]["code"].as_str()?.to_owned());
        (self.status, (self.status >= 400).then(code).flatten())
    }

    /// Tests what holds for every answer: it has an id, and a body of the type that it names; one
    /// that refuses says why, in a document that is the same everywhere.
    #[track_caller]
    pub(crate) fn check(&self) -> &Self {
        let id = self.header("x-openstack-request-id").unwrap_or_default();
        assert!(id.starts_with("req-") && id.len() <= 68, "{self:?}");
        if self.is_to_head {
            return self;
        }
        match self.header("content-type") {
            Some("application/json") => drop(self.json()),
            Some("application/octet-stream") => assert!([200, 206].contains(&self.status)),
            Some("text/plain; charset=utf-8") => assert!([200, 503].contains(&self.status)),
            // A clean of the cache is done, and has nothing to say.
            None if self.status == 200 => assert_eq!(self.header("content-length"), Some("0")),
            None => assert!([202, 204, 302].contains(&self.status), "{self:?}"),
            other => panic!("type {other:?}"),
        }
        if self.header("content-type").is_none() {
            assert!(self.body.is_empty(), "{self:?}");
        }
        if self.status >= 400 && self.header("content-type") != Some("text/plain; charset=utf-8") {
            self.check_refusal();
        }
        self
    }

    #[track_caller]
    fn check_refusal(&self) {
        let document = self.json();
        let keys = |object: Option<&Map<String, Value>>| {
            let keys = object.into_iter().flat_map(|object| object.keys());
            keys.cloned().collect::<Vec<_>>()
        };
        assert_eq!(keys(document.as_object()), ["error"], "{self:?}");
        let error = &document["error"];
        assert_eq!(keys(error.as_object()), ["code", "kind", "message"]);
        let text = |name: &str| error[name].as_str().expect("a text");
        for word in [text("code"), text("kind")] {
            assert!(word.bytes().all(|b| b.is_ascii_alphanumeric()), "{word}");
        }
        let message = text("message");
        assert!(!message.is_empty() && message.len() < 600, "{message}");
    }
}
