//! Requests as bytes: heads, bodies of known length, and bodies in chunks.

use serde_json::Value;
use smalti::Caller;

/// The media type of patches.
pub(crate) const PATCH: &str = "application/openstack-images-v2.1-json-patch";
/// The media type of data.
pub(crate) const OCTETS: &str = "application/octet-stream";

/// A request that is well formed, unless a part of it is not.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: String,
    target: String,
    /// The hosts that it names, one as a rule.
    hosts: Vec<String>,
    headers: Vec<(String, String)>,
    body: Body,
}

#[derive(Debug, Clone)]
enum Body {
    None,
    /// With its length.
    Whole(Vec<u8>),
    /// In chunks of so many bytes.
    Chunked(Vec<u8>, usize),
}

impl Request {
    pub(crate) fn new(method: impl Into<String>, target: impl Into<String>) -> Self {
        Self {
            method: method.into(),
            target: target.into(),
            hosts: vec!["test".to_owned()],
            headers: Vec::new(),
            body: Body::None,
        }
    }

    pub(crate) fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// Names these hosts.
    pub(crate) fn hosts(mut self, hosts: &[&str]) -> Self {
        self.hosts = hosts.iter().map(|host| (*host).to_owned()).collect();
        self
    }

    /// Adds the headers by which a proxy names a caller; none for one without identity.
    pub(crate) fn by(mut self, caller: &Caller) -> Self {
        if caller.is_anonymous() {
            return self;
        }
        self = self.header("X-Identity-Status", "Confirmed");
        let joined = |words: Vec<&str>| Some(words.join(",")).filter(|words| !words.is_empty());
        let text = |text: Option<&str>| text.map(str::to_owned);
        let project = caller.project_id().map(|project| project.as_str());
        let named = [
            ("X-Project-Id", text(project)),
            ("X-Roles", joined(caller.roles().collect())),
            ("X-Service-Roles", joined(caller.service_roles().collect())),
            ("X-User-Id", text(caller.user_id())),
            ("X-User-Domain-Id", text(caller.user_domain_id())),
            ("X-Project-Domain-Id", text(caller.project_domain_id())),
            ("OpenStack-System-Scope", text(caller.system_scope())),
        ];
        named
            .into_iter()
            .fold(self, |request, (name, value)| match value {
                Some(value) => request.header(name, value),
                None => request,
            })
    }

    pub(crate) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Body::Whole(body.into());
        self
    }

    pub(crate) fn chunked(mut self, body: impl Into<Vec<u8>>, chunk_bytes: usize) -> Self {
        self.body = Body::Chunked(body.into(), chunk_bytes);
        self
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.header("Content-Type", "application/json")
            .body(body.to_string())
    }

    pub(crate) fn patch(self, operations: &Value) -> Self {
        self.header("Content-Type", PATCH)
            .body(operations.to_string())
    }

    pub(crate) fn octets(self, data: impl Into<Vec<u8>>) -> Self {
        self.header("Content-Type", OCTETS).body(data)
    }

    /// Returns the bytes before the body.
    pub(crate) fn head(&self) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method, self.target);
        for host in &self.hosts {
            head += &format!("Host: {host}\r\n");
        }
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        match &self.body {
            Body::None => {}
            Body::Whole(body) => head += &format!("Content-Length: {}\r\n", body.len()),
            Body::Chunked(..) => head += "Transfer-Encoding: chunked\r\n",
        }
        (head + "\r\n").into_bytes()
    }

    /// Returns all bytes.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.head();
        match &self.body {
            Body::None => {}
            Body::Whole(body) => bytes.extend_from_slice(body),
            Body::Chunked(body, len) => {
                body.chunks(*len).for_each(|part| bytes.extend(chunk(part)));
                bytes.extend(chunk(b""));
            }
        }
        bytes
    }
}

/// Returns a chunk as it is sent; the empty one is the last.
pub(crate) fn chunk(part: &[u8]) -> Vec<u8> {
    let mut bytes = format!("{:x}\r\n", part.len()).into_bytes();
    bytes.extend_from_slice(part);
    bytes.extend_from_slice(b"\r\n");
    bytes
}

/// Escapes whatever is no letter or digit of a part of a path.
pub(crate) fn escaped(part: &str) -> String {
    let escape = |byte: u8| match byte.is_ascii_alphanumeric() || b"-_.".contains(&byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    part.bytes().map(escape).collect()
}
