//! The one place that calls the front end of the library.

use smalti::Engine;
use tokio::net::TcpListener;

use crate::fault::{Exit, Fault, Outcome};
use crate::interrupt::Signals;

/// What the front end is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Front {
    pub(super) identity: Identity,
    /// Base of links, where it is not that of the request.
    pub(super) public_endpoint: Option<String>,
    /// Longest request id that is taken, in characters.
    pub(super) max_request_id_length: usize,
    /// Whether records show the url of their data.
    pub(super) show_image_direct_url: bool,
}

/// Who callers are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Identity {
    /// Everybody is an administrator.
    SingleUser,
    /// Headers of a proxy say.
    TrustedHeaders {
        /// Whether who has none may read what is public.
        allow_anonymous_access: bool,
    },
}

/// Serves until a signal comes; prints the address when it is ready.
pub(super) async fn run(
    engine: Engine,
    front: Front,
    listener: TcpListener,
    mut signals: Signals,
) -> Outcome {
    // The front end comes in with `smalti::http`; nothing is claimed to listen before that.
    drop((engine, listener));
    tracing::debug!(?front, "the front end would be told");
    let waiting = signals.next();
    drop(waiting);
    let message = "this build has no front end over HTTP yet";
    Err(Fault::new(Exit::Failed, "NotImplemented", message)
        .with_hint("work on the directory with the other commands"))
}
