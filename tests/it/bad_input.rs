//! What an engine is given and should not be: foreign and damaged directories, absurd lengths,
//! calls after the end. All of it is a typed error, and nothing is changed by it.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use smalti::disk::Disk;
use smalti::disk::sim::SimDisk;
use smalti::engine::Builder;
use smalti::ingest::UploadOptions;
use smalti::read::{Extent, ExtentKind};
use smalti::testing::sum;
use smalti::{Bytes, Engine, ErrorCode, ErrorKind, ImageId, Images, Settings, Status};

use crate::support::{Pattern, bytes, caller, new_image, read_all};

const SOON: Duration = Duration::from_secs(9);

fn settings() -> Settings {
    Settings {
        hashing_algorithm: None,
        legacy_md5: false,
        reserve_len_bytes: 0,
        pack_len_bytes: 1 << 20,
        seal_from_bytes: 64 << 10,
        ..Settings::default()
    }
}

fn on(disk: &SimDisk) -> Builder {
    Builder::on_disk(Arc::new(disk.clone())).settings(settings())
}

/// Returns a disk that holds files, and the directories of an engine.
fn holding(files: impl IntoIterator<Item = (String, Bytes)>) -> SimDisk {
    let disk = SimDisk::from_files(files);
    for dir in ["packs", "log", "names"] {
        disk.create_dir(dir).expect("make");
    }
    disk
}

fn upload(images: &Images, data: &[u8]) -> ImageId {
    let image = images.create(new_image()).expect("create");
    let mut upload = images.upload(image.id()).expect("begin");
    upload.write_all(data).expect("write");
    *upload.finish().expect("finish").id()
}

fn code(opened: smalti::Result<Engine>) -> ErrorCode {
    opened.expect_err("it must not open").code()
}

/// Returns every file below a directory with its contents.
fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(dir).expect("a directory") {
        let path = entry.expect("an entry").path();
        let name = path.display().to_string();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.insert(name, fs::read(&path).expect("a file"));
        }
    }
    found
}

#[test]
fn directories_of_others_are_refused_and_left_alone() {
    let foreign: [&[(&str, &[u8])]; 4] = [
        &[("thesis.tex", b"\\documentclass{book}")],
        &[("smalti", b"a file that happens to have our name")],
        &[("smalti", &[0; 64])],
        &[("index.redb", b"what is left of an engine"), ("LOCK", b"")],
    ];
    for case in foreign {
        let dir = tempfile::tempdir().expect("a directory");
        for (name, contents) in case {
            fs::write(dir.path().join(name), contents).expect("write");
        }
        let before = files(dir.path());
        let builders: [fn(Builder) -> Builder; 3] =
            [|it| it, Builder::existing, Builder::read_only];
        for change in builders {
            let found = code(change(Engine::builder(dir.path())).open());
            let names_nothing = found == ErrorCode::NotFound && case[0].0 == "thesis.tex";
            assert!(
                found == ErrorCode::UnknownFormat || names_nothing,
                "{found:?}"
            );
            assert_eq!(
                files(dir.path()),
                before,
                "nothing is written to what is not ours"
            );
        }
    }
}

#[test]
fn a_directory_that_is_not_there_is_made_or_not_found() {
    let dir = tempfile::tempdir().expect("a directory");
    let inner = dir.path().join("a/b");
    let found = code(Engine::builder(&inner).existing().open());
    assert_eq!(found, ErrorCode::NotFound);
    let found = code(Engine::builder(&inner).read_only().open());
    assert_eq!(found, ErrorCode::NotFound);
    assert!(!inner.exists());
    let engine = Engine::builder(&inner).open().expect("made");
    engine.close(SOON).expect("close");
}

#[test]
fn a_file_where_a_directory_should_be_is_no_engine() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("file");
    fs::write(&path, b"contents").expect("write");
    let builders: [fn(Builder) -> Builder; 3] = [|it| it, Builder::existing, Builder::read_only];
    for change in builders {
        let error = change(Engine::builder(&path))
            .open()
            .expect_err("no directory");
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
        assert!(
            !error.message().contains(&*path.to_string_lossy()),
            "{error}"
        );
    }
    assert_eq!(fs::read(&path).expect("read"), b"contents");
    // The same for the directories inside.
    for name in ["packs", "log", "names"] {
        let dir = tempfile::tempdir().expect("a directory");
        let engine = Engine::builder(dir.path()).open().expect("make");
        engine.close(SOON).expect("close");
        let path = dir.path().join(name);
        fs::remove_dir_all(&path).expect("remove");
        fs::write(&path, b"").expect("write");
        let opened = Engine::builder(dir.path()).open();
        let used = opened.and_then(|engine| {
            let images = engine.images(&caller());
            let image = images.create(new_image())?;
            let mut upload = images.upload(image.id())?;
            upload.read_from(&mut &b"some bytes"[..])?;
            upload.finish()
        });
        let error = used.expect_err("a directory is missing");
        let kinds = [ErrorKind::Unavailable, ErrorKind::Corrupt];
        assert!(kinds.contains(&error.kind()), "{name}: {error:?}");
    }
}

#[test]
fn a_newer_format_is_refused_without_a_write() {
    let disk = SimDisk::new();
    on(&disk).open().expect("make").close(SOON).expect("close");
    let mut files = disk.files();
    let (_, format) = files
        .iter_mut()
        .find(|(path, _)| path == "smalti")
        .expect("format file");
    let mut newer = format.to_vec();
    newer[8] = 2;
    let end = newer.len() - 8;
    let summed = sum(0x666f_726d_6174, &newer[..end]);
    newer[end..].copy_from_slice(&summed.to_le_bytes());
    *format = Bytes::from(newer);
    let disk = holding(files);
    let before = (disk.op_count(), disk.files());
    let builders: [fn(Builder) -> Builder; 3] = [|it| it, Builder::existing, Builder::read_only];
    for change in builders {
        assert_eq!(code(change(on(&disk)).open()), ErrorCode::NewerFormat);
    }
    assert_eq!((disk.op_count(), disk.files()), before);
}

#[test]
fn a_second_engine_on_a_directory_is_locked_out() {
    let dir = tempfile::tempdir().expect("a directory");
    let engine = Engine::builder(dir.path()).open().expect("open");
    let builders: [fn(Builder) -> Builder; 3] = [|it| it, Builder::existing, Builder::read_only];
    for change in builders {
        assert_eq!(
            code(change(Engine::builder(dir.path())).open()),
            ErrorCode::Locked
        );
    }
    assert_eq!(opened_elsewhere(dir.path()), "Locked");
    let image = engine
        .images(&caller())
        .create(new_image())
        .expect("the first one goes on");
    engine.close(SOON).expect("close");
    assert_eq!(opened_elsewhere(dir.path()), "Ok");
    // Readers share, and keep a writer out.
    let readers = [0, 1].map(|_| {
        Engine::builder(dir.path())
            .read_only()
            .open()
            .expect("open")
    });
    for reader in &readers {
        reader.images(&caller()).show(image.id()).expect("show");
    }
    assert_eq!(code(Engine::builder(dir.path()).open()), ErrorCode::Locked);
    assert_eq!(opened_elsewhere(dir.path()), "Locked");
    drop(readers);
    Engine::builder(dir.path())
        .open()
        .expect("nobody else has it");
}

const ELSEWHERE: &str = "SMALTI_TEST_OPEN";

/// Opens a directory in a process of its own and returns how that went.
fn opened_elsewhere(dir: &Path) -> String {
    let exe = std::env::current_exe().expect("this binary");
    let child = Command::new(exe)
        .args([
            "--exact",
            "bad_input::opens_what_another_process_says",
            "--nocapture",
        ])
        .env(ELSEWHERE, dir)
        .output();
    let out = String::from_utf8(child.expect("a process").stdout).expect("text");
    let line = out.split_once("opened: ").expect("it says how it went").1;
    line.lines().next().unwrap_or_default().to_owned()
}

#[test]
fn opens_what_another_process_says() {
    let Some(dir) = std::env::var_os(ELSEWHERE) else {
        return;
    };
    let opened = Engine::builder(dir).open();
    match opened.and_then(|engine| engine.close(SOON)) {
        Ok(()) => println!("opened: Ok"),
        Err(error) => println!("opened: {}", error.code().name()),
    }
}

#[test]
fn opening_for_reading_alone_writes_nothing_and_asks_for_recovery_where_it_is_due() {
    let disk = SimDisk::new();
    let engine = on(&disk).open().expect("make");
    let images = engine.images(&caller());
    let data = bytes(Pattern::Mixed(1), 300_000);
    let id = upload(&images, &data);
    let unclean = holding(disk.files());
    let before = (unclean.op_count(), unclean.files());
    assert_eq!(
        code(on(&unclean).read_only().open()),
        ErrorCode::NeedsRecovery
    );
    assert_eq!((unclean.op_count(), unclean.files()), before);
    engine.close(SOON).expect("close");
    let clean = holding(disk.files());
    let before = (clean.op_count(), clean.files());
    let engine = on(&clean).read_only().open().expect("open");
    let images = engine.images(&caller());
    assert_eq!(images.show(&id).expect("show").size(), Some(300_000));
    assert!(read_all(&images, &id) == data);
    let verified = engine.verify(|_| {}).expect("check");
    assert!(verified.is_clean(), "{verified:?}");
    let refused = [
        images.create(new_image()).expect_err("no writes").code(),
        images.upload(&id).expect_err("no writes").code(),
        images.delete(&id).expect_err("no writes").code(),
        engine.collect().expect_err("no writes").code(),
    ];
    assert_eq!(refused, [ErrorCode::ReadOnlyEngine; 4]);
    engine.close(SOON).expect("close");
    assert_eq!((clean.op_count(), clean.files()), before);
    assert!(clean.violations().is_empty(), "{:?}", clean.violations());
}

#[test]
fn a_missing_pack_is_named_and_images_elsewhere_read() {
    let disk = SimDisk::new();
    let engine = on(&disk).open().expect("make");
    let images = engine.images(&caller());
    let data = [1, 2].map(|seed| bytes(Pattern::Random(seed), 200_000));
    let ids = [0, 1].map(|index| upload(&images, &data[index]));
    engine.close(SOON).expect("close");
    let files = disk.files();
    let packs = files
        .iter()
        .map(|(path, _)| path)
        .filter(|path| path.starts_with("packs/"));
    let packs: Vec<String> = packs.cloned().collect();
    assert_eq!(packs.len(), 2);
    for (lost, name) in packs.iter().enumerate() {
        let left = files.iter().filter(|(path, _)| path != name).cloned();
        let disk = holding(left);
        let builders: [fn(Builder) -> Builder; 2] = [Builder::read_only, Builder::existing];
        for change in builders {
            let engine = change(on(&disk))
                .open()
                .expect("a pack is no reason to stay shut");
            let images = engine.images(&caller());
            let error = images.open(&ids[lost]).expect_err("its manifest is gone");
            assert_eq!(error.code(), ErrorCode::Corrupt, "{error:?}");
            let number = &name["packs/".len()..name.len() - ".pack".len()];
            assert!(error.message().contains(number), "{error}");
            assert!(read_all(&images, &ids[1 - lost]) == data[1 - lost]);
            let report = engine.verify(|_| {}).expect("check");
            let named = report.damage.iter().filter_map(|damage| damage.pack);
            assert!(
                named
                    .map(|pack| pack.to_string())
                    .all(|pack| pack == number)
            );
            assert!(!report.is_clean());
        }
        // The same bytes again are stored anew, not onto what is lost.
        let engine = on(&disk).open().expect("open");
        let images = engine.images(&caller());
        let again = upload(&images, &data[lost]);
        assert!(read_all(&images, &again) == data[lost]);
        assert!(
            read_all(&images, &ids[lost]) == data[lost],
            "and mend the image that lost them"
        );
    }
}

#[test]
fn a_cut_or_missing_index_is_corrupt_and_left_alone() {
    let disk = SimDisk::new();
    let engine = on(&disk).open().expect("make");
    upload(
        &engine.images(&caller()),
        &bytes(Pattern::Random(1), 100_000),
    );
    engine.close(SOON).expect("close");
    let files = disk.files();
    let (_, index) = files
        .iter()
        .find(|(path, _)| path == "index.redb")
        .expect("the index");
    let len = index.len();
    let builders: [fn(Builder) -> Builder; 3] = [|it| it, Builder::existing, Builder::read_only];
    for keep in [
        0,
        1,
        64,
        319,
        4096,
        4097,
        8192,
        len / 2,
        len - 4096,
        len - 1,
    ] {
        let cut = files.iter().map(|(path, bytes)| match path.as_str() {
            "index.redb" => (path.clone(), bytes.slice(..keep)),
            _ => (path.clone(), bytes.clone()),
        });
        let cut: Vec<_> = cut.collect();
        for change in builders {
            let disk = holding(cut.clone());
            let found = code(change(on(&disk)).open());
            // For a reader, a file of another length is first of all one that was not closed.
            let by_reader = found == ErrorCode::NeedsRecovery && keep >= 4096;
            assert!(
                found == ErrorCode::Corrupt || by_reader,
                "{keep} of {len} bytes: {found:?}"
            );
            let now = disk.files();
            assert_eq!(now.len(), cut.len(), "no file comes and none goes");
        }
    }
    let rest = files
        .iter()
        .filter(|(path, _)| path != "index.redb")
        .cloned();
    let disk = holding(rest);
    for change in builders {
        assert_eq!(code(change(on(&disk)).open()), ErrorCode::Corrupt);
    }
    on(&disk).rebuild_index(|_, _| {}).expect("it is made anew");
    on(&disk).open().expect("open");
}

#[test]
fn four_tib_of_holes_cost_seconds_and_next_to_nothing() {
    const TIB: u64 = 1 << 40;
    let engine = Engine::builder_in_memory()
        .settings(Settings {
            image_size_cap: 8 * TIB,
            ..settings()
        })
        .open()
        .expect("open");
    let (images, began) = (engine.images(&caller()), Instant::now());
    let image = images.create(new_image()).expect("create");
    let mut upload = images.upload(image.id()).expect("begin");
    let (head, tail) = (
        bytes(Pattern::Random(1), 8192),
        bytes(Pattern::Random(2), 5000),
    );
    upload.write_all(&head).expect("write");
    upload.skip(TIB).expect("skip");
    upload.write_all(&head).expect("write");
    upload.skip(3 * TIB).expect("skip");
    upload.write_all(&tail).expect("write");
    let image = upload.finish().expect("finish");
    let len = 4 * TIB + 2 * 8192 + 5000;
    assert_eq!(image.size(), Some(len));
    let reader = images.open(image.id()).expect("open").expect("data");
    let extents: Vec<Extent> = reader.extents().collect::<Result<_, _>>().expect("extents");
    let second = 8192 + TIB;
    let third = second + 8192 + 3 * TIB;
    let extent = |kind, range| Extent { kind, range };
    let expected = [
        extent(ExtentKind::Data, 0..8192),
        extent(ExtentKind::Zero, 8192..second),
        extent(ExtentKind::Data, second..second + 8192),
        extent(ExtentKind::Zero, second + 8192..third),
        extent(ExtentKind::Data, third..len),
    ];
    assert_eq!(extents, expected);
    for (range, expected) in [
        (len - 5000..len, tail.clone()),
        (len - 1..len, tail[4999..].to_vec()),
        (third - 10..third + 3, [&[0; 10], &tail[..3]].concat()),
        (second - 4..second + 4, [&[0; 4], &head[..4]].concat()),
        (3 * TIB..3 * TIB + 70_000, vec![0; 70_000]),
    ] {
        let found = reader.slices(range.clone()).expect("within");
        let found: Vec<_> = found.collect::<Result<_, _>>().expect("read");
        assert!(found.concat() == expected, "{range:?}");
    }
    let beyond = reader.slices(len..len + 1).expect_err("beyond the end");
    assert_eq!(beyond.code(), ErrorCode::RangeNotSatisfiable);
    let report = engine.verify(|_| {}).expect("check");
    assert!(
        report.is_clean() && report.chunk_bytes < 50_000,
        "{report:?}"
    );
    assert!(
        began.elapsed() < Duration::from_secs(5),
        "{:?}",
        began.elapsed()
    );
}

#[test]
fn the_size_cap_holds_however_bytes_come() {
    let engine = Engine::builder_in_memory()
        .settings(Settings {
            image_size_cap: 1_000_000,
            ..settings()
        })
        .open()
        .expect("open");
    let images = engine.images(&caller());
    let image = images.create(new_image()).expect("create");
    let declared = UploadOptions {
        expected_len_bytes: Some(1_000_001),
        ..UploadOptions::default()
    };
    let refused = images
        .upload_with(image.id(), declared)
        .expect_err("declared too long");
    assert_eq!(refused.code(), ErrorCode::ImageTooLarge);
    let sources: [fn(&mut smalti::ingest::Upload) -> smalti::Result<()>; 4] = [
        |upload| upload.skip(1_000_001),
        |upload| upload.skip(u64::MAX).and_then(|()| upload.skip(u64::MAX)),
        |upload| upload.read_from(&mut std::io::repeat(1)).map(drop),
        |upload| match upload.write_all(&[2; 1_000_001]) {
            Ok(()) => Ok(()),
            Err(error) => Err(error.downcast::<smalti::Error>().expect("ours")),
        },
    ];
    for source in sources {
        let mut upload = images.upload(image.id()).expect("begin");
        let refused = source(&mut upload).expect_err("too long");
        assert_eq!(refused.code(), ErrorCode::ImageTooLarge, "{refused}");
        drop(upload);
        let status = images.show(image.id()).expect("show").status();
        assert_eq!(status, Status::Queued);
    }
    let mut upload = images.upload(image.id()).expect("begin");
    upload.skip(999_999).expect("skip");
    upload.write_all(&[1]).expect("the last byte");
    assert_eq!(upload.finish().expect("finish").size(), Some(1_000_000));
}

#[test]
fn nothing_one_byte_and_zeros_are_images() {
    let engine = Engine::in_memory().expect("open");
    let images = engine.images(&caller());
    for (data, kinds) in [
        (vec![], vec![]),
        (vec![0], vec![ExtentKind::Data]),
        (vec![7], vec![ExtentKind::Data]),
        (vec![0; 4096], vec![ExtentKind::Zero]),
        (vec![0; 10_000_000], vec![ExtentKind::Zero]),
    ] {
        let id = upload(&images, &data);
        assert!(read_all(&images, &id) == data);
        let reader = images.open(&id).expect("open").expect("data");
        let extents: Vec<Extent> = reader.extents().collect::<Result<_, _>>().expect("extents");
        let end = extents.last().map_or(0, |extent| extent.range.end);
        assert_eq!(end, data.len() as u64);
        let found: Vec<ExtentKind> = extents.iter().map(|extent| extent.kind).collect();
        let only_zeros = found.iter().all(|kind| *kind == ExtentKind::Zero);
        assert!(
            found == kinds || only_zeros && data.iter().all(|&byte| byte == 0),
            "{extents:?}"
        );
    }
    let stored = engine.verify(|_| {}).expect("check").chunk_bytes;
    assert!(stored < 10_000, "{stored} bytes");
}

#[test]
fn a_closed_engine_answers_closed() {
    let engine = Engine::in_memory().expect("open");
    let images = engine.images(&caller());
    let data = bytes(Pattern::Mixed(1), 400_000);
    let id = upload(&images, &data);
    let queued = images.create(new_image()).expect("create");
    engine.close(SOON).expect("close");
    let refused = [
        images.show(&id).map(drop),
        images.open(&id).map(drop),
        images.create(new_image()).map(drop),
        images.upload(queued.id()).map(drop),
        images.delete(&id),
        engine.health(),
        engine.collect().map(drop),
        engine.verify(|_| {}).map(drop),
        engine.verify_image(&id).map(drop),
        engine.stats().map(drop),
    ];
    let codes = refused.map(|refused| refused.expect_err("closed").code());
    assert_eq!(codes, [ErrorCode::Closed; 10]);
    engine.close(SOON).expect("a second close does nothing");
}

#[test]
fn an_upload_that_outlives_the_close_is_taken_back() {
    let dir = tempfile::tempdir().expect("a directory");
    let open = || Engine::builder(dir.path()).settings(settings()).open();
    let engine = open().expect("open");
    let images = engine.images(&caller());
    let image = images.create(new_image()).expect("create");
    let mut upload = images.upload(image.id()).expect("begin");
    upload
        .write_all(&bytes(Pattern::Random(1), 3_000_000))
        .expect("write");
    let running = engine
        .close(Duration::from_millis(20))
        .expect_err("an upload runs");
    assert_eq!(running.kind(), ErrorKind::Unavailable, "{running}");
    assert_eq!(code(open()), ErrorCode::Locked);
    let refused = upload
        .write_all(b"more")
        .and_then(|()| Ok(upload.finish().map(drop)?));
    let refused = refused.expect_err("the engine is closed");
    let refused = refused.downcast::<smalti::Error>().expect("ours");
    assert_eq!(refused.code(), ErrorCode::Closed, "{refused}");
    engine.close(SOON).expect("nothing runs any more");
    let engine = open().expect("open");
    let images = engine.images(&caller());
    let after = images.show(image.id()).expect("show");
    assert_eq!((after.status(), after.size()), (Status::Queued, None));
    let mut upload = images.upload(image.id()).expect("begin");
    upload.write_all(b"again").expect("write");
    upload.finish().expect("finish");
    assert_eq!(read_all(&images, image.id()), b"again");
}

#[test]
fn an_upload_that_ends_in_time_is_kept() {
    let disk = SimDisk::new();
    let engine = on(&disk).open().expect("open");
    let images = engine.images(&caller());
    let image = images.create(new_image()).expect("create");
    let data = bytes(Pattern::Random(1), 3_000_000);
    let mut upload = images.upload(image.id()).expect("begin");
    upload.write_all(&data).expect("write");
    std::thread::scope(|scope| {
        let closing = scope.spawn(|| engine.close(SOON));
        while engine.health().is_ok() {
            std::thread::yield_now();
        }
        upload.finish().expect("its bytes were all there");
        closing.join().expect("no panic").expect("close");
    });
    let engine = on(&disk).read_only().open().expect("open");
    assert!(read_all(&engine.images(&caller()), image.id()) == data);
}
