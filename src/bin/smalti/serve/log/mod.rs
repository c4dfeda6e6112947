//! The log of the server: events of the library and of the tool, on standard error.
//!
//! Whoever logs never waits for the one who reads the log.

mod lines;

use std::fmt;
use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

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
    let filter = filter(level)?;
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

/// Reads levels and filters. A bare word is a level: as a filter it would silence all the rest.
fn filter(text: &str) -> Outcome<EnvFilter> {
    let wrong = |what: &dyn fmt::Display| {
        Fault::usage(format!("log level {text:?} is not one: {what}")).with_hint(
            "write error, warn, info, debug or trace, or filters as in smalti=debug,info",
        )
    };
    let is_bare = |part: &&str| !part.contains(['=', '[', ']', '}']);
    let mut bare = text.split(',').filter(is_bare);
    match bare.find(|part| part.parse::<LevelFilter>().is_err()) {
        Some(part) => Err(wrong(&format_args!("there is no level {part:?}"))),
        None => EnvFilter::try_new(text).map_err(|error| wrong(&error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_word_is_a_level_or_none() {
        for text in [
            "info",
            "WARN",
            "off",
            "smalti=debug,info",
            "info,smalti::http=trace",
            "smalti[request]=debug",
            "smalti[request{id=\"a\"}]",
        ] {
            assert!(filter(text).is_ok(), "{text}");
        }
        for text in ["bogus", "smalti", "info,smalti", "=="] {
            let fault = filter(text).map(|_| ()).unwrap_err().to_string();
            assert!(fault.contains(&format!("log level {text:?}")), "{fault}");
            assert!(fault.contains("   do: write error"), "{fault}");
        }
    }
}
