//! What a bad network does to uploads and downloads: a table of faults and of what comes of each.

use std::path::Path;
use std::time::Duration;

use smalti::store::remote::{ObjectPacks, S3Settings};
use smalti::{Engine, ErrorCode, Settings};

use crate::proxy::{Fault, Plan, Proxy};
use crate::support::{bytes, open, options, read, upload};
use crate::weed::Weed;

/// What an upload or a download comes to.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Outcome {
    /// It is as if nothing had been.
    Fine,
    /// It is told, and may be tried again.
    Told,
}

use Outcome::{Fine, Told};

/// A method, a word in the request, a fault, what comes of it when each third request is spoiled,
/// and what when all are.
type Row = (&'static str, &'static str, Fault, Outcome, Outcome);

const UP: [Row; 8] = [
    ("PUT", "partNumber", Fault::Delay, Fine, Fine),
    ("PUT", "partNumber", Fault::CutUp, Fine, Told),
    ("PUT", "partNumber", Fault::CutDown, Fine, Fine),
    ("PUT", "partNumber", Fault::Status503, Fine, Told),
    ("PUT", "partNumber", Fault::Lost500, Fine, Told),
    ("POST", "uploads", Fault::Status503, Fine, Told),
    ("POST", "uploadId", Fault::Status503, Fine, Told),
    // It is done, so a look finds it.
    ("POST", "uploadId", Fault::Lost500, Fine, Fine),
];

const DOWN: [Row; 5] = [
    ("GET", ".pack", Fault::Delay, Fine, Fine),
    ("GET", ".pack", Fault::CutDown, Fine, Told),
    ("GET", ".pack", Fault::Truncate, Fine, Told),
    ("GET", ".pack", Fault::Status503, Fine, Told),
    ("GET", ".pack", Fault::Lost500, Fine, Told),
];

const LEN: usize = (23 << 20) + 4321;

fn settings(port: u16) -> S3Settings {
    Weed::settings(port)
        .retries(4, Duration::from_secs(20))
        .idle_timeout(Duration::from_secs(5))
}

fn engine(dir: &Path, near: &str, port: u16) -> Engine {
    let packs = ObjectPacks::s3(&settings(port), dir.join(near), options());
    open(dir, packs.expect("a client"), Settings::default()).expect("open")
}

fn plan(row: &Row, every: usize) -> Plan {
    let (method, word, fault, ..) = *row;
    Plan {
        fault,
        method,
        word,
        every,
    }
}

#[test]
fn uploads_over_a_bad_network_are_whole_or_told_and_leave_nothing() {
    let Some(weed) = Weed::start() else { return };
    let proxy = Proxy::start(weed.port());
    let dir = tempfile::tempdir().expect("a directory");
    let engine = engine(dir.path(), "near", proxy.port());
    let mut number = 0;
    for row in &UP {
        for (every, outcome) in [(3, row.3), (1, row.4)] {
            // One request of a kind is the first as well as the last.
            let every = if row.0 == "POST" { every.min(2) } else { every };
            let what = format!("{row:?} every {every}");
            number += 1;
            let data = bytes(number, LEN);
            proxy.spoil(plan(row, every));
            let uploaded = upload(&engine, &data);
            let met = proxy.mend();
            assert!(met > 0 || every > 1, "{what}");
            match uploaded {
                Ok(image) => {
                    assert_eq!(outcome, Fine, "{what}");
                    assert!(read(&engine, image.id()).expect(&what) == data, "{what}");
                    let images = engine.images(&crate::support::caller());
                    images.delete(image.id()).expect("delete");
                }
                Err(error) => {
                    assert_eq!(outcome, Told, "{what}: {error}");
                    assert_eq!(error.code(), ErrorCode::StoreUnavailable, "{what}: {error}");
                }
            }
            engine.collect().expect("collect");
            engine.collect().expect("collect");
            assert_eq!(weed.uploads(), Vec::<String>::new(), "{what}");
            assert_eq!(weed.packs(), Vec::<String>::new(), "{what}");
        }
    }
}

#[test]
fn downloads_over_a_bad_network_are_whole_or_told_and_never_short() {
    let Some(weed) = Weed::start() else { return };
    let proxy = Proxy::start(weed.port());
    let dir = tempfile::tempdir().expect("a directory");
    let data = bytes(7, LEN);
    let first = engine(dir.path(), "near", proxy.port());
    let id = *upload(&first, &data).expect("upload").id();
    first.close(Duration::from_secs(5)).expect("close");
    drop(first);
    for (number, row) in DOWN.iter().enumerate() {
        for (every, outcome) in [(3, row.3), (1, row.4)] {
            let what = format!("{row:?} every {every}");
            // A cache that holds nothing.
            let engine = engine(dir.path(), &format!("near-{number}-{every}"), proxy.port());
            proxy.spoil(plan(row, every));
            let found = read(&engine, &id);
            assert!(proxy.mend() > 0, "{what}");
            match found {
                Ok(found) => {
                    assert_eq!(outcome, Fine, "{what}");
                    assert!(found == data, "{what}");
                }
                Err(error) => {
                    assert_eq!(outcome, Told, "{what}: {error}");
                    assert_eq!(error.code(), ErrorCode::StoreUnavailable, "{what}: {error}");
                    assert!(read(&engine, &id).expect("mended") == data, "{what}");
                }
            }
            engine.close(Duration::from_secs(5)).expect("close");
        }
    }
}
