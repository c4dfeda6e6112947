//! Power cuts while several stores are written and imports run: an image is active with all its
//! bytes in each of its stores or not active, what was staged stays, and no import is stuck.
//!
//! The second store is a directory of the same simulated disk: one log has the changes of all
//! stores in their order, so that a cut meets them together. Imports run on the thread of the
//! script, as `Import::run` does, so that runs repeat as others do.

use std::sync::Mutex;
use std::time::Instant;

use smalti::disk::SyncSite;
use smalti::disk::sim::{Explore, Failure, SimDisk};

use super::{Cut, Sum, cut_and, expect_repeats, options, play, sequence, spread};
use crate::support::judge::{opened, used};
use crate::support::script::{Fact, Run, Tally, script_of_stores, short_of_stores};
use crate::support::seed;
use crate::support::settle::{Settled, look_at_imports, settle};
use crate::support::stage::Stage;

/// Cuts a run everywhere; what is left of imports is brought to an end where cuts do not follow
/// each other.
fn cut_stores(run: &Run, options: Explore) -> Result<(Sum, Settled), Box<Failure>> {
    let all = Ends::default();
    let sum = cut_and(run, options, &|image, cut| {
        let ended = run.ended.iter().filter(|(acks, ..)| *acks <= cut.acked);
        let ended: Vec<_> = ended.map(|(_, task, status)| (*task, *status)).collect();
        let (digest, stage) = (image.digest(), Stage::with_stores(image.digest()));
        let engine = opened(&stage, image, &cut.facts)?;
        look_at_imports(&engine, &ended)?;
        if options.depth > 1 || !is_settled(cut, digest) {
            return used(&stage, image, engine, &cut.facts, cut.trial);
        }
        let settled = settle(image, &engine, &cut.facts)?;
        all.add(&settled);
        Ok(())
    })?;
    Ok((sum, all.0.into_inner().expect("whole")))
}

/// Tells whether what a cut left is brought to an end: more often where data is staged.
fn is_settled(cut: &Cut, digest: u64) -> bool {
    let mut facts = cut.facts.values().flatten();
    let is_staged = facts.any(|fact| matches!(fact, Fact::Staged(..)));
    digest % 6 == 5 || is_staged && digest % 3 == 2
}

/// Adds up what was brought to an end.
#[derive(Default)]
struct Ends(Mutex<Settled>);

impl Ends {
    fn add(&self, settled: &Settled) {
        self.0.lock().expect("whole").add(settled);
    }
}

#[test]
fn runs_of_stores_repeat() {
    expect_repeats(|number| Run::with_stores(&script_of_stores(number), number, None));
}

#[test]
fn stores_and_imports_survive_every_cut() {
    let (first, start, ends) = (seed(), Instant::now(), Ends::default());
    let sum = spread(40, |number| {
        let number = first + number as u64;
        let calls = script_of_stores(number);
        let run = Run::with_stores(&calls, number, None);
        let options = Explore {
            images_per_interval: 12,
            ..options(number)
        };
        let (sum, settled) = cut_stores(&run, options)
            .unwrap_or_else(|failure| panic!("SMALTI_SEED={number} {calls:?}\n{failure}"));
        ends.add(&settled);
        sum
    });
    let settled = ends.0.into_inner().expect("whole");
    let took = start.elapsed();
    println!("stores from seed {first}, {took:?}: {sum:#?}, {settled:#?}");
    assert!(
        sum.scripts >= 40 && sum.distinct >= 10_000 && sum.used >= 400,
        "too few"
    );
    let Tally {
        staged,
        imports,
        fetched,
        given_up,
        copies,
        lost_copies,
        ..
    } = sum.tally;
    assert!(
        staged >= 50
            && imports >= 40
            && fetched >= 10
            && given_up >= 6
            && copies >= 35
            && lost_copies >= 6,
        "too few"
    );
    assert!(
        sum.tally.collections >= 30 && sum.tally.unlinked >= 15 && sum.tally.copied >= 10,
        "too few"
    );
    let Settled {
        staged,
        queued,
        copies,
    } = settled;
    assert!(staged >= 300 && queued >= 600 && copies >= 1000, "too few");
}

#[test]
fn short_sequences_of_stores_survive_every_cut() {
    let (seed, start, ends) = (seed(), Instant::now(), Ends::default());
    let alphabet = short_of_stores();
    let count = alphabet.len() + alphabet.len().pow(2);
    let sum = spread(count, |number| {
        let calls = sequence(&alphabet, number);
        let mut run = Run::on_stage(SimDisk::new(), Stage::with_stores(seed));
        let from = play(&mut run, &calls);
        let options = Explore {
            from,
            ..options(seed)
        };
        let (sum, settled) = cut_stores(&run, options)
            .unwrap_or_else(|failure| panic!("SMALTI_SEED={seed} {calls:?}\n{failure}"));
        ends.add(&settled);
        sum
    });
    let settled = ends.0.into_inner().expect("whole");
    let took = start.elapsed();
    println!("sequences of stores, seed {seed}, {took:?}: {sum:#?}, {settled:#?}");
    assert!(
        sum.scripts == count && sum.distinct >= 2_000 && settled.staged >= 100,
        "too few"
    );
}

#[test]
fn recovery_of_stores_survives_cuts_three_deep() {
    let (first, start) = (seed(), Instant::now());
    let sum = spread(6, |number| {
        let number = first + number as u64;
        let calls = script_of_stores(number);
        let run = Run::with_stores(&calls, number, None);
        let options = Explore {
            images_per_point: 1,
            images_per_interval: 3,
            depth: 3,
            seed: number,
            cuts_per_recovery: 1,
            ..Explore::default()
        };
        let (sum, _) = cut_stores(&run, options)
            .unwrap_or_else(|failure| panic!("SMALTI_SEED={number} {calls:?}\n{failure}"));
        sum
    });
    let took = start.elapsed();
    println!("recoveries of stores from seed {first}, {took:?}: {sum:#?}");
    assert!(sum.deeper >= 2_000, "too few");
}

/// The call sites that sync a store in a directory of its own.
const SITES: [SyncSite; 5] = [
    SyncSite::PackData,
    SyncSite::PackSeal,
    SyncSite::PackDir,
    SyncSite::PackGone,
    SyncSite::Root,
];

#[test]
fn no_sync_of_another_store_can_be_left_out() {
    let first = seed();
    let missed = Mutex::new(Vec::new());
    spread(SITES.len(), |number| {
        let site = SITES[number];
        let caught = (first..first + 40).find_map(|number| {
            let run = Run::with_stores(&script_of_stores(number), number, Some(site));
            let failure = cut_stores(&run, options(number)).err()?;
            Some((number, failure.message))
        });
        println!("{site:?} left out in the second store: {caught:?}");
        if caught.is_none() {
            missed.lock().expect("whole").push(site);
        }
        Sum::default()
    });
    let missed = missed.into_inner().expect("whole");
    assert!(missed.is_empty(), "syncs seem not to matter: {missed:?}");
}
