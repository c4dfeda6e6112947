//! Ten thousand requests of a generator, most of them nearly right, against a service that holds
//! images: no fault of the server, nothing lost, nothing left.

mod make;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};

use smalti::{Caller, Engine, ImageId};

use self::make::{Effect, Maker};
use super::reply::Reply;
use super::scene::Scene;
use crate::support::alone::{Held, expect_held, is_alone};
use crate::support::stage::Dice;
use crate::support::{Pattern, Rng, bytes, read_all, seed};

const COUNT: usize = 10_000;
/// The bytes of each image that is there, where it has some.
pub(super) type Known = BTreeMap<ImageId, Option<Vec<u8>>>;

static PANICS: AtomicUsize = AtomicUsize::new(0);

#[test]
fn ten_thousand_generated_requests_lose_nothing_and_leave_nothing() {
    let name = "http::generated::ten_thousand_generated_requests_lose_nothing_and_leave_nothing";
    if !is_alone(name) {
        return;
    }
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        PANICS.fetch_add(1, Ordering::Relaxed);
        usual(info);
    }));
    // The seed makes the ids of images, too.
    let engine = Engine::builder_in_memory().random(Dice::new(seed()));
    let scene = Scene::of(engine.open().expect("open"));
    let mut known = filled(&scene);
    scene.check_alive();
    let before = Held::now();
    let statuses = run(&scene, &mut known);
    println!(
        "seed {}: {statuses:?}, {} images at the end",
        seed(),
        known.len()
    );
    check_variety(&statuses);
    check_images(&scene.engine, &known);
    assert_eq!(PANICS.load(Ordering::Relaxed), 0);
    expect_held(&before);
}

fn filled(scene: &Scene) -> Known {
    let mut known = Known::new();
    for n in 0..20 {
        let data = bytes(Pattern::Mixed(n), 50_000 * n as usize);
        known.insert(scene.filled(&data), Some(data));
        known.insert(scene.queued(), None);
    }
    known
}

/// Sends the requests; returns how many had which status.
fn run(scene: &Scene, known: &mut Known) -> BTreeMap<u16, usize> {
    let mut maker = Maker::new(Rng(seed()));
    let (mut client, mut statuses) = (scene.server.connect(), BTreeMap::new());
    for number in 0..COUNT {
        let (request, effect) = maker.next(known);
        let reply = client.send(&request);
        let is_fault = reply.status >= 500 && reply.status != 501;
        assert!(
            !is_fault,
            "seed {}, request {number}: {request:?}\n{reply:?}",
            seed()
        );
        reply.check();
        *statuses.entry(reply.status).or_default() += 1;
        note(known, effect, &reply);
    }
    statuses
}

/// Notes what a request did that was let through.
fn note(known: &mut Known, effect: Effect, reply: &Reply) {
    match (effect, reply.status) {
        (Effect::Creates, 201) => {
            let id = reply.json()["id"].as_str().expect("an id").parse();
            known.insert(id.expect("an id"), None);
        }
        (Effect::Fills(id, data), 204) => {
            let before = known.insert(id, Some(data));
            assert_eq!(before, Some(None), "data of {id} was replaced");
        }
        (Effect::Deletes(id), 204) => {
            assert!(known.remove(&id).is_some(), "{id} was there twice");
        }
        _ => {}
    }
}

/// Tests that the requests were no monotony: much was done, and refused in many ways.
fn check_variety(statuses: &BTreeMap<u16, usize>) {
    let seen: BTreeSet<u16> = statuses.keys().copied().collect();
    let due = [
        200, 201, 204, 206, 300, 400, 403, 404, 405, 409, 413, 415, 416, 431,
    ];
    let missing: Vec<u16> = due
        .into_iter()
        .filter(|status| !seen.contains(status))
        .collect();
    assert!(missing.is_empty(), "never {missing:?} in {statuses:?}");
    let done: usize = statuses.range(200..300).map(|(_, count)| count).sum();
    assert!(done * 5 > COUNT, "only {done} did something");
}

/// Tests that each image that was not deleted is there with its bytes, and that all is sound.
fn check_images(engine: &Engine, known: &Known) {
    let images = engine.images(&Caller::admin());
    for (id, data) in known {
        let image = images.show(id).expect("it is there");
        assert_eq!(
            image.size(),
            data.as_ref().map(|data| data.len() as u64),
            "{id}"
        );
        if let Some(data) = data {
            assert!(read_all(&images, id) == *data, "bytes of {id}");
        }
    }
    let report = engine.verify(|_| ()).expect("it can be read");
    assert!(report.is_clean(), "{:?}", report.damage);
    assert_eq!(report.image_count, known.len() as u64, "no others");
}
