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
mod pairs;
mod patching;
mod play;
mod reference;
mod request;
mod schema;
mod sharing;
mod tally;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use calls::{Actor, CALLERS, Step};
use play::{Parting, play};
use tally::Tally;

const SEEDS: u64 = 2_000;
const CALLS: usize = 200;

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
    println!("{SEEDS} seeds of {CALLS} calls");
    tally.print();
    tally.check();
}
