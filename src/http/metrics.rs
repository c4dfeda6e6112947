//! Figures for operators, through the facade `metrics`: the host chooses who takes them.
//!
//! | name | kind | labels |
//! |---|---|---|
//! | `smalti_http_requests_total` | counter | `method`, `route`, `status` |
//! | `smalti_http_request_duration_seconds` | histogram | `method`, `route` |
//! | `smalti_http_connections` | gauge | |
//! | `smalti_http_received_bytes_total`, `smalti_http_sent_bytes_total` | counter | |
//! | `smalti_images_with_data`, `smalti_logical_bytes`, `smalti_pack_bytes` and others | gauge | |
//!
//! A request lasts until its answer begins; bytes are those of images.

use std::time::Duration;

use metrics::{SharedString, Unit};
use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};

use crate::engine::{Engine, Stats};
use crate::error::Result;

const REQUESTS: &str = "smalti_http_requests_total";
const DURATION: &str = "smalti_http_request_duration_seconds";
const CONNECTIONS: &str = "smalti_http_connections";
const RECEIVED: &str = "smalti_http_received_bytes_total";
const SENT: &str = "smalti_http_sent_bytes_total";

/// Whether the engine takes writes.
const HEALTHY: &str = "smalti_healthy";

/// A figure of what an engine holds: name, meaning, value.
type Held = (&'static str, &'static str, fn(&Stats) -> u64);

/// What an engine holds.
const HELD: &[Held] = &[
    (
        "smalti_images_with_data",
        "Images that hold data; those that wait for it are not counted",
        |it| it.image_count,
    ),
    (
        "smalti_logical_bytes",
        "Bytes of all images, as their readers see them",
        |it| it.logical_bytes,
    ),
    (
        "smalti_zero_bytes",
        "Of the logical bytes, those in runs of zeros, of which nothing is stored",
        |it| it.zero_bytes,
    ),
    (
        "smalti_shared_bytes",
        "Of the logical bytes, those that are stored because another stretch holds the same",
        |it| it.shared_bytes,
    ),
    (
        "smalti_unique_bytes",
        "Bytes of data that are stored and named, each once",
        |it| it.unique_bytes,
    ),
    (
        "smalti_garbage_bytes",
        "Bytes of chunks in packs that nothing names; collection gives them back",
        |it| it.garbage_bytes,
    ),
    (
        "smalti_chunks",
        "Chunks and manifest pages that are stored and named",
        |it| it.chunk_count,
    ),
    ("smalti_packs", "Packs, sealed and open", |it| it.pack_count),
    ("smalti_pack_bytes", "Bytes of all packs", |it| {
        it.pack_bytes
    }),
    ("smalti_index_bytes", "Bytes of the index file", |it| {
        it.index_bytes
    }),
    (
        "smalti_log_bytes",
        "Bytes of the log in front of the index",
        |it| it.log_bytes,
    ),
];

/// What a route is called that is none of the API.
pub(super) const NO_ROUTE: &str = "none";

/// Says what the figures are.
pub(super) fn describe() {
    describe_counter!(REQUESTS, "Requests that were answered");
    describe_histogram!(DURATION, Unit::Seconds, "Time until an answer began");
    describe_gauge!(CONNECTIONS, "Connections that are open");
    describe_counter!(RECEIVED, Unit::Bytes, "Bytes of images that came in");
    describe_counter!(SENT, Unit::Bytes, "Bytes of images that went out");
    for (name, meaning, _) in HELD {
        describe_gauge!(*name, *meaning);
    }
    describe_gauge!(HEALTHY, "1 while the engine takes writes, else 0");
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
    for (name, _, value) in HELD {
        #[expect(clippy::cast_precision_loss, reason = "gauges are floats")]
        gauge!(*name).set(value(&stats) as f64);
    }
    let is_healthy = engine.health().is_ok();
    gauge!(HEALTHY).set(f64::from(u8::from(is_healthy)));
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Mutex;

    use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder};

    use super::*;

    /// Notes gauges: those that are set, and what is said of each.
    #[derive(Debug, Default)]
    struct Notes {
        set: Mutex<Vec<String>>,
        described: Mutex<BTreeMap<String, String>>,
    }

    impl Recorder for Notes {
        fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

        fn describe_gauge(&self, name: KeyName, _: Option<Unit>, meaning: SharedString) {
            let mut described = self.described.lock().unwrap();
            described.insert(name.as_str().to_owned(), meaning.into_owned());
        }

        fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

        fn register_counter(&self, _: &Key, _: &Metadata<'_>) -> Counter {
            Counter::noop()
        }

        fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
            self.set.lock().unwrap().push(key.name().to_owned());
            Gauge::noop()
        }

        fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
            Histogram::noop()
        }
    }

    #[test]
    fn every_gauge_says_what_it_is() {
        let (notes, engine) = (Notes::default(), Engine::in_memory().unwrap());
        metrics::with_local_recorder(&notes, || {
            describe();
            record_stats(&engine).unwrap();
            drop(Connected::new());
        });
        let (set, described) = (notes.set.into_inner(), notes.described.into_inner());
        let (set, described) = (set.unwrap(), described.unwrap());
        assert!(set.len() > HELD.len(), "{set:?}");
        for name in set {
            assert!(described.contains_key(&name), "{name}");
        }
        let with_data = &described["smalti_images_with_data"];
        assert!(with_data.contains("that hold data"), "{with_data}");
    }
}
