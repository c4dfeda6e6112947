//! A server on a port of this machine, with the service below `/image` as most clouds have it, and
//! who its tokens stand for.
//!
//! An example too: a host that authenticates by itself does it as here, in a middleware that puts a
//! caller beside the request, or none.

use std::path::Path;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::get;
use smalti::fetch::{UriFilter, UriRules, WebFetcher};
use smalti::http::{HttpSettings, Identity, Server, openapi, router};
use smalti::quota::ProjectLimits;
use smalti::{Caller, Engine, NamedStore, ProjectId, Settings};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::identity;

/// The users, the project of each, and a role there.
const USERS: [(&str, &str, &str); 4] = [
    ("alice", "project-a", "member"),
    ("bob", "project-b", "member"),
    ("carol", "project-c", "member"),
    ("root", "project-root", "admin"),
];

/// Returns the project of a user.
pub(crate) fn project(user: &str) -> Option<&'static str> {
    let user = USERS.iter().find(|(name, ..)| *name == user);
    user.map(|(_, project, _)| *project)
}

/// Returns who a token stands for; here it is the name of a user.
fn caller(token: &[u8]) -> Option<Caller> {
    let mut users = USERS.iter();
    let (user, project, role) = users.find(|(name, ..)| name.as_bytes() == token)?;
    let project = ProjectId::new(*project).expect("a legal id");
    let caller = Caller::authenticated(Some(project));
    Some(caller.with_role(*role).with_user(*user))
}

/// Puts the caller beside the request; one without a known token stays without identity.
async fn authenticate(mut request: Request, next: Next) -> Response {
    let token = request.headers().get("x-auth-token");
    if let Some(caller) = token.and_then(|token| caller(token.as_bytes())) {
        request.extensions_mut().insert(caller);
    }
    next.run(request).await
}

/// Returns what a project may use: that of carol little, any other all it wants.
fn limits(project: Option<&ProjectId>) -> ProjectLimits {
    match project.map(ProjectId::as_str) {
        Some("project-c") => ProjectLimits {
            image_size_total: Some(2),
            image_count_total: Some(3),
            ..ProjectLimits::default()
        },
        _ => ProjectLimits::default(),
    }
}

/// Caches what waits, until the engine is closed.
fn keep_cache(engine: &Engine) {
    let engine = engine.clone();
    std::thread::spawn(move || {
        while engine.run_cache_queue().is_ok() && engine.prune_cache().is_ok() {
            std::thread::sleep(Duration::from_millis(100));
        }
    });
}

/// Opens an engine with two stores, a cache and limits, which may download from servers of this
/// machine.
fn engine(dir: &Path) -> Engine {
    let filter = UriFilter::new(UriRules {
        allowed_hosts: vec!["127.0.0.1".to_owned()],
        allowed_ports: Vec::new(),
        ..UriRules::default()
    });
    let fetcher = WebFetcher::builder().build().expect("a fetcher");
    let slow = NamedStore::on_path("slow", dir.join("slow"));
    Engine::builder(dir.join("engine"))
        .store(NamedStore::own("fast").description("solid disks"))
        .store(slow.weight(-5))
        .web_download(fetcher, filter)
        .project_limits(limits)
        .settings(Settings {
            image_cache: true,
            ..Settings::default()
        })
        .open()
        .expect("an engine")
}

/// A server that runs until it is stopped.
#[derive(Debug)]
pub(crate) struct TestServer {
    engine: Engine,
    runtime: Runtime,
    url: String,
    stop: oneshot::Sender<()>,
    running: JoinHandle<smalti::Result<()>>,
}

impl TestServer {
    /// Serves an engine on `store`, on a free port.
    pub(crate) fn start(store: &Path) -> Self {
        let engine = engine(store);
        keep_cache(&engine);
        let runtime = Runtime::new().expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"));
        let listener = listener.expect("a port");
        let address = listener.local_addr().expect("an address");
        let base = format!("http://{address}");
        let url = format!("{base}/image");
        let settings = HttpSettings {
            identity: Identity::Extension,
            // The router cannot know below which path it is.
            public_endpoint: Some(url.clone()),
            ..HttpSettings::default()
        };
        let images = router(engine.clone(), settings).layer(from_fn(authenticate));
        let app = Router::new()
            .nest("/identity", identity::router(&base, &url))
            .route("/openapi.json", get(async || openapi().to_string()))
            .nest("/image", images);
        let (stop, stopped) = oneshot::channel();
        let running = runtime.spawn(Server::new(app).run(listener, async {
            let _ = stopped.await;
        }));
        Self {
            engine,
            runtime,
            url,
            stop,
            running,
        }
    }

    /// Returns the url of the service, without a slash at its end.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Ends the server and closes the engine.
    pub(crate) fn stop(self) {
        self.stop.send(()).expect("the server runs");
        let ended = self.runtime.block_on(self.running);
        ended.expect("no panic").expect("a clean end");
        let closed = self.engine.close(Duration::from_secs(10));
        closed.expect("a clean end of the engine");
    }
}
