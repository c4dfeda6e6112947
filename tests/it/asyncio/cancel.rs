//! Futures and streams dropped at every await: done or not done, and nothing left.

use std::task::Poll;

use smalti::ingest::UploadOptions;
use smalti::{Engine, ErrorCode, Images, Status};

use super::{Hand, PATIENCE, Script, Step};
use crate::support::alone::{Held, is_alone};
use crate::support::{Pattern, bytes, caller, new_image, read_all};

/// When a future is dropped after its last poll.
#[derive(Debug, Clone, Copy)]
enum When {
    AtOnce,
    /// When it has been woken: an answer may be there that it has not seen.
    Woken,
}

/// Polls a future `polls` times, then drops it; returns what it was ready with.
fn poll_and_drop<F: Future>(future: F, polls: usize, when: When) -> Option<F::Output> {
    let (hand, mut future) = (Hand::new(), Box::pin(future));
    for poll in 1..=polls {
        if let Poll::Ready(output) = hand.poll(future.as_mut()) {
            return Some(output);
        }
        if poll < polls || matches!(when, When::Woken) {
            hand.wait();
        }
    }
    None
}

/// Waits until the image takes a new upload or is active, and tells which.
fn settle(images: &Images, id: &smalti::ImageId, data: &[u8]) -> Status {
    let begun = std::time::Instant::now();
    loop {
        assert!(begun.elapsed() < PATIENCE, "the image stays in between");
        match images.upload(id) {
            Ok(mut upload) => {
                upload
                    .read_from(&mut &data[..data.len() / 2])
                    .expect("write");
                upload.finish().expect("finish");
                assert!(read_all(images, id) == data[..data.len() / 2]);
                return Status::Queued;
            }
            Err(error) => assert_eq!(error.code(), ErrorCode::InvalidState),
        }
        if images.show(id).expect("show").status() == Status::Active {
            assert!(read_all(images, id) == data);
            return Status::Active;
        }
        std::thread::yield_now();
    }
}

#[test]
fn an_upload_dropped_at_any_await_leaves_the_image_queued_or_whole() {
    if !is_alone("asyncio::cancel::an_upload_dropped_at_any_await_leaves_the_image_queued_or_whole")
    {
        return;
    }
    let before = Held::now();
    let dir = tempfile::tempdir().expect("directory");
    let engine = Engine::builder(dir.path()).open().expect("open");
    let images = engine.images(&caller());
    let data = bytes(Pattern::Random(1), 3_500_000);
    for when in [When::AtOnce, When::Woken] {
        let mut seen = [0, 0];
        for polls in 1.. {
            let image = images.create(new_image()).expect("create");
            let script = Script::halting(&data, 300_000);
            let tasks = images.asyncio();
            let upload = tasks.upload_stream(image.id(), script, UploadOptions::default());
            let output = poll_and_drop(upload, polls, when);
            let status = settle(&images, image.id(), &data);
            seen[usize::from(status == Status::Active)] += 1;
            if let Some(output) = output {
                assert_eq!(output.expect("upload").status(), Status::Active);
                assert_eq!(status, Status::Active);
                break;
            }
        }
        assert!(seen[0] >= 12 && seen[1] >= 1, "{when:?}: {seen:?}");
    }
    finish(engine, images, &before);
}

/// Closes the engine, and waits until the process holds what it held before.
fn finish(engine: Engine, images: Images, before: &Held) {
    engine.close(PATIENCE).expect("close");
    drop((engine, images));
    let begun = std::time::Instant::now();
    while Held::now() != *before {
        let now = Held::now();
        assert!(
            begun.elapsed() < PATIENCE,
            "before: {before:?}, now: {now:?}"
        );
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

#[test]
fn calls_dropped_at_any_await_are_done_or_not_done() {
    let name = "asyncio::cancel::calls_dropped_at_any_await_are_done_or_not_done";
    if !is_alone(name) {
        return;
    }
    let before = Held::now();
    let dir = tempfile::tempdir().expect("directory");
    let engine = Engine::builder(dir.path()).open().expect("open");
    let images = engine.images(&caller());
    let tasks = images.asyncio();
    for when in [When::AtOnce, When::Woken] {
        for polls in 0..3 {
            let id = format!("00000000-0000-4000-8000-0000000000{polls}{}", when as u8);
            let id: smalti::ImageId = id.parse().expect("an id");
            let created = poll_and_drop(tasks.create(new_image().id(id)), polls, when);
            assert!(created.is_none_or(|created| created.is_ok()));
            // Either it is there, soon if not now, or its id is still free.
            if let Err(error) = images.create(new_image().id(id)) {
                assert_eq!(error.code(), ErrorCode::Duplicate);
            }
            assert_eq!(images.show(&id).expect("show").status(), Status::Queued);
            let deleted = poll_and_drop(tasks.delete(&id), polls, when);
            assert!(deleted.is_none_or(|deleted| deleted.is_ok()));
            if let Err(error) = images.delete(&id) {
                assert_eq!(error.code(), ErrorCode::NotFound);
            }
            let gone = images.show(&id).expect_err("deleted");
            assert_eq!(gone.code(), ErrorCode::NotFound);
        }
    }
    drop(tasks);
    finish(engine, images, &before);
}

#[test]
fn a_download_dropped_at_any_await_leaves_nothing() {
    if !is_alone("asyncio::cancel::a_download_dropped_at_any_await_leaves_nothing") {
        return;
    }
    let before = Held::now();
    let dir = tempfile::tempdir().expect("directory");
    let engine = Engine::builder(dir.path()).open().expect("open");
    let images = engine.images(&caller());
    let image = images.create(new_image()).expect("create");
    let data = bytes(Pattern::Random(5), 40_000_000);
    let mut upload = images.upload(image.id()).expect("begin");
    upload.read_from(&mut &data[..]).expect("write");
    upload.finish().expect("finish");
    let tasks = images.asyncio();
    let id = *image.id();
    let download = || async {
        let reader = tasks.open(&id).await.expect("open").expect("data");
        super::read_stream(reader.stream(..).expect("all")).await
    };
    for when in [When::AtOnce, When::Woken] {
        let whole = (0..).find_map(|polls| poll_and_drop(download(), polls, when));
        assert!(whole.expect("it ends") == data);
    }
    drop(tasks);
    finish(engine, images, &before);
}

#[test]
fn a_source_that_panics_is_a_drop() {
    let engine = Engine::in_memory().expect("open");
    let images = engine.images(&caller());
    let data = bytes(Pattern::Random(3), 2_500_000);
    struct Panics(Script);
    impl futures_core::Stream for Panics {
        type Item = std::io::Result<smalti::Bytes>;

        fn poll_next(
            mut self: std::pin::Pin<&mut Self>,
            cx: &mut std::task::Context<'_>,
        ) -> Poll<Option<Self::Item>> {
            assert!(!matches!(self.0.0.front(), Some(Step::Fail)), "as planned");
            std::pin::Pin::new(&mut self.0).poll_next(cx)
        }
    }
    for runtime in super::runtimes() {
        let image = images.create(new_image()).expect("create");
        let (tasks, id) = (images.asyncio(), *image.id());
        let source = Panics(Script::halting(&data, 200_000).and(Step::Fail));
        let upload = async move { tasks.upload_stream(&id, source, Default::default()).await };
        let ended = runtime.block_on(async { tokio::spawn(upload).await });
        assert!(ended.expect_err("it panicked").is_panic());
        assert_eq!(settle(&images, &id, &data), Status::Queued);
    }
}
