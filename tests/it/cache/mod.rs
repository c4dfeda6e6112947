//! The cache: what is served from it, how copies come and go, and what becomes of those that fail.

mod far;
mod leaving;
mod queue;

use std::sync::Arc;
use std::sync::Barrier;
use std::sync::atomic::{AtomicI64, Ordering};

use smalti::cache::CachedImage;
use smalti::clock::{Clock, Timestamp};
use smalti::engine::Builder;
use smalti::{
    Caller, Engine, ErrorCode, ImageId, Images, NamedStore, ReadOptions, Reader, Result, Settings,
    UploadOptions,
};

use crate::support::{Pattern, bytes, caller, eventually, new_image};
use far::{Far, Mode};

/// Length of most images, in bytes.
const LEN: usize = 3_000_000;

/// Time that stands still until it is moved.
#[derive(Debug, Clone, Default)]
struct Hands(Arc<AtomicI64>);

impl Hands {
    fn move_on(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1_000_000, Ordering::Relaxed);
    }
}

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(1_700_000_000_000_000 + self.0.load(Ordering::Relaxed))
    }
}

/// An engine whose images are far away, and what tests need of it.
struct World {
    far: Far,
    hands: Hands,
    engine: Engine,
}

fn settings() -> Settings {
    Settings {
        image_cache: true,
        ..Settings::default()
    }
}

fn far_builder(builder: Builder, far: &Far, hands: &Hands, settings: Settings) -> Builder {
    builder
        // It takes no data of callers, and the cache all the same.
        .store(NamedStore::own("here").read_only())
        .store(NamedStore::custom("far", "far", Arc::new(far.clone())))
        .default_store("far")
        .clock(hands.clone())
        .settings(settings)
}

impl World {
    fn new() -> Self {
        Self::with(settings())
    }

    fn with(settings: Settings) -> Self {
        let (far, hands) = (Far::new(), Hands::default());
        let builder = far_builder(Engine::builder_in_memory(), &far, &hands, settings);
        let engine = builder.open().expect("open");
        Self { far, hands, engine }
    }

    fn images(&self) -> Images {
        self.engine.images(&caller())
    }

    fn admin(&self) -> Images {
        admin(&self.engine)
    }

    fn upload(&self, data: &[u8]) -> ImageId {
        upload(&self.images(), data, None).expect("upload")
    }

    /// Uploads an image, and has it cached.
    fn cached(&self, data: &[u8]) -> ImageId {
        let id = self.upload(data);
        self.fill(&id);
        id
    }

    fn fill(&self, id: &ImageId) {
        read_whole(&self.images(), id);
        eventually("cached", || self.row(id).is_some());
    }

    fn row(&self, id: &ImageId) -> Option<CachedImage> {
        let state = self.admin().cache().state().expect("state");
        state.cached.into_iter().find(|it| it.image_id == *id)
    }

    fn queued(&self) -> Vec<ImageId> {
        self.admin().cache().state().expect("state").queued
    }

    /// Reads an image without a byte from afar.
    fn read_from_here(&self, id: &ImageId) -> Vec<u8> {
        self.far.set(Mode::FailsAfter(0));
        let data = read_whole(&self.images(), id);
        self.far.set(Mode::Fine);
        data
    }

    /// Sees that nothing of the cache is left but its rows.
    fn check_clean(&self) {
        self.engine.collect().expect("collect");
        let report = self.engine.verify(|_| {}).expect("verify");
        assert!(report.is_clean(), "{report:?}");
    }
}

fn admin(engine: &Engine) -> Images {
    engine.images(&Caller::project("a").with_role("admin"))
}

fn upload(images: &Images, data: &[u8], store: Option<&str>) -> Result<ImageId> {
    let image = images.create(new_image())?;
    let options = UploadOptions {
        store: store.map(str::to_owned),
        ..UploadOptions::default()
    };
    let mut upload = images.upload_with(image.id(), options)?;
    upload.read_from(&mut &*data)?;
    upload.finish().map(|image| *image.id())
}

fn open_whole(images: &Images, id: &ImageId) -> Reader {
    let reader = images.open_whole(id, ReadOptions::default());
    reader.expect("open").expect("data")
}

fn all_of(reader: &Reader) -> Vec<u8> {
    let slices = reader.slices(..).expect("all");
    let slices: Result<Vec<_>> = slices.collect();
    slices.expect("read").concat()
}

fn read_whole(images: &Images, id: &ImageId) -> Vec<u8> {
    all_of(&open_whole(images, id))
}

#[test]
fn a_whole_read_fills_the_cache_and_the_next_is_a_hit_that_reads_nothing_from_afar() {
    let world = World::new();
    let data = bytes(Pattern::Mixed(1), LEN);
    let id = world.upload(&data);
    assert!(read_whole(&world.images(), &id) == data);
    eventually("cached", || world.row(&id).is_some());
    let made = world.hands.now();
    let row = world.row(&id).expect("cached");
    assert_eq!((row.hits, row.size_bytes), (0, LEN as u64));
    assert_eq!((row.last_accessed, row.last_modified), (made, made));
    world.hands.move_on(5);
    assert!(world.read_from_here(&id) == data);
    let row = world.row(&id).expect("cached");
    assert_eq!(row.hits, 1);
    assert_eq!(
        (row.last_accessed, row.last_modified),
        (world.hands.now(), made)
    );
    world.check_clean();
}

#[test]
fn ranges_neither_fill_the_cache_nor_are_served_from_it() {
    let world = World::new();
    let data = bytes(Pattern::Random(2), LEN);
    let id = world.upload(&data);
    let reader = world.images().open(&id).expect("open").expect("data");
    assert!(all_of(&reader) == data);
    assert_eq!(world.engine.run_cache_queue().expect("run").cached_count, 0);
    assert!(world.row(&id).is_none());
    world.fill(&id);
    world.far.set(Mode::Fine);
    let reader = world.images().open(&id).expect("open").expect("data");
    assert!(all_of(&reader) == data);
    assert!(world.far.read_bytes() >= LEN as u64);
    assert_eq!(world.row(&id).expect("cached").hits, 0);
}

#[test]
fn of_a_thousand_readers_at_once_one_begins_to_fill_the_cache() {
    const READERS: usize = 1000;
    let world = World::new();
    let data = bytes(Pattern::Random(3), LEN);
    let id = world.upload(&data);
    // The root of the manifest is in memory from here on.
    drop(world.images().open(&id).expect("open"));
    world.far.set(Mode::WaitsAfter(0));
    let (images, start) = (world.images(), Barrier::new(READERS));
    let readers: Vec<Reader> = std::thread::scope(|scope| {
        let open = || {
            start.wait();
            open_whole(&images, &id)
        };
        let threads: Vec<_> = (0..READERS).map(|_| scope.spawn(open)).collect();
        let ended = threads.into_iter().map(|it| it.join().expect("no panic"));
        ended.collect()
    });
    eventually("waits for the store", || world.far.is_waiting());
    assert!(world.row(&id).is_none(), "it is being filled");
    world.far.set(Mode::Fine);
    eventually("cached", || world.row(&id).is_some());
    let read_bytes = world.far.read_bytes();
    assert!(
        read_bytes < LEN as u64 * 5 / 4,
        "{read_bytes} bytes were read"
    );
    assert_eq!(
        world.row(&id).expect("cached").hits,
        0,
        "nobody found it there"
    );
    assert!(all_of(&readers[0]) == data && all_of(&readers[READERS - 1]) == data);
    drop(readers);
    world.check_clean();
}

#[test]
fn a_fill_that_breaks_leaves_nothing_and_the_image_is_served_from_its_store() {
    let world = World::new();
    let data = bytes(Pattern::Random(4), LEN);
    let id = world.upload(&data);
    drop(world.images().open(&id).expect("open"));
    let before = world.engine.stats().expect("stats").pack_bytes;
    world.admin().cache().queue(&id).expect("queue");
    world.far.set(Mode::FailsAfter(1_000_000));
    let run = world.engine.run_cache_queue().expect("run");
    assert_eq!((run.cached_count, run.failed_count), (0, 1));
    assert!(world.row(&id).is_none());
    world.far.set(Mode::Fine);
    world.check_clean();
    world.engine.collect().expect("collect");
    assert_eq!(world.engine.stats().expect("stats").pack_bytes, before);
    assert!(read_whole(&world.images(), &id) == data);
}

#[test]
fn rights_are_tested_on_every_hit() {
    let world = World::new();
    let id = world.cached(&bytes(Pattern::Random(5), LEN));
    let stranger = world.engine.images(&Caller::project("z"));
    let refused = stranger.open_whole(&id, ReadOptions::default());
    assert_eq!(refused.expect_err("a stranger").code(), ErrorCode::NotFound);
    assert_eq!(world.row(&id).expect("cached").hits, 0);
}

#[test]
fn a_deactivated_image_is_neither_served_from_the_cache_nor_cached() {
    let world = World::new();
    let data = bytes(Pattern::Random(6), LEN);
    let (cached, other) = (world.cached(&data), world.upload(&data));
    let admin = world.admin();
    for id in [&cached, &other] {
        admin.deactivate(id).expect("deactivate");
        let refused = world.images().open_whole(id, ReadOptions::default());
        let refused = refused.expect_err("closed").code();
        assert_eq!(refused, ErrorCode::ImageDeactivated);
        world.far.set(Mode::Fine);
        assert!(read_whole(&admin, id) == data, "administrators read it");
        assert!(world.far.read_bytes() >= LEN as u64, "not from the cache");
        let refused = admin.cache().queue(id).expect_err("not active");
        assert_eq!(refused.code(), ErrorCode::NotActive);
    }
    assert_eq!(world.row(&cached).expect("cached").hits, 0);
    assert!(world.row(&other).is_none());
    admin.reactivate(&cached).expect("reactivate");
    assert!(world.read_from_here(&cached) == data);
}

#[test]
fn a_copy_of_data_that_lies_here_takes_no_room() {
    let engine = Engine::builder_in_memory().settings(settings());
    let engine = engine.open().expect("open");
    let data = bytes(Pattern::Random(7), LEN);
    let id = upload(&engine.images(&caller()), &data, None).expect("upload");
    let before = engine.stats().expect("stats").pack_bytes;
    let admin = admin(&engine);
    admin.cache().queue(&id).expect("queue");
    assert_eq!(engine.run_cache_queue().expect("run").cached_count, 1);
    assert_eq!(engine.stats().expect("stats").pack_bytes, before);
    assert!(read_whole(&admin, &id) == data);
    assert_eq!(admin.cache().state().expect("state").cached[0].hits, 1);
    admin.delete(&id).expect("delete");
    engine.collect().expect("collect");
    assert_eq!(engine.stats().expect("stats").pack_bytes, 0);
    assert!(engine.verify(|_| {}).expect("verify").is_clean());
}

#[test]
fn nobody_is_charged_for_a_copy() {
    let world = World::with(Settings {
        user_storage_quota: LEN as u64 + 1,
        ..settings()
    });
    let id = world.cached(&bytes(Pattern::Random(8), LEN));
    let one = upload(&world.images(), b"x", None);
    one.expect("one byte is left, and that is all");
    let image = world.images().show(&id).expect("show");
    assert_eq!(image.locations().len(), 1, "nobody sees the copy");
}

#[test]
fn an_image_without_bytes_is_not_cached() {
    let world = World::new();
    let id = world.upload(b"");
    let empty = world.images().open_whole(&id, ReadOptions::default());
    drop(empty.expect("open"));
    let queued = world.images().create(new_image()).expect("create");
    let none = world
        .images()
        .open_whole(queued.id(), ReadOptions::default());
    assert!(none.expect("open").is_none());
    let state = world.admin().cache().state().expect("state");
    assert!(state.cached.is_empty() && state.queued.is_empty());
}

#[test]
fn where_the_cache_is_off_rights_are_tested_and_then_there_is_none() {
    let world = World::with(Settings::default());
    let data = bytes(Pattern::Random(9), LEN);
    let id = world.upload(&data);
    for (images, code) in [
        (world.images(), ErrorCode::Forbidden),
        (world.admin(), ErrorCode::NotFound),
    ] {
        let cache = images.cache();
        let answers = [
            cache.state().map(drop),
            cache.queue(&id),
            cache.remove(&id),
            cache.clear(smalti::cache::ClearTarget::Both),
            cache.clean().map(drop),
            cache.prune().map(drop),
            cache.nodes(&id),
        ];
        for answer in answers {
            assert_eq!(answer.expect_err("off").code(), code);
        }
    }
    let run = world.engine.run_cache_queue().expect_err("off");
    assert_eq!(run.code(), ErrorCode::NotFound);
    assert!(read_whole(&world.images(), &id) == data);
}
