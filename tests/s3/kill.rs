//! Engines that are killed while they upload and collect: no acknowledged image is lost, and the
//! next collection leaves nothing in the bucket that no image needs.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use smalti::store::remote::ObjectPacks;
use smalti::{Engine, GcOptions, ImageId, Settings};

use crate::support::{bytes, caller, open, options, read, upload};
use crate::weed::Weed;

const DIR: &str = "SMALTI_S3_KILL_DIR";
const PORT: &str = "SMALTI_S3_KILL_PORT";
const FIRST: &str = "SMALTI_S3_KILL_FIRST";
/// Kills.
const ROUNDS: u64 = 50;

fn engine(dir: &Path, port: u16) -> Engine {
    let packs = ObjectPacks::s3(&Weed::settings(port), dir.join("near"), options());
    let settings = Settings {
        pack_len_bytes: 16 << 20,
        ..Settings::default()
    };
    open(dir, packs.expect("a client"), settings).expect("open")
}

fn say(line: std::fmt::Arguments<'_>) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "@{line}").and_then(|()| out.flush());
}

/// Returns the bytes of an image by its number: some are short, some take several packs, and some
/// share half of their bytes with the one before.
fn data(number: u64) -> Vec<u8> {
    let len = [9_000, 3 << 20, 12 << 20, 40 << 20][usize::try_from(number % 4).expect("below 4")];
    let mut data = bytes(number / 2, len / 2);
    data.extend(bytes(number + 1_000_000, len / 2));
    data
}

/// What is done until the kill: `@u number id` and `@d id` when it is acknowledged.
#[test]
fn child() {
    let Ok(dir) = std::env::var(DIR) else { return };
    let word = |name| std::env::var(name).expect("it is set").parse::<u64>();
    let (port, first) = (word(PORT).expect("a port"), word(FIRST).expect("a number"));
    let engine = engine(Path::new(&dir), u16::try_from(port).expect("a port"));
    println!();
    say(format_args!("open"));
    let images = engine.images(&caller());
    for number in first..first + 1000 {
        say(format_args!("begin"));
        let image = upload(&engine, &data(number)).expect("upload");
        say(format_args!("u {number} {}", image.id()));
        if number % 3 > 0 {
            say(format_args!("t {}", image.id()));
            images.delete(image.id()).expect("delete");
            say(format_args!("d {}", image.id()));
            say(format_args!("begin"));
            let eager = GcOptions {
                min_garbage_ratio: 0.0,
                ..GcOptions::default()
            };
            engine.gc(eager).expect("begin").run().expect("collect");
            say(format_args!("collected"));
        }
    }
}

fn spawn(dir: &Path, port: u16, first: u64) -> Child {
    Command::new(std::env::current_exe().expect("this program"))
        .args(["kill::child", "--exact", "--nocapture", "--test-threads=1"])
        .env(DIR, dir)
        .env(PORT, port.to_string())
        .env(FIRST, first.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("start")
}

/// Lets a child begin a few things, and kills it some time after the last; returns what it said.
fn round(dir: &Path, port: u16, number: u64) -> Vec<String> {
    let mut child = spawn(dir, port, number * 1000);
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let mut said: Vec<String> = Vec::new();
    let mut left = 1 + number % 5;
    while left > 0 {
        let line = lines.next().expect("it works").expect("text");
        left -= u64::from(line == "@begin");
        said.push(line);
    }
    // Where in what was begun last is what the rounds differ in.
    std::thread::sleep(Duration::from_millis((number * 37) % 400));
    child.kill().expect("kill");
    said.extend(lines.map_while(Result::ok));
    child.wait().expect("gone");
    said
}

#[test]
fn a_killed_engine_loses_no_image_and_leaves_no_orphan() {
    let Some(weed) = Weed::start() else { return };
    let dir = tempfile::tempdir().expect("a directory");
    let mut there: BTreeMap<ImageId, u64> = BTreeMap::new();
    let (mut with_leftovers, mut in_collections) = (0, 0);
    for number in 0..ROUNDS {
        let said = round(dir.path(), weed.port(), number);
        let mut in_doubt = None;
        let words = said.iter().filter_map(|line| line.strip_prefix('@'));
        for line in words.clone() {
            match line.split(' ').collect::<Vec<_>>()[..] {
                ["u", number, id] => {
                    let number = number.parse().expect("a number");
                    there.insert(id.parse().expect("an id"), number);
                }
                ["t", id] => in_doubt = id.parse::<ImageId>().ok(),
                ["d", id] => drop(there.remove(&id.parse().expect("an id"))),
                _ => {}
            }
        }
        let was_collecting = words.rev().take_while(|line| !line.starts_with("u "));
        in_collections += usize::from(
            was_collecting.clone().count() > 0
                && was_collecting.clone().any(|line| line.starts_with("d ")),
        );
        let before = weed.uploads().len() + weed.packs().len();
        let engine = engine(dir.path(), weed.port());
        let images = engine.images(&caller());
        if let Some(id) = in_doubt {
            // It was said that it is to be deleted, and perhaps it was.
            let _ = images.delete(&id);
            there.remove(&id);
        }
        engine.collect().expect("collect");
        for (id, number) in &there {
            assert!(
                read(&engine, id).expect("acknowledged") == data(*number),
                "{number}"
            );
        }
        assert_eq!(weed.uploads(), Vec::<String>::new(), "round {number}");
        let packs = weed.packs().len();
        let stats = engine.stats().expect("figures");
        assert_eq!(packs as u64, stats.pack_count, "round {number}");
        with_leftovers += usize::from(before > packs);
        // Few images stay, so that rounds do not get longer.
        while there.len() > 3 {
            let (id, _) = there.pop_first().expect("there are some");
            images.delete(&id).expect("delete");
        }
        engine.close(Duration::from_secs(5)).expect("close");
    }
    println!("{with_leftovers} kills left something, {in_collections} fell into collections");
    assert!(with_leftovers >= 10, "{with_leftovers}");
    assert!(in_collections >= 5, "{in_collections}");
    let engine = engine(dir.path(), weed.port());
    for id in there.keys() {
        engine.images(&caller()).delete(id).expect("delete");
    }
    engine.collect().expect("collect");
    assert_eq!(weed.packs(), Vec::<String>::new());
}
