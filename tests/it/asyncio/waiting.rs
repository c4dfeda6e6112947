//! Who waits for whom: slow clients hold no thread, and no call holds the thread that polls it.

use std::cell::Cell;
use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, Instant};

use smalti::ingest::UploadOptions;
use smalti::{Engine, Status};
use tokio::task::LocalSet;

use super::{Hand, Script, Step, next, read_stream, runtimes, wait_until};
use crate::support::alone::{is_alone, threads_named};
use crate::support::{Pattern, bytes, caller, new_image};

const BLOCKING: &str = "smalti-block";

#[test]
fn slow_readers_and_slow_uploads_hold_no_thread() {
    if !is_alone("asyncio::waiting::slow_readers_and_slow_uploads_hold_no_thread") {
        return;
    }
    let engine = Engine::in_memory().expect("open");
    let images = engine.images(&caller()).asyncio();
    let data = bytes(Pattern::Random(1), 12_000_000);
    let [runtime, _] = runtimes();
    let image = images.blocking().create(new_image()).expect("create");
    let filled = images.upload_from(image.id(), &data[..], UploadOptions::default());
    runtime.block_on(filled).expect("upload");
    let reader = runtime.block_on(images.open(image.id()));
    let reader = reader.expect("open").expect("data");

    let mut streams: Vec<_> = (0..100).map(|_| reader.stream(..).expect("all")).collect();
    for stream in &mut streams {
        let first = runtime.block_on(next(stream)).expect("bytes");
        first.expect("read");
    }
    wait_until("readers at rest", || threads_named(BLOCKING) == 0);

    let hand = Hand::new();
    let mut uploads: Vec<_> = (0..20)
        .map(|_| {
            let image = images.blocking().create(new_image()).expect("create");
            let (images, id) = (images.clone(), *image.id());
            let script = Script::halting(&data[..2_500_000], 500_000).and(Step::Never);
            let future = async move { images.upload_stream(&id, script, Default::default()).await };
            (id, Box::pin(future))
        })
        .collect();
    for (id, upload) in &mut uploads {
        let show = || images.blocking().show(id).expect("show").status();
        // A poll that nobody asked for does no harm.
        wait_until("the upload goes on", || {
            assert!(hand.poll(upload.as_mut()).is_pending());
            show() == Status::Saving
        });
        for _ in 0..100 {
            assert!(hand.poll(upload.as_mut()).is_pending());
            std::thread::sleep(Duration::from_micros(100));
        }
    }
    wait_until("uploads at rest", || threads_named(BLOCKING) == 0);

    // Both go on where they were.
    let rest = runtime.block_on(read_stream(streams.swap_remove(0)));
    assert!(data.ends_with(&rest) && rest.len() > 1_000_000);
    let (id, upload) = uploads.swap_remove(0);
    drop(upload);
    wait_until("the upload is taken back", || {
        images.blocking().show(&id).expect("show").status() == Status::Queued
    });
}

#[test]
fn without_a_task_there_are_no_threads_for_tasks() {
    if !is_alone("asyncio::waiting::without_a_task_there_are_no_threads_for_tasks") {
        return;
    }
    let engine = Engine::in_memory().expect("open");
    let images = engine.images(&caller());
    let image = images.create(new_image()).expect("create");
    let mut upload = images.upload(image.id()).expect("begin");
    upload.read_from(&mut &b"system"[..]).expect("write");
    upload.finish().expect("finish");
    assert_eq!(crate::support::read_all(&images, image.id()), b"system");
    assert_eq!(threads_named(BLOCKING), 0);
}

/// Runs `work` beside a task that ticks, and returns the longest time between two ticks.
async fn longest_gap(work: impl Future<Output = ()>) -> Duration {
    let (longest, done) = (
        Rc::new(Cell::new(Duration::ZERO)),
        Rc::new(Cell::new(false)),
    );
    let ticker = {
        let (longest, done) = (Rc::clone(&longest), Rc::clone(&done));
        async move {
            let mut last = Instant::now();
            while !done.get() {
                tokio::time::sleep(Duration::from_millis(1)).await;
                longest.set(longest.get().max(last.elapsed()));
                last = Instant::now();
            }
        }
    };
    let local = LocalSet::new();
    let ticks = local.spawn_local(ticker);
    local.run_until(work).await;
    done.set(true);
    local.run_until(ticks).await.expect("it ticks");
    longest.get()
}

/// Has the kernel forget the contents of all files below `dir`.
fn chill(dir: &Path) {
    for entry in std::fs::read_dir(dir).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            chill(&path);
        } else {
            let file = std::fs::File::open(&path).expect("a file");
            file.sync_all().expect("sync");
            rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed).expect("advice");
        }
    }
}

#[test]
fn the_thread_that_polls_is_never_blocked() {
    if !is_alone("asyncio::waiting::the_thread_that_polls_is_never_blocked") {
        return;
    }
    const LIMIT: Duration = Duration::from_millis(100);
    let data = bytes(Pattern::Random(6), 96 << 20);
    let [runtime, _] = runtimes();
    let mut gaps = Vec::new();
    // The machine may have other work: one quiet round of a few is asked for.
    for _ in 0..5 {
        let dir = tempfile::tempdir().expect("directory");
        let open = || Engine::builder(dir.path()).open().expect("open");
        let engine = open();
        let images = engine.images(&caller()).asyncio();
        let image = images.blocking().create(new_image()).expect("create");
        let upload = runtime.block_on(longest_gap(async {
            let filled = images.upload_from(image.id(), &data[..], UploadOptions::default());
            filled.await.expect("upload");
        }));
        engine.close(Duration::from_secs(9)).expect("close");
        drop((engine, images));
        chill(dir.path());
        let images = open().images(&caller()).asyncio();
        let download = runtime.block_on(longest_gap(async {
            let reader = images.open(image.id()).await.expect("open").expect("data");
            let (mut stream, mut at) = (reader.stream(..).expect("all"), 0);
            while let Some(slice) = next(&mut stream).await {
                let slice = slice.expect("read");
                assert!(data[at..].starts_with(&slice), "at {at}");
                at += slice.len();
            }
            assert_eq!(at, data.len());
        }));
        gaps.push((upload, download));
        if upload < LIMIT && download < LIMIT {
            println!("longest gaps: {gaps:?}");
            return;
        }
    }
    panic!("longest gaps of uploads and cold downloads: {gaps:?}");
}
