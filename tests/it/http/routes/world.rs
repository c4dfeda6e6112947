//! What the outcomes of routes happen to: a service, callers, and an image for each.

use std::cell::RefCell;

use serde_json::{Value, json};
use smalti::engine::Settings;
use smalti::http::{HttpSettings, Identity, ServerSettings};
use smalti::task::TaskStatus;
use smalti::{Caller, Engine, ImageId, Limits, import};

use super::case::Service;
use crate::http::client::Client;
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::http::server::{TestServer, trusting};
use crate::support::elsewhere::{with_sources, with_stores};
use crate::support::new_image;

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

/// A service, others in front of the same images, and one that offers less.
pub(super) struct World {
    /// In the order of [`Service`].
    clients: [RefCell<Client>; 5],
    pub(super) engine: Engine,
    /// That of the service that offers less.
    bare: Engine,
    /// The engine with a cache.
    cached: Engine,
    _servers: [TestServer; 5],
}

impl World {
    pub(super) fn new() -> Self {
        let engine = Engine::builder_in_memory().settings(Settings {
            image_size_cap: CAP,
            limits: limits(Limits::default()),
            ..Settings::default()
        });
        let engine = with_sources(with_stores(engine)).open().expect("open");
        let bare = Engine::builder_in_memory().settings(Settings {
            enabled_import_methods: Vec::new(),
            ..Settings::default()
        });
        let bare = bare.open().expect("open");
        let strict = HttpSettings {
            allow_anonymous_access: false,
            ..trusting()
        };
        let single = HttpSettings {
            identity: Identity::SingleUser,
            ..HttpSettings::default()
        };
        let server = |(engine, http)| TestServer::with(engine, http, ServerSettings::default());
        let cached = Engine::builder_in_memory().settings(Settings {
            image_cache: true,
            image_cache_max_size: 0,
            ..Settings::default()
        });
        let cached = cached.open().expect("open");
        let servers = [
            (&engine, trusting()),
            (&engine, strict),
            (&engine, single),
            (&bare, trusting()),
            (&cached, trusting()),
        ];
        let servers = servers.map(server);
        let clients = servers.each_ref().map(|it| it.connect().into());
        Self {
            clients,
            engine,
            bare,
            cached,
            _servers: servers,
        }
    }

    /// Sends a request to the usual service, and tests what holds for every answer.
    pub(super) fn send(&self, request: &Request) -> Reply {
        self.send_to(Service::Usual, request)
    }

    /// Sends a request to a service, and tests what holds for every answer.
    pub(super) fn send_to(&self, service: Service, request: &Request) -> Reply {
        let reply = self.clients[service as usize].borrow_mut().send(request);
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

    /// Creates an image with data at the service that offers less; returns its path.
    pub(super) fn active_at_bare(&self) -> String {
        let images = self.bare.images(&owner());
        let image = images.create(new_image()).expect("create");
        let mut upload = images.upload(image.id()).expect("begin");
        upload.read_from(&mut &*DATA).expect("written");
        upload.finish().expect("finish");
        format!("/v2/images/{}", image.id())
    }

    /// Creates an image with staged data; returns its path.
    pub(super) fn staged(&self, more: &Value) -> String {
        let path = self.queued(more);
        let stage = Request::new("PUT", format!("{path}/stage")).by(&admin());
        assert_eq!(self.send(&stage.octets(DATA)).status, 204);
        path
    }

    /// Creates an image with data in two stores; returns its path.
    pub(super) fn copied(&self) -> String {
        let path = self.active(&Value::Null);
        let id = path.rsplit('/').next().expect("an id").parse();
        let images = self.engine.images(&admin());
        let request = import::Request::copy_image().stores(["slow"]);
        let copy = images.import(&id.expect("an id"), &request, &Default::default());
        let task = copy.expect("it is let in").expect("not there yet").run();
        assert_eq!(task.expect("its end is noted").status, TaskStatus::Success);
        path
    }

    /// Creates an image in the engine with a cache, active or queued; returns its id.
    pub(super) fn beside_cache(&self, is_active: bool) -> ImageId {
        let images = self.cached.images(&owner_of_data());
        let image = images.create(new_image()).expect("create");
        if is_active {
            let mut upload = images.upload(image.id()).expect("upload");
            upload.read_from(&mut &*DATA).expect("write");
            upload.finish().expect("finish");
        }
        *image.id()
    }

    /// Creates an image that is cached; returns its id.
    pub(super) fn in_cache(&self) -> ImageId {
        let id = self.beside_cache(true);
        let images = self.cached.images(&admin());
        images.cache().queue(&id).expect("queue");
        let run = self.cached.run_cache_queue().expect("run");
        assert_eq!(run.failed_count, 0);
        id
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

/// Who may do with an image what its owner may.
fn owner_of_data() -> Caller {
    Caller::project("p1")
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
