//! Power cuts at every change: nothing acknowledged is lost, nothing else appears, and every sync
//! is needed for that.
//!
//! A failure prints its script and its cuts; runs repeat, so `SMALTI_SEED` brings it back.

mod stores;

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use smalti::disk::SyncSite;
use smalti::disk::sim::{Explore, Failure, SimDisk, explore};

use crate::support::judge::{Trial, judge};
use crate::support::script::{Call, Facts, Run, Tally, alphabet, either, script};
use crate::support::seed;

/// What explorations saw. Tests ask for enough of each.
#[derive(Debug, Default)]
struct Sum {
    scripts: usize,
    tally: Tally,
    points: usize,
    /// Images that differ in what they hold or in what they must hold.
    distinct: usize,
    same: usize,
    deeper: usize,
    syncs: usize,
    /// Images that were used after they were judged.
    used: usize,
}

impl Sum {
    fn add(&mut self, other: &Self) {
        self.scripts += other.scripts;
        self.tally.add(&other.tally);
        self.points += other.points;
        self.distinct += other.distinct;
        self.same += other.same;
        self.deeper += other.deeper;
        self.syncs += other.syncs;
        self.used += other.used;
    }
}

/// Cuts a run everywhere.
fn cut(run: &Run, options: Explore) -> Result<Sum, Box<Failure>> {
    cut_and(run, options, &|image, cut| {
        judge(image, &cut.facts, cut.trial)
    })
}

/// What is known of an image that a cut left.
struct Cut {
    /// Calls that were acknowledged before.
    acked: usize,
    facts: Facts,
    trial: Trial,
}

/// Cuts a run everywhere, and judges what is left.
fn cut_and(
    run: &Run,
    options: Explore,
    judge: &dyn Fn(&SimDisk, &Cut) -> Result<(), String>,
) -> Result<Sum, Box<Failure>> {
    let seen = RefCell::new(HashSet::new());
    let (same, used) = (Cell::new(0), Cell::new(0));
    let counts = explore(&run.disk, &run.acks, options, |image, acked| {
        let digest = image.digest();
        if options.depth == 1 && !seen.borrow_mut().insert((digest, acked)) {
            same.set(same.get() + 1);
            return Ok(());
        }
        let before = &run.facts[acked];
        let facts = either(before, run.facts.get(acked + 1).unwrap_or(before));
        let trial = match (digest % 24, options.depth) {
            (0, 1) => Trial::Empty,
            (0 | 1, _) => Trial::Use,
            _ => Trial::Look,
        };
        used.set(used.get() + usize::from(trial != Trial::Look));
        let cut = Cut {
            acked,
            facts,
            trial,
        };
        judge(image, &cut)
    })
    .map_err(Box::new)?;
    Ok(Sum {
        scripts: 1,
        tally: run.tally,
        points: counts.points,
        distinct: counts.images - same.get(),
        same: same.get(),
        deeper: counts.deeper_images,
        syncs: counts.syncs,
        used: used.get(),
    })
}

/// Does something with each number below `count`, on two threads, and adds up what was seen.
fn spread(count: usize, each: impl Fn(usize) -> Sum + Sync) -> Sum {
    let (next, sum) = (AtomicUsize::new(0), Mutex::new(Sum::default()));
    let work = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= count {
                return;
            }
            let seen = each(number);
            sum.lock().expect("whole").add(&seen);
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(work);
        scope.spawn(work);
    });
    sum.into_inner().expect("whole")
}

fn options(seed: u64) -> Explore {
    Explore {
        images_per_point: 1,
        seed,
        ..Explore::default()
    }
}

#[test]
fn runs_repeat() {
    expect_repeats(|number| Run::of(&script(number), number));
}

fn expect_repeats(run: impl Fn(u64) -> Run) {
    for number in 0..20 {
        let shape = |run: Run| run.disk.log().iter().map(ToString::to_string).collect();
        let (first, second): (Vec<String>, Vec<String>) = (shape(run(number)), shape(run(number)));
        let differs = (0..first.len()).find(|&at| first.get(at) != second.get(at));
        assert_eq!(
            differs.map(|at| (&first[at], &second[at])),
            None,
            "script {number}"
        );
    }
}

#[test]
fn scripts_survive_every_cut() {
    let (first, start) = (seed(), Instant::now());
    let sum = spread(200, |number| {
        let number = first + number as u64;
        let calls = script(number);
        let run = Run::of(&calls, number);
        cut(&run, options(number))
            .unwrap_or_else(|failure| panic!("SMALTI_SEED={number} {calls:?}\n{failure}"))
    });
    println!("scripts from seed {first}, {:?}: {sum:#?}", start.elapsed());
    assert!(sum.scripts >= 40 && sum.distinct >= 50_000, "too few");
    let Tally {
        acks,
        uploads,
        dropped,
        deletes,
        dedup_hits,
        ..
    } = sum.tally;
    assert!(
        acks >= 1000 && uploads >= 400 && dropped >= 50 && deletes >= 150,
        "too few"
    );
    let Tally {
        seals,
        new_packs,
        unlinked,
        copied,
        collections,
        checkpoints,
        ..
    } = sum.tally;
    assert!(
        dedup_hits >= 40 && seals >= 100 && new_packs >= 200 && unlinked >= 40,
        "too few"
    );
    assert!(copied >= 40 && collections >= 100 && checkpoints >= 1000 && sum.used >= 1000);
}

/// Plays a sequence; returns from where on it is cut: what comes before its last call was cut with
/// the shorter sequence.
fn play(run: &mut Run, calls: &[Call]) -> usize {
    run.all(&calls[..calls.len() - 1]);
    let from = if calls.len() == 1 {
        0
    } else {
        run.disk.op_count()
    };
    run.call(&calls[calls.len() - 1]);
    assert!(run.errors.is_empty(), "{calls:?}: {:?}", run.errors);
    run.end();
    from
}

/// Returns the sequence of calls with this number: all of one call, then all of two, and so on.
fn sequence(alphabet: &[Call], mut number: usize) -> Vec<Call> {
    let mut calls = Vec::new();
    loop {
        calls.push(alphabet[number % alphabet.len()].clone());
        number /= alphabet.len();
        if number == 0 {
            calls.reverse();
            return calls;
        }
        number -= 1;
    }
}

#[test]
fn all_short_sequences_survive_every_cut() {
    let (seed, start) = (seed(), Instant::now());
    let alphabet = alphabet();
    let letters = alphabet.len();
    let count = letters + letters.pow(2) + letters.pow(3);
    let sum = spread(count, |number| {
        let calls = sequence(&alphabet, number);
        let mut run = Run::new(SimDisk::new(), seed);
        let from = play(&mut run, &calls);
        cut(
            &run,
            Explore {
                from,
                ..options(seed)
            },
        )
        .unwrap_or_else(|failure| panic!("SMALTI_SEED={seed} {calls:?}\n{failure}"))
    });
    println!("sequences, seed {seed}, {:?}: {sum:#?}", start.elapsed());
    assert!(sum.scripts == count && sum.distinct >= 10_000, "too few");
}

#[test]
fn recovery_survives_cuts_three_deep() {
    let (first, start) = (seed(), Instant::now());
    let sum = spread(24, |number| {
        let number = first + number as u64;
        let calls = script(number);
        let run = Run::of(&calls, number);
        let options = Explore {
            images_per_point: 1,
            images_per_interval: 3,
            depth: 3,
            cuts_per_recovery: 1,
            seed: number,
            ..Explore::default()
        };
        cut(&run, options)
            .unwrap_or_else(|failure| panic!("SMALTI_SEED={number} {calls:?}\n{failure}"))
    });
    println!(
        "recoveries from seed {first}, {:?}: {sum:#?}",
        start.elapsed()
    );
    assert!(sum.deeper >= 10_000, "too few");
}

#[test]
fn no_sync_can_be_left_out() {
    let first = seed();
    let found = Mutex::new(Vec::new());
    spread(SyncSite::ALL.len(), |number| {
        let site = SyncSite::ALL[number];
        let caught = (first..first + 60).find_map(|number| {
            let disk = SimDisk::new();
            disk.switch_off(site);
            let run = Run::on(disk, &script(number), number);
            let failure = cut(&run, options(number)).err()?;
            Some((number, failure))
        });
        found.lock().expect("whole").push((site, caught));
        Sum::default()
    });
    let mut found = found.into_inner().expect("whole");
    found.sort_by_key(|(site, _)| *site);
    println!("| sync left out | caught by script | at op | as |\n|---|---|---|---|");
    for (site, caught) in &found {
        match caught {
            Some((number, failure)) => {
                let at = failure.cuts.first().map_or(0, |cut| cut.at);
                println!("| {site:?} | {number} | {at} | {} |", failure.message);
            }
            None => println!("| {site:?} | - | - | not caught |"),
        }
    }
    assert!(
        found.iter().all(|(_, caught)| caught.is_some()),
        "a sync seems not to matter"
    );
}
