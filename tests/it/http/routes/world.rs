//! What the outcomes of routes happen to: a service, callers, and an image for each.

use std::cell::RefCell;

use serde_json::{Value, json};
use smalti::engine::Settings;
use smalti::http::{HttpSettings, ServerSettings};
use smalti::{Caller, Engine, ImageId, Limits};

use crate::http::client::Client;
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::http::server::{TestServer, trusting};

/// The bytes of images that have some.
pub(super) const DATA: &[u8] = b"0123456789";
/// Most bytes of an image.
pub(super) const CAP: u64 = 1000;
/// Most tags, properties and members of an image.
pub(super) const QUOTA: u32 = 3;

pub(super) fn owner() -> Caller {
    Caller::project("p1").with_role("reader")
}

pub(super) fn reader() -> Caller {
    Caller::reader("p1")
}

pub(super) fn stranger() -> Caller {
    Caller::project("p9")
}

pub(super) fn sharer() -> Caller {
    Caller::project("p2")
}

pub(super) fn admin() -> Caller {
    Caller::project("padm").with_role("admin")
}

pub(super) fn nobody() -> Caller {
    Caller::anonymous()
}

/// A service, and one in front of the same images that knows nobody without identity.
pub(super) struct World {
    client: RefCell<Client>,
    strict: RefCell<Client>,
    pub(super) engine: Engine,
    _servers: [TestServer; 2],
}

impl World {
    pub(super) fn new() -> Self {
        let engine = Engine::builder_in_memory().settings(Settings {
            image_size_cap: CAP,
            limits: limits(Limits::default()),
            ..Settings::default()
        });
        let engine = engine.open().expect("open");
        let strict = HttpSettings {
            allow_anonymous_access: false,
            ..trusting()
        };
        let server = |http| TestServer::with(&engine, http, ServerSettings::default());
        let servers = [server(trusting()), server(strict)];
        let [client, strict] = [&servers[0], &servers[1]].map(|it| it.connect().into());
        Self {
            client,
            strict,
            engine,
            _servers: servers,
        }
    }

    /// Sends a request, and tests what holds for every answer.
    pub(super) fn send(&self, request: &Request) -> Reply {
        let reply = self.client.borrow_mut().send(request);
        reply.check();
        reply
    }

    /// Sends a request to the service that knows nobody without identity.
    pub(super) fn send_strictly(&self, request: &Request) -> Reply {
        let reply = self.strict.borrow_mut().send(request);
        reply.check();
        reply
    }

    /// Creates an image of the owner; returns its path.
    pub(super) fn queued(&self, more: &Value) -> String {
        let mut new = json!({ "disk_format": "raw", "container_format": "bare" });
        let more = more.as_object().cloned().unwrap_or_default();
        new.as_object_mut().expect("an object").extend(more);
        let public = new["visibility"] == "public";
        if public {
            new["owner"] = json!("p1");
        }
        let caller = if public { admin() } else { owner() };
        let reply = self.send(&Request::new("POST", "/v2/images").by(&caller).json(&new));
        assert_eq!(reply.status, 201, "{reply:?}");
        let url = reply.header("location").expect("a place");
        url.strip_prefix("http://test").expect("here").to_owned()
    }

    /// Creates an image with data; returns its path.
    pub(super) fn active(&self, more: &Value) -> String {
        let path = self.queued(more);
        let upload = Request::new("PUT", format!("{path}/file")).by(&owner());
        assert_eq!(self.send(&upload.octets(DATA)).status, 204);
        path
    }

    /// Creates an image with data that was deactivated; returns its path.
    pub(super) fn deactivated(&self) -> String {
        let path = self.active(&Value::Null);
        let off = Request::new("POST", format!("{path}/actions/deactivate"));
        assert_eq!(self.send(&off.by(&owner())).status, 204);
        path
    }

    /// Creates an image that is shared with a project; returns its path.
    pub(super) fn shared_with(&self, members: &[&str]) -> String {
        let path = self.queued(&Value::Null);
        for member in members {
            let add = Request::new("POST", format!("{path}/members")).by(&owner());
            assert_eq!(
                self.send(&add.json(&json!({ "member": member }))).status,
                200
            );
        }
        path
    }

    /// Returns the path of an image that was deleted.
    pub(super) fn deleted(&self) -> String {
        let path = self.queued(&Value::Null);
        let delete = Request::new("DELETE", path.as_str()).by(&owner());
        assert_eq!(self.send(&delete).status, 204);
        path
    }
}

fn limits(mut limits: Limits) -> Limits {
    let most = [
        &mut limits.tags_max,
        &mut limits.properties_max,
        &mut limits.members_max,
    ];
    most.into_iter().for_each(|most| *most = Some(QUOTA));
    limits
}

/// The path of an image that nobody has made.
pub(super) fn absent() -> String {
    format!("/v2/images/{}", ImageId::from_bytes([0x5a; 16]))
}
