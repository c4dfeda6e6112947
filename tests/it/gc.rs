//! Collection: space returns, and nothing that somebody needs goes.

use std::io::Write;

use smalti::gc::GcOptions;
use smalti::{Engine, ErrorCode, Image, Images, Settings};

use crate::support::{Pattern, bytes, caller, new_image, read_all, small_packs};

fn upload(images: &Images, data: &[u8]) -> Image {
    let image = images.create(new_image()).expect("create");
    let mut upload = images.upload(image.id()).expect("begin");
    upload.write_all(data).expect("write");
    upload.finish().expect("finish")
}

fn all_garbage() -> GcOptions {
    GcOptions {
        min_garbage_ratio: 0.0,
        seal_after_ms: 0,
    }
}

#[test]
fn the_space_of_a_deleted_image_returns() {
    let engine = Engine::in_memory().expect("open");
    let images = engine.images(&caller());
    let image = upload(&images, &bytes(Pattern::Random(1), 30_000_000));
    let full = engine.stats().expect("stats");
    assert_eq!(
        (full.logical_bytes, full.unique_bytes),
        (30_000_000, 30_000_000)
    );
    images.delete(image.id()).expect("delete");
    let plan = engine.gc_plan(&GcOptions::default()).expect("plan");
    assert_eq!(plan.release_count, 1);
    assert_eq!(
        engine.stats().expect("stats").pack_bytes,
        full.pack_bytes,
        "a plan changes nothing"
    );
    let report = engine.collect().expect("collect");
    assert!(report.freed_bytes >= 30_000_000, "{report:?}");
    let empty = engine.stats().expect("stats");
    let left = (
        empty.image_count,
        empty.pack_bytes,
        empty.unique_bytes,
        empty.page_bytes,
    );
    assert_eq!(left, (0, 0, 0, 0));
    assert_eq!(
        images.show(image.id()).expect_err("deleted").code(),
        ErrorCode::NotFound
    );
}

#[test]
fn what_other_images_share_stays() {
    let engine = Engine::in_memory().expect("open");
    let images = engine.images(&caller());
    let data = bytes(Pattern::Mixed(5), 20_000_000);
    let mut changed = data.clone();
    changed[9_000_000..9_000_100].fill(7);
    let (first, second) = (upload(&images, &data), upload(&images, &changed));
    let stats = engine.stats().expect("stats");
    assert!(stats.shared_bytes > stats.unique_bytes / 2, "{stats:?}");
    images.delete(first.id()).expect("delete");
    engine
        .gc(all_garbage())
        .expect("begin")
        .run()
        .expect("collect");
    assert!(read_all(&images, second.id()) == changed);
    let after = engine.stats().expect("stats");
    assert_eq!(after.garbage_bytes, 0, "{after:?}");
    assert_eq!(after.logical_bytes, 20_000_000);
    let third = upload(&images, &data);
    assert!(read_all(&images, third.id()) == data);
}

#[test]
fn a_reader_reads_to_the_end_what_was_deleted_and_collected() {
    let engine = Engine::in_memory().expect("open");
    let images = engine.images(&caller());
    let data = bytes(Pattern::Random(3), 10_000_000);
    let image = upload(&images, &data);
    let reader = images.open(image.id()).expect("open").expect("data");
    let mut slices = reader.slices(..).expect("all");
    let mut found = slices.next().expect("some").expect("read").to_vec();
    images.delete(image.id()).expect("delete");
    let report = engine.collect().expect("collect");
    assert_eq!(report.freed_bytes, 0, "the reader holds its manifest");
    assert!(report.leased_chunks > 0);
    for slice in slices {
        found.extend_from_slice(&slice.expect("read"));
    }
    assert!(found == data);
    drop(reader);
    assert!(engine.collect().expect("collect").freed_bytes >= 10_000_000);
}

#[test]
fn compaction_moves_chunks_under_readers_and_touches_no_manifest() {
    let dir = tempfile::tempdir().expect("make a directory");
    let settings = Settings {
        reserve_len_bytes: 0,
        ..small_packs()
    };
    let engine = Engine::builder(dir.path())
        .settings(settings)
        .open()
        .expect("open");
    let images = engine.images(&caller());
    let kept: Vec<_> = (0..8)
        .map(|seed| {
            let doomed = upload(&images, &bytes(Pattern::Random(100 + seed), 250_000));
            let data = bytes(Pattern::Random(seed), 200_000);
            (upload(&images, &data), data, doomed)
        })
        .collect();
    let readers: Vec<_> = kept
        .iter()
        .map(|(image, ..)| images.open(image.id()).expect("open").expect("data"))
        .collect();
    for reader in &readers {
        reader
            .slices(0..100_000u64)
            .expect("within")
            .for_each(|slice| drop(slice.expect("read")));
    }
    kept.iter()
        .for_each(|(.., doomed)| images.delete(doomed.id()).expect("delete"));
    let report = engine
        .gc(all_garbage())
        .expect("begin")
        .run()
        .expect("collect");
    assert!(
        report.copied_bytes > 0 && report.unlinked_packs > 0,
        "{report:?}"
    );
    assert_eq!(engine.stats().expect("stats").garbage_bytes, 0);
    for ((image, data, _), reader) in kept.iter().zip(&readers) {
        assert!(read_all(&images, image.id()) == *data);
        let held: Vec<u8> = reader
            .slices(..)
            .expect("all")
            .flat_map(|s| s.expect("read").to_vec())
            .collect();
        assert!(held == *data);
    }
}

#[test]
fn one_collection_runs_at_a_time_and_may_be_dropped_anywhere() {
    let engine = Engine::builder_in_memory()
        .settings(small_packs())
        .open()
        .expect("open");
    let images = engine.images(&caller());
    let keep = bytes(Pattern::Mixed(77), 3_000_000);
    let kept = upload(&images, &keep);
    for round in 0..40 {
        let image = upload(&images, &bytes(Pattern::Random(round), 900_000));
        images.delete(image.id()).expect("delete");
        let mut gc = engine.gc(all_garbage()).expect("begin");
        let second = engine.gc(all_garbage()).expect_err("one at a time");
        assert_eq!(second.code(), ErrorCode::InvalidState);
        for _ in 0..round % 7 {
            gc.step().expect("step");
        }
    }
    engine
        .gc(all_garbage())
        .expect("begin")
        .run()
        .expect("collect");
    assert!(read_all(&images, kept.id()) == keep);
    let stats = engine.stats().expect("stats");
    assert_eq!(
        (stats.garbage_bytes, stats.image_count),
        (0, 1),
        "{stats:?}"
    );
}

#[test]
fn uploads_and_collections_run_beside_each_other() {
    let engine = Engine::builder_in_memory()
        .settings(small_packs())
        .open()
        .expect("open");
    std::thread::scope(|scope| {
        let uploads: Vec<_> = (0..4u64)
            .map(|thread| {
                let engine = engine.clone();
                scope.spawn(move || {
                    let images = engine.images(&caller());
                    for round in 0..25 {
                        // The same data comes and goes in all threads.
                        let data = bytes(Pattern::Mixed(round % 5), 400_000);
                        let image = upload(&images, &data);
                        assert!(read_all(&images, image.id()) == data, "{thread} {round}");
                        images.delete(image.id()).expect("delete");
                    }
                })
            })
            .collect();
        while !uploads.iter().all(|upload| upload.is_finished()) {
            engine
                .gc(all_garbage())
                .expect("begin")
                .run()
                .expect("collect");
        }
    });
    engine
        .gc(all_garbage())
        .expect("begin")
        .run()
        .expect("collect");
    let stats = engine.stats().expect("stats");
    assert_eq!((stats.pack_bytes, stats.image_count), (0, 0), "{stats:?}");
}

#[test]
fn a_pack_that_was_cut_off_is_left_alone_and_the_others_are_collected() {
    let dir = tempfile::tempdir().expect("make a directory");
    let open = || {
        let builder = Engine::builder(dir.path()).settings(small_packs());
        builder.open().expect("open")
    };
    let engine = open();
    let images = engine.images(&caller());
    let doomed: Vec<_> = (0..3)
        .map(|seed| upload(&images, &bytes(Pattern::Random(seed), 150_000)))
        .collect();
    let kept = upload(&images, &bytes(Pattern::Random(50), 100_000));
    let large = upload(&images, &bytes(Pattern::Random(60), 900_000));
    engine
        .close(std::time::Duration::from_secs(1))
        .expect("close");
    drop((images, engine));
    // The first pack is open still: it is resumed, found too short, and grows no more.
    let path = dir.path().join("packs/0000000000000001.pack");
    let file = std::fs::File::options()
        .write(true)
        .open(path)
        .expect("open");
    let len = file.metadata().expect("length").len();
    file.set_len(len - 4096).expect("cut");
    let engine = open();
    let images = engine.images(&caller());
    for image in doomed.iter().chain([&large]) {
        images.delete(image.id()).expect("delete");
    }
    let report = engine
        .gc(all_garbage())
        .expect("begin")
        .run()
        .expect("collect");
    assert!(!report.damaged.is_empty(), "{report:?}");
    images.show(kept.id()).expect("its record is there");
    engine
        .gc(all_garbage())
        .expect("begin")
        .run()
        .expect("collect again");
}

/// Packs that may change in one step of a collection.
const PACKS_A_STEP: u64 = 16;

#[test]
fn a_step_unlinks_and_seals_few_packs_however_many_there_are() {
    let engine = Engine::builder_in_memory();
    let engine = engine.settings(small_packs()).open().expect("open");
    let images = engine.images(&caller());
    let doomed = upload(&images, &bytes(Pattern::Random(1), 120_000_000));
    // As many open packs as uploads run beside each other.
    let mut running: Vec<_> = (0..40)
        .map(|seed| {
            let image = images.create(new_image()).expect("create");
            let mut upload = images.upload(image.id()).expect("begin");
            let data = bytes(Pattern::Random(100 + seed), 300_000);
            upload.write_all(&data).expect("write");
            (upload, data)
        })
        .collect();
    let few = running.split_off(20);
    for (upload, _) in few {
        upload.finish().expect("finish");
    }
    images.delete(doomed.id()).expect("delete");
    let before = engine.stats().expect("stats");
    assert!(before.pack_count > 80, "{before:?}");
    let mut gc = engine.gc(all_garbage()).expect("begin");
    let (mut unlinked, mut sealed) = (0, before.pack_count - before.open_pack_count);
    while gc.step().expect("step").is_some() {
        let now = gc.report().unlinked_packs;
        assert!(now - unlinked <= PACKS_A_STEP, "{now} after {unlinked}");
        let stats = engine.stats().expect("stats");
        let sealed_now = stats.pack_count - stats.open_pack_count + now;
        assert!(sealed_now <= sealed + 2, "{sealed_now} after {sealed}");
        (unlinked, sealed) = (now, sealed_now.max(sealed));
    }
    assert!(unlinked > 3 * PACKS_A_STEP, "{unlinked}");
    for (upload, data) in running {
        let image = upload.finish().expect("finish");
        assert!(read_all(&images, image.id()) == data);
    }
}

#[test]
fn a_plan_counts_what_a_run_frees_and_no_pack_that_an_upload_writes() {
    let engine = Engine::builder_in_memory();
    let engine = engine.settings(small_packs()).open().expect("open");
    let images = engine.images(&caller());
    let image = images.create(new_image()).expect("create");
    let mut running = images.upload(image.id()).expect("begin");
    running
        .write_all(&bytes(Pattern::Random(1), 9_000_000))
        .expect("write");
    let plan = engine.gc_plan(&all_garbage()).expect("plan");
    assert_eq!(plan.unlink_packs.len(), 0, "{plan:?}");
    assert_eq!(plan.free_bytes, 0, "{plan:?}");
    running.cancel().expect("cancel");
    // Collected to the end of its rows only, the garbage of packs is there to be planned.
    let mut gc = engine.gc(all_garbage()).expect("begin");
    while gc.step().expect("step").expect("more").phase != smalti::gc::GcPhase::Sweep {}
    drop(gc);
    let plan = engine.gc_plan(&all_garbage()).expect("plan");
    let held = engine.stats().expect("stats");
    let report = engine.gc(all_garbage()).expect("begin").run().expect("run");
    assert!(
        plan.free_bytes <= report.freed_bytes,
        "{plan:?}, {report:?}"
    );
    assert_eq!(report.freed_bytes, held.pack_bytes, "{report:?}");
}

/// What an upload does while a collection is between two of its steps.
#[derive(Debug, Clone, Copy)]
enum Beside {
    /// Begins and ends.
    Whole,
    /// Begins, and ends some steps later.
    Across(usize),
    /// Begins, and is given up some steps later.
    GivenUp(usize),
}

/// Runs a collection with an upload beside its step `at`; `false` if it has fewer steps.
fn collect_beside(at: usize, beside: Beside) -> bool {
    let engine = Engine::builder_in_memory();
    // So that what was written is looked up and stored when the next step runs.
    #[cfg(feature = "testing")]
    let engine = engine.lanes_in_line();
    let engine = engine.settings(small_packs()).open().expect("open");
    let images = engine.images(&caller());
    // A sealed pack with garbage, one without anything live, and open ones of both kinds.
    let shared = bytes(Pattern::Random(1), 400_000);
    let kept = upload(&images, &shared);
    let doomed: Vec<_> = (2..5)
        .map(|seed| {
            upload(
                &images,
                &bytes(Pattern::Random(seed), 350_000 * seed as usize),
            )
        })
        .collect();
    for image in &doomed {
        images.delete(image.id()).expect("delete");
    }
    let image = images.create(new_image()).expect("create");
    let mut data = bytes(Pattern::Random(2), 700_000);
    data.extend(bytes(Pattern::Random(8), 2_500_000));
    data.extend_from_slice(&shared);
    let (first, second) = data.split_at(2_500_000);
    let mut gc = engine.gc(all_garbage()).expect("begin");
    for _ in 0..at {
        if gc.step().expect("step").is_none() {
            return false;
        }
    }
    let mut running = images.upload(image.id()).expect("begin");
    running.write_all(first).expect("write");
    let steps = match beside {
        Beside::Whole => 0,
        Beside::Across(steps) | Beside::GivenUp(steps) => steps,
    };
    for _ in 0..steps {
        gc.step().expect("step");
    }
    running.write_all(second).expect("write");
    if matches!(beside, Beside::GivenUp(_)) {
        running.cancel().expect("cancel");
    } else {
        running.finish().expect("finish");
    }
    gc.run().expect("collect");
    if !matches!(beside, Beside::GivenUp(_)) {
        assert!(read_all(&images, image.id()) == data, "{at}, {beside:?}");
    }
    assert!(read_all(&images, kept.id()) == shared, "{at}, {beside:?}");
    let report = engine.verify(|_| {}).expect("verify");
    assert!(report.is_clean(), "{at}, {beside:?}: {:#?}", report.damage);
    engine.gc(all_garbage()).expect("begin").run().expect("run");
    let stats = engine.stats().expect("stats");
    assert_eq!(stats.garbage_bytes, 0, "{at}, {beside:?}: {stats:?}");
    true
}

#[test]
fn an_upload_beside_any_step_of_a_collection_keeps_its_bytes() {
    let variants = [
        Beside::Whole,
        Beside::Across(1),
        Beside::Across(4),
        Beside::GivenUp(2),
    ];
    for beside in variants {
        let steps = (0..).take_while(|at| collect_beside(*at, beside)).count();
        assert!(steps > 10, "{steps} steps");
    }
}
