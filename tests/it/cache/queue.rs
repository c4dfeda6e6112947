//! The queue: its order, what stays in it, and what has no effect.

use smalti::cache::ClearTarget;
use smalti::{ErrorCode, ImageId};

use super::far::Mode;
use super::{LEN, World};
use crate::support::{Pattern, bytes, eventually};

#[test]
fn images_are_cached_in_order_of_entry_and_what_fails_keeps_its_place() {
    let world = World::new();
    let upload = |seed| world.upload(&bytes(Pattern::Random(seed), LEN));
    let [a, b, c] = [1, 2, 3].map(upload);
    let cache = world.admin().cache();
    for id in [&b, &a, &c, &a] {
        cache.queue(id).expect("queue");
    }
    assert_eq!(world.queued(), [b, a, c]);
    let data_bytes = LEN as u64;
    // Enough for the first, and for no other.
    world.far.set(Mode::FailsAfter(data_bytes * 5 / 4));
    let run = world.engine.run_cache_queue().expect("run");
    assert_eq!((run.cached_count, run.failed_count), (1, 2));
    assert!(world.row(&b).is_some());
    assert_eq!(world.queued(), [a, c]);
    world.far.set(Mode::Fine);
    let run = world.engine.run_cache_queue().expect("run");
    assert_eq!((run.cached_count, run.failed_count), (2, 0));
    assert!(world.queued().is_empty());
    cache.queue(&a).expect("no effect");
    assert!(world.queued().is_empty(), "it is cached");
    world.check_clean();
}

#[test]
fn an_image_that_is_being_cached_is_not_queued_and_one_that_waits_waits_no_more() {
    let world = World::new();
    let id = world.upload(&bytes(Pattern::Random(4), LEN));
    drop(world.images().open(&id).expect("open"));
    let cache = world.admin().cache();
    cache.queue(&id).expect("queue");
    world.far.set(Mode::WaitsAfter(0));
    drop(super::open_whole(&world.images(), &id));
    eventually("waits for the store", || world.far.is_waiting());
    let other = world.upload(&bytes(Pattern::Mixed(9), LEN));
    cache.clear(ClearTarget::Queue).expect("clear");
    cache.queue(&id).expect("no effect");
    assert!(world.queued().is_empty(), "it is being cached");
    cache.queue(&other).expect("queue");
    world.far.set(Mode::Fine);
    let run = world.engine.run_cache_queue().expect("run");
    assert_eq!((run.cached_count, run.failed_count), (1, 0));
    eventually("cached", || world.row(&id).is_some());
    assert!(world.queued().is_empty());
}

#[test]
fn what_is_no_image_of_the_caller_is_not_queued() {
    let world = World::new();
    let cache = world.admin().cache();
    let nobody = ImageId::from_bytes([7; 16]);
    for refused in [cache.queue(&nobody), cache.remove(&nobody)] {
        assert_eq!(refused.expect_err("no image").code(), ErrorCode::NotFound);
    }
    let id = world.upload(b"x");
    let refused = world.images().cache().queue(&id).expect_err("no right");
    assert_eq!(refused.code(), ErrorCode::Forbidden);
    let queued = world.images().create(crate::support::new_image());
    let refused = cache.queue(queued.expect("create").id());
    assert_eq!(refused.expect_err("no data").code(), ErrorCode::NotActive);
    let nodes = cache.nodes(&id).expect_err("there are none");
    assert_eq!(nodes.code(), ErrorCode::CacheNotCentral);
    assert!(world.queued().is_empty());
}
