//! What leaves the cache: pruned, cleared, cleaned, deleted, damaged.

use std::time::Duration;

use smalti::Settings;
use smalti::cache::ClearTarget;

use super::far::{Far, Mode};
use super::{Hands, LEN, World, admin, far_builder, open_whole, read_whole, settings, upload};
use crate::support::rot::RotDisk;
use crate::support::{Pattern, bytes, caller, eventually};

#[test]
fn a_prune_removes_what_was_read_least_recently_until_the_rest_fits() {
    let world = World::with(Settings {
        image_cache_max_size: 2 * LEN as u64,
        ..settings()
    });
    let cache = world.admin().cache();
    let ids = [1, 2, 3, 4].map(|seed| {
        world.hands.move_on(1);
        world.cached(&bytes(Pattern::Random(seed), LEN))
    });
    for index in [0, 2] {
        world.hands.move_on(1);
        read_whole(&world.images(), &ids[index]);
    }
    let pruned = cache.prune().expect("prune");
    let len = LEN as u64;
    assert_eq!((pruned.copy_count, pruned.size_bytes), (2, 2 * len));
    let is_cached = ids.map(|id| world.row(&id).is_some());
    assert_eq!(is_cached, [true, false, true, false]);
    let again = world.engine.prune_cache().expect("prune");
    assert_eq!((again.copy_count, again.size_bytes), (0, 0));
    world.check_clean();
}

#[test]
fn space_of_what_leaves_returns_with_a_collection() {
    let world = World::new();
    let id = world.upload(&bytes(Pattern::Random(1), LEN));
    let before = world.engine.stats().expect("stats").pack_bytes;
    for round in 0..3 {
        world.fill(&id);
        let full = world.engine.stats().expect("stats").pack_bytes;
        assert!(full > before + LEN as u64, "the data is here, too");
        let cache = world.admin().cache();
        match round {
            0 => cache.remove(&id).expect("remove"),
            1 => cache.clear(ClearTarget::Cache).expect("clear"),
            _ => cache.clear(ClearTarget::Both).expect("clear"),
        }
        assert!(world.row(&id).is_none());
        world.check_clean();
        assert_eq!(world.engine.stats().expect("stats").pack_bytes, before);
    }
    world.admin().cache().remove(&id).expect("none is no error");
}

#[test]
fn a_clear_takes_what_it_is_told() {
    let world = World::new();
    let cached = world.cached(&bytes(Pattern::Random(1), LEN));
    let waiting = world.upload(&bytes(Pattern::Random(2), LEN));
    let cache = world.admin().cache();
    cache.queue(&waiting).expect("queue");
    cache.clear(ClearTarget::Queue).expect("clear");
    assert!(world.row(&cached).is_some() && world.queued().is_empty());
    cache.queue(&waiting).expect("queue");
    cache.clear(ClearTarget::Cache).expect("clear");
    assert!(world.row(&cached).is_none());
    assert_eq!(world.queued(), [waiting]);
    cache.remove(&waiting).expect("remove");
    assert!(world.queued().is_empty());
}

#[test]
fn a_deleted_image_leaves_cache_and_queue() {
    for delayed_delete in [false, true] {
        let world = World::with(Settings {
            delayed_delete,
            ..settings()
        });
        let cached = world.cached(&bytes(Pattern::Random(1), LEN));
        let waiting = world.upload(&bytes(Pattern::Random(2), LEN));
        world.admin().cache().queue(&waiting).expect("queue");
        for id in [&cached, &waiting] {
            world.images().delete(id).expect("delete");
        }
        assert!(world.row(&cached).is_none() && world.queued().is_empty());
        // The time of a change is always after that of the one before.
        world.hands.move_on(1);
        world.engine.scrub().expect("scrub");
        // The thread that has filled the cache may still hold what it has read.
        eventually("empty", || {
            world.check_clean();
            world.engine.stats().expect("stats").pack_bytes == 0
        });
    }
}

#[test]
fn what_is_being_cached_is_given_up_when_it_is_deleted_removed_or_stalls() {
    for way in ["delete", "remove", "clear", "deactivate", "stall"] {
        let world = World::new();
        let data = bytes(Pattern::Random(1), LEN);
        let id = world.upload(&data);
        drop(world.images().open(&id).expect("open"));
        world.far.set(Mode::WaitsAfter(0));
        drop(open_whole(&world.images(), &id));
        eventually("waits for the store", || world.far.is_waiting());
        let (admin, cache) = (world.admin(), world.admin().cache());
        match way {
            "delete" => admin.delete(&id).expect(way),
            "remove" => cache.remove(&id).expect(way),
            "clear" => cache.clear(ClearTarget::Both).expect(way),
            "deactivate" => admin.deactivate(&id).expect(way),
            _ => {
                world.hands.move_on(86_400);
                assert_eq!(cache.clean().expect(way).stalled_count, 0);
                world.hands.move_on(1);
                assert_eq!(cache.clean().expect(way).stalled_count, 1);
            }
        }
        world.far.set(Mode::Fine);
        // Waits for all that brings bytes in.
        world.engine.close(Duration::from_secs(30)).expect("close");
        assert!(world.far.read_bytes() <= 2 * LEN as u64);
    }
}

#[test]
fn a_copy_that_has_come_in_when_its_image_may_not_be_cached_is_not_kept() {
    let world = World::new();
    let id = world.upload(&bytes(Pattern::Random(1), LEN));
    let before = world.engine.stats().expect("stats").pack_bytes;
    drop(world.images().open(&id).expect("open"));
    world.far.set(Mode::WaitsAfter(0));
    drop(open_whole(&world.images(), &id));
    eventually("waits for the store", || world.far.is_waiting());
    world.admin().deactivate(&id).expect("deactivate");
    world.far.set(Mode::Fine);
    eventually("nothing is left", || {
        world.check_clean();
        let read = world.far.read_bytes() >= LEN as u64;
        read && world.engine.stats().expect("stats").pack_bytes == before
    });
    assert!(world.row(&id).is_none());
}

#[test]
fn a_damaged_copy_is_dropped_and_the_data_comes_from_its_store() {
    let (disk, far, hands) = (RotDisk::default(), Far::new(), Hands::default());
    let open = |disk: &RotDisk| {
        let builder = smalti::Builder::on_disk(std::sync::Arc::new(disk.clone()));
        far_builder(builder, &far, &hands, settings()).open()
    };
    let data = bytes(Pattern::Random(1), LEN);
    let engine = open(&disk).expect("open");
    let id = upload(&engine.images(&caller()), &data, None).expect("upload");
    admin(&engine).cache().queue(&id).expect("queue");
    assert_eq!(engine.run_cache_queue().expect("run").cached_count, 1);
    engine.close(Duration::from_secs(1)).expect("close");
    drop(engine);
    let packs = disk.paths();
    let packs: Vec<_> = packs.iter().filter(|it| it.ends_with(".pack")).collect();
    assert!(!packs.is_empty());
    for pack in packs {
        // In the middle of the data.
        disk.change(pack, |bytes| bytes[1_500_000] ^= 1);
    }
    let engine = open(&disk).expect("open");
    let images = engine.images(&caller());
    assert!(read_whole(&images, &id) == data, "it falls back");
    let state = || admin(&engine).cache().state().expect("state");
    eventually("dropped", || state().cached.is_empty());
    assert!(read_whole(&images, &id) == data);
}
