//! Several stores in one engine: which takes data, which gives it, and what becomes of a lost one.

use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::Path;

use smalti::gc::GcOptions;
use smalti::import;
use smalti::{
    Caller, Engine, ErrorCode, Image, Images, ListQuery, NamedStore, ReadOptions, Reader, Result,
    Status, UploadOptions,
};

use crate::support::{Pattern, bytes, caller, new_image};

fn open(dir: &Path) -> Result<Engine> {
    Engine::builder(dir.join("engine"))
        .store(NamedStore::own("fast").weight(10))
        .store(NamedStore::on_path("slow", dir.join("slow")).description("disks that turn"))
        .store(NamedStore::http("web"))
        .open()
}

fn upload(engine: &Engine, store: Option<&str>, data: &[u8]) -> Result<Image> {
    let images = engine.images(&caller());
    let image = images.create(new_image())?;
    let options = UploadOptions {
        store: store.map(str::to_owned),
        ..UploadOptions::default()
    };
    let mut upload = images.upload_with(image.id(), options)?;
    upload.read_from(&mut &*data)?;
    upload.finish()
}

fn read_all(mut reader: Reader) -> Vec<u8> {
    let mut all = Vec::new();
    reader.read_to_end(&mut all).expect("read");
    all
}

fn pack_bytes(dir: &Path) -> u64 {
    let packs = std::fs::read_dir(dir.join("packs")).expect("list");
    let packs = packs.map(|pack| pack.expect("entry"));
    let packs = packs.filter(|pack| pack.file_name() != "OWNER");
    packs
        .map(|pack| pack.metadata().expect("measure").len())
        .sum()
}

#[test]
fn data_goes_to_the_store_that_is_named_and_is_deduplicated_there() {
    let dir = tempfile::tempdir().expect("make a directory");
    let engine = open(dir.path()).expect("open");
    let data = bytes(Pattern::Random(1), 3_000_000);
    let slow = upload(&engine, Some("slow"), &data).expect("upload");
    assert_eq!(slow.locations()[0].store(), Some("slow"));
    assert_eq!(pack_bytes(&dir.path().join("engine")), 0);
    let once = pack_bytes(&dir.path().join("slow"));
    assert!(once > 3_000_000);
    let fast = upload(&engine, None, &data).expect("upload");
    assert_eq!(fast.locations()[0].store(), Some("fast"));
    assert!(
        pack_bytes(&dir.path().join("engine")) > 3_000_000,
        "another store shares nothing"
    );
    upload(&engine, Some("slow"), &data).expect("upload");
    assert_eq!(pack_bytes(&dir.path().join("slow")), once);
    let images = engine.images(&caller());
    for image in [&slow, &fast] {
        let reader = images.open(image.id()).expect("open").expect("data");
        assert!(read_all(reader) == data);
    }
    assert!(engine.verify(|_| {}).expect("verify").is_clean());
    let infos = engine.stores();
    let shown: Vec<_> = infos
        .iter()
        .map(|it| (&*it.name, &*it.kind, it.is_default))
        .collect();
    assert_eq!(
        shown,
        [
            ("fast", "file", true),
            ("slow", "file", false),
            ("web", "http", false)
        ]
    );
}

#[test]
fn a_store_that_takes_no_data_refuses_it_and_the_image_stays_queued() {
    let dir = tempfile::tempdir().expect("make a directory");
    let engine = open(dir.path()).expect("open");
    for (store, code) in [
        ("web", ErrorCode::StoreAddDisabled),
        ("none", ErrorCode::UnknownStore),
        ("os_glance_staging_store", ErrorCode::UnknownStore),
    ] {
        let refused = upload(&engine, Some(store), b"x").expect_err(store);
        assert_eq!(refused.code(), code, "{store}");
    }
    let page = engine.images(&caller()).list(&ListQuery::new());
    let page = page.expect("list");
    let images = page.images();
    assert_eq!(images.len(), 3);
    assert!(images.iter().all(|image| image.status() == Status::Queued));
}

#[test]
fn names_of_stores_are_ignored_where_none_was_given() {
    let engine = Engine::in_memory().expect("open");
    let image = upload(&engine, Some("nope"), b"x").expect("upload");
    assert_eq!(image.locations()[0].store(), Some("local"));
    let refused = engine
        .images(&caller())
        .delete_from_store(image.id(), "local");
    assert_eq!(refused.expect_err("no stores").code(), ErrorCode::NotFound);
}

#[test]
fn an_engine_opens_without_a_store_that_is_not_there() {
    let dir = tempfile::tempdir().expect("make a directory");
    let engine = open(dir.path()).expect("open");
    let data = bytes(Pattern::Mixed(2), 2_000_000);
    let slow = upload(&engine, Some("slow"), &data).expect("upload");
    let fast = upload(&engine, None, &data).expect("upload");
    engine.close(std::time::Duration::ZERO).expect("close");
    drop(engine);
    std::fs::rename(dir.path().join("slow"), dir.path().join("away")).expect("unmount");
    let engine = open(dir.path()).expect("open");
    let images = engine.images(&caller());
    assert!(read_all(images.open(fast.id()).expect("open").expect("data")) == data);
    let lost = images.open(slow.id()).map(drop).expect_err("it is away");
    assert_eq!(lost.code(), ErrorCode::StoreUnavailable);
    let refused = upload(&engine, Some("slow"), b"x").expect_err("it is away");
    assert_eq!(refused.code(), ErrorCode::StoreUnavailable);
    images.delete(slow.id()).expect("delete");
    let eager = GcOptions {
        min_garbage_ratio: 0.0,
        seal_after_ms: 0,
    };
    engine.gc(eager).expect("begin").run().expect("collect");
    drop((images, engine));
    assert!(
        !dir.path().join("slow").exists(),
        "nothing is made in its place"
    );
    std::fs::rename(dir.path().join("away"), dir.path().join("slow")).expect("mount");
    let engine = open(dir.path()).expect("open");
    engine.gc(eager).expect("begin").run().expect("collect");
    assert_eq!(pack_bytes(&dir.path().join("slow")), 0, "its space returns");
    upload(&engine, Some("slow"), &data).expect("upload");
}

#[test]
fn a_store_of_another_engine_is_refused() {
    let dir = tempfile::tempdir().expect("make a directory");
    drop(open(dir.path()).expect("open"));
    let other = |name| {
        Engine::builder(dir.path().join("other"))
            .store(NamedStore::on_path(name, dir.path().join("slow")))
            .open()
    };
    let refused = other("slow").expect_err("it has an owner");
    assert_eq!(refused.code(), ErrorCode::InvalidSettings);
    assert!(refused.message().contains("another engine"), "{refused}");
}

#[test]
fn the_directory_of_an_engine_is_no_store() {
    let dir = tempfile::tempdir().expect("make a directory");
    drop(open(dir.path()).expect("open"));
    for here in ["other", "engine"] {
        let refused = Engine::builder(dir.path().join(here))
            .store(NamedStore::on_path("s", dir.path().join("engine")))
            .open();
        let refused = refused.expect_err("packs of two would be among each other");
        assert_eq!(refused.code(), ErrorCode::InvalidSettings);
        assert!(!dir.path().join("engine/packs/OWNER").exists());
    }
}

/// Damages the packs of a store from a place on, in parts of them; returns how many there were.
fn damage(store: &Path, from: u64, len: u64) -> usize {
    let packs = std::fs::read_dir(store.join("packs")).expect("list");
    let packs = packs.map(|pack| pack.expect("entry").path());
    let packs: Vec<_> = packs.filter(|pack| pack.extension().is_some()).collect();
    for pack in &packs {
        let file = std::fs::File::options()
            .write(true)
            .open(pack)
            .expect("open");
        let end = file.metadata().expect("measure").len();
        let len = len.min(end.saturating_sub(from));
        file.write_all_at(&vec![0x5a; len as usize], from)
            .expect("damage");
    }
    packs.len()
}

#[test]
fn a_copy_that_is_damaged_anywhere_is_read_on_from_another_store() {
    const LEN: usize = 5_000_000;
    let data = bytes(Pattern::Random(4), LEN);
    // Some of the data in the middle, most of it, and everything with the manifest.
    for (from, len) in [(2_000_000, 300_000), (8_192, 4_000_000), (0, u64::MAX)] {
        let dir = tempfile::tempdir().expect("make a directory");
        let engine = open(dir.path()).expect("open");
        let images = engine.images(&caller().with_role("admin"));
        let image = upload(&engine, Some("slow"), &data).expect("upload");
        let copy = import::Request::copy_image().stores(["fast"]);
        let copied = images.import(image.id(), &copy, &Default::default());
        copied
            .expect("accept")
            .expect("import")
            .run()
            .expect("copy");
        drop((images, engine));
        assert_eq!(damage(&dir.path().join("slow"), from, len), 1);
        let engine = open(dir.path()).expect("open");
        let images = engine.images(&caller());
        let from_slow = || {
            let reader = images.open_preferring(image.id(), &["slow"], ReadOptions::default());
            reader.expect("open").expect("data")
        };
        assert!(read_all(from_slow()) == data, "{from} {len}");
        let extents = from_slow().extents().collect::<Result<Vec<_>>>();
        assert_eq!(extents.expect("another copy tells them").len(), 1);
        assert!(
            !engine.verify(|_| {}).expect("verify").is_clean(),
            "it is damaged"
        );
        engine
            .images(&caller().with_role("admin"))
            .delete_from_store(image.id(), "fast")
            .expect("delete");
        let mut alone = from_slow_or_error(&images, &image);
        assert!(
            alone.by_ref().any(|slice| slice.is_err()),
            "nothing else is there"
        );
    }
}

/// Reads the one copy that is left; an error at the opening counts as one of reading.
fn from_slow_or_error(images: &Images, image: &Image) -> Box<dyn Iterator<Item = Result<()>>> {
    match images.open(image.id()) {
        Ok(reader) => {
            let slices = reader.expect("data").slices(..).expect("a range");
            Box::new(slices.map(|slice| slice.map(drop)))
        }
        Err(error) => Box::new(std::iter::once(Err(error))),
    }
}

#[test]
fn stores_that_contradict_each_other_are_refused_before_anything_is_made() {
    let dir = tempfile::tempdir().expect("make a directory");
    let on = |name| NamedStore::on_path(name, dir.path().join(name));
    let builder = || Engine::builder(dir.path().join("engine"));
    for refused in [
        builder().store(on("a")).store(on("a")),
        builder()
            .store(NamedStore::own("a"))
            .store(NamedStore::own("b")),
        builder()
            .store(NamedStore::http("web"))
            .default_store("web"),
        builder().store(on("a")).default_store("b"),
        builder().store(on("os_glance_x")),
    ] {
        let code = refused.open().expect_err("they are refused").code();
        assert_eq!(code, ErrorCode::InvalidSettings);
    }
    assert!(!dir.path().join("engine").exists());
}

#[test]
fn a_rebuilt_index_finds_the_packs_of_all_stores() {
    let dir = tempfile::tempdir().expect("make a directory");
    let engine = open(dir.path()).expect("open");
    let data = bytes(Pattern::Mixed(3), 2_000_000);
    let ids =
        [Some("slow"), None].map(|store| *upload(&engine, store, &data).expect("upload").id());
    engine.close(std::time::Duration::ZERO).expect("close");
    drop(engine);
    std::fs::remove_file(dir.path().join("engine/index.redb")).expect("lose the index");
    let builder = || Engine::builder(dir.path().join("engine")).store(NamedStore::own("fast"));
    let slow = || NamedStore::on_path("slow", dir.path().join("slow"));
    let refused = builder()
        .rebuild_index(|_, _| {})
        .expect_err("a store is missing");
    assert_eq!(refused.code(), ErrorCode::InvalidSettings);
    let report = builder()
        .store(slow())
        .rebuild_index(|_, _| {})
        .expect("rebuild");
    assert_eq!((report.image_count, report.lost), (2, vec![]));
    let engine = open(dir.path()).expect("open");
    for id in ids {
        let reader =
            engine
                .images(&caller())
                .open_preferring(&id, &["slow"], ReadOptions::default());
        assert!(read_all(reader.expect("open").expect("data")) == data);
    }
    assert!(engine.verify(|_| {}).expect("verify").is_clean());
}

#[test]
fn what_an_upload_may_not_do_counts_in_the_order_of_the_api() {
    let dir = tempfile::tempdir().expect("make a directory");
    let engine = open(dir.path()).expect("open");
    let active = upload(&engine, None, b"x").expect("upload");
    let begin = |who: &Caller, store: &str, len: u64| {
        let options = UploadOptions {
            store: Some(store.to_owned()),
            expected_len_bytes: Some(len),
            ..UploadOptions::default()
        };
        let begun = engine.images(who).upload_with(active.id(), options);
        begun.expect_err("refused").code()
    };
    let stranger = Caller::project("stranger");
    let long = engine.settings().image_size_cap + 1;
    // That there is such a store counts first, whether it takes the data last.
    assert_eq!(begin(&stranger, "none", 1), ErrorCode::UnknownStore);
    for (store, len) in [("web", 1), ("fast", long), ("web", long)] {
        assert_eq!(begin(&stranger, store, len), ErrorCode::NotFound, "{store}");
        let of_owner = begin(&caller(), store, len);
        assert_eq!(of_owner, ErrorCode::InvalidState, "{store}");
    }
}
