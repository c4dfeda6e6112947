//! Every vector of the status machine, by typed calls.

use std::time::Duration;

use crate::error::Result;
use crate::image::change::import::{ImportLock, ImportMethod, Staged, StoresNeeded};
use crate::image::change::life::Deletion;
use crate::image::change::place::HashCheck;
use crate::image::change::tests::learned;
use crate::image::entry::{Entry, Validation};
use crate::image::vectors::create::create;
use crate::image::vectors::gate::{Actor, Known};
use crate::image::vectors::{File, MADE, child, optional_integer, optional_text, plain, text};
use crate::image::{ApplyRules, Gate, Image, Limits, Location, Patch, Status, Visibility};
use crate::json::Object;
use crate::patch::Dialect;

#[test]
fn every_vector_of_the_status_machine_holds() {
    let file = File::parse(include_str!("../../../tests/vectors/status.json"));
    file.run("status", 102, |_| true, check);
}

fn check(vector: &Object<'_>) -> Result<(), String> {
    let (trigger, expect) = (text(vector, "trigger"), child(vector, "expect"));
    let condition = optional_text(vector, "condition").unwrap_or_default();
    let actor = actor(text(vector, "actor"));
    let to: Status = text(expect, "to").parse().unwrap();
    let Some(from) = optional_text(vector, "from") else {
        let image = create(Some(b"{}"), &actor, &Limits::default()).unwrap();
        return same(image.status(), to);
    };
    let mut image = start(from.parse().unwrap(), trigger, condition);
    let before = image.clone();
    let answer = run(trigger, condition, &actor, &mut image);
    same(image.status(), to)?;
    match (answer, optional_text(expect, "error")) {
        (Ok(()), None) => Ok(()),
        (Ok(()), Some(code)) => Err(format!("allowed, {code} expected")),
        (Err(error), _) => {
            assert_eq!(image, before, "a refusal changes nothing");
            let wanted = (
                optional_integer(expect, "status"),
                optional_text(expect, "error"),
            );
            let status = i64::from(error.http_status());
            if (Some(status), Some(error.code().name())) == wanted {
                return Ok(());
            }
            Err(format!("{status} {error:?} found, {wanted:?} expected"))
        }
    }
}

fn same(found: Status, expected: Status) -> Result<(), String> {
    if found == expected {
        Ok(())
    } else {
        Err(format!("{found} found, {expected} expected"))
    }
}

fn actor(name: &str) -> Actor {
    match name {
        "admin" | "engine" => Actor::new("padm", &["admin"]),
        "owner-member" => Actor::new("p1", &["member", "reader"]),
        "service" => Actor::new("p1", &["service", "reader"]),
        _ => panic!("no actor {name}"),
    }
}

/// Makes the image that a vector begins with.
fn start(from: Status, trigger: &str, condition: &str) -> Image {
    let mut image = plain(from, Visibility::Shared);
    let copies = match (from, trigger) {
        (Status::Active, "DELETE store copy (one of two)") => &["fast", "slow"][..],
        (Status::Active | Status::PendingDelete | Status::Deactivated, _) => &["fast"],
        _ => &[],
    };
    let places = copies
        .iter()
        .map(|store| Location::named(format!("smalti://{store}/7"), store));
    image.0.locations = places.collect();
    match condition {
        "disk_format or container_format is null" => image.0.disk_format = None,
        "formats null" => (image.0.disk_format, image.0.container_format) = (None, None),
        "protected=true" => image.0.protected = true,
        _ => {}
    }
    image
}

fn run(trigger: &str, condition: &str, actor: &Actor, image: &mut Image) -> Result<()> {
    match trigger {
        "upload_begin" => image.begin_saving(MADE),
        "upload_complete" => image.activate(MADE, learned()),
        "upload_error" | "client_disconnect" | "stage_error" | "hash_mismatch" => {
            image.back_to_queued(MADE)
        }
        "stage_begin" => image.begin_staging(MADE),
        "engine_reopen" => {
            let staged = match condition {
                "staging complete" => Staged::Complete,
                _ => Staged::Incomplete,
            };
            image.recover(staged, MADE).map(drop)
        }
        "import_complete" => image.store_done(MADE, learned(), StoresNeeded::Met),
        "first_store_done" => {
            let needed = match condition {
                "all_stores_must_succeed=false" => StoresNeeded::Met,
                _ => StoresNeeded::More,
            };
            image.store_done(MADE, learned(), needed)
        }
        "import_error" => image.import_failed(&[], &[], MADE),
        "scrub" => image.scrub(MADE),
        "restore" => image.restore(MADE),
        _ => call(trigger, condition, actor, image),
    }
}

/// Runs what a caller asks for: the lookup comes first, as in the engine.
fn call(trigger: &str, condition: &str, actor: &Actor, image: &mut Image) -> Result<()> {
    actor.see(image)?;
    match trigger {
        "deactivate" => image.deactivate(MADE).map(drop),
        "reactivate" => image.reactivate(MADE).map(drop),
        "delete" => {
            actor.modify(image)?;
            let deletion = match condition {
                "delayed_delete=true" => Deletion::Delayed,
                _ => Deletion::Immediate,
            };
            image.delete(deletion, MADE).map(drop)
        }
        "deactivate concurrent with delete" => {
            image.delete(Deletion::Immediate, MADE)?;
            // The loser looks the image up again, and finds none.
            let lost = actor
                .see(image)
                .and_then(|()| image.deactivate(MADE).map(drop));
            assert_eq!(lost.unwrap_err().http_status(), 404);
            Ok(())
        }
        "patch /status" => patch(
            actor,
            image,
            r#"{"op":"replace","path":"/status","value":"x"}"#,
        ),
        "patch add /locations" => {
            let body =
                r#"{"op":"add","path":"/locations/-","value":{"url":"http://a/1","metadata":{}}}"#;
            patch(actor, image, body)
        }
        "patch remove last location" => {
            patch(actor, image, r#"{"op":"remove","path":"/locations/0"}"#)
        }
        "patch /name while upload completes" => {
            patch(
                actor,
                image,
                r#"{"op":"replace","path":"/name","value":"x"}"#,
            )?;
            image.activate(MADE, learned())?;
            assert_eq!((image.name(), image.size()), (Some("x"), Some(10)));
            Ok(())
        }
        "POST locations" => post(condition, image),
        _ if trigger.starts_with("DELETE store copy") => image.remove_copy("fast", MADE).map(drop),
        _ => import(trigger, condition, image),
    }
}

fn patch(actor: &Actor, image: &mut Image, operation: &str) -> Result<()> {
    let limits = Limits::default();
    let body = format!("[{operation}]");
    let patch = Patch::parse(Dialect::V2_1, body.as_bytes(), &limits)?;
    let rules = ApplyRules {
        limits: &limits,
        locations_are_shown: true,
        hash: None,
        storage_left_bytes: None,
        source: &Known,
    };
    *image = image.apply(&patch, actor, &rules, MADE)?.image;
    Ok(())
}

fn post(condition: &str, image: &mut Image) -> Result<()> {
    let validation = Validation {
        algorithm: "sha256".to_owned(),
        digest: "cd".repeat(32),
        checksum: None,
    };
    let entry = Entry {
        url: "http://a/1".to_owned(),
        metadata: [].into(),
        validation: (!condition.is_empty()).then_some(validation),
    };
    let hash = Some(("sha256", 32));
    image
        .post_location(&entry, &Known, hash, HashCheck::First, MADE)
        .map(drop)
}

fn import(trigger: &str, condition: &str, image: &mut Image) -> Result<()> {
    let method = match trigger {
        "import glance-direct" => ImportMethod::GlanceDirect,
        "import web-download" => ImportMethod::WebDownload,
        "import glance-download" => ImportMethod::GlanceDownload,
        "import copy-image" => ImportMethod::CopyImage,
        _ => panic!("no trigger {trigger}"),
    };
    let minutes = |n: u64| Duration::from_secs(60 * n);
    let lock = match condition {
        "os_glance_import_task set, task younger than 60 minutes" => ImportLock::Begun(minutes(59)),
        "lock stale" => ImportLock::Begun(minutes(61)),
        _ => ImportLock::Free,
    };
    image.check_import(method)?;
    lock.expect_free()?;
    image.begin_import(method, "task", &[], MADE)
}
