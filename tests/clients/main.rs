//! Clients of the Images API as their makers ship them, against the front end: what they do here
//! with a server of this crate is what they do with any.
//!
//! Each script beside this file plays the scenarios of one client and prints a line for each. They
//! refuse no machine but one without pip, and that only where `CI` is not set.

mod identity;
mod script;
mod server;
mod venv;

use std::path::Path;

use crate::script::run;
use crate::server::TestServer;

/// A directory of the build, for what takes much space.
const SCRATCH: &str = env!("CARGO_TARGET_TMPDIR");

/// Plays a script against a server of its own.
#[track_caller]
fn play(script: &str) {
    let Some(bin) = venv::bin() else { return };
    let dir = tempfile::tempdir_in(SCRATCH).expect("a directory");
    let (store, work) = (dir.path().join("store"), dir.path().join("work"));
    std::fs::create_dir(&work).expect("a directory");
    let server = TestServer::start(&store);
    let script = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/clients")
        .join(script);
    run(&script, bin, &work, server.url());
    server.stop();
}

#[test]
fn the_library_glanceclient_does_all_it_can() {
    play("glanceclient_scenarios.py");
}

#[test]
fn the_command_glance_does_all_it_can() {
    play("glance_scenarios.py");
}

#[test]
fn the_library_openstacksdk_does_all_it_can() {
    play("sdk_scenarios.py");
}

#[test]
fn the_command_openstack_image_does_all_it_can() {
    play("openstack_scenarios.py");
}

#[test]
fn requests_generated_from_the_openapi_document_are_answered_as_it_says() {
    play("generated_requests.py");
}
