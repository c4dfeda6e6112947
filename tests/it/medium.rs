//! A medium that does not give some of its bytes: it is contained like damage, to what needs them.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use smalti::disk::Disk;
use smalti::engine::Builder;
use smalti::gc::GcOptions;
use smalti::testing::{PackChunk, pack_segments};
use smalti::{Engine, ErrorCode, ImageId, Images};

use crate::support::rot::RotDisk;
use crate::support::{Pattern, bytes, caller, new_image, read_all, small_packs};

fn upload(images: &Images, bytes: &[u8]) -> ImageId {
    let image = images.create(new_image()).expect("create");
    let mut upload = images.upload(image.id()).expect("begin");
    upload.read_from(&mut &*bytes).expect("write");
    *upload.finish().expect("finish").id()
}

fn builder(disk: &RotDisk) -> Builder {
    Builder::on_disk(Arc::new(disk.clone()))
}

fn open(disk: &RotDisk) -> Engine {
    let engine = builder(disk).settings(small_packs()).open();
    engine.expect("open")
}

fn close(engine: Engine) {
    engine.close(Duration::from_secs(9)).expect("close");
}

/// A chunk that holds some bytes: the path of its pack, where it lies, and what it is.
struct Seen {
    path: String,
    range: Range<usize>,
    is_page: bool,
}

/// Returns every chunk of every pack.
fn chunks(disk: &RotDisk) -> Vec<Seen> {
    let paths = disk.paths().into_iter();
    let packs = paths.filter(|path| path.starts_with("packs/"));
    let of_pack = |path: String| {
        let bytes = disk.bytes(&path);
        let number = u64::from_le_bytes(bytes[16..24].try_into().expect("eight bytes"));
        let (segments, _) = pack_segments(&bytes, number).expect("whole");
        let chunks = segments.into_iter().flat_map(|segment| segment.chunks);
        let seen = move |chunk: PackChunk| Seen {
            path: path.clone(),
            range: chunk.offset as usize..chunk.offset as usize + chunk.len_bytes as usize,
            is_page: chunk.is_page,
        };
        chunks.map(seen).collect::<Vec<_>>()
    };
    packs.flat_map(of_pack).collect()
}

/// Makes the medium fail in the first data chunk of some bytes; returns its place.
fn fail_first_chunk(disk: &RotDisk, data: &[u8]) -> Seen {
    let holds = |seen: &Seen| disk.bytes(&seen.path)[seen.range.clone()].starts_with(&data[..64]);
    let seen = chunks(disk).into_iter().find(holds).expect("it is stored");
    disk.fail(&seen.path, seen.range.start..seen.range.start + 512);
    seen
}

fn collect(engine: &Engine) {
    let gc = engine.gc(all_garbage()).expect("begin");
    gc.run().expect("collect");
}

fn all_garbage() -> GcOptions {
    GcOptions {
        min_garbage_ratio: 0.0,
        seal_after_ms: 0,
    }
}

#[test]
fn a_check_goes_on_and_names_the_place_and_the_image() {
    let disk = RotDisk::default();
    let engine = open(&disk);
    let images = engine.images(&caller());
    let (hurt, whole) = (
        bytes(Pattern::Random(1), 900_000),
        bytes(Pattern::Random(2), 900_000),
    );
    let (hurt_id, whole_id) = (upload(&images, &hurt), upload(&images, &whole));
    let clean = engine.verify(|_| {}).expect("verify");
    assert!(clean.is_clean());
    let seen = fail_first_chunk(&disk, &hurt);
    let report = engine
        .verify(|_| {})
        .expect("a failing sector is no error of the check");
    assert_eq!(
        report.chunk_count,
        clean.chunk_count - 1,
        "all others were read"
    );
    let [damage] = &report.damage[..] else {
        panic!("{:?}", report.damage);
    };
    assert_eq!(damage.offset, Some(seen.range.start as u64));
    assert_eq!(damage.images, [hurt_id]);
    assert!(damage.what.contains("os error 5"), "{}", damage.what);
    let of_image = engine.verify_image(&hurt_id).expect("verify");
    assert_eq!(of_image.damage.len(), 1);
    assert!(engine.verify_image(&whole_id).expect("verify").is_clean());
}

#[test]
fn a_collection_leaves_what_cannot_be_read_and_collects_the_rest() {
    let disk = RotDisk::default();
    let engine = open(&disk);
    let images = engine.images(&caller());
    let stored: Vec<_> = (0..6)
        .map(|seed| {
            let data = bytes(Pattern::Random(seed), 150_000);
            let doomed = upload(&images, &bytes(Pattern::Random(100 + seed), 150_000));
            (upload(&images, &data), data, doomed)
        })
        .collect();
    close(engine);
    let engine = open(&disk);
    let images = engine.images(&caller());
    let bad = fail_first_chunk(&disk, &stored[0].1);
    // A page of a deleted image, too: what it names cannot be given back.
    let all = chunks(&disk);
    let of_doomed = all.iter().rfind(|seen| seen.is_page).expect("a page");
    disk.fail(&of_doomed.path, of_doomed.range.clone());
    for (_, _, doomed) in &stored {
        images.delete(doomed).expect("delete");
    }
    let mut gc = engine.gc(all_garbage()).expect("begin");
    while gc
        .step()
        .expect("a failing sector is no error of the collection")
        .is_some()
    {}
    assert!(!gc.report().damaged.is_empty());
    assert!(gc.report().copied_bytes > 500_000, "{:?}", gc.report());
    drop(gc);
    for (id, data, _) in &stored[1..5] {
        assert!(read_all(&images, id) == *data);
    }
    assert!(
        disk.paths().contains(&bad.path),
        "the pack of a chunk that is needed stays"
    );
    // The same bytes come again and mend the image.
    let again = upload(&images, &stored[0].1);
    assert!(read_all(&images, &again) == stored[0].1);
    assert!(read_all(&images, &stored[0].0) == stored[0].1);
}

#[test]
fn an_open_reader_finds_the_copy_that_was_stored_since() {
    let disk = RotDisk::default();
    let engine = open(&disk);
    let images = engine.images(&caller());
    let data = bytes(Pattern::Random(4), 900_000);
    let id = upload(&images, &data);
    close(engine);
    let bad = fail_first_chunk(&disk, &data);
    let engine = open(&disk);
    let images = engine.images(&caller());
    let reader = images.open(&id).expect("open").expect("data");
    let error = reader
        .read_at(&mut [0; 10], 0)
        .expect_err("the medium fails");
    assert_eq!(error.code(), ErrorCode::StoreUnavailable);
    assert!(error.message().contains("pack"), "{error} names the place");
    let end = bad.range.len() as u64;
    let mut behind = vec![0; 1000];
    reader
        .read_at(&mut behind, end)
        .expect("what lies behind is read");
    assert!(behind == data[bad.range.len()..bad.range.len() + 1000]);
    upload(&images, &data);
    let mut found = vec![0; data.len()];
    reader
        .read_at(&mut found, 0)
        .expect("the new copy is found");
    assert!(found == data);
}

#[test]
fn an_engine_opens_beside_an_open_pack_that_cannot_be_read() {
    let disk = RotDisk::default();
    let engine = open(&disk);
    let data = bytes(Pattern::Random(5), 60_000);
    let id = upload(&engine.images(&caller()), &data);
    close(engine);
    let seen = chunks(&disk);
    let (path, end) = (&seen[0].path, disk.bytes(&seen[0].path).len());
    disk.fail(path, end - 64..end);
    let engine = open(&disk);
    let images = engine.images(&caller());
    assert!(read_all(&images, &id) == data);
    let more = bytes(Pattern::Random(6), 60_000);
    let second = upload(&images, &more);
    assert!(read_all(&images, &second) == more);
    let report = engine.verify(|_| {}).expect("verify");
    assert!(!report.is_clean());
}

#[test]
fn a_rebuild_loses_no_more_than_what_cannot_be_read() {
    let disk = RotDisk::default();
    let engine = open(&disk);
    let images = engine.images(&caller());
    let (hurt, whole) = (
        bytes(Pattern::Random(7), 700_000),
        bytes(Pattern::Random(8), 700_000),
    );
    upload(&images, &hurt);
    let whole_id = upload(&images, &whole);
    close(engine);
    let page = chunks(&disk)
        .into_iter()
        .find(|seen| seen.is_page)
        .expect("a page");
    disk.fail(&page.path, page.range.clone());
    let report = builder(&disk)
        .settings(small_packs())
        .rebuild_index(|_, _| {})
        .expect("rebuild");
    assert_eq!(report.image_count, 2);
    assert_eq!(report.lost.len(), 1, "{:?}", report.lost);
    let engine = open(&disk);
    assert!(read_all(&engine.images(&caller()), &whole_id) == whole);
}

#[test]
fn a_page_that_a_rebuild_could_not_read_takes_nothing_with_it_when_it_can_be_read_again() {
    for (delete_first, upload_again) in [(true, false), (true, true), (false, true)] {
        let disk = RotDisk::default();
        let engine = open(&disk);
        let images = engine.images(&caller());
        let data = bytes(Pattern::Random(1), 400_000);
        let mut longer = data.clone();
        longer.extend(bytes(Pattern::Random(2), 100_000));
        let hurt = upload(&images, &data);
        let page = chunks(&disk).into_iter().rfind(|seen| seen.is_page);
        let page = page.expect("a page");
        let sharing = upload(&images, &longer);
        close(engine);
        disk.fail(&page.path, page.range.clone());
        let lost = rebuild(&disk);
        assert_eq!(lost.len(), 1, "{lost:?}");
        disk.heal(&page.path);
        let engine = open(&disk);
        let images = engine.images(&caller());
        if delete_first {
            images.delete(&hurt).expect("delete");
            collect(&engine);
        }
        assert!(read_all(&images, &sharing) == longer);
        if upload_again {
            let again = upload(&images, &data);
            images.delete(&sharing).expect("delete");
            collect(&engine);
            assert!(read_all(&images, &again) == data);
            if !delete_first {
                assert!(read_all(&images, &hurt) == data);
            }
        }
        let report = engine.verify(|_| {}).expect("verify");
        assert!(report.is_clean(), "{:#?}", report.damage);
    }
}

#[test]
fn a_long_read_hands_out_what_lies_before_damage_and_then_names_it() {
    let disk = RotDisk::default();
    let engine = builder(&disk).open().expect("open");
    let data = bytes(Pattern::Random(9), 70_000_000);
    let id = upload(&engine.images(&caller()), &data);
    close(engine);
    let all = chunks(&disk);
    let pack = disk.bytes(&all[0].path);
    let middle = &data[40_000_000..40_000_064];
    let at = pack
        .windows(64)
        .position(|at| at == middle)
        .expect("stored");
    let hurt = all
        .iter()
        .find(|seen| seen.range.contains(&at))
        .expect("in a chunk");
    let flip = |bytes: &mut Vec<u8>| bytes[hurt.range.start] ^= 1;
    type Harm<'a> = &'a dyn Fn();
    let harms: [(Harm<'_>, ErrorCode); 2] = [
        (
            &|| disk.fail(&hurt.path, hurt.range.clone()),
            ErrorCode::StoreUnavailable,
        ),
        (&|| disk.change(&hurt.path, flip), ErrorCode::Corrupt),
    ];
    for (harm, code) in harms {
        harm();
        let engine = builder(&disk).open().expect("open");
        let images = engine.images(&caller());
        for _ in 0..3 {
            let reader = images.open(&id).expect("open").expect("data");
            let mut found = Vec::new();
            let mut ended = None;
            for slice in reader.slices(..).expect("all") {
                match slice {
                    Ok(slice) => found.extend_from_slice(&slice),
                    Err(error) => ended = Some(error.code()),
                }
            }
            assert_eq!(ended, Some(code));
            assert!(
                data.starts_with(&found) && found.len() > 39_000_000,
                "{}",
                found.len()
            );
        }
        let reader = images.open(&id).expect("open").expect("data");
        let mut behind = vec![0; 20_000_000];
        reader
            .read_at(&mut behind, 50_000_000)
            .expect("it is whole");
        assert!(behind == data[50_000_000..]);
        close(engine);
        disk.heal(&hurt.path);
    }
}

fn rebuild(disk: &RotDisk) -> Vec<String> {
    let report = builder(disk)
        .settings(small_packs())
        .rebuild_index(|_, _| {});
    report.expect("rebuild").lost
}

#[test]
fn what_a_rebuild_could_not_read_is_kept_until_it_can_be_read_again() {
    let disk = RotDisk::default();
    let engine = open(&disk);
    let images = engine.images(&caller());
    let (data, other) = (
        bytes(Pattern::Random(1), 900_000),
        bytes(Pattern::Random(2), 300_000),
    );
    let hurt = upload(&images, &data);
    let page = chunks(&disk)
        .into_iter()
        .rfind(|seen| seen.is_page)
        .expect("a page");
    upload(&images, &other);
    close(engine);
    disk.fail(&page.path, page.range.clone());
    assert_eq!(rebuild(&disk).len(), 1);
    let engine = open(&disk);
    collect(&engine);
    close(engine);
    disk.heal(&page.path);
    assert_eq!(rebuild(&disk), Vec::<String>::new());
    assert!(read_all(&open(&disk).images(&caller()), &hurt) == data);
}

#[test]
fn what_lies_before_a_lost_chunk_is_read() {
    let disk = RotDisk::default();
    let engine = open(&disk);
    let images = engine.images(&caller());
    let data = bytes(Pattern::Random(1), 900_000);
    let mut longer = bytes(Pattern::Random(2), 24 * 4096);
    longer.extend_from_slice(&data);
    upload(&images, &data);
    let id = upload(&images, &longer);
    assert!(engine.stats().expect("stats").shared_bytes > 700_000);
    close(engine);
    let lost = fail_first_chunk(&disk, &data);
    disk.remove(&lost.path).expect("remove");
    let engine = open(&disk);
    let reader = engine
        .images(&caller())
        .open(&id)
        .expect("open")
        .expect("data");
    let mut found = Vec::new();
    let mut slices = reader.slices(..).expect("all");
    let error = loop {
        match slices.next().expect("not to the end") {
            Ok(slice) => found.extend_from_slice(&slice),
            Err(error) => break error,
        }
    };
    assert_eq!(error.code(), ErrorCode::Corrupt);
    assert!(
        longer.starts_with(&found) && found.len() >= 80_000,
        "{}",
        found.len()
    );
}
