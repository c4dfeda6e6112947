//! An engine, a server in front of it, and images of one project.

use std::time::Duration;

use smalti::http::{HttpSettings, ServerSettings};
use smalti::{Engine, ImageId, Status};

use super::client::Client;
use super::request::{OCTETS, Request};
use super::server::{TestServer, trusting};
use crate::support::{caller, new_image, read_all};

/// An engine in memory with a server in front of it.
pub(crate) struct Scene {
    pub(crate) server: TestServer,
    pub(crate) engine: Engine,
}

impl Scene {
    pub(crate) fn new() -> Self {
        Self::with(trusting(), ServerSettings::default())
    }

    /// A server that waits so long for more of a body.
    pub(crate) fn impatient(body_idle: Duration) -> Self {
        let http = HttpSettings {
            body_idle,
            ..trusting()
        };
        Self::with(http, ServerSettings::default())
    }

    pub(crate) fn with(http: HttpSettings, server: ServerSettings) -> Self {
        let engine = Engine::in_memory().expect("open");
        let server = TestServer::with(&engine, http, server);
        Self { server, engine }
    }

    /// A server in front of an engine.
    pub(crate) fn of(engine: Engine) -> Self {
        let server = TestServer::of(&engine);
        Self { server, engine }
    }

    /// Creates an image that is queued.
    pub(crate) fn queued(&self) -> ImageId {
        let images = self.engine.images(&caller());
        *images.create(new_image()).expect("create").id()
    }

    /// Creates an image with data.
    pub(crate) fn filled(&self, data: &[u8]) -> ImageId {
        let id = self.queued();
        let images = self.engine.images(&caller());
        let mut upload = images.upload(&id).expect("begin");
        upload.read_from(&mut &*data).expect("written");
        upload.finish().expect("finish");
        id
    }

    pub(crate) fn status(&self, id: &ImageId) -> Status {
        let image = self.engine.images(&caller()).show(id);
        image.expect("it is there").status()
    }

    pub(crate) fn data(&self, id: &ImageId) -> Vec<u8> {
        read_all(&self.engine.images(&caller()), id)
    }

    /// Tests that the server answers, and that an image takes data, and gives it back.
    pub(crate) fn check_uploadable(&self, id: &ImageId, data: &[u8]) {
        let mut client = self.server.connect();
        let sent = client.send(&put(id).octets(data));
        assert_eq!(sent.check().status, 204, "{sent:?}");
        let read = client.send(&get(id));
        assert!(
            (read.check().status, &*read.body) == (200, data),
            "{read:?}"
        );
    }

    /// Tests that the server answers.
    #[track_caller]
    pub(crate) fn check_alive(&self) {
        let reply = self.server.send(&Request::new("GET", "/healthcheck"));
        assert_eq!((reply.check().status, &*reply.body), (200, &b"OK"[..]));
    }

    /// Begins an upload that is let in: the server has asked for the body.
    pub(crate) fn begin(&self, head: &Request) -> Client {
        let mut client = self.server.connect();
        let head = head.clone().header("Expect", "100-continue");
        client.write(&head.head()).expect("sent");
        assert_eq!(client.read_head().expect("an answer").status, 100);
        client
    }
}

/// The head of an upload of the owner.
pub(crate) fn put(id: &ImageId) -> Request {
    Request::new("PUT", format!("/v2/images/{id}/file")).by(&caller())
}

/// The head of an upload in chunks.
pub(crate) fn put_chunks(id: &ImageId) -> Request {
    put(id).header("Content-Type", OCTETS).chunked([], 1)
}

/// A download of the owner.
pub(crate) fn get(id: &ImageId) -> Request {
    Request::new("GET", format!("/v2/images/{id}/file")).by(&caller())
}

/// Asks for a record.
pub(crate) fn show(id: &ImageId) -> Request {
    Request::new("GET", format!("/v2/images/{id}")).by(&caller())
}
