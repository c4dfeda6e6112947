//! The rules of images against a reference: sequences of all calls by callers of every kind, each
//! answer compared, to the code of every refusal.
//!
//! A difference is printed with its seed, shrunk to the calls that it takes. It is played again
//! with `SMALTI_SEED=<seed> cargo test --all-features --test it -- model`.

mod asking;
mod calls;
mod generate;
mod listing;
mod outcome;
mod patching;
mod play;
mod reference;
mod request;
mod sharing;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use calls::{Actor, CALLERS, Step};
use play::{Parting, Tally, play};

const SEEDS: u64 = 2_000;
const CALLS: usize = 200;

/// Calls, and how often at least each must succeed and be refused over all seeds.
const CALL_FLOORS: [(&str, u64, u64); 24] = [
    ("create", 1, 1),
    ("show", 1, 1),
    ("update", 1, 1),
    ("update_if", 1, 1),
    ("delete", 1, 1),
    ("deactivate", 1, 1),
    ("reactivate", 1, 1),
    ("upload", 1, 1),
    ("finish", 1, 1),
    ("abort", 1, 0),
    ("open", 1, 1),
    ("tags.add", 1, 1),
    ("tags.remove", 1, 1),
    ("members.add", 1, 1),
    ("members.list", 1, 1),
    ("members.show", 1, 1),
    ("members.set_status", 1, 1),
    ("members.remove", 1, 1),
    ("list", 1, 1),
    ("list to the end", 1, 0),
    ("restore", 1, 1),
    ("scrub", 1, 0),
    ("reopen", 1, 0),
    ("inspect", 1, 0),
];

/// Reasons, and how often at least each must be given over all seeds.
const CODE_FLOORS: [(&str, u64); 1] = [("NotFound", 1)];

/// Plays a sequence; a panic is a difference, too.
fn attempt(seed: u64, steps: &[Step]) -> Result<Tally, Parting> {
    let played = catch_unwind(AssertUnwindSafe(|| play(seed, steps)));
    played.unwrap_or_else(|_| {
        Err(Parting {
            step: steps.len().saturating_sub(1),
            what: "a panic, printed above".to_owned(),
        })
    })
}

/// Drops calls while the sequence still shows a difference.
fn shrink(seed: u64, mut steps: Vec<Step>, mut parting: Parting) -> (Vec<Step>, Parting) {
    steps.truncate(parting.step + 1);
    let mut len = steps.len() / 2;
    while len > 0 {
        let mut at = 0;
        while at < steps.len() {
            let mut fewer = steps.clone();
            fewer.drain(at..(at + len).min(steps.len()));
            match attempt(seed, &fewer) {
                Ok(_) => at += len,
                Err(found) => {
                    fewer.truncate(found.step + 1);
                    (steps, parting) = (fewer, found);
                }
            }
        }
        len /= 2;
    }
    (steps, parting)
}

/// Tells of a difference, and of the calls that lead to it.
fn report(seed: u64, steps: Vec<Step>, parting: Parting) -> String {
    let first = parting.step;
    let (steps, parting) = shrink(seed, steps, parting);
    let calls = steps.iter().map(|step| {
        let who = match step.who {
            Actor::Fixed(number) => format!("{:?}", CALLERS[number]),
            Actor::Suited => "whom it suits".to_owned(),
        };
        format!("  {:+} us, {who}: {:?}", step.passes, step.call)
    });
    format!(
        "seed {seed} parts at step {first}; shrunk to {} calls:\n{}\n{}\nplay again with \
         SMALTI_SEED={seed}",
        steps.len(),
        calls.collect::<Vec<_>>().join("\n"),
        parting.what
    )
}

/// Plays seeds from `next` on until none is left or somebody found a difference.
fn work(next: &AtomicU64, last: u64, stop: &AtomicBool) -> Result<Tally, String> {
    let mut tally = Tally::default();
    while !stop.load(Ordering::Relaxed) {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed > last {
            break;
        }
        let steps = generate::sequence(seed, CALLS);
        match attempt(seed, &steps) {
            Ok(played) => tally.add(&played),
            Err(parting) => {
                stop.store(true, Ordering::Relaxed);
                return Err(report(seed, steps, parting));
            }
        }
    }
    Ok(tally)
}

/// Plays seeds on all cores.
fn play_all(first: u64, last: u64) -> Tally {
    let (next, stop) = (AtomicU64::new(first), AtomicBool::new(false));
    let cores = thread::available_parallelism().map_or(2, usize::from);
    let found: Vec<_> = thread::scope(|scope| {
        let workers: Vec<_> = (0..cores)
            .map(|_| scope.spawn(|| work(&next, last, &stop)))
            .collect();
        let joined = workers.into_iter().map(|worker| worker.join());
        joined.map(|found| found.expect("caught before")).collect()
    });
    let mut tally = Tally::default();
    for played in found {
        match played {
            Ok(played) => tally.add(&played),
            Err(what) => panic!("{what}"),
        }
    }
    tally
}

#[test]
fn the_engine_answers_every_call_as_the_reference_does() {
    let given = std::env::var("SMALTI_SEED").ok();
    if let Some(seed) = given.and_then(|seed| seed.parse().ok()) {
        play_all(seed, seed);
        return;
    }
    let tally = play_all(1, SEEDS);
    let Tally {
        pages,
        listed,
        scrubbed,
        ..
    } = tally;
    println!(
        "{SEEDS} seeds of {CALLS} calls, {pages} pages of {listed} images, {scrubbed} scrubbed"
    );
    for (name, [done, refused]) in &tally.calls {
        println!("{name:20} {done:8} done {refused:8} refused");
    }
    for (code, count) in &tally.codes {
        println!("{code:28} {count:8}");
    }
    for (name, done, refused) in CALL_FLOORS {
        let found = tally.calls.get(name).copied().unwrap_or_default();
        let enough = found[0] >= done && found[1] >= refused;
        assert!(enough, "{name}: {found:?}, floors {done} and {refused}");
    }
    for (code, floor) in CODE_FLOORS {
        let found = tally.codes.get(code).copied().unwrap_or_default();
        assert!(found >= floor, "{code} came {found} times, floor {floor}");
    }
}
