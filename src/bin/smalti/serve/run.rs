//! The one place that calls the front end of the library.

use serde_json::json;
use smalti::Engine;
use smalti::http::{HttpSettings, Server, ServerSettings, router};
use tokio::net::TcpListener;

use super::ending::Ending;
use crate::fault::{Fault, Outcome};
use crate::shell::Shell;

/// Says that the server is ready.
#[derive(Debug)]
pub(super) struct Ready {
    pub(super) shell: Shell,
    /// Where figures are.
    pub(super) metrics: Option<String>,
}

impl Ready {
    fn tell(&self, url: &str) {
        let mut line = json!({ "listening": url });
        if let Some(metrics) = &self.metrics {
            line["metrics"] = json!(metrics);
        }
        self.shell.tell(&line, &format!("listening on {url}"));
    }
}

/// Serves until a signal comes; prints a line with the address when it is ready.
pub(super) async fn run(
    engine: Engine,
    (front, limits): (HttpSettings, ServerSettings),
    listener: TcpListener,
    ending: Ending,
    ready: Ready,
) -> Outcome {
    let address = listener.local_addr();
    let address = address.map_err(|error| Fault::io("read the address", &error))?;
    // Connections wait in the listener from here on, so whoever reads the line may connect.
    let url = format!("http://{address}");
    ready.tell(&url);
    let server = Server::new(router(engine, front)).settings(limits);
    server.run(listener, ending.asked()).await?;
    Ok(())
}
