//! Rot in the index: a flipped bit anywhere in its file is an error, or changes no answer.
//!
//! Flips are tried in processes of their own, so that one which ends its process is counted.

#![expect(clippy::cast_possible_truncation, reason = "test data is short")]

use std::collections::BTreeMap;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use smalti::engine::Builder;
use smalti::{Engine, Error, ErrorCode, ErrorKind, Image, ImageId, Images, Settings};

use crate::support::rot::RotDisk;
use crate::support::{Pattern, Rng, bytes, caller, new_image};

const INDEX: &str = "index.redb";
const SOON: Duration = Duration::from_secs(9);
/// Set to the range of flips that a process is to try.
const RANGE: &str = "SMALTI_TEST_INDEX_FLIPS";
/// Set to another number of flips than the default.
const COUNT: &str = "SMALTI_TEST_INDEX_COUNT";
const PER_PROCESS: u64 = 250;

fn builder(disk: &RotDisk) -> Builder {
    Builder::on_disk(Arc::new(disk.clone())).settings(Settings {
        hashing_algorithm: None,
        legacy_md5: false,
        reserve_len_bytes: 0,
        index_cache_bytes: 4 << 20,
        ..Settings::default()
    })
}

struct Sample {
    image: Image,
    bytes: Option<Vec<u8>>,
}

fn upload(images: &Images, bytes: &[u8]) -> Result<Image, Error> {
    let image = images.create(new_image())?;
    let mut upload = images.upload(image.id())?;
    upload.read_from(&mut &*bytes)?;
    upload.finish()
}

/// Makes a closed store with images of all sorts; a few are deleted and collected.
fn store() -> (RotDisk, Vec<Sample>, ImageId) {
    let disk = RotDisk::default();
    let engine = builder(&disk).open().expect("make");
    let images = engine.images(&caller());
    let mut samples = Vec::new();
    for seed in 0..160 {
        let len = 30_000 + 517 * seed as usize;
        let bytes = (seed % 4 > 0).then(|| bytes(Pattern::Mixed(seed), len));
        let image = match &bytes {
            Some(bytes) => upload(&images, bytes),
            None => images.create(new_image()),
        };
        let image = image.expect("make an image");
        samples.push(Sample { image, bytes });
    }
    let gone = samples.swap_remove(7);
    for image in [&gone, &samples.swap_remove(20), &samples.swap_remove(30)] {
        images.delete(image.image.id()).expect("delete");
    }
    engine.collect().expect("collect");
    engine.close(SOON).expect("close");
    (disk, samples, *gone.image.id())
}

/// What a flip did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Effect {
    /// The engine does not open, with a typed error.
    Shut,
    /// An answer was `Corrupt`, none was wrong.
    Found,
    /// Another typed error.
    Refused,
    /// Every answer was right.
    Nothing,
    /// An answer was wrong.
    Wrong,
    /// An answer was wrong after writes and another open.
    WrongLater,
    /// A panic came out.
    Panic,
    /// The process ended, or did not end.
    Died,
}

const EFFECTS: [Effect; 8] = [
    Effect::Shut,
    Effect::Found,
    Effect::Refused,
    Effect::Nothing,
    Effect::Wrong,
    Effect::WrongLater,
    Effect::Panic,
    Effect::Died,
];

fn of_error(error: &Error) -> Effect {
    match error.kind() {
        ErrorKind::Corrupt => Effect::Found,
        ErrorKind::NotFound | ErrorKind::Conflict | ErrorKind::Invalid => Effect::Wrong,
        _ => Effect::Refused,
    }
}

/// Asks for everything; returns the worst answer.
fn ask(engine: &Engine, samples: &[&Sample], gone: &[ImageId]) -> Effect {
    let images = engine.images(&caller());
    let mut worst = Effect::Nothing;
    let mut note = |effect: Effect| match (worst, effect) {
        (_, Effect::Nothing) | (Effect::Wrong, _) => {}
        (_, effect) => worst = effect,
    };
    for sample in samples {
        match images.show(sample.image.id()) {
            Ok(image) if image == sample.image => {}
            Ok(_) => note(Effect::Wrong),
            Err(error) => note(of_error(&error)),
        }
        match read(&images, sample.image.id()) {
            Ok(bytes) if bytes == sample.bytes => {}
            Ok(_) => note(Effect::Wrong),
            Err(error) => note(of_error(&error)),
        }
    }
    for id in gone {
        match images.show(id) {
            Err(error) if error.code() == ErrorCode::NotFound => {}
            Err(error) => note(of_error(&error)),
            Ok(_) => note(Effect::Wrong),
        }
    }
    worst
}

fn read(images: &Images, id: &ImageId) -> Result<Option<Vec<u8>>, Error> {
    let Some(reader) = images.open(id)? else {
        return Ok(None);
    };
    let mut found = Vec::new();
    for slice in reader.slices(..)? {
        found.extend_from_slice(&slice?);
    }
    Ok(Some(found))
}

/// Flips one bit and finds out what comes of it.
fn try_flip(clean: &RotDisk, samples: &[Sample], gone: ImageId, flip: u64) -> Effect {
    let disk = clean.copy();
    let mut rng = Rng(flip.wrapping_mul(0x1234_5678_9abd));
    disk.change(INDEX, |bytes| {
        let bit = rng.below(bytes.len() as u64 * 8);
        bytes[(bit / 8) as usize] ^= 1 << (bit % 8);
    });
    let Ok(engine) = builder(&disk).open() else {
        return Effect::Shut;
    };
    let all: Vec<&Sample> = samples.iter().collect();
    let first = ask(&engine, &all, &[gone]);
    if first != Effect::Nothing {
        return first;
    }
    // Writes may take what rot has made look free.
    let images = engine.images(&caller());
    let new = (900..904).map(|seed| {
        let bytes = bytes(Pattern::Mixed(seed), 30_000);
        upload(&images, &bytes).map(|image| Sample {
            image,
            bytes: Some(bytes),
        })
    });
    let later = new.collect::<Result<Vec<_>, _>>().and_then(|new| {
        let kept = samples[1..].iter().chain(&new);
        let lost = *samples[0].image.id();
        images.delete(&lost)?;
        engine.collect()?;
        engine.close(SOON)?;
        let engine = builder(&disk).open()?;
        Ok(ask(&engine, &kept.collect::<Vec<_>>(), &[gone, lost]))
    });
    match later.unwrap_or_else(|error| of_error(&error)) {
        Effect::Wrong => Effect::WrongLater,
        later => later,
    }
}

#[test]
fn tries_flips_that_another_process_says() {
    let Ok(range) = std::env::var(RANGE) else {
        return;
    };
    let (from, to) = range.split_once("..").expect("a range");
    let (from, to): (u64, u64) = (from.parse().expect("from"), to.parse().expect("to"));
    let (disk, samples, gone) = store();
    let hook = take_hook();
    set_hook(Box::new(|panic| println!("{panic}")));
    for flip in from..to {
        let tried = catch_unwind(AssertUnwindSafe(|| try_flip(&disk, &samples, gone, flip)));
        println!(
            "flip {flip} {:?} of {}",
            tried.unwrap_or(Effect::Panic),
            disk.bytes(INDEX).len()
        );
        std::io::stdout().flush().expect("flush");
    }
    set_hook(hook);
}

/// Tries flips in another process; returns what those did that were tried.
fn tried_elsewhere(from: u64, to: u64) -> Vec<Effect> {
    let exe = std::env::current_exe().expect("this binary");
    let out = tempfile::NamedTempFile::new().expect("a file");
    let mut child = Command::new(exe)
        .args([
            "--exact",
            "rot_index::tries_flips_that_another_process_says",
            "--nocapture",
        ])
        .env(RANGE, format!("{from}..{to}"))
        .stdout(Stdio::from(out.reopen().expect("the file")))
        .stderr(Stdio::null())
        .spawn()
        .expect("a process");
    let began = Instant::now();
    while child.try_wait().expect("a process").is_none() {
        if began.elapsed() > Duration::from_secs(240) {
            child.kill().expect("a process");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let text = std::fs::read_to_string(out.path()).expect("text");
    let effects = text.lines().filter_map(|line| {
        let word = line.split("flip ").nth(1)?.split(' ').nth(1)?;
        EFFECTS
            .into_iter()
            .find(|effect| format!("{effect:?}") == word)
    });
    effects.collect()
}

#[test]
fn a_flipped_bit_in_the_index_is_found_or_changes_nothing() {
    let count = std::env::var(COUNT)
        .ok()
        .and_then(|count| count.parse().ok());
    let count = count.unwrap_or(500);
    let (mut effects, mut next) = (BTreeMap::new(), 0);
    let began = Instant::now();
    while next < count {
        let to = (next + PER_PROCESS).min(count);
        let mut tried = tried_elsewhere(next, to);
        assert!(!tried.is_empty() || next > 0, "no flip was tried");
        if tried.len() as u64 != to - next {
            tried.push(Effect::Died);
        }
        next += tried.len() as u64;
        tried
            .into_iter()
            .for_each(|effect| *effects.entry(effect).or_insert(0u64) += 1);
    }
    println!(
        "{count} flipped bits of the index, in {:?}: {effects:?}",
        began.elapsed()
    );
    for effect in [
        Effect::Wrong,
        Effect::WrongLater,
        Effect::Panic,
        Effect::Died,
    ] {
        assert_eq!(effects.get(&effect), None, "{effects:?}");
    }
}
