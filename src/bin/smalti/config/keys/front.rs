//! Keys of the limits of the front end: connections, times in seconds, memory for documents.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::{Key, key};
use crate::config::given::Given;
use crate::fault::Outcome;

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const TIB: u64 = 1 << 40;

/// The longest time, in seconds: a day.
const DAY_S: u32 = 86_400;

/// These keys, in order.
pub(super) const KEYS: &[Key] = &[
    key(
        "body_idle",
        "60",
        "how long a body may bring nothing, in seconds",
        |to, given| {
            to.front.body_idle = seconds(given, 1..=DAY_S)?;
            Ok(())
        },
    ),
    key(
        "document_cache_bytes",
        "32MiB",
        "memory for documents that were printed for lists",
        |to, given| {
            to.front.document_cache_bytes = memory(given, 0..=TIB)?;
            Ok(())
        },
    ),
    key(
        "document_memory_bytes",
        "256MiB",
        "memory for long documents that come in, and again for those that go out",
        |to, given| {
            to.front.document_memory_bytes = given.size(16 * MIB..=TIB)?;
            Ok(())
        },
    ),
    key(
        "document_time",
        "300",
        "how long a body that is a document may take in all, in seconds",
        |to, given| {
            to.front.document_time = seconds(given, 1..=DAY_S)?;
            Ok(())
        },
    ),
    key(
        "head_max_bytes",
        "128KiB",
        "longest head of a request",
        |to, given| {
            to.server.head_max_bytes = memory(given, 8 * KIB..=16 * MIB)?;
            Ok(())
        },
    ),
    key(
        "header_timeout",
        "75",
        "how long a head may take to come, and a connection be idle, in seconds",
        |to, given| {
            to.server.header_timeout = seconds(given, 1..=DAY_S)?;
            Ok(())
        },
    ),
    key(
        "linger",
        "10",
        "how long the rest of a body is dropped behind an early answer, in seconds",
        |to, given| {
            to.server.linger = seconds(given, 0..=DAY_S)?;
            Ok(())
        },
    ),
    key(
        "max_connections",
        "4096",
        "most connections at once; more wait",
        |to, given| {
            let most = given.count(1..=1 << 20)?;
            to.server.max_connections = usize::try_from(most).map_err(|_| given.not("a number"))?;
            Ok(())
        },
    ),
    key(
        "shutdown_grace",
        "30",
        "how long requests may run on when the server ends, in seconds",
        |to, given| {
            to.server.shutdown_grace = seconds(given, 0..=DAY_S)?;
            Ok(())
        },
    ),
    key(
        "write_timeout",
        "300",
        "how long a client may take nothing of an answer, in seconds",
        |to, given| {
            to.server.write_timeout = seconds(given, 1..=DAY_S)?;
            Ok(())
        },
    ),
];

fn seconds(given: &Given, bounds: RangeInclusive<u32>) -> Outcome<Duration> {
    let seconds = given.count(bounds)?;
    Ok(Duration::from_secs(u64::from(seconds)))
}

fn memory(given: &Given, bounds: RangeInclusive<u64>) -> Outcome<usize> {
    let bytes = given.size(bounds)?;
    usize::try_from(bytes).map_err(|_| given.not("within the memory of this machine"))
}
