//! Figures for operators, through the facade `metrics`: the host chooses who takes them.
//!
//! | name | kind | labels |
//! |---|---|---|
//! | `smalti_http_requests_total` | counter | `method`, `route`, `status` |
//! | `smalti_http_request_duration_seconds` | histogram | `method`, `route` |
//! | `smalti_http_connections` | gauge | |
//! | `smalti_http_received_bytes_total`, `smalti_http_sent_bytes_total` | counter | |
//! | `smalti_images`, `smalti_logical_bytes`, `smalti_pack_bytes` and others | gauge | |
//!
//! A request lasts until its answer begins; bytes are those of images.

use std::time::Duration;

use metrics::{SharedString, Unit};
use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};

use crate::engine::Engine;
use crate::error::Result;

const REQUESTS: &str = "smalti_http_requests_total";
const DURATION: &str = "smalti_http_request_duration_seconds";
const CONNECTIONS: &str = "smalti_http_connections";
const RECEIVED: &str = "smalti_http_received_bytes_total";
const SENT: &str = "smalti_http_sent_bytes_total";

/// What a route is called that is none of the API.
pub(super) const NO_ROUTE: &str = "none";

/// Says what the figures are.
pub(super) fn describe() {
    describe_counter!(REQUESTS, "Requests that were answered");
    describe_histogram!(DURATION, Unit::Seconds, "Time until an answer began");
    describe_gauge!(CONNECTIONS, "Connections that are open");
    describe_counter!(RECEIVED, Unit::Bytes, "Bytes of images that came in");
    describe_counter!(SENT, Unit::Bytes, "Bytes of images that went out");
}

/// Counts an answer.
pub(super) fn answered(method: &str, route: &'static str, status: u16, lasted: Duration) {
    let method = SharedString::from(known_method(method));
    let status = SharedString::from(status.to_string());
    counter!(REQUESTS, "method" => method.clone(), "route" => route, "status" => status)
        .increment(1);
    histogram!(DURATION, "method" => method, "route" => route).record(lasted);
}

/// Returns a method that a client cannot make up, so that labels stay few.
fn known_method(method: &str) -> &'static str {
    let known = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    let found = known.into_iter().find(|known| *known == method);
    found.unwrap_or("other")
}

/// Counts bytes of images that came in.
pub(super) fn received(len_bytes: u64) {
    counter!(RECEIVED).increment(len_bytes);
}

/// Counts bytes of images that went out.
pub(super) fn sent(len_bytes: u64) {
    counter!(SENT).increment(len_bytes);
}

/// A connection, as long as it is open.
pub(super) struct Connected(());

impl Connected {
    pub(super) fn new() -> Self {
        gauge!(CONNECTIONS).increment(1);
        Self(())
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        gauge!(CONNECTIONS).decrement(1);
    }
}

/// Tells the recorder of `metrics` what an engine holds: the figures of
/// [`Engine::stats`](crate::Engine::stats), as gauges that begin with `smalti_`. To be called when
/// the figures are asked for.
///
/// # Errors
/// Those of [`Engine::stats`](crate::Engine::stats).
pub fn record_stats(engine: &Engine) -> Result<()> {
    let stats = engine.stats()?;
    #[expect(clippy::cast_precision_loss, reason = "gauges are floats")]
    let set = |name: &'static str, value: u64| gauge!(name).set(value as f64);
    set("smalti_images", stats.image_count);
    set("smalti_logical_bytes", stats.logical_bytes);
    set("smalti_zero_bytes", stats.zero_bytes);
    set("smalti_shared_bytes", stats.shared_bytes);
    set("smalti_unique_bytes", stats.unique_bytes);
    set("smalti_garbage_bytes", stats.garbage_bytes);
    set("smalti_chunks", stats.chunk_count);
    set("smalti_packs", stats.pack_count);
    set("smalti_pack_bytes", stats.pack_bytes);
    set("smalti_index_bytes", stats.index_bytes);
    set("smalti_log_bytes", stats.log_bytes);
    let is_healthy = engine.health().is_ok();
    gauge!("smalti_healthy").set(f64::from(u8::from(is_healthy)));
    Ok(())
}
