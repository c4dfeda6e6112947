//! Checking and rebuilding: damage is found and named, and a lost index comes back.

use std::fs;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use smalti::gc::GcOptions;
use smalti::{Engine, ErrorKind, Image, ImageId, Images, Status};

use crate::support::{Pattern, bytes, caller, new_image, read_all, small_packs};

fn upload(images: &Images, data: &[u8]) -> Image {
    let image = images.create(new_image()).expect("create");
    let mut upload = images.upload(image.id()).expect("begin");
    upload.write_all(data).expect("write");
    upload.finish().expect("finish")
}

fn open(dir: &Path) -> Engine {
    Engine::builder(dir)
        .settings(small_packs())
        .open()
        .expect("open")
}

/// Fills an engine with images that come, share, and go.
fn fill(engine: &Engine) -> Vec<(ImageId, Vec<u8>)> {
    let images = engine.images(&caller());
    let mut kept = Vec::new();
    for seed in 0..6 {
        let data = bytes(Pattern::Mixed(seed / 2), 700_000 + seed as usize);
        kept.push((*upload(&images, &data).id(), data));
        let doomed = upload(&images, &bytes(Pattern::Random(seed), 300_000));
        images.delete(doomed.id()).expect("delete");
    }
    drop(
        images
            .upload(images.create(new_image()).expect("create").id())
            .expect("begin"),
    );
    kept
}

fn expect_clean(engine: &Engine) {
    let report = engine.verify(|_| {}).expect("verify");
    assert!(report.is_clean(), "{:#?}", report.damage);
    assert!(report.chunk_count > 0 && report.pack_count > 0);
}

#[test]
fn what_was_stored_and_collected_is_clean() {
    let engine = Engine::builder_in_memory()
        .settings(small_packs())
        .open()
        .expect("open");
    let kept = fill(&engine);
    expect_clean(&engine);
    engine.collect().expect("collect");
    expect_clean(&engine);
    let all = GcOptions {
        min_garbage_ratio: 0.0,
        seal_after_ms: 0,
    };
    engine.gc(all).expect("begin").run().expect("collect");
    expect_clean(&engine);
    for (id, data) in &kept {
        assert!(read_all(&engine.images(&caller()), id) == *data);
        assert!(engine.verify_image(id).expect("verify").is_clean());
    }
}

#[test]
fn a_flipped_bit_is_traced_to_the_images_that_need_it_and_to_no_others() {
    let dir = tempfile::tempdir().expect("make a directory");
    let engine = open(dir.path());
    let images = engine.images(&caller());
    let (good, bad) = (
        bytes(Pattern::Random(1), 900_000),
        bytes(Pattern::Random(2), 900_000),
    );
    let (good_id, bad_id) = (*upload(&images, &good).id(), *upload(&images, &bad).id());
    engine.close(Duration::from_secs(1)).expect("close");
    drop((images, engine));
    let needle = &bad[500_000..500_016];
    let flipped = fs::read_dir(dir.path().join("packs"))
        .expect("list")
        .any(|entry| {
            let path = entry.expect("entry").path();
            let pack = fs::read(&path).expect("read");
            let Some(at) = pack.windows(16).position(|window| window == needle) else {
                return false;
            };
            let file = fs::OpenOptions::new()
                .write(true)
                .open(&path)
                .expect("open");
            file.write_all_at(&[pack[at] ^ 1], at as u64).expect("flip");
            true
        });
    assert!(flipped, "the bytes are in a pack");
    let engine = open(dir.path());
    let images = engine.images(&caller());
    assert!(read_all(&images, &good_id) == good);
    let reader = images.open(&bad_id).expect("open").expect("data");
    let error = reader
        .slices(..)
        .expect("all")
        .find_map(Result::err)
        .expect("damage is met");
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(
        error.message().contains("pack 0000000000000002, offset "),
        "{error}"
    );
    let report = engine.verify(|_| {}).expect("verify");
    assert_eq!(report.damage.len(), 1, "{:#?}", report.damage);
    assert_eq!(report.damage[0].images, [bad_id]);
    assert!(engine.verify_image(&good_id).expect("verify").is_clean());
    assert_eq!(
        engine.verify_image(&bad_id).expect("verify").damage.len(),
        1
    );
    // The same bytes, sent again, heal what is damaged.
    let healed = upload(&images, &bad);
    assert!(read_all(&images, healed.id()) == bad);
    assert!(read_all(&images, &bad_id) == bad);
}

#[test]
fn a_lost_index_is_made_anew_from_packs_and_names() {
    let dir = tempfile::tempdir().expect("make a directory");
    let engine = open(dir.path());
    let kept = fill(&engine);
    let before = engine.stats().expect("stats");
    // No close: the names are in the log alone.
    drop(engine);
    fs::write(dir.path().join("index.redb"), b"not an index").expect("damage");
    let refused = Engine::builder(dir.path())
        .open()
        .expect_err("the index is damaged");
    assert_eq!(refused.kind(), ErrorKind::Corrupt);
    let mut calls = 0;
    let report = Engine::builder(dir.path())
        .rebuild_index(|_, _| calls += 1)
        .expect("rebuild");
    assert_eq!(
        (report.image_count, &report.lost),
        (7, &Vec::new()),
        "{report:?}"
    );
    assert!(calls > 1);
    let engine = open(dir.path());
    let images = engine.images(&caller());
    for (id, data) in &kept {
        assert_eq!(images.show(id).expect("show").status(), Status::Active);
        assert!(read_all(&images, id) == *data);
    }
    expect_clean(&engine);
    let all = GcOptions {
        min_garbage_ratio: 0.0,
        seal_after_ms: 0,
    };
    engine.gc(all).expect("begin").run().expect("collect");
    expect_clean(&engine);
    let after = engine.stats().expect("stats");
    let sums = |s: &smalti::engine::Stats| (s.image_count, s.logical_bytes, s.zero_bytes);
    assert_eq!(sums(&after), sums(&before));
    let again = upload(&images, &kept[0].1);
    assert_eq!(
        engine.stats().expect("stats").unique_bytes,
        after.unique_bytes
    );
    assert!(read_all(&images, again.id()) == kept[0].1);
}

fn rebuild(dir: &Path) -> smalti::check::RebuildReport {
    fs::write(dir.join("index.redb"), b"not an index").expect("damage");
    Engine::builder(dir)
        .rebuild_index(|_, _| {})
        .expect("rebuild")
}

fn collect_all(engine: &Engine) -> smalti::gc::GcReport {
    let all = GcOptions {
        min_garbage_ratio: 0.0,
        seal_after_ms: 0,
    };
    engine.gc(all).expect("begin").run().expect("collect")
}

/// Returns the packs of a directory with their bytes, in order of their numbers.
fn packs(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let list = fs::read_dir(dir.join("packs")).expect("list");
    let mut paths: Vec<_> = list.map(|entry| entry.expect("entry").path()).collect();
    paths.sort();
    let read = |path: PathBuf| (path.clone(), fs::read(&path).expect("read"));
    paths.into_iter().map(read).collect()
}

fn flip(path: &Path, at: usize) {
    let mut bytes = fs::read(path).expect("read");
    bytes[at] ^= 1;
    fs::write(path, bytes).expect("write");
}

#[test]
fn pages_of_deleted_images_hold_nothing_after_a_rebuild() {
    let dir = tempfile::tempdir().expect("make a directory");
    let engine = open(dir.path());
    let images = engine.images(&caller());
    // The bytes of the first lie in a pack of their own; of the second, which repeats them, only the
    // manifest and a tail are new, and lie beside what is kept.
    let doomed = bytes(Pattern::Random(1), 900_000);
    let mut longer = doomed.clone();
    longer.extend(bytes(Pattern::Random(9), 70_000));
    let kept = bytes(Pattern::Random(2), 100_000);
    let doomed_ids = [&doomed, &longer].map(|data| *upload(&images, data).id());
    let kept_id = *upload(&images, &kept).id();
    doomed_ids
        .iter()
        .for_each(|id| images.delete(id).expect("delete"));
    drop((images, engine));
    let holds = |pack: &[u8], data: &[u8]| pack.windows(16).any(|window| *window == data[..16]);
    let (mut removed, mut left) = (0, 0);
    for (path, pack) in packs(dir.path()) {
        if holds(&pack, &doomed) {
            removed += 1;
            assert!(!holds(&pack, &kept), "it has a pack of its own");
            fs::remove_file(path).expect("remove");
        } else if holds(&pack, &longer[900_000..]) {
            left += 1;
        }
    }
    assert_eq!(
        (removed, left),
        (1, 1),
        "the second manifest is still there"
    );
    let report = rebuild(dir.path());
    assert_eq!(report.lost, Vec::<String>::new());
    let engine = open(dir.path());
    collect_all(&engine);
    collect_all(&engine);
    expect_clean(&engine);
    assert!(read_all(&engine.images(&caller()), &kept_id) == kept);
}

#[test]
fn of_several_copies_a_rebuild_takes_one_that_is_whole() {
    let dir = tempfile::tempdir().expect("make a directory");
    let engine = open(dir.path());
    let data = bytes(Pattern::Random(3), 200_000);
    let id = *upload(&engine.images(&caller()), &data).id();
    engine.close(Duration::from_secs(1)).expect("close");
    drop(engine);
    let find = |pack: &[u8]| pack.windows(16).position(|w| *w == data[..16]);
    let (path, at) = packs(dir.path())
        .into_iter()
        .find_map(|(path, pack)| Some((path, find(&pack)?)))
        .expect("the bytes are in a pack");
    flip(&path, at);
    // What is damaged is stored again beside it.
    let engine = open(dir.path());
    let images = engine.images(&caller());
    upload(&images, &data);
    assert!(read_all(&images, &id) == data);
    drop((images, engine));
    let report = rebuild(dir.path());
    assert_eq!(report.lost, Vec::<String>::new());
    let engine = open(dir.path());
    assert!(read_all(&engine.images(&caller()), &id) == data);
}

/// Returns the pack that holds some bytes, and where its segments end.
#[cfg(feature = "testing")]
fn pack_with(dir: &Path, needle: &[u8]) -> (PathBuf, Vec<usize>) {
    let holds = |pack: &[u8]| pack.windows(needle.len()).any(|window| window == needle);
    let (path, pack) = packs(dir)
        .into_iter()
        .find(|(_, pack)| holds(pack))
        .expect("the bytes are in a pack");
    let number = u64::from_le_bytes(pack[16..24].try_into().expect("eight bytes"));
    let (segments, _) = smalti::testing::pack_segments(&pack, number).expect("whole");
    (path, segments.iter().map(|s| s.end as usize).collect())
}

#[cfg(feature = "testing")]
#[test]
fn a_damaged_descriptor_costs_a_rebuild_one_segment() {
    for sealed in [false, true] {
        let dir = tempfile::tempdir().expect("make a directory");
        let engine = open(dir.path());
        let images = engine.images(&caller());
        let stored: Vec<_> = (0..4)
            .map(|seed| {
                let data = bytes(Pattern::Random(seed), 60_000);
                (*upload(&images, &data).id(), data)
            })
            .collect();
        if sealed {
            collect_all(&engine);
        }
        drop((images, engine));
        let (path, ends) = pack_with(dir.path(), &stored[0].1[..16]);
        assert!(ends.len() > 3, "{ends:?}");
        flip(&path, ends[0] - 1);
        let before = fs::read(&path).expect("read");
        let report = rebuild(dir.path());
        let skipped = format!("[4096..{}]", ends[0]);
        assert!(
            report.lost.iter().any(|l| l.contains(&skipped)),
            "{report:?}"
        );
        let engine = open(dir.path());
        for (id, data) in &stored[1..] {
            assert!(read_all(&engine.images(&caller()), id) == *data);
        }
        collect_all(&engine);
        let after = fs::read(&path).expect("read");
        assert!(after == before, "the pack is left as it is");
    }
}

#[test]
fn a_missing_pack_names_the_images_that_need_it() {
    let dir = tempfile::tempdir().expect("make a directory");
    let engine = open(dir.path());
    let images = engine.images(&caller());
    let first = bytes(Pattern::Random(1), 2_000_000);
    let first_id = *upload(&images, &first).id();
    collect_all(&engine);
    let second_id = *upload(&images, &bytes(Pattern::Random(2), 200_000)).id();
    engine.close(Duration::from_secs(1)).expect("close");
    drop((images, engine));
    let (path, _) = packs(dir.path())
        .into_iter()
        .find(|(_, pack)| pack.windows(16).any(|window| *window == first[..16]))
        .expect("the bytes are in a pack");
    fs::remove_file(path).expect("remove");
    let engine = open(dir.path());
    let report = engine.verify(|_| {}).expect("verify");
    let named: Vec<_> = report.damage.iter().flat_map(|d| &d.images).collect();
    assert!(named.contains(&&first_id), "{:#?}", report.damage);
    assert!(!named.contains(&&second_id), "{:#?}", report.damage);
}

#[test]
fn what_a_rebuild_cannot_find_is_healed_by_the_same_bytes_and_goes_with_its_images() {
    let dir = tempfile::tempdir().expect("make a directory");
    let engine = open(dir.path());
    let images = engine.images(&caller());
    let data = bytes(Pattern::Random(1), 900_000);
    let mut longer = data.clone();
    longer.extend(bytes(Pattern::Random(2), 100_000));
    let other = bytes(Pattern::Random(3), 100_000);
    let [first, second, whole] = [&data, &longer, &other].map(|data| *upload(&images, data).id());
    drop((images, engine));
    let holds = |pack: &[u8]| pack.windows(16).any(|window| *window == data[..16]);
    let mut all = packs(dir.path()).into_iter();
    let (path, _) = all.find(|(_, pack)| holds(pack)).expect("it is stored");
    fs::remove_file(path).expect("remove");
    assert!(!rebuild(dir.path()).lost.is_empty());
    let engine = open(dir.path());
    let images = engine.images(&caller());
    assert!(read_all(&images, &whole) == other);
    let lost = images.open(&first).expect_err("its manifest is gone");
    assert_eq!(lost.kind(), ErrorKind::Corrupt);
    let report = engine.verify(|_| {}).expect("verify");
    let needs = |id| {
        report
            .damage
            .iter()
            .any(|damage| damage.images.contains(id))
    };
    assert!(
        needs(&first) && needs(&second) && !needs(&whole),
        "{:#?}",
        report.damage
    );
    assert!(
        report.damage.iter().all(|damage| damage.chunk.is_some()),
        "{:#?}",
        report.damage
    );
    // What is lost goes with the images that name it.
    images.delete(&first).expect("delete");
    assert_eq!(collect_all(&engine).damaged, Vec::<String>::new());
    // The same bytes heal who still needs them, and are not taken away with another image.
    let again = *upload(&images, &data).id();
    assert!(read_all(&images, &second) == longer);
    images.delete(&again).expect("delete");
    assert_eq!(collect_all(&engine).damaged, Vec::<String>::new());
    assert!(read_all(&images, &second) == longer);
    expect_clean(&engine);
    images.delete(&second).expect("delete");
    images.delete(&whole).expect("delete");
    collect_all(&engine);
    assert_eq!(engine.stats().expect("stats").pack_bytes, 0);
}

#[cfg(feature = "testing")]
#[test]
fn a_damaged_last_descriptor_is_not_taken_for_what_a_crash_left() {
    let dir = tempfile::tempdir().expect("make a directory");
    let engine = open(dir.path());
    let images = engine.images(&caller());
    let stored: Vec<_> = (0..3)
        .map(|seed| {
            let data = bytes(Pattern::Random(seed), 60_000);
            (*upload(&images, &data).id(), data)
        })
        .collect();
    drop((images, engine));
    let (path, ends) = pack_with(dir.path(), &stored[0].1[..16]);
    let last = *ends.last().expect("segments");
    flip(&path, last - 1);
    let before = fs::read(&path).expect("read");
    let report = rebuild(dir.path());
    let tail = format!("bytes {}..{last}", ends[ends.len() - 2]);
    let told = report.lost.iter().any(|what| what.contains(&tail));
    assert!(told, "{tail}: {:?}", report.lost);
    let engine = open(dir.path());
    let images = engine.images(&caller());
    for (id, data) in &stored[..2] {
        assert!(read_all(&images, id) == *data);
    }
    assert!(images.open(&stored[2].0).is_err());
    upload(&images, &bytes(Pattern::Random(7), 60_000));
    assert!(
        fs::read(&path).expect("read") == before,
        "nothing is cut off or written over"
    );
}
