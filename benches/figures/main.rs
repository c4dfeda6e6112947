//! How fast is the engine beside the bare libraries that it stands on?
//!
//! Each figure of `docs/benchmarks.md` is measured next to its raw baseline, in turns, in one run,
//! and printed as a row: the ratio is what counts, absolute numbers are for orientation. A ratio
//! below its goal is a place where the engine costs more than it should.
//!
//! ```text
//! cargo bench --bench figures --features testing -- [FIGURE]... [--dir DIR] [--size-mib N] [--rounds N]
//!     [--images N] [--cache-mib N] [--fleet DIR]
//! ```

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "numbers here are lengths and counts, on machines that run benches"
)]

mod data;
mod fleet;
mod index;
mod ingest;
mod inspected;
mod lists;
mod many;
mod memory;
mod pipeline;
mod quick;
mod raw_index;
mod read;

use std::path::{Path, PathBuf};
use std::time::Duration;

/// What a run was asked for.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    figures: Vec<String>,
    pub(crate) dir: PathBuf,
    pub(crate) size_mib: usize,
    pub(crate) rounds: usize,
    /// How many images there are where there are many.
    pub(crate) images: u64,
    /// Memory for pages of an index, ours and the bare one, where there are many.
    pub(crate) cache_bytes: usize,
    /// Where data sets of many images are kept for later runs.
    pub(crate) fleet: Option<PathBuf>,
}

impl Plan {
    fn from_args() -> Self {
        let mut plan = Self {
            figures: Vec::new(),
            dir: std::env::temp_dir(),
            size_mib: 512,
            rounds: 3,
            images: 1_000_000,
            cache_bytes: smalti::Settings::default().index_cache_bytes,
            fleet: None,
        };
        let mut args = std::env::args().skip(1);
        while let Some(arg) = args.next() {
            let mut value = || args.next().unwrap_or_else(|| panic!("{arg} needs a value"));
            match arg.as_str() {
                "--dir" => plan.dir = value().into(),
                "--size-mib" => plan.size_mib = value().parse().expect("a number of MiB"),
                "--rounds" => plan.rounds = value().parse().expect("a number of rounds"),
                "--images" => plan.images = value().parse().expect("a number of images"),
                "--cache-mib" => {
                    let mib: usize = value().parse().expect("a number of MiB");
                    plan.cache_bytes = mib << 20;
                }
                "--fleet" => plan.fleet = Some(value().into()),
                // What cargo passes on its own.
                "--bench" => {}
                figure => plan.figures.push(figure.to_uppercase()),
            }
        }
        plan
    }

    pub(crate) fn wants(&self, figure: &str) -> bool {
        self.figures.is_empty() || self.figures.iter().any(|wanted| wanted == figure)
    }

    pub(crate) fn len_bytes(&self) -> usize {
        self.size_mib << 20
    }
}

/// What a number is held against.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Goal {
    /// The ratio is at least this.
    Ratio(f64),
    /// The ratio is at most this.
    RatioBelow(f64),
    /// The engine's own number is at least this.
    AtLeast(f64),
    /// The engine's own number is at most this.
    AtMost(f64),
    /// For orientation.
    None,
}

/// One row of the table.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) figure: &'static str,
    pub(crate) what: String,
    pub(crate) unit: &'static str,
    pub(crate) smalti: f64,
    pub(crate) raw: Option<f64>,
    pub(crate) ratio: Option<f64>,
    pub(crate) goal: Goal,
}

impl Row {
    fn print(&self) {
        let number = |value: f64| match value.abs() {
            large if large >= 100.0 => format!("{value:.0}"),
            _ => format!("{value:.2}"),
        };
        let (goal, met) = match (self.goal, self.ratio) {
            (Goal::Ratio(goal), Some(ratio)) => (format!(">= {goal:.2} x"), Some(ratio >= goal)),
            (Goal::RatioBelow(goal), Some(ratio)) => {
                (format!("<= {goal:.2} x"), Some(ratio <= goal))
            }
            (Goal::AtLeast(goal), _) => (format!(">= {}", number(goal)), Some(self.smalti >= goal)),
            (Goal::AtMost(goal), _) => (format!("<= {}", number(goal)), Some(self.smalti <= goal)),
            _ => (String::new(), None),
        };
        let met = met.map_or("", |met| if met { "yes" } else { "NO" });
        let raw = self.raw.map_or(String::new(), number);
        let ratio = self
            .ratio
            .map_or(String::new(), |ratio| format!("{ratio:.2}"));
        println!(
            "| {:4} | {:52} | {:>9} | {raw:>9} | {:8} | {ratio:>6} | {goal:>10} | {met:3} |",
            self.figure,
            self.what,
            number(self.smalti),
            self.unit,
        );
    }
}

/// Returns the middle one of some numbers.
pub(crate) fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}

/// Returns the median of one side, of the other, and of their ratios round by round.
pub(crate) fn medians(pairs: &[(f64, f64)]) -> (f64, f64, f64) {
    let side = |pick: fn(&(f64, f64)) -> f64| median(pairs.iter().map(pick).collect());
    (side(|p| p.0), side(|p| p.1), side(|p| p.0 / p.1))
}

/// Measures work of this thread alone by its processor time, which other work on the machine
/// hardly moves. Where nothing waits, this is the time that a quiet machine takes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stopwatch(Duration);

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self(Self::now())
    }

    pub(crate) fn elapsed(self) -> Duration {
        Self::now() - self.0
    }

    fn now() -> Duration {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        Duration::try_from(time).expect("a time after the start")
    }
}

/// Returns the processor time of all threads of this process.
pub(crate) fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::try_from(time).expect("a time after the start")
}

/// Returns a rate in MB/s.
pub(crate) fn mb_per_s(len_bytes: usize, time: Duration) -> f64 {
    len_bytes as f64 / 1e6 / time.as_secs_f64()
}

fn main() {
    let mut args = std::env::args().skip(1);
    if args.next().as_deref() == Some("--child") {
        let child = args.next().expect("the name of a child");
        let dir = args.next().expect("the directory of a child");
        return memory::child(&child, Path::new(&dir), args.next().as_deref());
    }
    let plan = Plan::from_args();
    println!(
        "{} cores, {} MiB, {} rounds, in {}",
        std::thread::available_parallelism().map_or(0, usize::from),
        plan.size_mib,
        plan.rounds,
        plan.dir.display()
    );
    println!(
        "| {:4} | {:52} | {:>9} | {:>9} | {:8} | {:>6} | {:>10} | met |",
        "", "work", "smalti", "raw", "unit", "ratio", "goal"
    );
    println!("|---|---|---|---|---|---|---|---|");
    let figures: [(&[&str], fn(&Plan) -> Vec<Row>); 13] = [
        (&["DISK"], data::disk),
        (&["S1"], ingest::s1),
        (&["S2"], ingest::s2),
        (&["S3"], ingest::s3),
        (&["S1I", "S3I"], inspected::rows),
        (&["S4"], ingest::s4),
        (&["S5", "S6"], read::hot),
        (&["S6C"], read::cold),
        (&["S7"], read::open),
        (&["S12"], read::growth),
        (&["S8"], index::create),
        (&["S8", "S9", "S10", "S11", "S12", "S13"], many::many),
        (&["S14"], index::reopen),
    ];
    for (names, measure) in figures {
        if names.iter().any(|name| plan.wants(name)) {
            for row in measure(&plan)
                .iter()
                .filter(|row| plan.wants(&row.figure.to_uppercase()))
            {
                row.print();
            }
        }
    }
}
