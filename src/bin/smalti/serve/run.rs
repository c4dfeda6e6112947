//! The one place that calls the front end of the library.

use std::io::{self, Write};

use smalti::Engine;
use smalti::http::{HttpSettings, Server, router};
use tokio::net::TcpListener;

use crate::fault::{Fault, Outcome};
use crate::interrupt::Signals;

/// Serves until a signal comes; prints a line with the address when it is ready.
pub(super) async fn run(
    engine: Engine,
    front: HttpSettings,
    listener: TcpListener,
    mut signals: Signals,
) -> Outcome {
    let address = listener.local_addr();
    let address = address.map_err(|error| Fault::io("read the address", &error))?;
    // Connections wait in the listener from here on, so whoever reads the line may connect.
    tell(&format!("listening on http://{address}"));
    let server = Server::new(router(engine, front));
    server.run(listener, signals.next()).await?;
    Ok(())
}

/// Prints a line at once; nobody has to read it.
fn tell(line: &str) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}
