//! Cuts the power of a recorded run everywhere, and lets a check judge what is left.

use std::collections::BTreeSet;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::choices::{Choice, Choices, mix};
use super::{Op, SimDisk};

/// How thoroughly a run is explored.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::exhaustive_structs, reason = "settings are written with `..`")]
pub struct Explore {
    /// Images by lot at each point of the log that has something unsynced.
    pub images_per_point: usize,
    /// Images by lot between two syncs, at the least and if there are so many; missing ones are
    /// made just before the sync.
    pub images_per_interval: usize,
    /// The first point of the log: those before it belong to another exploration.
    pub from: usize,
    /// Seed of all lots.
    pub seed: u64,
    /// How many cuts follow each other: 1 cuts the run, 2 also what the check does to the image
    /// in order to recover it, and so on.
    pub depth: usize,
    /// Points by lot at which the recovery from one image is cut.
    pub cuts_per_recovery: usize,
}

impl Default for Explore {
    fn default() -> Self {
        Self {
            images_per_point: 4,
            images_per_interval: 20,
            from: 0,
            seed: 1,
            depth: 1,
            cuts_per_recovery: 1,
        }
    }
}

/// What an exploration saw. A test asks for enough of each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Points of the log at which power was cut.
    pub points: usize,
    /// Images that were checked; no two of one point are by the same decisions.
    pub images: usize,
    /// Images by lot among them.
    pub random_images: usize,
    /// Images that were cut out of a recovery; not among `images`.
    pub deeper_images: usize,
    /// Images by lot that were left out, being decided as one before.
    pub repeated: usize,
    /// Syncs in the log of the run.
    pub syncs: usize,
    /// Acknowledgements that some image had to honor.
    pub acks: usize,
}

/// One cut of power.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cut {
    /// Operations that were issued before.
    pub at: usize,
    /// What reached the medium of those that were not synced.
    pub choice: Choice,
}

impl Cut {
    /// Makes the image of this cut.
    pub fn image(self, disk: &SimDisk) -> SimDisk {
        disk.crash_image(self.at, &mut Choices::new(self.choice))
    }
}

/// A check that failed, with all that is needed to see it again.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Failure {
    /// What the check said.
    pub message: String,
    /// Seed and other settings of the exploration.
    pub options: Explore,
    /// The cuts that led here; more than one if a recovery was cut.
    pub cuts: Vec<Cut>,
    /// Calls of the run that were acknowledged before the first cut.
    pub acked: usize,
    /// The last operations before the last cut, and the next one.
    pub around: Vec<String>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.message)?;
        for cut in &self.cuts {
            writeln!(f, "  cut after op {}, kept {}", cut.at, cut.choice)?;
        }
        writeln!(f, "  acknowledged: {} calls", self.acked)?;
        writeln!(f, "  options: {:?}", self.options)?;
        for op in &self.around {
            writeln!(f, "  {op}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Failure {}

/// Cuts the power after every prefix of the log of `disk` and checks the images that may be left.
///
/// `acks` are the values of [`SimDisk::op_count`] at each acknowledgement, ascending. At each
/// point the image without unsynced changes, the one with all of them, and images by lot are
/// given to `check` with the number of calls acknowledged up to there. The check recovers the
/// image as the engine would and returns what is wrong; a panic in it counts as such.
///
/// # Errors
///
/// The first failure. Seed, options and cuts are in its text.
pub fn explore(
    disk: &SimDisk,
    acks: &[usize],
    options: Explore,
    check: impl Fn(&SimDisk, usize) -> Result<(), String>,
) -> Result<Counts, Failure> {
    let log = disk.log();
    let mut run = Run {
        options,
        check: &check,
        counts: Counts {
            syncs: log.iter().filter(|op| op.sync().is_some()).count(),
            ..Counts::default()
        },
        cuts: Vec::new(),
        acked: 0,
    };
    let violations = disk.violations();
    if !violations.is_empty() {
        return Err(run.failure(disk, violations.join("; ")));
    }
    let mut in_interval = 0;
    for at in options.from..=log.len() {
        let closes = log.get(at).is_none_or(|op| op.sync().is_some());
        run.acked = acks.partition_point(|ack| *ack <= at);
        run.counts.acks = run.counts.acks.max(run.acked);
        in_interval += run.point(disk, at, closes, in_interval)?;
        if closes {
            in_interval = 0;
        }
    }
    Ok(run.counts)
}

struct Run<'a> {
    options: Explore,
    check: &'a dyn Fn(&SimDisk, usize) -> Result<(), String>,
    counts: Counts,
    cuts: Vec<Cut>,
    acked: usize,
}

impl Run<'_> {
    /// Visits one point of the run; returns how many images by lot were checked.
    fn point(
        &mut self,
        disk: &SimDisk,
        at: usize,
        closes: bool,
        before: usize,
    ) -> Result<usize, Failure> {
        self.counts.points += 1;
        let mut seen = BTreeSet::new();
        self.visit(disk, at, Choice::AllUnsynced, &mut seen)?;
        if disk.unsynced(at) == 0 {
            return Ok(0);
        }
        self.visit(disk, at, Choice::NoneUnsynced, &mut seen)?;
        let mut wanted = self.options.images_per_point;
        if closes {
            let missing = self.options.images_per_interval.saturating_sub(before);
            wanted = wanted.max(missing);
        }
        // Few changes have few fates; then most lots repeat, and trying ends.
        let fixed = seen.len();
        for number in 0..wanted * 4 {
            if seen.len() >= fixed + wanted {
                break;
            }
            let choice = Choice::Random(self.lot(at, number));
            self.visit(disk, at, choice, &mut seen)?;
        }
        let by_lot = seen.len() - fixed;
        self.counts.random_images += by_lot;
        Ok(by_lot)
    }

    /// Checks one image, unless one by the same decisions was seen.
    fn visit(
        &mut self,
        disk: &SimDisk,
        at: usize,
        choice: Choice,
        seen: &mut BTreeSet<u64>,
    ) -> Result<(), Failure> {
        let mut decided = Choices::new(choice);
        let image = disk.crash_image(at, &mut decided);
        if !seen.insert(decided.digest()) {
            self.counts.repeated += 1;
            return Ok(());
        }
        self.counts.images += 1;
        self.cuts.push(Cut { at, choice });
        self.judge(disk, &image)?;
        self.cuts.pop();
        Ok(())
    }

    fn lot(&self, at: usize, number: usize) -> u64 {
        let mut seed = mix(self.options.seed);
        for cut in &self.cuts {
            seed = mix(seed ^ cut.at as u64);
            if let Choice::Random(other) = cut.choice {
                seed = mix(seed ^ other);
            }
        }
        mix(mix(seed ^ at as u64) ^ number as u64)
    }

    fn judge(&mut self, parent: &SimDisk, image: &SimDisk) -> Result<(), Failure> {
        let verdict = catch_unwind(AssertUnwindSafe(|| (self.check)(image, self.acked)));
        let verdict = verdict.unwrap_or_else(|panic| Err(panic_message(&*panic)));
        let violations = image.violations();
        match verdict {
            Err(message) => Err(self.failure(parent, message)),
            Ok(()) if !violations.is_empty() => Err(self.failure(parent, violations.join("; "))),
            Ok(()) => self.deeper(image),
        }
    }

    /// Cuts the recovery that the check did on `image`.
    fn deeper(&mut self, image: &SimDisk) -> Result<(), Failure> {
        let ops = image.op_count();
        if self.cuts.len() >= self.options.depth || ops == 0 {
            return Ok(());
        }
        for number in 0..self.options.cuts_per_recovery {
            let seed = self.lot(ops, number);
            let at = usize::try_from(mix(seed) % (ops as u64 + 1)).unwrap_or(ops);
            let choice = match seed % 6 {
                0 => Choice::NoneUnsynced,
                1 => Choice::AllUnsynced,
                _ => Choice::Random(seed),
            };
            let cut = Cut { at, choice };
            self.counts.deeper_images += 1;
            self.cuts.push(cut);
            self.judge(image, &cut.image(image))?;
            self.cuts.pop();
        }
        Ok(())
    }

    fn failure(&self, disk: &SimDisk, message: String) -> Failure {
        let at = self.cuts.last().map_or(0, |cut| cut.at);
        let log = disk.log();
        let line = |(number, op): (usize, &Op)| {
            let next = if number == at { " (not issued)" } else { "" };
            format!("op {number}: {op}{next}")
        };
        let numbered = log.iter().enumerate();
        let around = numbered.skip(at.saturating_sub(12)).take(at.min(12) + 1);
        Failure {
            message,
            options: self.options,
            cuts: self.cuts.clone(),
            acked: self.acked,
            around: around.map(line).collect(),
        }
    }
}

fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    format!("the check panicked: {}", text.unwrap_or("no message"))
}
