//! Metrics in the text format of Prometheus, on an address of their own.
//!
//! It answers `GET /metrics` alone, a request for each connection, within bounds of size and time.

use std::sync::Arc;
use std::time::Duration;

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use smalti::Engine;
use smalti::http::record_stats;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::fault::{Exit, Fault, Outcome};

/// Most bytes of a request that are looked at.
const HEAD_MAX_BYTES: usize = 8 << 10;
/// How long a request and its answer may take.
const TIME: Duration = Duration::from_secs(10);
/// Requests that are answered at once; more wait.
const AT_ONCE: usize = 8;
/// How often old samples are folded together.
const FOLD: Duration = Duration::from_secs(5);

/// Where the figures come from.
#[derive(Clone)]
struct Source {
    handle: PrometheusHandle,
    engine: Engine,
}

impl Source {
    /// Prints the figures, those of the engine as they are now.
    async fn render(&self) -> String {
        let engine = self.engine.clone();
        let recorded = tokio::task::spawn_blocking(move || record_stats(&engine)).await;
        match recorded {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "no figures of the engine"),
            Err(error) => tracing::warn!(%error, "no figures of the engine"),
        }
        self.handle.render()
    }
}

/// Begins to record and to answer, within a runtime.
///
/// Returns the url of the figures.
///
/// # Errors
/// If metrics are recorded already.
pub(super) fn begin(listener: TcpListener, engine: Engine) -> Outcome<String> {
    let address = listener.local_addr();
    let address = address.map_err(|error| Fault::io("read the address of metrics", &error))?;
    let handle = PrometheusBuilder::new()
        .install_recorder()
        .map_err(|error| {
            Fault::new(
                Exit::Failed,
                "Internal",
                format!("metrics cannot be recorded: {error}"),
            )
        })?;
    let folded = handle.clone();
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(FOLD).await;
            folded.run_upkeep();
        }
    });
    tokio::spawn(answer_all(listener, Source { handle, engine }));
    let url = format!("http://{address}/metrics");
    tracing::info!(url, "metrics are answered");
    Ok(url)
}

async fn answer_all(listener: TcpListener, source: Source) {
    let places = Arc::new(Semaphore::new(AT_ONCE));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return;
        };
        match listener.accept().await {
            Ok((stream, _)) => {
                let source = source.clone();
                tokio::spawn(async move {
                    // Who is too slow, or has gone, gets nothing.
                    let _ = timeout(TIME, answer(stream, &source)).await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection for metrics failed");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn answer(mut stream: TcpStream, source: &Source) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !ends(&head) && head.len() < HEAD_MAX_BYTES {
        if stream.read_buf(&mut head).await? == 0 {
            return Ok(());
        }
    }
    let (status, body) = match asks_for_metrics(&head) {
        true => ("200 OK", source.render().await),
        false => ("404 Not Found", "metrics are at /metrics\n".to_owned()),
    };
    let len = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: text/plain; version=0.0.4\r\n\
         content-length: {len}\r\nconnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    stream.shutdown().await
}

fn ends(head: &[u8]) -> bool {
    head.windows(4).any(|four| four == b"\r\n\r\n")
}

fn asks_for_metrics(head: &[u8]) -> bool {
    let mut words = head.split(|byte| byte.is_ascii_whitespace());
    let path = |target: &[u8]| target.split(|byte| *byte == b'?').next() == Some(b"/metrics");
    ends(head) && words.next() == Some(b"GET") && words.next().is_some_and(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_request_for_metrics_is_one() {
        for (head, is_one) in [
            ("GET /metrics HTTP/1.1\r\nhost: a\r\n\r\n", true),
            ("GET /metrics?a=b HTTP/1.0\r\n\r\n", true),
            ("GET /metrics HTTP/1.1\r\n", false),
            ("POST /metrics HTTP/1.1\r\n\r\n", false),
            ("GET /metricsx HTTP/1.1\r\n\r\n", false),
            ("", false),
        ] {
            assert_eq!(asks_for_metrics(head.as_bytes()), is_one, "{head:?}");
        }
    }
}
