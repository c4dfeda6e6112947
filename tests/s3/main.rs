//! Images in a bucket: the engine over a real service that speaks S3, sound, spoiled and killed.
//!
//! The service is SeaweedFS, installed and started by the test. What needs no service is tested
//! beside the code, over objects in memory.

mod bench;
mod engine;
mod faults;
mod kill;
mod proxy;
mod support;
#[cfg(feature = "cli")]
mod tool;
mod weed;

use smalti::store::remote::{ObjectOptions, ObjectPacks};
use smalti::store::{Store, contract};

use crate::weed::Weed;

#[test]
fn the_store_over_a_real_service_keeps_the_contract() {
    let Some(weed) = Weed::start() else { return };
    let near = tempfile::tempdir().expect("a directory");
    let options = ObjectOptions {
        prefix: "a/b c".into(),
        part_len_bytes: 5 << 20,
        ..ObjectOptions::default()
    };
    let store = ObjectPacks::s3(&Weed::settings(weed.port()), near.path(), options);
    let store = store.expect("a client");
    contract::check(&store).expect("no failure");
    assert_eq!(weed.uploads(), Vec::<String>::new());
}

#[test]
fn uploads_of_which_only_the_service_knows_are_given_up() {
    let Some(weed) = Weed::start() else { return };
    let near = tempfile::tempdir().expect("a directory");
    let store = ObjectPacks::s3(
        &Weed::settings(weed.port()),
        near.path(),
        support::options(),
    );
    let store = store.expect("a client");
    weed.begin_upload("images/packs/000000000000002a.pack");
    weed.begin_upload("images/packs/000000000000002b.pack");
    weed.begin_upload("others/packs/000000000000002a.pack");
    assert_eq!(weed.uploads().len(), 3);
    store.claim("me", false).expect("claim");
    assert_eq!(weed.uploads().len(), 1);
}
