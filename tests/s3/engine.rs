//! The engine over objects in memory: all it does with packs it does with objects.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use smalti::store::remote::ObjectPacks;
use smalti::store::remote::object_store::memory::InMemory;
use smalti::store::remote::object_store::{ObjectStore, ObjectStoreExt};
use smalti::{ContainerFormat, DiskFormat, Engine, GcOptions, NewImage, Settings};
use tokio::runtime::Runtime;

use crate::support::{bytes, caller, open, options, read, upload};

fn engine(dir: &Path, objects: &Arc<InMemory>) -> Engine {
    let packs = ObjectPacks::new(Arc::clone(objects), dir.join("near"), options());
    let settings = Settings {
        pack_len_bytes: 16 << 20,
        ..Settings::default()
    };
    open(dir, packs.expect("make"), settings).expect("open")
}

/// Returns the packs that are there, each with its length.
fn packs(objects: &InMemory) -> Vec<(String, u64)> {
    let runtime = Runtime::new().expect("starts");
    let dir = "images/packs".into();
    let listed = objects.list_with_delimiter(Some(&dir));
    let listed = runtime.block_on(listed).expect("list");
    let of = listed.objects.iter();
    of.map(|object| (object.location.to_string(), object.size))
        .collect()
}

#[test]
fn images_are_read_from_the_bucket_after_all_here_is_gone() {
    let (dir, objects) = (
        tempfile::tempdir().expect("make"),
        Arc::new(InMemory::new()),
    );
    let data = bytes(1, 40 << 20);
    let first = engine(dir.path(), &objects);
    let id = *upload(&first, &data).expect("upload").id();
    let tiny = *upload(&first, b"tiny").expect("upload").id();
    let empty = *upload(&first, b"").expect("upload").id();
    let before = packs(&objects).len();
    assert!(before >= 3, "{before}");
    // What is stored is not stored again.
    let again = *upload(&first, &data).expect("upload").id();
    assert_eq!(packs(&objects).len(), before);
    first.close(Duration::from_secs(5)).expect("close");
    drop(first);
    std::fs::remove_dir_all(dir.path().join("near")).expect("remove");
    let engine = engine(dir.path(), &objects);
    for (id, data) in [
        (id, &data[..]),
        (again, &data),
        (tiny, b"tiny"),
        (empty, b""),
    ] {
        assert!(read(&engine, &id).expect("read") == data);
    }
    let reader = engine
        .images(&caller())
        .open(&id)
        .expect("open")
        .expect("data");
    let mut buf = vec![0; 70_000];
    for offset in (0..data.len() - buf.len()).step_by(3_333_333) {
        reader.read_at(&mut buf, offset as u64).expect("read");
        assert!(buf == data[offset..offset + buf.len()], "{offset}");
    }
    let report = engine.verify(|_| ()).expect("verify");
    assert!(report.damage.is_empty(), "{report:?}");
    // Deleted ones go from the bucket, and a reader reads on.
    for id in [id, again, tiny, empty] {
        engine.images(&caller()).delete(&id).expect("delete");
    }
    engine.collect().expect("collect");
    reader.read_at(&mut buf, 5).expect("read");
    assert!(buf == data[5..5 + buf.len()]);
    drop(reader);
    engine.collect().expect("collect");
    assert_eq!(packs(&objects), []);
}

#[test]
fn an_upload_that_is_dropped_anywhere_leaves_nothing_and_loses_nothing() {
    let (dir, objects) = (
        tempfile::tempdir().expect("make"),
        Arc::new(InMemory::new()),
    );
    let kept = bytes(1, 3 << 20);
    let first = engine(dir.path(), &objects);
    let id = *upload(&first, &kept).expect("upload").id();
    drop(first);
    let before = packs(&objects);
    let long = bytes(2, 38 << 20);
    for (round, len) in [0, 1, 70_000, 5 << 20, 17 << 20, long.len()]
        .into_iter()
        .enumerate()
    {
        let engine = engine(dir.path(), &objects);
        let images = engine.images(&caller());
        let new = NewImage::named("x")
            .disk_format(DiskFormat::Raw)
            .container_format(ContainerFormat::Bare);
        let image = images.create(new).expect("create");
        let mut upload = images.upload(image.id()).expect("begin");
        upload
            .write_all(&kept[..kept.len().min(len)])
            .expect("write");
        upload.write_all(&long[..len]).expect("write");
        drop((upload, images));
        // At once, or after the engine was opened again.
        if round % 2 == 0 {
            engine.collect().expect("collect");
            assert_eq!(packs(&objects), before, "{len}");
        }
        drop(engine);
        let engine = self::engine(dir.path(), &objects);
        engine.collect().expect("collect");
        assert!(read(&engine, &id).expect("read") == kept, "{len}");
        assert_eq!(packs(&objects), before, "{len}");
        drop(engine);
    }
}

#[test]
fn compaction_moves_what_lives_into_new_objects() {
    let (dir, objects) = (
        tempfile::tempdir().expect("make"),
        Arc::new(InMemory::new()),
    );
    let engine = engine(dir.path(), &objects);
    let half = bytes(1, 6 << 20);
    let both = [&half[..], &bytes(2, 9 << 20)].concat();
    let gone = *upload(&engine, &both).expect("upload").id();
    let kept = *upload(&engine, &half).expect("upload").id();
    let bytes_of = |packs: Vec<(String, u64)>| packs.iter().map(|(_, len)| len).sum::<u64>();
    let before = bytes_of(packs(&objects));
    engine.images(&caller()).delete(&gone).expect("delete");
    let eager = GcOptions {
        min_garbage_ratio: 0.0,
        ..GcOptions::default()
    };
    let report = engine.gc(eager).expect("begin").run().expect("collect");
    assert!(report.copied_bytes >= 5 << 20, "{report:?}");
    let after = bytes_of(packs(&objects));
    assert!(after < before - (8 << 20), "{before} {after}");
    assert_eq!(
        packs(&objects).len() as u64,
        engine.stats().expect("figures").pack_count
    );
    assert!(read(&engine, &kept).expect("read") == half);
    // One that is stopped in the middle is as if it had not been.
    let third = *upload(&engine, &both).expect("upload").id();
    engine.images(&caller()).delete(&kept).expect("delete");
    let mut gc = engine.gc(eager).expect("begin");
    for _ in 0..7 {
        let _ = gc.step().expect("a step");
    }
    drop(gc);
    engine.collect().expect("collect");
    assert_eq!(
        packs(&objects).len() as u64,
        engine.stats().expect("figures").pack_count
    );
    assert!(read(&engine, &third).expect("read") == both);
}

#[test]
fn objects_of_which_the_index_knows_nothing_are_deleted() {
    let (dir, objects) = (
        tempfile::tempdir().expect("make"),
        Arc::new(InMemory::new()),
    );
    let engine = engine(dir.path(), &objects);
    for number in 0..3 {
        let image = upload(&engine, &bytes(number, 100_000)).expect("upload");
        engine.images(&caller()).delete(image.id()).expect("delete");
    }
    let id = *upload(&engine, b"kept").expect("upload").id();
    engine.collect().expect("collect");
    let kept = packs(&objects);
    assert_eq!(kept.len(), 1);
    let runtime = Runtime::new().expect("starts");
    let put = |name: &str| {
        let path = format!("images/packs/{name}").into();
        let put = objects.put(&path, b"late".to_vec().into());
        runtime.block_on(put).expect("put");
    };
    // A number that was given and given back; one that never was; what is no pack at all.
    put("0000000000000001.pack");
    put("00000000ffffffff.pack");
    put("readme.txt");
    let report = engine.collect().expect("collect");
    assert_eq!(report.orphan_packs, 1);
    let left = packs(&objects);
    assert_eq!(left.len(), 3, "{left:?}");
    assert_eq!(read(&engine, &id).expect("read"), b"kept");
}

#[test]
fn a_store_that_is_away_costs_what_it_holds_and_nothing_else() {
    let (dir, objects) = (
        tempfile::tempdir().expect("make"),
        Arc::new(InMemory::new()),
    );
    let first = engine(dir.path(), &objects);
    let id = *upload(&first, b"far").expect("upload").id();
    drop(first);
    // Another bucket has not the mark of the owner.
    let other = engine(dir.path(), &Arc::new(InMemory::new()));
    assert!(read(&other, &id).is_err());
    let refused = upload(&other, b"x").expect_err("the store is away");
    assert!(refused.is_retryable(), "{refused}");
    drop(other);
    let engine = engine(dir.path(), &objects);
    assert_eq!(read(&engine, &id).expect("read"), b"far");
}
