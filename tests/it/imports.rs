//! Imports: staged, fetched and copied data into stores, and what becomes of those that fail.

use std::collections::BTreeMap;
use std::io::{Cursor, Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use smalti::clock::{Clock, Timestamp};
use smalti::engine::Builder;
use smalti::fetch::{Fetch, Fetched, Opening, UriFilter, UriRules};
use smalti::import::{
    ImportHook, RegionData, RegionImage, RegionSource, Request, Requester, StagedData,
};
use smalti::task::{Task, TaskStatus};
use smalti::{
    Caller, ContainerFormat, DiskFormat, Engine, Error, ErrorCode, Image, ImageId, Images,
    NamedStore, NewImage, Reader, Result, Settings, Status, UploadOptions,
};

use crate::support::{Pattern, bytes, caller, new_image};

/// Time that stands still until it is moved.
#[derive(Debug, Clone, Default)]
struct Hands(Arc<AtomicI64>);

impl Hands {
    fn move_on(&self, minutes: i64) {
        self.0.fetch_add(minutes * 60_000_000, Ordering::Relaxed);
    }
}

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(1_700_000_000_000_000 + self.0.load(Ordering::Relaxed))
    }
}

/// Gives what is behind a url of its own, in pieces, and says how long it is.
#[derive(Debug)]
struct Shelf(Vec<u8>);

impl Fetch for Shelf {
    fn open(&self, opening: &Opening<'_>) -> Result<Fetched> {
        opening.filter.check(opening.uri)?;
        if opening.uri.ends_with("/none") {
            return Err(Error::new(ErrorCode::SourceFailed, "nothing is there"));
        }
        let body = Box::new(Cursor::new(self.0.clone()));
        Ok(Fetched::new(body).len_bytes(self.0.len() as u64))
    }
}

/// Any image of any region but of `far` is 3 MB.
struct World;

impl RegionSource for World {
    fn open(&self, image: &RegionImage) -> Result<RegionData> {
        if image.region == "far" {
            return Err(Error::new(ErrorCode::NotFound, "no such region"));
        }
        Ok(RegionData {
            size_bytes: 3_000_000,
            disk_format: Some(DiskFormat::Raw),
            container_format: Some(ContainerFormat::Bare),
            properties: BTreeMap::from(
                [
                    ("hw_disk_bus", "scsi"),
                    ("colour", "red"),
                    ("os_glance_x", "1"),
                ]
                .map(|(name, value)| (name.to_owned(), value.to_owned())),
            ),
            body: Box::new(Cursor::new(bytes(Pattern::Random(9), 3_000_000))),
        })
    }
}

fn builder(dir: &Path) -> Builder {
    Engine::builder(dir.join("engine"))
        .store(NamedStore::own("fast"))
        .store(NamedStore::on_path("slow", dir.join("slow")))
        .store(NamedStore::on_path("far", dir.join("far")))
        .web_download(
            Shelf(bytes(Pattern::Mixed(5), 2_500_000)),
            UriFilter::new(UriRules::default()),
        )
        .regions(World, ["hw_"])
        .settings(Settings {
            enabled_import_methods: smalti::import::ImportMethod::ALL.to_vec(),
            ..Settings::default()
        })
}

fn open(dir: &Path) -> Engine {
    builder(dir).open().expect("open")
}

fn admin(engine: &Engine) -> Images {
    engine.images(&Caller::project("a").with_role("admin"))
}

fn stage(images: &Images, data: &[u8]) -> ImageId {
    let image = images.create(new_image()).expect("create");
    let mut upload = images
        .stage(image.id(), UploadOptions::default())
        .expect("stage");
    upload.read_from(&mut &*data).expect("write");
    let staged = upload.finish().expect("finish");
    assert_eq!(
        (staged.status(), staged.size(), staged.checksum()),
        (Status::Uploading, Some(data.len() as u64), None)
    );
    *image.id()
}

fn run(images: &Images, id: &ImageId, request: &Request) -> Task {
    let import = images
        .import(id, request, &Requester::default())
        .expect("accept");
    import
        .expect("there is something to do")
        .run()
        .expect("run")
}

fn refused(images: &Images, id: &ImageId, request: &Request) -> (ErrorCode, u16) {
    let before = images.show(id).expect("show");
    let error = images
        .import(id, request, &Requester::default())
        .expect_err("refused");
    assert_eq!(
        images.show(id).expect("show"),
        before,
        "a refusal changes nothing"
    );
    (error.code(), error.http_status())
}

fn read_all(mut reader: Reader) -> Vec<u8> {
    let mut all = Vec::new();
    reader.read_to_end(&mut all).expect("read");
    all
}

fn stores(image: &Image) -> Vec<&str> {
    image
        .locations()
        .iter()
        .filter_map(|it| it.store())
        .collect()
}

/// What the image shows of its imports: lock, running, failed.
fn progress(image: &Image) -> [Option<&str>; 3] {
    [
        "os_glance_import_task",
        "os_glance_importing_to_stores",
        "os_glance_failed_import",
    ]
    .map(|name| image.property(name))
}

fn check_nothing_is_left(engine: &Engine) {
    engine.collect().expect("collect");
    assert!(engine.verify(|_| {}).expect("verify").is_clean());
}

#[test]
fn staged_data_becomes_that_of_its_image_and_no_byte_is_written_again() {
    let dir = tempfile::tempdir().expect("make a directory");
    let engine = open(dir.path());
    let (images, data) = (admin(&engine), bytes(Pattern::Mixed(1), 4_000_000));
    let id = stage(&images, &data);
    assert!(
        images.open(&id).expect("open").is_none(),
        "it is not yet that of the image"
    );
    let before = engine.stats().expect("stats").pack_bytes;
    let task = run(&images, &id, &Request::glance_direct());
    assert_eq!(
        (task.status, task.message.as_str()),
        (TaskStatus::Success, "")
    );
    assert_eq!(engine.stats().expect("stats").pack_bytes, before);
    let image = images.show(&id).expect("show");
    assert_eq!(
        (image.status(), stores(&image)),
        (Status::Active, vec!["fast"])
    );
    assert_eq!(progress(&image), [None, Some(""), Some("")]);
    let uploaded = images.create(new_image()).expect("create");
    let mut upload = images.upload(uploaded.id()).expect("begin");
    upload.read_from(&mut &*data).expect("write");
    let same = upload.finish().expect("finish");
    assert_eq!(
        (
            image.checksum(),
            image.os_hash_value(),
            image.virtual_size()
        ),
        (same.checksum(), same.os_hash_value(), same.virtual_size())
    );
    assert!(read_all(images.open(&id).expect("open").expect("data")) == data);
    images.delete(&id).expect("delete");
    images.delete(same.id()).expect("delete");
    check_nothing_is_left(&engine);
    assert_eq!(engine.stats().expect("stats").chunk_count, 0);
}

#[test]
fn staged_data_goes_to_every_store_that_is_named_in_order() {
    let dir = tempfile::tempdir().expect("make a directory");
    let engine = open(dir.path());
    let (images, data) = (admin(&engine), bytes(Pattern::Mixed(2), 3_000_000));
    for (request, expected) in [
        (
            Request::glance_direct().stores(["slow", "fast"]),
            vec!["slow", "fast"],
        ),
        (
            Request::glance_direct().all_stores(),
            vec!["fast", "slow", "far"],
        ),
        (Request::glance_direct().header_store("far"), vec!["far"]),
    ] {
        let id = stage(&images, &data);
        let task = run(&images, &id, &request);
        assert_eq!(task.status, TaskStatus::Success, "{}", task.message);
        let image = images.show(&id).expect("show");
        assert_eq!(stores(&image), expected);
        for store in expected {
            let options = smalti::ReadOptions::default();
            let reader = images
                .open_preferring(&id, &[store], options)
                .expect("open");
            assert!(read_all(reader.expect("data")) == data);
        }
    }
    check_nothing_is_left(&engine);
}

#[test]
fn a_store_that_fails_undoes_the_import_or_is_skipped_as_was_asked() {
    let dir = tempfile::tempdir().expect("make a directory");
    drop(open(dir.path()));
    std::fs::rename(dir.path().join("slow"), dir.path().join("away")).expect("unmount");
    let engine = open(dir.path());
    let (images, data) = (admin(&engine), bytes(Pattern::Mixed(3), 1_000_000));
    let all = || Request::glance_direct().stores(["fast", "slow", "far"]);
    let id = stage(&images, &data);
    let task = run(&images, &id, &all());
    assert_eq!(task.status, TaskStatus::Failure);
    assert!(
        task.message.starts_with("store slow: StoreUnavailable"),
        "{}",
        task.message
    );
    let image = images.show(&id).expect("show");
    assert_eq!((image.status(), image.size()), (Status::Queued, None));
    assert_eq!(progress(&image), [None, Some(""), Some("slow")]);
    assert!(image.locations().is_empty() && images.open(&id).expect("open").is_none());
    check_nothing_is_left(&engine);
    assert_eq!(
        engine.stats().expect("stats").chunk_count,
        0,
        "it was staged, and is no more"
    );
    let id = stage(&images, &data);
    let task = run(&images, &id, &all().all_stores_must_succeed(false));
    assert_eq!(task.status, TaskStatus::Success);
    assert!(task.message.contains("slow"), "{}", task.message);
    let image = images.show(&id).expect("show");
    assert_eq!(stores(&image), ["fast", "far"]);
    assert_eq!(progress(&image), [None, Some(""), Some("slow")]);
    // A copy that fails leaves the image as it was.
    let copy = Request::copy_image().stores(["slow"]);
    let task = run(&images, &id, &copy);
    assert_eq!(task.status, TaskStatus::Failure);
    let image = images.show(&id).expect("show");
    assert_eq!(
        (image.status(), stores(&image)),
        (Status::Active, vec!["fast", "far"])
    );
}

#[test]
fn data_that_is_not_what_the_image_says_fails_the_import() {
    let dir = tempfile::tempdir().expect("make a directory");
    let engine = open(dir.path());
    let images = admin(&engine);
    let direct = Request::glance_direct().stores(["fast", "slow"]);
    let staged = |new: NewImage| {
        let image = images.create(new).expect("create");
        let mut upload = images
            .stage(image.id(), UploadOptions::default())
            .expect("stage");
        let data = bytes(Pattern::Random(4), 100_000);
        upload.read_from(&mut &data[..]).expect("write");
        upload.finish().expect("finish")
    };
    let bare = staged(NewImage::named("n"));
    assert_eq!(
        refused(&images, bare.id(), &direct),
        (ErrorCode::MissingFormat, 409)
    );
    let image = staged(
        NewImage::named("n")
            .disk_format(DiskFormat::Qcow2)
            .container_format(ContainerFormat::Bare),
    );
    let task = run(&images, image.id(), &direct);
    assert_eq!(task.status, TaskStatus::Failure);
    assert!(
        task.message.starts_with("InvalidImageData"),
        "{}",
        task.message
    );
    let image = images.show(image.id()).expect("show");
    assert_eq!(image.status(), Status::Queued);
    assert_eq!(
        progress(&image),
        [None, Some(""), Some("fast")],
        "slow was not tried"
    );
}

#[test]
fn an_active_image_is_copied_and_loses_copies_down_to_the_last() {
    let dir = tempfile::tempdir().expect("make a directory");
    let engine = open(dir.path());
    let (images, data) = (admin(&engine), bytes(Pattern::Mixed(6), 2_000_000));
    let id = stage(&images, &data);
    run(&images, &id, &Request::glance_direct());
    let copy = |store: &str| Request::copy_image().stores([store]);
    assert_eq!(run(&images, &id, &copy("slow")).status, TaskStatus::Success);
    assert_eq!(
        refused(&images, &id, &copy("slow")).0,
        ErrorCode::AlreadyInStore
    );
    assert_eq!(
        refused(&images, &id, &copy("none")),
        (ErrorCode::UnknownStore, 409)
    );
    let owner = engine.images(&caller());
    assert_eq!(refused(&owner, &id, &copy("far")).0, ErrorCode::Forbidden);
    images.delete_from_store(&id, "fast").expect("delete");
    let again = images
        .delete_from_store(&id, "fast")
        .expect_err("it is the last");
    assert_eq!(again.code(), ErrorCode::LastLocation);
    let image = images.show(&id).expect("show");
    assert_eq!(stores(&image), ["slow"]);
    check_nothing_is_left(&engine);
    assert!(read_all(images.open(&id).expect("open").expect("data")) == data);
    let everywhere = Request::copy_image().all_stores();
    run(&images, &id, &everywhere);
    let none = images
        .import(&id, &everywhere, &Requester::default())
        .expect("accept");
    assert!(none.is_none(), "it is everywhere");
    assert_eq!(images.tasks(&id).expect("tasks").len(), 3);
}

#[test]
fn an_import_keeps_others_out_until_it_has_slept_too_long() {
    let dir = tempfile::tempdir().expect("make a directory");
    let hands = Hands::default();
    let engine = builder(dir.path())
        .clock(hands.clone())
        .open()
        .expect("open");
    let (images, data) = (admin(&engine), bytes(Pattern::Mixed(7), 1_000_000));
    let id = stage(&images, &data);
    run(&images, &id, &Request::glance_direct());
    let copy = |store: &str| Request::copy_image().stores([store]);
    let first = images.import(&id, &copy("slow"), &Requester::default());
    let first = first.expect("accept").expect("import");
    assert_eq!(
        refused(&images, &id, &copy("far")),
        (ErrorCode::ImportLocked, 409)
    );
    hands.move_on(119);
    assert_eq!(
        refused(&images, &id, &copy("far")).0,
        ErrorCode::ImportLocked
    );
    hands.move_on(1);
    let second = images.import(&id, &copy("far"), &Requester::default());
    let second = second.expect("taken over").expect("import");
    let lost = first.run().expect("run");
    assert_eq!(lost.status, TaskStatus::Failure);
    assert!(
        lost.message.contains("took the lock over"),
        "{}",
        lost.message
    );
    let image = images.show(&id).expect("show");
    let task = second.task_id().to_string();
    assert_eq!(progress(&image), [Some(&*task), Some("far"), Some("")]);
    assert_eq!(second.run().expect("run").status, TaskStatus::Success);
    let image = images.show(&id).expect("show");
    assert_eq!(stores(&image), ["fast", "far"]);
    assert_eq!(progress(&image), [None, Some(""), Some("")]);
    hands.move_on(48 * 60);
    assert!(
        images.tasks(&id).expect("tasks").is_empty(),
        "they have ended long ago"
    );
}

#[test]
fn data_of_the_web_is_fetched_into_the_stores() {
    let dir = tempfile::tempdir().expect("make a directory");
    let engine = open(dir.path());
    let images = engine.images(&caller());
    let queued = || *images.create(new_image()).expect("create").id();
    let id = queued();
    for uri in [
        "http://127.0.0.1/x",
        "http://169.254.169.254/x",
        "file:///etc/passwd",
        "",
    ] {
        let request = Request::web_download(uri);
        assert_eq!(
            refused(&images, &id, &request),
            (ErrorCode::UriNotAllowed, 400),
            "{uri}"
        );
    }
    let request = Request::web_download("http://1.1.1.1/image").stores(["slow", "fast"]);
    let task = run(&images, &id, &request);
    assert_eq!(task.status, TaskStatus::Success, "{}", task.message);
    let image = images.show(&id).expect("show");
    assert_eq!(stores(&image), ["slow", "fast"]);
    let data = bytes(Pattern::Mixed(5), 2_500_000);
    assert!(read_all(images.open(&id).expect("open").expect("data")) == data);
    let id = queued();
    let task = run(
        &images,
        &id,
        &Request::web_download("http://1.1.1.1/none").all_stores(),
    );
    assert_eq!(task.status, TaskStatus::Failure);
    assert!(
        task.message.contains("nothing is there"),
        "{}",
        task.message
    );
    let image = images.show(&id).expect("show");
    assert_eq!(image.status(), Status::Queued);
    assert_eq!(progress(&image), [None, Some(""), Some("far,fast,slow")]);
    check_nothing_is_left(&engine);
}

#[test]
fn an_image_of_another_region_comes_with_what_may_be_taken_over() {
    let dir = tempfile::tempdir().expect("make a directory");
    let engine = open(dir.path());
    let images = engine.images(&caller());
    let queued = || *images.create(new_image()).expect("create").id();
    let id = queued();
    let remote = ImageId::from_bytes([8; 16]);
    let task = run(&images, &id, &Request::glance_download("near", &remote));
    assert_eq!(task.status, TaskStatus::Success, "{}", task.message);
    let image = images.show(&id).expect("show");
    assert_eq!(image.size(), Some(3_000_000));
    let taken = ["hw_disk_bus", "colour", "os_glance_x"].map(|name| image.property(name));
    assert_eq!(taken, [Some("scsi"), None, None]);
    let id = queued();
    let task = run(&images, &id, &Request::glance_download("far", &remote));
    assert_eq!(task.status, TaskStatus::Failure);
    assert_eq!(images.show(&id).expect("show").status(), Status::Queued);
}

#[test]
fn an_import_that_is_broken_off_is_taken_back_when_the_engine_opens() {
    let dir = tempfile::tempdir().expect("make a directory");
    let killed = open(dir.path());
    let (staged, broken, copied, data) = {
        let (images, data) = (admin(&killed), bytes(Pattern::Mixed(8), 1_000_000));
        let ids = [(); 3].map(|()| stage(&images, &data));
        run(&images, &ids[2], &Request::glance_direct());
        for (id, request) in [
            (ids[1], Request::glance_direct().stores(["fast", "slow"])),
            (ids[2], Request::copy_image().stores(["slow"])),
        ] {
            let import = images.import(&id, &request, &Requester::default());
            // As if the process were killed: nothing is written down any more.
            std::mem::forget(import.expect("accept"));
        }
        (ids[0], ids[1], ids[2], data)
    };
    let copy = tempfile::tempdir().expect("make a directory");
    for part in ["engine", "slow", "far"] {
        copy_dir(&dir.path().join(part), &copy.path().join(part));
    }
    let engine = open(copy.path());
    drop(killed);
    let images = admin(&engine);
    let image = images.show(&staged).expect("show");
    assert_eq!(image.status(), Status::Uploading, "what was staged stays");
    assert_eq!(
        run(&images, &staged, &Request::glance_direct()).status,
        TaskStatus::Success
    );
    let image = images.show(&broken).expect("show");
    assert_eq!((image.status(), image.size()), (Status::Queued, None));
    assert_eq!(progress(&image), [None, Some(""), Some("fast,slow")]);
    let image = images.show(&copied).expect("show");
    assert_eq!(image.status(), Status::Active);
    assert_eq!(progress(&image), [None, Some(""), Some("slow")]);
    for id in [broken, copied] {
        let tasks = images.tasks(&id).expect("tasks");
        let last = tasks.last().expect("a task");
        assert_eq!(last.status, TaskStatus::Failure);
        assert!(last.message.contains("closed"), "{}", last.message);
    }
    assert!(read_all(images.open(&copied).expect("open").expect("data")) == data);
    check_nothing_is_left(&engine);
}

fn copy_dir(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("make a directory");
    for entry in std::fs::read_dir(from).expect("list") {
        let (entry, name) = entry.map(|it| (it.path(), it.file_name())).expect("entry");
        match entry.is_dir() {
            true => copy_dir(&entry, &to.join(name)),
            false => drop(std::fs::copy(&entry, to.join(name)).expect("copy")),
        }
    }
}

#[test]
fn an_image_that_is_deleted_takes_what_is_staged_with_it() {
    let dir = tempfile::tempdir().expect("make a directory");
    let engine = open(dir.path());
    let (images, data) = (admin(&engine), bytes(Pattern::Random(11), 1_000_000));
    let staged = stage(&images, &data);
    images.delete(&staged).expect("delete");
    let locked = stage(&images, &data);
    let import = images.import(&locked, &Request::glance_direct(), &Requester::default());
    let import = import.expect("accept").expect("import");
    images.delete(&locked).expect("delete");
    let task = import.run().expect("run");
    assert_eq!(task.status, TaskStatus::Failure);
    let given_up = stage(&images, &data);
    drop(images.import(&given_up, &Request::glance_direct(), &Requester::default()));
    let image = images.show(&given_up).expect("show");
    assert_eq!((image.status(), image.size()), (Status::Queued, None));
    let cancelled = images.create(new_image()).expect("create");
    let mut upload = images
        .stage(cancelled.id(), UploadOptions::default())
        .expect("stage");
    upload.read_from(&mut &*data).expect("write");
    let early = refused(&images, cancelled.id(), &Request::glance_direct());
    assert_eq!(
        early,
        (ErrorCode::InvalidState, 409),
        "it is still being staged"
    );
    drop(upload);
    assert_eq!(
        images.show(cancelled.id()).expect("show").status(),
        Status::Queued
    );
    check_nothing_is_left(&engine);
    assert_eq!(engine.stats().expect("stats").chunk_count, 0);
}

#[test]
fn imports_run_on_threads_of_the_engine() {
    let dir = tempfile::tempdir().expect("make a directory");
    let engine = open(dir.path());
    let (images, data) = (admin(&engine), bytes(Pattern::Mixed(12), 500_000));
    let ids: Vec<ImageId> = (0..12).map(|_| stage(&images, &data)).collect();
    for id in &ids {
        let import = images.import(
            id,
            &Request::glance_direct().all_stores(),
            &Requester::default(),
        );
        import.expect("accept").expect("import").spawn();
    }
    for id in &ids {
        crate::support::eventually("the import ends", || {
            images.show(id).expect("show").status() == Status::Active
                && images.tasks(id).expect("tasks")[0].status == TaskStatus::Success
        });
        assert_eq!(
            stores(&images.show(id).expect("show")),
            ["fast", "slow", "far"]
        );
    }
    check_nothing_is_left(&engine);
}

/// Unpacks what begins with `PACK`, each byte of it twice, and says so.
struct Twice;

impl ImportHook for Twice {
    fn run(&self, staged: &mut StagedData<'_>) -> Result<()> {
        let failed = |error: std::io::Error| Error::new(ErrorCode::SourceFailed, error.to_string());
        let mut packed = Vec::new();
        staged.read_to_end(&mut packed).map_err(failed)?;
        match packed.strip_prefix(b"PACK") {
            Some(b"bomb") => {
                let zeros = vec![0; 1 << 20];
                loop {
                    staged.write_all(&zeros).map_err(failed)?;
                }
            }
            Some(b"panic") => panic!("a hook of the host"),
            Some(rest) => {
                let twice: Vec<u8> = rest.iter().flat_map(|byte| [*byte; 2]).collect();
                staged.write_all(&twice).map_err(failed)?;
                staged.set_property("unpacked", "yes");
                staged.set_property("os_glance_x", "no");
                staged.set_container_format(ContainerFormat::Bare);
                Ok(())
            }
            None => Ok(()),
        }
    }
}

#[test]
fn hooks_put_other_data_in_the_place_of_what_is_staged_within_the_bounds_of_images() {
    let engine = Engine::builder_in_memory()
        .import_hook(Twice)
        .settings(Settings {
            image_size_cap: 10 << 20,
            ..Settings::default()
        })
        .open()
        .expect("open");
    let images = admin(&engine);
    let import = |data: &[u8]| {
        let id = stage(&images, data);
        let task = run(&images, &id, &Request::glance_direct());
        (images.show(&id).expect("show"), task)
    };
    let (image, task) = import(b"PACKabc");
    assert_eq!(task.status, TaskStatus::Success, "{}", task.message);
    assert_eq!(image.size(), Some(6));
    assert_eq!(image.property("unpacked"), Some("yes"));
    assert_eq!(image.property("os_glance_x"), None);
    let reader = images.open(image.id()).expect("open").expect("data");
    assert_eq!(read_all(reader), b"aabbcc");
    let (image, _) = import(b"as it is");
    assert_eq!((image.size(), image.status()), (Some(8), Status::Active));
    for (data, why) in [
        (&b"PACKbomb"[..], "limit 10485760"),
        (b"PACKpanic", "panicked"),
    ] {
        let (image, task) = import(data);
        assert_eq!((image.status(), image.size()), (Status::Queued, None));
        assert_eq!(task.status, TaskStatus::Failure);
        assert!(task.message.contains(why), "{}", task.message);
        images.delete(image.id()).expect("delete");
    }
    check_nothing_is_left(&engine);
}

#[test]
fn a_copy_that_fails_lets_go_of_an_image_that_is_not_active_any_more() {
    let dir = tempfile::tempdir().expect("make a directory");
    let engine = open(dir.path());
    let images = admin(&engine);
    let id = stage(&images, &bytes(Pattern::Mixed(13), 500_000));
    run(&images, &id, &Request::glance_direct());
    let copy = Request::copy_image().stores(["slow", "far"]);
    let import = images.import(&id, &copy, &Requester::default());
    let import = import.expect("accept").expect("import");
    images.deactivate(&id).expect("deactivate");
    let task = import.run().expect("the end is written down");
    assert_eq!(task.status, TaskStatus::Failure);
    let image = images.show(&id).expect("show");
    assert_eq!(
        (image.status(), stores(&image)),
        (Status::Deactivated, vec!["fast"])
    );
    assert_eq!(progress(&image), [None, Some(""), Some("slow")]);
    images.reactivate(&id).expect("reactivate");
    assert_eq!(
        run(&images, &id, &copy).status,
        TaskStatus::Success,
        "the lock is free"
    );
}

#[test]
fn copies_stay_while_an_import_makes_others_that_it_may_take_back() {
    let dir = tempfile::tempdir().expect("make a directory");
    let engine = open(dir.path());
    let images = admin(&engine);
    let id = stage(&images, &bytes(Pattern::Mixed(14), 500_000));
    run(
        &images,
        &id,
        &Request::glance_direct().stores(["fast", "slow"]),
    );
    let copy = Request::copy_image().stores(["far"]);
    let import = images.import(&id, &copy, &Requester::default());
    let import = import.expect("accept").expect("import");
    let before = images.show(&id).expect("show");
    for store in ["fast", "slow"] {
        let error = images.delete_from_store(&id, store).expect_err("in use");
        assert_eq!((error.code(), error.http_status()), (ErrorCode::InUse, 409));
    }
    assert_eq!(images.show(&id).expect("show"), before);
    assert_eq!(import.run().expect("run").status, TaskStatus::Success);
    for store in ["fast", "slow"] {
        images.delete_from_store(&id, store).expect("deleted");
    }
    assert_eq!(stores(&images.show(&id).expect("show")), ["far"]);
}

#[test]
fn what_is_fetched_goes_past_a_store_that_takes_nothing() {
    let dir = tempfile::tempdir().expect("make a directory");
    drop(open(dir.path()));
    std::fs::rename(dir.path().join("slow"), dir.path().join("away")).expect("unmount");
    let engine = open(dir.path());
    let images = admin(&engine);
    let queued = || *images.create(new_image()).expect("create").id();
    let request = Request::web_download("http://1.1.1.1/image").stores(["slow", "fast", "far"]);
    let id = queued();
    let task = run(
        &images,
        &id,
        &request.clone().all_stores_must_succeed(false),
    );
    assert_eq!(task.status, TaskStatus::Success, "{}", task.message);
    assert!(
        task.message.contains("store slow: StoreUnavailable"),
        "{}",
        task.message
    );
    let image = images.show(&id).expect("show");
    assert_eq!(
        (image.status(), stores(&image)),
        (Status::Active, vec!["fast", "far"])
    );
    assert_eq!(progress(&image), [None, Some(""), Some("slow")]);
    // Where none may fail, those that were not tried have not.
    let id = queued();
    let task = run(&images, &id, &request);
    assert_eq!(task.status, TaskStatus::Failure);
    let image = images.show(&id).expect("show");
    assert_eq!((image.status(), stores(&image)), (Status::Queued, vec![]));
    assert_eq!(progress(&image), [None, Some(""), Some("slow")]);
    let id = queued();
    let lost = Request::web_download("http://1.1.1.1/image").stores(["slow"]);
    let task = run(&images, &id, &lost.all_stores_must_succeed(false));
    assert_eq!(task.status, TaskStatus::Failure);
    let image = images.show(&id).expect("show");
    assert_eq!(progress(&image), [None, Some(""), Some("slow")]);
    check_nothing_is_left(&engine);
}

#[test]
fn requests_that_ask_for_too_much_or_for_nothing_are_refused() {
    let body = |len: usize| {
        let head = r#"{"method": {"name": "glance-direct"}, "x": ""#;
        format!("{head}{}\"}}", "x".repeat(len - head.len() - 2))
    };
    Request::parse(body(64 << 10).as_bytes()).expect("as long as one may be");
    let error = Request::parse(body((64 << 10) + 1).as_bytes()).expect_err("too long");
    assert_eq!(error.code(), ErrorCode::SchemaViolation);
    assert!(error.message().contains("limit 65536"), "{error}");

    let engine = Engine::builder_in_memory()
        .store(NamedStore::own("only").read_only())
        .web_download(Shelf(Vec::new()), UriFilter::new(UriRules::default()))
        .open()
        .expect("open");
    let images = admin(&engine);
    let id = stage_nothing(&images);
    let all = Request::web_download("http://1.1.1.1/image").all_stores();
    assert_eq!(refused(&images, &id, &all), (ErrorCode::StoreReadOnly, 409));
}

fn stage_nothing(images: &Images) -> ImageId {
    *images.create(new_image()).expect("create").id()
}
