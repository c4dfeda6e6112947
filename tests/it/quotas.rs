//! Quotas: no interleaving exceeds one by a byte or an image, and none refuses what has room.

use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering};

use smalti::import::{Request, Requester};
use smalti::quota::{ProjectLimits, Usage, UsageOf};
use smalti::task::TaskStatus;
use smalti::{
    Caller, Engine, ErrorCode, Image, ImageId, Images, NamedStore, Result, Settings, Status,
    UploadOptions,
};

use crate::support::{Pattern, Rng, bytes, new_image};

const THREADS: usize = 64;
const MIB: usize = 1 << 20;

/// Rounds of the race: 10,000 where `SMALTI_LONG` is set.
fn rounds() -> u64 {
    match std::env::var_os("SMALTI_LONG") {
        Some(_) => 10_000,
        None => 150,
    }
}

fn quick(user_storage_quota: u64) -> Settings {
    Settings {
        hashing_algorithm: None,
        legacy_md5: false,
        user_storage_quota,
        ..Settings::default()
    }
}

fn upload(images: &Images, data: &[u8], is_declared: bool) -> Result<Image> {
    let image = images.create(new_image())?;
    let options = UploadOptions {
        expected_len_bytes: is_declared.then_some(data.len() as u64),
        ..UploadOptions::default()
    };
    let mut upload = images.upload_with(image.id(), options)?;
    for part in data.chunks(97) {
        upload.read_from(&mut &*part)?;
    }
    upload.finish()
}

fn code<T>(result: Result<T>) -> ErrorCode {
    result.map(drop).expect_err("it is refused").code()
}

/// One upload of the race.
#[derive(Clone, Copy)]
struct Turn {
    len: u64,
    is_taken: bool,
    is_exact: bool,
}

/// Each round is a project of its own, and 64 threads race for its bytes: some say how many come,
/// some do not, some give up in the middle, some delete what they have stored.
#[test]
fn threads_that_race_for_a_quota_never_store_a_byte_too_much_and_leave_no_room_unused() {
    const LIMIT: u64 = 20_000;
    let engine = Engine::builder_in_memory()
        .settings(quick(LIMIT))
        .open()
        .expect("open");
    let (start, end) = (Barrier::new(THREADS), Barrier::new(THREADS));
    let (over, refused) = (AtomicU64::new(0), AtomicU64::new(0));
    let turns = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for thread in 0..THREADS as u64 {
            let (engine, start, end) = (&engine, &start, &end);
            let (over, refused, turns) = (&over, &refused, &turns);
            scope.spawn(move || {
                for round in 0..rounds() {
                    let mut rng = Rng(round << 8 | thread);
                    let is_steady = round % 2 == 0;
                    let images = engine.images(&Caller::project(format!("p{round}")));
                    start.wait();
                    let turn = race(&images, &mut rng, is_steady);
                    refused.fetch_add(u64::from(!turn.is_taken), Ordering::Relaxed);
                    turns.lock().expect("whole").push(turn);
                    end.wait();
                    if thread == 0 {
                        let turns = std::mem::take(&mut *turns.lock().expect("whole"));
                        over.fetch_add(check(&images, &turns, LIMIT, is_steady), Ordering::Relaxed);
                    }
                    start.wait();
                }
            });
        }
    });
    assert_eq!(over.into_inner(), 0);
    let refused = refused.into_inner();
    println!("{} rounds, {THREADS} threads, {refused} refusals", rounds());
    assert!(refused > rounds() * 10, "there is a race");
    assert!(engine.verify(|_| {}).expect("verify").is_clean());
}

/// Runs one upload; `is_steady` ones are declared and stay.
fn race(images: &Images, rng: &mut Rng, is_steady: bool) -> Turn {
    let len = 1 + rng.below(1500);
    // Short random bytes are a disk of some format every now and then.
    let data = vec![b'a' + rng.below(26) as u8; len as usize];
    let is_declared = is_steady || rng.below(2) == 0;
    let done = upload(images, &data, is_declared);
    let is_taken = done.is_ok();
    match done {
        Ok(image) if !is_steady && rng.below(3) == 0 => images.delete(image.id()).expect("delete"),
        Ok(_) => {}
        Err(error) => assert_eq!(error.code(), ErrorCode::QuotaExceeded),
    }
    Turn {
        len,
        is_taken,
        is_exact: is_steady,
    }
}

/// Counts what is wrong with a round: bytes over the limit, and refusals of what had room.
fn check(images: &Images, turns: &[Turn], limit: u64, is_steady: bool) -> u64 {
    let mut stored = 0;
    let mut query = smalti::ListQuery::new().with_limit(1000);
    loop {
        let page = images.list(&query).expect("list");
        let active = page
            .images()
            .iter()
            .filter(|image| image.status() == Status::Active);
        stored += active.filter_map(Image::size).sum::<u64>();
        match page.next_query() {
            Some(next) => query = next,
            None => break,
        }
    }
    let mut wrong = u64::from(stored > limit);
    if is_steady {
        let refused = turns.iter().filter(|turn| turn.is_exact && !turn.is_taken);
        wrong += refused.filter(|turn| stored + turn.len <= limit).count() as u64;
        let taken = turns
            .iter()
            .filter(|turn| turn.is_taken)
            .map(|turn| turn.len);
        wrong += u64::from(taken.sum::<u64>() != stored);
    }
    wrong
}

#[test]
fn a_stream_of_unknown_length_is_cut_at_the_last_byte_that_has_room() {
    let engine = Engine::builder_in_memory()
        .settings(quick(1000))
        .open()
        .expect("open");
    let images = engine.images(&Caller::project("a"));
    upload(&images, &[1; 400], false).expect("there is room");
    assert_eq!(
        code(upload(&images, &[2; 601], false)),
        ErrorCode::QuotaExceeded
    );
    assert_eq!(
        code(upload(&images, &[2; 601], true)),
        ErrorCode::QuotaExceeded
    );
    let last = upload(&images, &[2; 600], false).expect("to the last byte");
    assert_eq!(
        code(upload(&images, &[3; 1], false)),
        ErrorCode::QuotaExceeded
    );
    assert_eq!(
        code(upload(&images, &[], false)),
        ErrorCode::QuotaExceeded,
        "nothing remains"
    );
    let other = engine.images(&Caller::project("b"));
    upload(&other, &[3; 1000], true).expect("another project");
    images.delete(last.id()).expect("delete");
    upload(&images, &[4; 600], true).expect("deleted bytes are free at once");
}

#[test]
fn bytes_in_flight_are_charged_until_their_writer_has_stopped() {
    let engine = Engine::builder_in_memory()
        .settings(quick(1000))
        .open()
        .expect("open");
    let images = engine.images(&Caller::project("a"));
    let image = images.create(new_image()).expect("create");
    let mut running = images.upload(image.id()).expect("begin");
    running.read_from(&mut &[1_u8; 700][..]).expect("write");
    images.delete(image.id()).expect("delete");
    assert_eq!(
        code(upload(&images, &[2; 301], true)),
        ErrorCode::QuotaExceeded
    );
    assert_eq!(code(running.finish()), ErrorCode::GoneDuringUpload);
    upload(&images, &[2; 1000], true).expect("the writer has stopped");
}

fn limited(limits: ProjectLimits) -> Engine {
    let builder = Engine::builder_in_memory().settings(quick(1));
    let disk = std::sync::Arc::new(smalti::disk::MemoryDisk::new());
    builder
        .project_limits(limits)
        .store(NamedStore::own("fast"))
        .store(NamedStore::on_disk("slow", disk))
        .open()
        .expect("open")
}

fn usage(images: &Images) -> [u64; 4] {
    let usage = images.usage().expect("usage").expect("there are limits");
    let mut figures = usage.iter().map(|(_, UsageOf { usage, .. })| usage);
    [(); 4].map(|()| figures.next().expect("four figures"))
}

fn stage(images: &Images, len: usize) -> Result<ImageId> {
    let image = images.create(new_image())?;
    let mut upload = images.stage(image.id(), UploadOptions::default())?;
    upload.read_from(&mut &bytes(Pattern::Random(len as u64), len)[..])?;
    upload.finish().map(|image| *image.id())
}

#[test]
fn usage_counts_copies_and_stages_and_what_comes_in() {
    let engine = limited(ProjectLimits::default());
    let images = engine.images(&Caller::project("a").with_role("admin"));
    assert_eq!(usage(&images), [0; 4]);
    let id = stage(&images, 3 * MIB + 5).expect("stage");
    assert_eq!(usage(&images), [0, 3, 1, 1]);
    let import = images.import(&id, &Request::glance_direct(), &Requester::default());
    let task = import.expect("accept").expect("import").run().expect("run");
    assert_eq!(task.status, TaskStatus::Success);
    assert_eq!(usage(&images), [3, 0, 1, 0]);
    let copy = Request::copy_image().stores(["slow"]);
    let import = images
        .import(&id, &copy, &Requester::default())
        .expect("accept");
    assert_eq!(usage(&images), [3, 3, 1, 1], "it is being copied");
    import.expect("import").run().expect("run");
    assert_eq!(usage(&images), [6, 0, 1, 0], "each copy counts");
    let running = images.create(new_image()).expect("create");
    let upload = images.upload(running.id()).expect("begin");
    assert_eq!(usage(&images), [6, 0, 2, 1]);
    drop(upload);
    images.delete_from_store(&id, "fast").expect("delete");
    assert_eq!(usage(&images), [3, 0, 2, 0]);
    images.delete(&id).expect("delete");
    assert_eq!(usage(&images), [0, 0, 1, 0]);
    assert!(engine.verify(|_| {}).expect("verify").is_clean());
    let none: Option<Usage> = Engine::in_memory()
        .expect("open")
        .images(&Caller::project("a"))
        .usage()
        .expect("usage");
    assert_eq!(none, None, "limits are off");
}

#[test]
fn each_limit_refuses_what_exceeds_it_and_nothing_else() {
    let limits = |size: Option<u64>, stage, images, uploading| ProjectLimits {
        image_size_total: size,
        image_stage_total: stage,
        image_count_total: images,
        image_count_uploading: uploading,
    };
    let on = |limits| limited(limits).images(&Caller::project("a").with_role("admin"));
    let images = on(limits(None, None, Some(2), None));
    images.create(new_image()).expect("one");
    let second = images.create(new_image()).expect("two");
    assert_eq!(code(images.create(new_image())), ErrorCode::QuotaExceeded);
    images.delete(second.id()).expect("delete");
    images.create(new_image()).expect("two again");

    let images = on(limits(None, None, None, Some(1)));
    let [one, two] = [(); 2].map(|()| *images.create(new_image()).expect("create").id());
    let upload = images.upload(&one).expect("limit N allows N");
    assert_eq!(code(images.upload(&two)), ErrorCode::QuotaExceeded);
    assert_eq!(images.show(&two).expect("show").status(), Status::Queued);
    drop(upload);
    images
        .stage(&two, UploadOptions::default())
        .expect("the first has ended");

    let images = on(limits(None, Some(2), None, None));
    stage(&images, 2 * MIB).expect("to the last byte");
    assert_eq!(code(stage(&images, 1)), ErrorCode::QuotaExceeded);

    let images = on(limits(Some(2), None, None, None));
    let id = stage(&images, MIB + 1).expect("stages are not limited");
    let twice = Request::glance_direct().all_stores();
    let refused = images.import(&id, &twice, &Requester::default());
    assert_eq!(
        code(refused),
        ErrorCode::QuotaExceeded,
        "two copies have no room"
    );
    assert_eq!(images.show(&id).expect("show").status(), Status::Uploading);
    let import = images.import(&id, &Request::glance_direct(), &Requester::default());
    let task = import.expect("accept").expect("import").run().expect("run");
    assert_eq!(task.status, TaskStatus::Success, "{}", task.message);
    let copy = Request::copy_image().stores(["slow"]);
    let refused = images.import(&id, &copy, &Requester::default());
    assert_eq!(code(refused), ErrorCode::QuotaExceeded);
    assert_eq!(images.tasks(&id).expect("tasks").len(), 1);
}

#[test]
fn an_engine_that_only_reads_tells_usage_too() {
    let dir = tempfile::tempdir().expect("make a directory");
    let builder = || Engine::builder(dir.path()).project_limits(ProjectLimits::default());
    let engine = builder().open().expect("open");
    let images = engine.images(&Caller::project("a"));
    upload(&images, &vec![b'x'; 2 * MIB], true).expect("there is room");
    engine
        .close(std::time::Duration::from_secs(9))
        .expect("close");
    drop((images, engine));
    let engine = builder().read_only().open().expect("open");
    assert_eq!(usage(&engine.images(&Caller::project("a"))), [2, 0, 1, 0]);
}
