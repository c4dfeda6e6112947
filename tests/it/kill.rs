//! A process that is killed while it works, on real files.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use smalti::disk::{Disk, RealDisk};
use smalti::{Engine, ImageId};

use crate::support::judge::look;
use crate::support::script::{Fact, Facts};
use crate::support::stage::settings;
use crate::support::{Pattern, Rng, bytes, caller, new_image, seed};

const DIR: &str = "SMALTI_KILL_DIR";
const ROUNDS: u64 = 500;
/// Rounds on one directory, before another is begun.
const ROUNDS_A_DIR: u64 = 50;

fn say(line: std::fmt::Arguments<'_>) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "@{line}").and_then(|()| out.flush());
}

fn open(dir: &Path) -> Engine {
    let builder = Engine::builder(dir).settings(settings());
    builder.open().expect("open")
}

/// What is done until the kill: `@c id`, `@u id seed len`, `@d id` are said before, `@ok` after.
#[test]
fn child() {
    let (Ok(dir), start) = (std::env::var(DIR), Instant::now()) else {
        return;
    };
    let engine = open(Path::new(&dir));
    let images = engine.images(&caller());
    let mut rng = Rng(seed());
    let mut there: Vec<ImageId> = Vec::new();
    println!();
    say(format_args!("open"));
    while start.elapsed() < Duration::from_secs(20) {
        let mut id = [0; 16];
        rng.fill(&mut id);
        let id = ImageId::from_bytes(id);
        say(format_args!("c {id}"));
        images.create(new_image().id(id)).expect("create");
        say(format_args!("ok"));
        there.push(id);
        // Few seeds and lengths, so that much is stored already.
        let len = [0, 300, 20_000, 150_000, 400_000][rng.below(5) as usize];
        let of = rng.below(20);
        say(format_args!("u {id} {of} {len}"));
        let mut upload = images.upload(&id).expect("begin");
        upload
            .write_all(&bytes(Pattern::Random(of), len))
            .expect("write");
        upload.finish().expect("finish");
        say(format_args!("ok"));
        if there.len() > 4 && rng.below(3) > 0 {
            let id = there.swap_remove(rng.below(there.len() as u64) as usize);
            say(format_args!("d {id}"));
            images.delete(&id).expect("delete");
            say(format_args!("ok"));
        }
        if rng.below(8) == 0 {
            engine.collect().expect("collect");
        }
    }
}

fn spawn(dir: &Path, seed: u64) -> Child {
    let program = std::env::current_exe().expect("this program");
    Command::new(program)
        .args(["kill::child", "--exact", "--nocapture", "--test-threads=1"])
        .env(DIR, dir)
        .env("SMALTI_SEED", seed.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("start")
}

/// Lets a child work for a while, kills it, and returns what it said.
fn round(dir: &Path, rng: &mut Rng, seed: u64) -> Vec<String> {
    let mut child = spawn(dir, seed);
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let mut said = Vec::new();
    // One in sixteen is killed while it opens.
    let is_early = rng.below(16) == 0;
    while !is_early && said.last().is_none_or(|line: &String| line != "@ok") {
        said.push(lines.next().expect("it works").expect("text"));
    }
    std::thread::sleep(Duration::from_micros(500 + rng.below(60_000)));
    child.kill().expect("kill");
    said.extend(lines.map_while(Result::ok));
    child.wait().expect("gone");
    said
}

/// Takes what a child said into account; returns the number of acknowledgements.
fn account(said: &[String], facts: &mut Facts) -> usize {
    let mut acks = 0;
    let mut pending: Option<([u8; 16], Fact)> = None;
    for line in said.iter().filter_map(|line| line.strip_prefix('@')) {
        let words: Vec<&str> = line.split(' ').collect();
        let id = |text: &str| *text.parse::<ImageId>().expect("an id").as_bytes();
        let content = |of: &str, len: &str| {
            let (of, len) = (of.parse().expect("a seed"), len.parse().expect("a length"));
            Arc::new(bytes(Pattern::Random(of), len))
        };
        pending = match words[..] {
            ["c", name] => Some((id(name), Fact::Queued(None))),
            ["u", name, of, len] => Some((id(name), Fact::Active(None, content(of, len)))),
            ["d", name] => Some((id(name), Fact::Deleted)),
            ["ok"] => {
                let (id, fact) = pending.take().expect("something was to be done");
                facts.insert(id, vec![fact]);
                acks += 1;
                None
            }
            // The kill may cut a line.
            _ => pending,
        };
    }
    if let Some((id, fact)) = pending {
        facts
            .entry(id)
            .or_insert_with(|| vec![Fact::Absent])
            .push(fact);
    }
    acks
}

#[test]
fn a_killed_process_loses_nothing_it_acknowledged() {
    let (first, start) = (seed(), Instant::now());
    let mut rng = Rng(first);
    let (mut acks, mut with_acks, mut slowest) = (0, 0, Duration::ZERO);
    let (mut dir, mut facts) = (tempfile::tempdir().expect("make a directory"), Facts::new());
    for number in 0..ROUNDS {
        if number % ROUNDS_A_DIR == 0 {
            (dir, facts) = (tempfile::tempdir().expect("make a directory"), Facts::new());
        }
        let said = round(dir.path(), &mut rng, first ^ (number << 20));
        let new = account(&said, &mut facts);
        acks += new;
        with_acks += u64::from(new > 0);
        let begun = Instant::now();
        let engine = open(dir.path());
        slowest = slowest.max(begun.elapsed());
        let disk: Arc<dyn Disk> = Arc::new(RealDisk::new(dir.path()));
        look(&disk, &engine, &facts)
            .unwrap_or_else(|what| panic!("SMALTI_SEED={first}, round {number}: {what}"));
        settle(&engine, &mut facts);
    }
    let took = start.elapsed();
    println!(
        "seed {first}: {ROUNDS} kills, {acks} acks, {with_acks} rounds with acks, slowest open {slowest:?}, {took:?}"
    );
    assert!(slowest <= Duration::from_secs(1), "{slowest:?}");
    assert!(
        with_acks * 10 >= ROUNDS * 9,
        "too few rounds with acks: {with_acks}"
    );
}

/// What was open to both ways is decided now.
fn settle(engine: &Engine, facts: &mut Facts) {
    let images = engine.images(&caller());
    for (id, facts) in facts.iter_mut().filter(|(_, facts)| facts.len() > 1) {
        let shown = images.show(&ImageId::from_bytes(*id)).ok();
        let status = shown.map(|image| image.status());
        facts.retain(|fact| match fact {
            Fact::Queued(_) => status == Some(smalti::Status::Queued),
            Fact::Active(..) => status == Some(smalti::Status::Active),
            Fact::Absent | Fact::Deleted => status.is_none(),
            _ => false,
        });
    }
}
