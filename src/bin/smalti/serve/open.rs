//! The engine of a server: policy files read, settings taken, recovery told.

use std::fs;
use std::path::Path;
use std::time::Duration;

use smalti::engine::{Builder, Recovery};
use smalti::policy::RulesBuilder;
use smalti::{Engine, Rules};

use crate::config::{Config, Named};
use crate::fault::{Exit, Fault, Outcome};

/// How long a close waits for uploads, which the front end has ended before.
const CLOSE: Duration = Duration::from_secs(30);
/// Longest policy file, in bytes; the library has bounds of its own for what is in it.
const FILE_MAX_BYTES: u64 = 16 << 20;

/// Opens the engine, and makes it if it is not there.
pub(super) fn engine(dir: &Path, config: &Config) -> Outcome<Engine> {
    let mut builder = builder(dir, config)?;
    if let Some(rules) = rules(config)? {
        builder = builder.policy(rules);
    }
    let opened = builder.on_recovery(tell).open();
    opened.map_err(|error| Fault::from(error).about(dir.display()))
}

/// Returns what opens the engine.
pub(super) fn builder(dir: &Path, config: &Config) -> Outcome<Builder> {
    let hint = "name a directory of images, or a new one, with --data";
    config.builder(dir).map_err(|fault| match fault.code() {
        "Usage" => fault.with_hint(hint),
        _ => fault,
    })
}

/// Closes the engine, so that the next one has nothing to recover.
pub(super) fn close(engine: &Engine, dir: &Path) -> Outcome {
    let closed = engine.close(CLOSE);
    closed.map_err(|error| Fault::from(error).about(dir.display()))
}

/// Reads the policy files, where there are any; what is probably not meant goes into the log.
fn rules(config: &Config) -> Outcome<Option<Rules>> {
    let files = &config.policy;
    let mut builder = Rules::builder();
    let mut rules = None;
    // Built with each file, so that a fault is that of the file which came last.
    if let Some(file) = &files.policy_file {
        builder = builder.file(file.path.display().to_string(), read(file)?);
        rules = Some(built(&builder, file)?);
    }
    if let Some(file) = &files.property_protection_file {
        builder = builder.property_protections(read(file)?, files.property_protection_rule_format);
        rules = Some(built(&builder, file)?);
    }
    let Some(rules) = rules else { return Ok(None) };
    for warning in rules.warnings() {
        tracing::warn!("policy: {warning}");
    }
    Ok(Some(rules))
}

fn built(builder: &RulesBuilder, file: &Named) -> Outcome<Rules> {
    let built = builder.clone().build();
    built.map_err(|error| file.about(error.into()).with_hint("mend that file"))
}

fn read(file: &Named) -> Outcome<String> {
    let path = &file.path;
    let fault = |error: std::io::Error| {
        let fault = Fault::io(format_args!("read {}", path.display()), &error);
        let fault = file.about(fault.ending_in(Exit::Usage));
        fault.with_hint("name a file that is there, or leave the key out")
    };
    let len = fs::metadata(path).map_err(fault)?.len();
    if len > FILE_MAX_BYTES {
        let message = format!("{} is {len} bytes, limit {FILE_MAX_BYTES}", path.display());
        return Err(file.about(Fault::usage(message)));
    }
    fs::read_to_string(path).map_err(fault)
}

fn tell(recovery: Recovery) {
    match recovery {
        Recovery::Log {
            done_bytes,
            total_bytes,
        } => {
            tracing::debug!(done_bytes, total_bytes, "the log is read");
        }
        Recovery::Uploads { done, total } => {
            tracing::info!(done, total, "uploads that broke off are taken back");
        }
        other => tracing::info!(?other, "recovery"),
    }
}
