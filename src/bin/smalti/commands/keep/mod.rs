//! `smalti gc`, `smalti verify` and `smalti stats`: the upkeep of a directory.

mod figures;

use clap::Args;
use serde::Serialize;
use serde_json::{Value, json};
use smalti::gc::GcPhase;
use smalti::{Engine, GcOptions, GcReport, VerifyReport};

use crate::at::At;
use crate::fault::{Exit, Fault, Outcome};
use crate::interrupt;
use crate::place::{self, DirPlace, Need};
use crate::shell::{Answer, Shell};

const GC: &str = "Deleted images give their space back here. It may be interrupted at any time; the next run goes on.

Examples:
  smalti gc --plan    show what would be done
  smalti gc           do it";

const VERIFY: &str =
    "Reads every stored byte and proves it. The exit code is 8 if anything is damaged.

Examples:
  smalti verify                   everything
  smalti verify debian.qcow2      what one image needs";

const STATS: &str = "Example:
  smalti stats --at /var/lib/images";

/// Give back the space of deleted images
#[derive(Debug, Args)]
#[command(after_help = GC)]
pub(crate) struct Gc {
    /// Show what would be done, and do nothing
    #[arg(long)]
    plan: bool,
    /// Copy a pack when this part of it is garbage: 0 copies all with any, 1 none
    #[arg(long, value_name = "RATIO", default_value_t = GcOptions::default().min_garbage_ratio)]
    min_garbage: f64,
    #[command(flatten)]
    at: At,
}

/// Prove stored bytes
#[derive(Debug, Args)]
#[command(after_help = VERIFY)]
pub(crate) struct Verify {
    /// Id or name; everything without it
    image: Option<String>,
    #[command(flatten)]
    at: At,
}

/// Show what is stored, and what it costs
#[derive(Debug, Args)]
#[command(after_help = STATS)]
pub(crate) struct Stats {
    #[command(flatten)]
    at: At,
}

impl Gc {
    /// Answers with the plan, or with what was done.
    pub(crate) fn run(&self, shell: Shell) -> Outcome<Answer> {
        let options = GcOptions {
            min_garbage_ratio: self.min_garbage,
            ..GcOptions::default()
        };
        if self.plan {
            let plan = self.at.on_engine("gc", Need::Read, |place| {
                Ok(place.engine().gc_plan(&options)?)
            })?;
            return Ok(Answer::new(json(&plan), figures::of_plan(&plan)));
        }
        interrupt::watch();
        let work = |place: &DirPlace| collect(place.engine(), options, shell);
        let (scrubbed, report) = self.at.on_engine("gc", Need::Write, work)?;
        let mut document = json(&report);
        document["scrubbed_images"] = json!(scrubbed);
        let mut answer = Answer::new(document, figures::of_collection(scrubbed, &report));
        if !report.damaged.is_empty() {
            let message = format!(
                "{} packs are damaged and were left alone",
                report.damaged.len()
            );
            answer
                .faults
                .push(Fault::from(smalti::Error::corrupt(message)));
        }
        Ok(answer)
    }
}

fn collect(engine: &Engine, options: GcOptions, shell: Shell) -> Outcome<(u64, GcReport)> {
    let scrubbed = engine.scrub()?;
    let mut gc = engine.gc(options)?;
    let bar = shell.bar("collect", None);
    let mut copied = 0;
    while let Some(progress) = gc.step()? {
        bar.say(doing(progress.phase, progress.packs_left));
        bar.add(progress.copied_bytes.saturating_sub(copied));
        copied = progress.copied_bytes;
        interrupt::check()?;
    }
    Ok((scrubbed, gc.report().clone()))
}

fn doing(phase: GcPhase, packs_left: usize) -> String {
    let what = match phase {
        GcPhase::Release => "give references back",
        GcPhase::Sweep => "remove chunks",
        GcPhase::Unlink => "unlink packs",
        GcPhase::Seal => "seal packs",
        GcPhase::Compact => "copy live chunks",
        _ => "collect",
    };
    match packs_left {
        0 => what.to_owned(),
        left => format!("{what}, {left} packs left"),
    }
}

impl Verify {
    /// Answers with the report.
    pub(crate) fn run(&self, shell: Shell) -> Outcome<Answer> {
        let report = self.at.on_engine("verify", Need::Read, |place| {
            let Some(image) = &self.image else {
                return everything(place.engine(), shell);
            };
            let id = place::find(place, image)?.image.id;
            Ok(place.engine().verify_image(&id)?)
        })?;
        let mut answer = Answer::new(json(&report), figures::of_verification(&report));
        if !report.is_clean() {
            let message = format!("{} places are damaged", report.damage.len());
            answer.faults.push(
                Fault::new(Exit::Damaged, "Corrupt", message)
                    .with_hint("upload the images that are named again: the same bytes heal them"),
            );
        }
        Ok(answer)
    }
}

fn everything(engine: &Engine, shell: Shell) -> Outcome<VerifyReport> {
    let bar = shell.bar("verify", Some(engine.stats()?.pack_bytes));
    Ok(engine.verify(|progress| bar.set(progress.done_bytes, progress.total_bytes))?)
}

impl Stats {
    /// Answers with the figures.
    pub(crate) fn run(&self) -> Outcome<Answer> {
        let stats = self
            .at
            .on_engine("stats", Need::Read, |place| Ok(place.engine().stats()?))?;
        Ok(Answer::new(json(&stats), figures::of_engine(&stats)))
    }
}

fn json(value: &impl Serialize) -> Value {
    serde_json::to_value(value).expect("figures have names and numbers alone")
}
