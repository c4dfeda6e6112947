//! The log of the server: events of the library and of the tool, on standard error.

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;

use super::LogFormat;
use crate::fault::{Fault, Outcome};

/// Begins to log. Called once for a process.
pub(super) fn begin(format: LogFormat, level: &str) -> Outcome {
    let filter = EnvFilter::try_new(level).map_err(|error| {
        Fault::usage(format!("log level {level:?} is not one: {error}"))
            .with_hint("write error, warn, info, debug or trace")
    })?;
    let begun = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal());
    let begun = match format {
        LogFormat::Text => begun.try_init(),
        LogFormat::Json => begun.json().flatten_event(true).try_init(),
    };
    begun.map_err(|error| Fault::usage(format!("the log cannot begin: {error}")))
}
