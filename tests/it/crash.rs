//! Power cuts at every change: nothing acknowledged is lost, nothing else appears.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;

use smalti::disk::sim::{Counts, Explore, Failure, explore};

use crate::support::judge::{Trial, judge};
use crate::support::script::{Run, Tally, either, script};

/// What many explorations saw.
#[derive(Debug, Default)]
struct Sum {
    scripts: usize,
    tally: Tally,
    points: usize,
    distinct: usize,
    same: usize,
    deeper: usize,
    syncs: usize,
    used: usize,
}

/// Cuts a run everywhere from `from` on.
fn cut(run: &Run, options: Explore, sum: &mut Sum) -> Result<Counts, Failure> {
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
        judge(image, &facts, trial)
    })?;
    sum.points += counts.points;
    sum.distinct += counts.images - same.get();
    sum.same += same.get();
    sum.deeper += counts.deeper_images;
    sum.syncs += counts.syncs;
    sum.used += used.get();
    Ok(counts)
}

fn seed() -> u64 {
    let given = std::env::var("SMALTI_SEED").ok();
    given.and_then(|seed| seed.parse().ok()).unwrap_or(1)
}

#[test]
fn scripts_survive_every_cut() {
    let (first, count) = (seed(), std::env::var("N").map_or(4, |n| n.parse().unwrap()));
    let mut sum = Sum::default();
    for number in first..first + count {
        let calls = script(number);
        let run = Run::of(&calls, number);
        let options = Explore {
            images_per_point: 1,
            seed: number,
            ..Explore::default()
        };
        let start = std::time::Instant::now();
        let before = sum.distinct;
        if let Err(failure) = cut(&run, options, &mut sum) {
            panic!("script {number} {calls:?}\n{failure}");
        }
        sum.scripts += 1;
        println!("script {number}: {} calls, {} ops, {} images, {:?}", calls.len(), run.disk.op_count(), sum.distinct - before, start.elapsed());
        sum.tally.add(&run.tally);
    }
    println!("{sum:?}");
}
