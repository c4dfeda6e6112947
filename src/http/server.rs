//! A server with limits: connections, times, and an end that lets what runs run out.

use std::convert::Infallible;
use std::io;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use axum::response::Response;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::metrics::Connected;
use super::running::Running;
use super::stream::{GuardedStream, LAST_LINGER};
use crate::error::{Error, Result};

/// How long the server waits before it accepts again after that failed, for want of files say.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Shortest bound of a head, in bytes.
const HEAD_MIN_BYTES: usize = 8 << 10;

/// The limits of a [`Server`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "written with `..ServerSettings::default()`"
)]
pub struct ServerSettings {
    /// Most connections at once; further ones wait to be accepted. Default 4096.
    pub max_connections: usize,
    /// How long a connection may take to bring the head of a request, and be idle before it.
    /// Default 75 s.
    pub header_timeout: Duration,
    /// Longest head of a request, in bytes; also what is read at once of a body. 8 KiB at least.
    /// Default 128 KiB.
    pub head_max_bytes: usize,
    /// How long a client may take nothing of an answer. Default 300 s.
    pub write_timeout: Duration,
    /// How long the rest of a body is taken and dropped when its request was answered before its
    /// end, so that the answer reaches clients that read only after they have sent all. Default
    /// 10 s; at most 1 s once the server ends.
    pub linger: Duration,
    /// How long requests may run on when the server ends. Default 30 s.
    pub shutdown_grace: Duration,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            max_connections: 4096,
            header_timeout: Duration::from_secs(75),
            head_max_bytes: 128 << 10,
            write_timeout: Duration::from_secs(300),
            linger: Duration::from_secs(10),
            shutdown_grace: Duration::from_secs(30),
        }
    }
}

/// A server of HTTP/1.1 with limits. TLS is for the proxy in front.
///
/// # Examples
/// ```no_run
/// use smalti::Engine;
/// use smalti::http::{HttpSettings, Identity, Server, router};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let engine = Engine::builder("/var/lib/images").open()?;
/// let settings = HttpSettings {
///     identity: Identity::SingleUser,
///     ..HttpSettings::default()
/// };
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:9292").await?;
/// let stop = async { std::future::pending().await };
/// Server::new(router(engine.clone(), settings)).run(listener, stop).await?;
/// engine.close(std::time::Duration::from_secs(10))?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "a server serves nothing before it runs"]
pub struct Server {
    router: Router,
    settings: ServerSettings,
}

impl Server {
    /// Makes a server of what answers its requests.
    pub fn new(router: Router) -> Self {
        Self {
            router,
            settings: ServerSettings::default(),
        }
    }

    /// Sets the limits.
    pub fn settings(mut self, settings: ServerSettings) -> Self {
        self.settings = settings;
        self
    }

    /// Serves until `shutdown` is ready; then takes no more connections, lets requests that run
    /// end, up to [`ServerSettings::shutdown_grace`], and breaks off the rest: an upload that is
    /// broken off leaves its image queued.
    ///
    /// Dropping the future breaks everything off at once.
    ///
    /// # Errors
    /// `StoreUnavailable` if the listener has no address any more.
    pub async fn run(
        self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()>,
    ) -> Result<()> {
        let address = listener.local_addr();
        let address = address.map_err(|e| Error::io("read the address of the listener", e))?;
        tracing::info!(%address, "serving");
        let (stop, stopped) = watch::channel(());
        let mut connections = JoinSet::new();
        self.accept(&listener, shutdown, &stopped, &mut connections)
            .await;
        drop((listener, stopped));
        tracing::info!(connections = connections.len(), "ending");
        let _ = stop.send(());
        let all = async { while connections.join_next().await.is_some() {} };
        if timeout(self.settings.shutdown_grace, all).await.is_err() {
            tracing::warn!(connections = connections.len(), "requests are broken off");
            connections.shutdown().await;
        }
        Ok(())
    }

    async fn accept(
        &self,
        listener: &TcpListener,
        shutdown: impl Future<Output = ()>,
        stopped: &watch::Receiver<()>,
        connections: &mut JoinSet<()>,
    ) {
        let mut shutdown = pin!(shutdown);
        let max = self.settings.max_connections;
        loop {
            tokio::select! {
                () = &mut shutdown => return,
                Some(_) = connections.join_next(), if !connections.is_empty() => {}
                accepted = listener.accept(), if connections.len() < max => match accepted {
                    Ok((stream, _)) => {
                        connections.spawn(self.connection(stream, stopped.clone()));
                    }
                    Err(error) => {
                        tracing::warn!(%error, "no connection could be accepted");
                        sleep(ACCEPT_PAUSE).await;
                    }
                },
            }
        }
    }

    /// Serves one connection to its end. When the server ends, one on which nothing runs is given up
    /// soon, whatever part of a request it has brought.
    fn connection(
        &self,
        stream: TcpStream,
        mut stopped: watch::Receiver<()>,
    ) -> impl Future<Output = ()> + Send + 'static {
        let running = Running::default();
        let service = counted(&self.router, &running);
        let settings = self.settings.clone();
        let stop = stopped.clone();
        async move {
            let _connected = Connected::new();
            let stream = match prepared(stream, &settings, stop, &running) {
                Ok(stream) => TokioIo::new(stream),
                Err(error) => return tracing::debug!(%error, "connection lost"),
            };
            let mut protocol = http1::Builder::new();
            protocol
                .timer(TokioTimer::new())
                // A client that has sent all may say so, and still wait for the answer.
                .half_close(true)
                .max_buf_size(settings.head_max_bytes.max(HEAD_MIN_BYTES))
                .header_read_timeout(settings.header_timeout);
            let mut served = pin!(protocol.serve_connection(stream, service));
            let ended = tokio::select! {
                ended = served.as_mut() => ended,
                _ = stopped.changed() => {
                    served.as_mut().graceful_shutdown();
                    match timeout(LAST_LINGER, served.as_mut()).await {
                        Ok(ended) => ended,
                        Err(_) if running.is_idle() => return,
                        Err(_) => served.await,
                    }
                }
            };
            if let Err(error) = ended {
                tracing::debug!(%error, "connection ended early");
            }
        }
    }
}

/// Returns what answers requests, and counts them until their answers are taken.
fn counted(
    router: &Router,
    running: &Running,
) -> impl Service<Request<Incoming>, Response = Response, Error = Infallible, Future: Send> + use<>
{
    let router = TowerToHyperService::new(router.clone());
    let running = running.clone();
    service_fn(move |request| {
        let (run, answered) = (running.begin(), router.call(request));
        async move { Ok(run.until_taken(answered.await?)) }
    })
}

fn prepared(
    stream: TcpStream,
    settings: &ServerSettings,
    stopped: watch::Receiver<()>,
    running: &Running,
) -> io::Result<GuardedStream> {
    stream.set_nodelay(true)?;
    Ok(GuardedStream::new(
        stream,
        settings.write_timeout,
        settings.linger,
        stopped,
        running.clone(),
    ))
}
