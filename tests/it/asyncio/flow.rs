//! What goes in comes out, both ways in and both ways out, on both kinds of runtime.

use std::io::{Cursor, Read, Seek, SeekFrom};

use smalti::asyncio::{AsyncImages, AsyncReader, AsyncSlices};
use smalti::ingest::UploadOptions;
use smalti::{Bytes, Engine, ErrorCode, Status};
use tokio::io::{AsyncReadExt, AsyncSeekExt};

use super::{Script, Step, next, read_stream, runtimes};
use crate::support::{Pattern, Rng, bytes, caller, new_image};

const LENS: [usize; 8] = [0, 1, 4095, 4097, 131_072, (1 << 20) + 1, 3 << 20, 9_000_001];

#[test]
fn bytes_come_back_by_both_ways_in_and_both_ways_out() {
    for runtime in runtimes() {
        let engine = Engine::in_memory().expect("open");
        let images = engine.images(&caller()).asyncio();
        for len in LENS {
            for pattern in [
                Pattern::Random(len as u64),
                Pattern::Zero,
                Pattern::Mixed(9),
            ] {
                let data = bytes(pattern, len);
                runtime.block_on(round_trips(&images, &data));
            }
        }
    }
}

async fn round_trips(images: &AsyncImages, data: &[u8]) {
    let whole = Script(Default::default()).and(Step::Piece(Bytes::copy_from_slice(data)));
    for (way, script) in [whole, Script::halting(data, 70_001)]
        .into_iter()
        .enumerate()
    {
        let image = images.create(new_image()).await.expect("create");
        let options = UploadOptions {
            expected_len_bytes: Some(data.len() as u64),
            ..UploadOptions::default()
        };
        let filled = if way == 0 {
            images.upload_from(image.id(), data, options).await
        } else {
            images.upload_stream(image.id(), script, options).await
        };
        let image = filled.expect("upload");
        assert_eq!(image.status(), Status::Active);
        assert_eq!(images.show(image.id()).await.expect("show"), image);
        let mut reader = images.open(image.id()).await.expect("open").expect("data");
        assert_eq!(reader.len_bytes(), data.len() as u64);
        let streamed = read_stream(reader.stream(..).expect("all")).await;
        assert!(streamed == data, "{} bytes, streamed", data.len());
        let mut found = Vec::new();
        reader.read_to_end(&mut found).await.expect("read");
        assert!(found == data, "{} bytes, read", data.len());
        images.delete(image.id()).await.expect("delete");
        let gone = images.open(image.id()).await.expect_err("deleted");
        assert_eq!(gone.code(), ErrorCode::NotFound);
    }
}

#[test]
fn an_image_without_data_opens_as_nothing_and_strangers_see_none() {
    for runtime in runtimes() {
        let engine = Engine::in_memory().expect("open");
        let images = engine.images(&caller()).asyncio();
        let other = engine.images(&smalti::Caller::project("b")).asyncio();
        runtime.block_on(async {
            let image = images.create(new_image()).await.expect("create");
            assert!(images.open(image.id()).await.expect("open").is_none());
            let upload = other.upload_from(image.id(), &b"x"[..], UploadOptions::default());
            assert_eq!(upload.await.expect_err("no").code(), ErrorCode::NotFound);
            let shown = other.show(image.id()).await.expect_err("no");
            assert_eq!(shown.code(), ErrorCode::NotFound);
        });
    }
}

#[test]
fn reader_reads_and_seeks_like_a_file() {
    for runtime in runtimes() {
        let engine = Engine::in_memory().expect("open");
        let images = engine.images(&caller()).asyncio();
        let data = bytes(Pattern::Mixed(3), 5_000_003);
        runtime.block_on(async {
            let image = images.create(new_image()).await.expect("create");
            let filled = images.upload_from(image.id(), &data[..], UploadOptions::default());
            let image = filled.await.expect("upload");
            let reader = images.open(image.id()).await.expect("open");
            like_a_file(reader.expect("data"), &data).await;
        });
    }
}

async fn like_a_file(mut ours: AsyncReader, data: &[u8]) {
    let (mut rng, mut file) = (Rng(42), Cursor::new(data));
    let len = data.len() as u64;
    for round in 0..400 {
        let to = match rng.below(5) {
            0 => SeekFrom::Start(rng.below(len + 10)),
            1 => SeekFrom::End(-(rng.below(len) as i64)),
            2 => SeekFrom::Current(rng.below(9000) as i64),
            _ => SeekFrom::Current(0),
        };
        let (at, expected) = (ours.seek(to).await, Seek::seek(&mut file, to));
        assert_eq!(at.expect("seek"), expected.expect("seek"), "round {round}");
        let count = [0, 1, 500, 70_000, 900_000][index(rng.below(5))];
        let (mut found, mut expected) = (Vec::new(), Vec::new());
        let read = (&mut ours).take(count).read_to_end(&mut found).await;
        read.expect("read");
        let read = Read::read_to_end(&mut Read::take(&mut file, count), &mut expected);
        read.expect("read");
        assert!(found == expected, "round {round}: {to:?}, {count} bytes");
    }
    assert!(ours.seek(SeekFrom::Current(-9_000_000)).await.is_err());
}

fn index(number: u64) -> usize {
    usize::try_from(number).expect("an index")
}

#[test]
fn every_range_is_that_of_the_bytes() {
    for runtime in runtimes() {
        let engine = Engine::in_memory().expect("open");
        let images = engine.images(&caller()).asyncio();
        let data = bytes(Pattern::Mixed(11), 6_500_003);
        runtime.block_on(async {
            let image = images.create(new_image()).await.expect("create");
            let filled = images.upload_from(image.id(), &data[..], UploadOptions::default());
            let image = filled.await.expect("upload");
            let reader = images.open(image.id()).await.expect("open").expect("data");
            let mut rng = Rng(7);
            for _ in 0..200 {
                let start = rng.below(data.len() as u64);
                let end = (start + rng.below(2_000_000)).min(data.len() as u64);
                let stream: AsyncSlices = reader.stream(start..end).expect("within");
                assert_eq!(stream.remaining_bytes(), end - start);
                let found = read_stream(stream).await;
                assert!(found == data[index(start)..index(end)], "{start}..{end}");
            }
            let beyond = reader.stream(0..data.len() as u64 + 1).expect_err("beyond");
            assert_eq!(beyond.code(), ErrorCode::RangeNotSatisfiable);
        });
    }
}

#[test]
fn a_failing_source_fails_the_upload_and_leaves_the_image_queued() {
    for runtime in runtimes() {
        let engine = Engine::in_memory().expect("open");
        let images = engine.images(&caller()).asyncio();
        let data = bytes(Pattern::Random(1), 5_000_000);
        runtime.block_on(async {
            let image = images.create(new_image()).await.expect("create");
            for len in [0, 1, 1 << 20, 5_000_000] {
                let script = Script::halting(&data[..len], 100_000).and(Step::Fail);
                let upload = images.upload_stream(image.id(), script, UploadOptions::default());
                let error = upload.await.expect_err("the source failed");
                assert_eq!(error.code(), ErrorCode::SourceFailed);
                let message = format!("source failed at byte {len}: the wire broke");
                assert_eq!(error.message(), message);
                let after = images.show(image.id()).await.expect("show");
                assert_eq!((after.status(), after.size()), (Status::Queued, None));
            }
        });
    }
}

#[test]
fn a_failed_upload_is_told_of_while_its_source_is_silent() {
    for runtime in runtimes() {
        let engine = Engine::in_memory().expect("open");
        let images = engine.images(&caller()).asyncio();
        let data = bytes(Pattern::Random(1), 3_000_000);
        runtime.block_on(async {
            let image = images.create(new_image()).await.expect("create");
            let options = UploadOptions {
                expected_len_bytes: Some(1000),
                ..UploadOptions::default()
            };
            let script = Script::halting(&data, 500_000).and(Step::Never);
            let upload = images.upload_stream(image.id(), script, options);
            let error = upload.await.expect_err("too many bytes");
            assert_eq!(error.code(), ErrorCode::SizeMismatch);
            let after = images.show(image.id()).await.expect("show");
            assert_eq!(after.status(), Status::Queued);
            let taken = images.upload_from(image.id(), &data[..], UploadOptions::default());
            assert_eq!(taken.await.expect("upload").size(), Some(3_000_000));
        });
    }
}

#[test]
fn a_stream_goes_on_after_its_image_is_deleted() {
    let [runtime, _] = runtimes();
    let engine = Engine::in_memory().expect("open");
    let images = engine.images(&caller()).asyncio();
    let data = bytes(Pattern::Random(2), 20_000_000);
    runtime.block_on(async {
        let image = images.create(new_image()).await.expect("create");
        let filled = images.upload_from(image.id(), &data[..], UploadOptions::default());
        let image = filled.await.expect("upload");
        let reader = images.open(image.id()).await.expect("open").expect("data");
        let mut stream = reader.stream(..).expect("all");
        let mut found = next(&mut stream)
            .await
            .expect("bytes")
            .expect("read")
            .to_vec();
        drop(reader);
        images.delete(image.id()).await.expect("delete");
        found.extend(read_stream(stream).await);
        assert!(found == data);
    });
}

#[test]
fn futures_and_streams_may_move_between_threads() {
    fn is_send<T: Send>(value: T) -> T {
        value
    }
    let images = Engine::in_memory()
        .expect("open")
        .images(&caller())
        .asyncio();
    let id = images.blocking().create(new_image()).expect("create");
    let id = *id.id();
    let script = Script(Default::default());
    drop(is_send(images.create(new_image())));
    drop(is_send(images.show(&id)));
    drop(is_send(images.open(&id)));
    drop(is_send(images.delete(&id)));
    drop(is_send(images.upload_from(
        &id,
        &b""[..],
        Default::default(),
    )));
    drop(is_send(images.upload_stream(
        &id,
        script,
        Default::default(),
    )));
    fn is_shared<T: Send + Sync + 'static>() {}
    is_shared::<AsyncImages>();
    is_shared::<AsyncReader>();
    is_shared::<AsyncSlices>();
}
