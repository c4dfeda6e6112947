//! Vectors carried by requests over a socket to a server of their own, with callers as a proxy in
//! front names them.

use std::cell::RefCell;

use serde_json::json;
use smalti::{Caller, Engine, ImageId};

use super::ask::{Answer, Ask, Face, Running, Transport};
use crate::http::client::Client;
use crate::http::reply::Reply;
use crate::http::request::{OCTETS, Request, chunk, escaped};
use crate::http::server::TestServer;

/// Requests over a socket.
pub(super) struct Http;

impl Transport for Http {
    fn name(&self) -> &'static str {
        "HTTP"
    }

    fn face(&self, engine: &Engine) -> Box<dyn Face + Send> {
        Box::new(Served::of(engine))
    }
}

/// A server, and a connection to it that is kept, and ends before it.
pub(super) struct Served {
    client: RefCell<Client>,
    server: TestServer,
}

impl Served {
    pub(super) fn of(engine: &Engine) -> Self {
        let server = TestServer::of(engine);
        let client = server.connect().into();
        Self { client, server }
    }

    /// Sends a request, and tests what holds for every answer.
    pub(super) fn send(&self, request: &Request) -> Reply {
        let reply = self.client.borrow_mut().send(request);
        reply.check();
        reply
    }
}

impl From<Reply> for Answer {
    fn from(reply: Reply) -> Self {
        let is_json = reply.header("content-type") == Some("application/json");
        let mut answer = Self::new(reply.status);
        match is_json {
            true => answer.document = reply.json(),
            false => answer.data = reply.body,
        }
        let code = answer.document["error"]["code"].as_str();
        answer.error = code.map(str::to_owned);
        answer
    }
}

impl Face for Served {
    fn ask(&self, caller: &Caller, ask: Ask<'_>) -> Answer {
        let reply = self.send(&request(ask).by(caller));
        if let (Ask::Create(_), 201) = (ask, reply.status) {
            let place = format!(
                "http://test/v2/images/{}",
                reply.json()["id"].as_str().expect("an id")
            );
            assert_eq!(reply.header("location"), Some(&*place));
        }
        if let (Ask::Patch(..), 415) = (ask, reply.status) {
            let types = reply.header("accept-patch").expect("the types");
            assert!(types.contains("v2.0-json-patch, application/openstack-images-v2.1"));
        }
        reply.into()
    }

    fn begin(&self, caller: &Caller, id: &ImageId) -> Box<dyn Running> {
        let request = Request::new("PUT", format!("/v2/images/{id}/file"))
            .by(caller)
            .header("Content-Type", OCTETS)
            .header("Expect", "100-continue")
            .chunked([], 1);
        let mut client = self.server.connect();
        client.write(&request.head()).expect("sent");
        let head = client.read_head().expect("an answer");
        assert_eq!(head.status, 100, "{head:?}");
        Box::new(client)
    }

    fn has_routes(&self) -> bool {
        true
    }

    fn ask_by_route(&self, caller: &Caller, operation: &str, id: &ImageId) -> Answer {
        self.send(&route(operation, id).by(caller)).into()
    }
}

impl Running for Client {
    fn write(&mut self, data: &[u8]) {
        Client::write(self, &chunk(data)).expect("sent");
    }

    fn finish(mut self: Box<Self>) -> Answer {
        Client::write(&mut self, &chunk(b"")).expect("sent");
        self.reply().into()
    }

    fn fail(mut self: Box<Self>) -> Answer {
        Client::write(&mut self, b"no chunk\r\n").expect("sent");
        self.reply().into()
    }
}

/// Puts an operation as a request, without its caller.
fn request(ask: Ask<'_>) -> Request {
    let of = |id: &ImageId, rest: &str| format!("/v2/images/{id}{rest}");
    let with = |request: Request, body: Option<&[u8]>| match body {
        Some(body) => request.body(body),
        None => request,
    };
    match ask {
        Ask::Create(body) => with(Request::new("POST", "/v2/images"), body),
        Ask::Show(id) => Request::new("GET", of(id, "")),
        Ask::Patch(id, media_type, body) => {
            let request = Request::new("PATCH", of(id, "")).body(body);
            let typed = media_type.map(|name| request.clone().header("Content-Type", name));
            typed.unwrap_or(request)
        }
        Ask::Delete(id) => Request::new("DELETE", of(id, "")),
        Ask::Deactivate(id) => Request::new("POST", of(id, "/actions/deactivate")),
        Ask::Reactivate(id) => Request::new("POST", of(id, "/actions/reactivate")),
        Ask::List("") => Request::new("GET", "/v2/images"),
        Ask::List(query) => Request::new("GET", format!("/v2/images?{query}")),
        Ask::Upload(id, data) => Request::new("PUT", of(id, "/file")).octets(data),
        Ask::Download(id) => Request::new("GET", of(id, "/file")),
        Ask::DownloadFrom(id, store) => {
            Request::new("GET", of(id, &format!("/file?prefer={store}")))
        }
        Ask::Stage(id, data) => Request::new("PUT", of(id, "/stage")).octets(data),
        Ask::Import(id, store, body) => {
            let request = Request::new("POST", of(id, "/import")).body(body);
            match store {
                Some(store) => request.header("X-Image-Meta-Store", store),
                None => request,
            }
        }
        Ask::Tasks(id) => Request::new("GET", of(id, "/tasks")),
        Ask::DeleteCopy(id, store) => Request::new("DELETE", format!("/v2/stores/{store}/{id}")),
        Ask::Tag(id, method, tag, body) => {
            let request = Request::new(method, of(id, &format!("/tags/{}", escaped(tag))));
            with(request, Some(body).filter(|body| !body.is_empty()))
        }
        Ask::Members(id, method, member, body) => {
            let member = member.map(|member| format!("/{}", escaped(member)));
            let path = of(id, &format!("/members{}", member.unwrap_or_default()));
            with(Request::new(method, path), body)
        }
    }
}

/// Puts an operation that engines have no calls for as a request, without its caller.
fn route(operation: &str, id: &ImageId) -> Request {
    let get = |path: &str| Request::new("GET", path);
    let of = |method: &str, rest: &str| Request::new(method, format!("/v2/images/{id}{rest}"));
    match operation {
        "cache_list" => get("/v2/cache"),
        "cache_clear" => Request::new("DELETE", "/v2/cache"),
        "cache_put" => Request::new("PUT", format!("/v2/cache/{id}")),
        "tasks_list" => get("/v2/tasks"),
        "stores_detail" => get("/v2/info/stores/detail"),
        "locations_get" => of("GET", "/locations"),
        "locations_post" => of("POST", "/locations").json(&json!({ "url": "http://a/9" })),
        other => panic!("no route to {other}"),
    }
}
