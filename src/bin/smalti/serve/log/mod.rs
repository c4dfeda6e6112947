//! The log of the server: events of the library and of the tool, on standard error.
//!
//! Whoever logs never waits for the one who reads the log.

mod lines;

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;

use super::LogFormat;
use crate::fault::{Fault, Outcome};
use lines::{Lines, Writer};

/// A log that runs. When it is dropped the lines that wait are written, unless nobody reads them.
#[derive(Debug)]
pub(super) struct Log {
    _writer: Writer,
}

/// Begins to log. Called once for a process.
pub(super) fn begin(format: LogFormat, level: &str) -> Outcome<Log> {
    let filter = EnvFilter::try_new(level).map_err(|error| {
        Fault::usage(format!("log level {level:?} is not one: {error}"))
            .with_hint("write error, warn, info, debug or trace")
    })?;
    let (lines, writer) = Lines::begin(io::stderr(), format);
    let begun = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(lines)
        .with_ansi(io::stderr().is_terminal());
    let begun = match format {
        LogFormat::Text => begun.try_init(),
        LogFormat::Json => begun.json().flatten_event(true).try_init(),
    };
    begun.map_err(|error| Fault::usage(format!("the log cannot begin: {error}")))?;
    Ok(Log { _writer: writer })
}
