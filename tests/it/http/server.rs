//! A server on a port of its own, on threads of its own, until it is dropped.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use axum::Router;
use smalti::http::{HttpSettings, Identity, Server, ServerSettings, router};
use smalti::{Engine, Result};
use tokio::net::TcpListener;
use tokio::runtime::{self, Runtime};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::client::Client;
use super::reply::Reply;
use super::request::Request;

/// A server that runs.
#[derive(Debug)]
pub(crate) struct TestServer {
    address: SocketAddr,
    /// Taken when it ends.
    run: Option<Run>,
}

#[derive(Debug)]
struct Run {
    runtime: Runtime,
    stop: oneshot::Sender<()>,
    served: JoinHandle<Result<()>>,
}

/// Settings of a front end behind a proxy that names callers, where some may have no name.
pub(crate) fn trusting() -> HttpSettings {
    HttpSettings {
        identity: Identity::TrustedHeaders,
        allow_anonymous_access: true,
        ..HttpSettings::default()
    }
}

impl TestServer {
    /// Serves an engine to those that headers name.
    pub(crate) fn of(engine: &Engine) -> Self {
        Self::with(engine, trusting(), ServerSettings::default())
    }

    pub(crate) fn with(engine: &Engine, http: HttpSettings, server: ServerSettings) -> Self {
        Self::start(router(engine.clone(), http), server)
    }

    pub(crate) fn start(router: Router, settings: ServerSettings) -> Self {
        let mut runtime = runtime::Builder::new_multi_thread();
        let runtime = runtime.worker_threads(2).enable_all();
        let runtime = runtime.build().expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind(("127.0.0.1", 0)));
        let listener = listener.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (stop, stopped) = oneshot::channel();
        let server = Server::new(router).settings(settings);
        let served = runtime.spawn(server.run(listener, async {
            let _ = stopped.await;
        }));
        let run = Some(Run {
            runtime,
            stop,
            served,
        });
        Self { address, run }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn connect(&self) -> Client {
        Client::connect(self.address)
    }

    /// Sends a request on a connection of its own.
    #[track_caller]
    pub(crate) fn send(&self, request: &Request) -> Reply {
        self.connect().send(request)
    }

    /// Ends the server; returns how long that took.
    pub(crate) fn stop(mut self) -> Duration {
        self.end()
    }

    fn end(&mut self) -> Duration {
        let begun = Instant::now();
        if let Some(run) = self.run.take() {
            let _ = run.stop.send(());
            let ended = run.runtime.block_on(run.served);
            ended.expect("it does not panic").expect("it ends well");
        }
        begun.elapsed()
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.end();
        }
    }
}
