//! Bytes in, bytes out: what an upload leaves behind, whatever the bytes and however they come.

use std::io::{Cursor, Read, Seek, SeekFrom, Write};

use smalti::ingest::UploadOptions;
use smalti::{ContainerFormat, Digest, Engine, ErrorCode, Image, Images, Settings, Status};

use crate::support::{Pattern, Rng, bytes, caller, new_image, read_all};

fn upload(images: &Images, data: &[u8]) -> Image {
    let image = images.create(new_image()).expect("create");
    let mut upload = images.upload(image.id()).expect("begin");
    upload.write_all(data).expect("write");
    upload.finish().expect("finish")
}

#[test]
fn images_of_awkward_lengths_come_back_bit_exact() {
    let engine = Engine::in_memory().expect("open");
    let images = engine.images(&caller());
    for len in [
        0,
        1,
        511,
        4095,
        4096,
        4097,
        65_536,
        262_143,
        262_145,
        (1 << 20) + 1,
        5_000_001,
    ] {
        for pattern in [
            Pattern::Random(len as u64),
            Pattern::Zero,
            Pattern::Mixed(7),
        ] {
            let data = bytes(pattern, len);
            let image = upload(&images, &data);
            assert_eq!(
                (image.status(), image.size()),
                (Status::Active, Some(len as u64))
            );
            let found = read_all(&images, image.id());
            assert!(found == data, "{pattern:?} of {len} bytes");
        }
    }
}

#[test]
fn reader_reads_and_seeks_like_a_file() {
    let engine = Engine::in_memory().expect("open");
    let images = engine.images(&caller());
    let data = bytes(Pattern::Mixed(3), 3_000_000);
    let image = upload(&images, &data);
    let mut reader = images.open(image.id()).expect("open").expect("data");
    let mut file = Cursor::new(&data);
    for (to, len) in [
        (SeekFrom::Start(0), 10),
        (SeekFrom::Current(4090), 8000),
        (SeekFrom::End(-5), 10),
        (SeekFrom::Start(2_000_000), 700_000),
        (SeekFrom::End(7), 3),
    ] {
        assert_eq!(reader.seek(to).expect("seek"), file.seek(to).expect("seek"));
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        reader
            .by_ref()
            .take(len)
            .read_to_end(&mut ours)
            .expect("read");
        file.by_ref()
            .take(len)
            .read_to_end(&mut theirs)
            .expect("read");
        assert!(ours == theirs, "{to:?}");
    }
    assert!(reader.seek(SeekFrom::Current(-4_000_000)).is_err());
}

#[test]
fn every_range_is_that_of_the_bytes() {
    let engine = Engine::in_memory().expect("open");
    let images = engine.images(&caller());
    let data = bytes(Pattern::Mixed(11), 2_500_003);
    let image = upload(&images, &data);
    let reader = images.open(image.id()).expect("open").expect("data");
    let mut state = 5u64;
    for _ in 0..500 {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let start = (state >> 20) as usize % data.len();
        let len = 1 + (state >> 40) as usize % 300_000;
        let end = (start + len).min(data.len());
        let found: Vec<u8> = reader
            .slices(start as u64..end as u64)
            .expect("within")
            .flat_map(|slice| slice.expect("read").to_vec())
            .collect();
        assert!(found == data[start..end], "{start}..{end}");
    }
    let beyond = reader
        .slices(0..data.len() as u64 + 1)
        .expect_err("beyond the end");
    assert_eq!(beyond.code(), ErrorCode::RangeNotSatisfiable);
}

#[test]
fn a_wrong_size_or_digest_leaves_the_image_queued_and_nothing_readable() {
    let engine = Engine::in_memory().expect("open");
    let images = engine.images(&caller());
    let image = images.create(new_image()).expect("create");
    let sized = |len| UploadOptions {
        expected_len_bytes: Some(len),
        ..Default::default()
    };
    let md5 = |hex: &str| UploadOptions {
        expected_checksum: Some(hex.parse().expect("hex")),
        ..Default::default()
    };
    for (options, code) in [
        (sized(5), ErrorCode::SizeMismatch),
        (sized(3), ErrorCode::SizeMismatch),
        (
            md5("00000000000000000000000000000000"),
            ErrorCode::HashConflict,
        ),
    ] {
        let mut upload = images.upload_with(image.id(), options).expect("begin");
        let wrote = upload.write_all(b"abcd");
        let ended = match wrote {
            Ok(()) => upload.finish().expect_err("not as expected"),
            Err(error) => error.downcast::<smalti::Error>().expect("ours"),
        };
        assert_eq!(ended.code(), code);
        let after = images.show(image.id()).expect("show");
        assert_eq!((after.status(), after.size()), (Status::Queued, None));
        assert!(images.open(image.id()).expect("open").is_none());
    }
    let right = md5("e2fc714c4727ee9395f324cd2e7f331f");
    let mut upload = images.upload_with(image.id(), right).expect("begin");
    upload.write_all(b"abcd").expect("write");
    assert_eq!(upload.finish().expect("finish").status(), Status::Active);
}

#[test]
fn an_expected_digest_that_no_bytes_can_have_is_refused_before_they_come() {
    let none = Settings {
        legacy_md5: false,
        hashing_algorithm: None,
        ..Settings::default()
    };
    let zeros = |len: usize| -> Option<Digest> { Some("00".repeat(len).parse().expect("hex")) };
    let checksum = |len| UploadOptions {
        expected_checksum: zeros(len),
        ..Default::default()
    };
    let hash = |len| UploadOptions {
        expected_hash: zeros(len),
        ..Default::default()
    };
    for (settings, options, what) in [
        (none.clone(), checksum(16), "computes none"),
        (none, hash(64), "computes none"),
        (Settings::default(), checksum(20), "20 bytes, md5 has 16"),
        (Settings::default(), hash(32), "32 bytes, sha512 has 64"),
    ] {
        let engine = Engine::builder_in_memory()
            .settings(settings)
            .open()
            .expect("open");
        let images = engine.images(&caller());
        let image = images.create(new_image()).expect("create");
        let refused = images
            .upload_with(image.id(), options)
            .expect_err("refused");
        assert_eq!(refused.code(), ErrorCode::InvalidParameter);
        assert!(refused.message().contains(what), "{refused}");
        let after = images.show(image.id()).expect("show");
        assert_eq!(after.status(), Status::Queued);
    }
}

#[test]
fn a_dropped_upload_and_a_failing_source_leave_the_image_queued() {
    struct Failing(usize);
    impl Read for Failing {
        fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
            let len = buf.len().min(self.0);
            self.0 -= len;
            if len == 0 {
                Err(std::io::Error::other("the wire broke"))
            } else {
                Ok(len)
            }
        }
    }
    let engine = Engine::in_memory().expect("open");
    let images = engine.images(&caller());
    let image = images.create(new_image()).expect("create");
    let mut upload = images.upload(image.id()).expect("begin");
    upload
        .write_all(&bytes(Pattern::Random(1), 3_000_000))
        .expect("write");
    assert_eq!(
        images.show(image.id()).expect("show").status(),
        Status::Saving
    );
    assert_eq!(
        images.upload(image.id()).expect_err("one at a time").code(),
        ErrorCode::InvalidState
    );
    drop(upload);
    assert_eq!(
        images.show(image.id()).expect("show").status(),
        Status::Queued
    );
    let mut upload = images.upload(image.id()).expect("begin");
    let failed = upload
        .read_from(&mut Failing(3_000_000))
        .expect_err("the source failed");
    assert_eq!(failed.code(), ErrorCode::SourceFailed);
    assert_eq!(
        images.show(image.id()).expect("show").status(),
        Status::Queued
    );
    let again = upload.finish().expect_err("it has failed");
    assert_eq!(again.code(), ErrorCode::InvalidState);
}

#[test]
fn many_small_holes_and_writes_do_not_wait_for_each_other() {
    for container in [ContainerFormat::Bare, ContainerFormat::Ova] {
        let engine = Engine::in_memory().expect("open");
        let images = engine.images(&caller());
        let image = images
            .create(new_image().container_format(container))
            .expect("create");
        let mut upload = images.upload(image.id()).expect("begin");
        let mut expected = Vec::new();
        for round in 0..400usize {
            let (hole, len) = ([1, 1000, 4096, 8192][round % 4], 1 + round % 4097);
            upload.skip(hole as u64).expect("skip");
            expected.resize(expected.len() + hole, 0);
            let data = bytes(Pattern::Random(round as u64), len);
            upload.write_all(&data).expect("write");
            expected.extend_from_slice(&data);
        }
        let image = upload.finish().expect("finish");
        assert!(read_all(&images, image.id()) == expected, "{container}");
    }
}

#[test]
fn the_directory_stays_locked_while_an_upload_runs() {
    let dir = tempfile::tempdir().expect("make a directory");
    let engine = Engine::builder(dir.path()).open().expect("open");
    let images = engine.images(&caller());
    let image = images.create(new_image()).expect("create");
    let mut upload = images.upload(image.id()).expect("begin");
    drop((engine, images));
    let locked = Engine::builder(dir.path())
        .open()
        .expect_err("the upload goes on");
    assert_eq!(locked.code(), ErrorCode::Locked);
    upload.write_all(b"still here").expect("write");
    upload.finish().expect("finish");
    let engine = Engine::builder(dir.path()).open().expect("open");
    assert!(read_all(&engine.images(&caller()), image.id()) == b"still here");
}

#[test]
fn a_directory_that_holds_directories_of_others_is_left_alone() {
    let dir = tempfile::tempdir().expect("make a directory");
    std::fs::create_dir(dir.path().join("names")).expect("make");
    std::fs::write(dir.path().join("names/guests.txt"), "ours").expect("write");
    let refused = Engine::builder(dir.path()).open().expect_err("not ours");
    assert_eq!(refused.code(), ErrorCode::UnknownFormat);
    let found = std::fs::read_dir(dir.path()).expect("list").count();
    assert_eq!(found, 1, "nothing was made");
    assert!(dir.path().join("names/guests.txt").exists());
}

#[test]
fn pages_of_long_and_monotonous_images_are_named_as_they_come() {
    let settings = Settings {
        hashing_algorithm: None,
        legacy_md5: false,
        ..Settings::default()
    };
    let engine = Engine::builder_in_memory()
        .settings(settings)
        .open()
        .expect("open");
    let images = engine.images(&caller());
    let image = images.create(new_image()).expect("create");
    let mut upload = images.upload(image.id()).expect("begin");
    let blocks = [
        bytes(Pattern::Random(1), 4096),
        bytes(Pattern::Random(2), 4096),
    ];
    let mut rng = Rng(9);
    let mut batch = vec![0; 1 << 20];
    for _ in 0..400 {
        for pair in batch.chunks_mut(8192) {
            pair[..4096].copy_from_slice(&blocks[(rng.next() % 2) as usize]);
        }
        upload.write_all(&batch).expect("write");
    }
    let before = engine.stats().expect("stats").page_bytes;
    assert!(before > 0, "pages are named while the upload runs");
    upload.finish().expect("finish");
    assert!(engine.verify(|_| {}).expect("verify").is_clean());
}
