//! A disk that fails or fills up: typed errors, no loss, and work goes on when it is well again.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use smalti::disk::SyncSite;
use smalti::disk::sim::{Choices, Fault, Op, Outcome, SimDisk};
use smalti::engine::Builder;
use smalti::gc::GcOptions;
use smalti::{ErrorCode, Status};

use crate::support::judge::{Trial, judge};
use crate::support::script::{Call, Fact, Part, Run, script};
use crate::support::{Pattern, bytes, caller, new_image, read_all, seed, small_packs};

const ERRNOS: [(&str, i32); 5] = [
    ("EIO", 5),
    ("ENOSPC", 28),
    ("EDQUOT", 122),
    ("EINTR", 4),
    ("EMFILE", 24),
];

fn scripts() -> Vec<Vec<Call>> {
    let upload = |parts: &[Part]| Call::Upload(parts.to_vec());
    let (large, small) = (Part::Bytes(1, 200_000), Part::Bytes(2, 3000));
    vec![
        vec![
            upload(&[small]),
            upload(&[large]),
            Call::Delete(1),
            Call::Collect,
            upload(&[large]),
        ],
        vec![
            Call::Create(40_000),
            upload(&[large, small]),
            Call::Create(40_000),
            Call::Reopen,
            upload(&[small, large]),
            Call::Delete(0),
            Call::Leave,
            Call::Collect,
        ],
        vec![
            Call::Around(
                vec![large, Part::Zeros(100_000)],
                Box::new(upload(&[large, small])),
            ),
            Call::Drop(vec![Part::Bytes(3, 100_000)]),
            Call::Delete(0),
            Call::Collect,
            Call::Reopen,
        ],
        script(5),
        script(8),
    ]
}

/// Runs a script on a disk of which one call fails; returns the codes of the errors.
fn run_with_fault(script: &[Call], call: u64, errno: i32) -> Result<Vec<ErrorCode>, String> {
    let disk = SimDisk::new();
    disk.fail_op(call, Fault::raw(errno));
    let mut run = Run::new(disk.clone(), call);
    run.all(script);
    disk.clear_faults();
    let codes: Vec<ErrorCode> = run.errors.iter().map(smalti::Error::code).collect();
    let typed = [
        ErrorCode::StorageFull,
        ErrorCode::StoreUnavailable,
        ErrorCode::Poisoned,
        // An image whose upload could not be taken back is saving until the engine is opened.
        ErrorCode::InvalidState,
        // An image whose creation failed.
        ErrorCode::NotFound,
    ];
    if let Some(error) = run
        .errors
        .iter()
        .find(|error| !typed.contains(&error.code()))
    {
        return Err(format!("{:?}: {error}", error.code()));
    }
    let failed_sync = |op: &Op| {
        op.sync()
            .is_some_and(|(_, outcome)| outcome == Outcome::Failed)
    };
    let is_full = [28, 122].contains(&errno) && !disk.log().iter().any(failed_sync);
    if is_full && run.engine.is_some() {
        let before = run.errors.len();
        run.call(&Call::Create(0));
        run.call(&Call::Upload(vec![Part::Bytes(9, 50_000)]));
        run.call(&Call::Collect);
        if let Some(error) = run.errors.get(before) {
            return Err(format!("after the disk had room again: {error}"));
        }
    }
    run.engine = None;
    let crashed = disk.crash_image(disk.op_count(), &mut Choices::none_unsynced());
    judge(&disk, run.now(), Trial::Use).map_err(|e| format!("opened again: {e}"))?;
    judge(&crashed, run.now(), Trial::Use).map_err(|e| format!("opened after a crash: {e}"))?;
    let violations = disk.violations();
    if violations.is_empty() {
        Ok(codes)
    } else {
        Err(violations.join("; "))
    }
}

#[test]
fn a_failed_call_to_the_disk_is_an_error_and_no_loss() {
    let (mut cases, mut failed, mut counts) = (0, Vec::new(), BTreeMap::new());
    let only = std::env::var("SMALTI_SCRIPT").ok();
    let only: Option<usize> = only.and_then(|number| number.parse().ok());
    for (number, script) in scripts().iter().enumerate() {
        if only.is_some_and(|only| only != number) {
            continue;
        }
        let mut clean = Run::new(SimDisk::new(), 0);
        clean.all(script);
        assert!(clean.errors.is_empty(), "{:?}", clean.errors);
        for call in 0..clean.disk.io_count() {
            for (name, errno) in ERRNOS {
                cases += 1;
                let ran = catch_unwind(AssertUnwindSafe(|| run_with_fault(script, call, errno)));
                match ran.unwrap_or_else(|_| Err("a panic".to_owned())) {
                    Ok(codes) if codes.is_empty() => {
                        *counts.entry("none".to_owned()).or_insert(0) += 1
                    }
                    Ok(codes) => codes.iter().for_each(|code| {
                        *counts.entry(code.name().to_owned()).or_insert(0) += 1;
                    }),
                    Err(what) => {
                        failed.push(format!("script {number}, call {call}, {name}: {what}"))
                    }
                }
            }
        }
    }
    println!("{cases} cases of one failed call; errors: {counts:?}");
    let shown = failed
        .iter()
        .take(40)
        .cloned()
        .collect::<Vec<_>>()
        .join("\n");
    assert!(
        failed.is_empty(),
        "{} of {cases} failed:\n{shown}",
        failed.len()
    );
    assert!(only.is_some() || cases >= 5000, "too few");
}

#[test]
fn a_full_disk_is_a_normal_state() {
    let (mut levels, mut refused) = (0, 0);
    for level in 0..64 {
        let disk = SimDisk::new();
        let mut run = Run::new(disk.clone(), seed() + level);
        let script = [
            Call::Upload(vec![Part::Bytes(1, 100_000)]),
            Call::Upload(vec![Part::Bytes(2, 250_000)]),
            Call::Upload(vec![Part::Bytes(3, 20_000)]),
        ];
        run.all(&script);
        assert!(run.errors.is_empty(), "{:?}", run.errors);
        disk.full_after(disk.used_bytes() + level * 11_000);
        let mut number = 0;
        while run.errors.is_empty() && number < 200 {
            number += 1;
            run.call(&Call::Upload(vec![Part::Bytes(100 + number, 90_000)]));
        }
        let error = run.errors.pop().expect("a bounded disk fills up");
        assert_eq!(
            error.code(),
            ErrorCode::StorageFull,
            "level {level}: {error}"
        );
        run.errors.clear();
        refused += 1;
        full(&run, level);
        run.call(&Call::Delete(0));
        run.call(&Call::Delete(0));
        run.call(&Call::Collect);
        assert!(run.errors.is_empty(), "level {level}: {:?}", run.errors);
        disk.unlimited();
        run.call(&Call::Upload(vec![Part::Bytes(7, 300_000)]));
        run.call(&Call::Create(0));
        assert!(run.errors.is_empty(), "level {level}: {:?}", run.errors);
        let facts = run.now().clone();
        drop(run);
        judge(&disk, &facts, Trial::Empty).unwrap_or_else(|what| panic!("level {level}: {what}"));
        levels += 1;
    }
    println!("{levels} fill levels, {refused} uploads refused");
    assert!(levels >= 50);
}

/// Looks at an engine whose disk is full.
fn full(run: &Run, level: u64) {
    let engine = run.engine.as_ref().expect("open");
    engine
        .health()
        .unwrap_or_else(|error| panic!("level {level}: {error}"));
    let images = engine.images(&caller());
    for (id, facts) in run.now() {
        let id = smalti::ImageId::from_bytes(*id);
        match &facts[..] {
            [Fact::Active(_, bytes)] => assert!(read_all(&images, &id) == **bytes),
            [Fact::Deleted] => {}
            // The create itself may have been refused.
            _ => match images.show(&id) {
                Ok(image) => assert_eq!(image.status(), Status::Queued, "level {level}"),
                Err(error) => assert_eq!(error.code(), ErrorCode::NotFound, "level {level}"),
            },
        }
    }
}

#[test]
fn after_a_failed_sync_nothing_is_acknowledged_until_the_engine_is_opened_again() {
    let (large, small) = (Part::Bytes(1, 700_000), Part::Bytes(2, 3000));
    let script = [
        Call::Upload(vec![small]),
        Call::Upload(vec![large]),
        Call::Delete(1),
        Call::Collect,
        Call::Upload(vec![large]),
    ];
    let mut clean = Run::new(SimDisk::new(), 0);
    clean.all(&script);
    let mut sites = BTreeSet::new();
    for call in 0..clean.disk.io_count() {
        let disk = SimDisk::new();
        disk.fail_op(call, Fault::raw(5));
        let mut run = Run::new(disk.clone(), call);
        run.all(&script);
        disk.clear_faults();
        let failed = |op: &Op| op.sync().filter(|(_, outcome)| *outcome == Outcome::Failed);
        let log = disk.log();
        let mut syncs = log.iter().enumerate().map(|(at, op)| (at, failed(op)));
        let Some((at, Some((site, _)))) = syncs.find(|(_, sync)| sync.is_some()) else {
            continue;
        };
        // An engine that cannot be made does not open, and the script opens another. A snapshot of
        // names that failed is dropped and made anew later; the log still has them.
        if site == SyncSite::Names || run.acks.first().is_none_or(|first| at < *first) {
            continue;
        }
        let engine = run.engine.as_ref().expect("it is open");
        sites.insert(site);
        let health = engine.health().map_err(|error| error.code());
        assert_eq!(health, Err(ErrorCode::Poisoned), "{site:?}, call {call}");
        let images = engine.images(&caller());
        let refused = images.create(new_image()).expect_err("no acknowledgement");
        assert_eq!(refused.code(), ErrorCode::Poisoned, "{site:?}");
        drop(images);
        run.call(&Call::Leave);
        let engine = run.engine.as_ref().expect("opened again");
        engine.health().expect("it has read its state anew");
        engine
            .images(&caller())
            .create(new_image())
            .expect("create");
    }
    println!("failed syncs at {sites:?}");
    for site in [
        SyncSite::Log,
        SyncSite::PackData,
        SyncSite::PackSeal,
        SyncSite::PackDir,
        SyncSite::PackGone,
    ] {
        assert!(sites.contains(&site), "{site:?} is not among {sites:?}");
    }
}

#[test]
fn a_collection_takes_back_the_uploads_for_which_the_disk_had_no_room() {
    let mut left_over = 0;
    for (first, then) in (0..40).flat_map(|first| (1..6).map(move |then| (first, then))) {
        let disk = SimDisk::new();
        let builder = Builder::on_disk(Arc::new(disk.clone())).settings(small_packs());
        let engine = builder.open().expect("open");
        let images = engine.images(&caller());
        let image = images.create(new_image()).expect("create");
        let mut upload = images.upload(image.id()).expect("begin");
        for call in [first, first + then] {
            disk.fail_op(disk.io_count() + call, Fault::raw(28));
        }
        let ended = (|| {
            upload.read_from(&mut &bytes(Pattern::Random(1), 300_000)[..])?;
            upload.finish()
        })();
        if ended.is_ok() || engine.health().is_err() {
            continue;
        }
        let status = || images.show(image.id()).expect("show").status();
        left_over += u32::from(status() == Status::Saving);
        disk.clear_faults();
        engine.collect().expect("collect");
        assert_eq!(status(), Status::Queued, "{first}, {then}");
        let all = GcOptions {
            min_garbage_ratio: 0.0,
            seal_after_ms: 0,
        };
        engine.gc(all).expect("begin").run().expect("collect");
        let stats = engine.stats().expect("stats");
        assert_eq!(stats.pack_bytes, 0, "{first}, {then}: {stats:?}");
    }
    assert!(left_over > 0, "no upload was left over");
}

#[test]
fn a_failed_upload_gives_its_pack_back() {
    let mut failed = 0;
    for call in 0..30 {
        let disk = SimDisk::new();
        let builder = Builder::on_disk(Arc::new(disk.clone())).settings(small_packs());
        let engine = builder.open().expect("open");
        let images = engine.images(&caller());
        let fill = |seed| {
            let image = images.create(new_image())?;
            let mut upload = images.upload(image.id())?;
            upload.read_from(&mut &bytes(Pattern::Random(seed), 100_000)[..])?;
            upload.finish()
        };
        fill(1).expect("fill");
        disk.fail_op(disk.io_count() + call, Fault::raw(28));
        let ended = fill(2);
        disk.clear_faults();
        if ended.is_ok() || engine.health().is_err() {
            continue;
        }
        failed += 1;
        fill(3).expect("fill");
        let stats = engine.stats().expect("stats");
        assert_eq!(stats.pack_count, 1, "call {call}: {stats:?}");
    }
    assert!(failed > 3, "{failed} uploads failed");
}
