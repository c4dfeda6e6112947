//! The shell around a command: what it prints, where, and in which form.

use std::io::{self, IsTerminal, Write};

use serde_json::Value;

use crate::fault::{Fault, Outcome};
use crate::progress::Bar;

/// In which form results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// For a reader.
    Text,
    /// One JSON document a line.
    Json,
}

/// What a command may print besides its result.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shell {
    form: Form,
    quiet: bool,
}

/// The result of a command. It is printed after the place has been closed.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    /// The document for `--json`; nothing is printed for null.
    pub(crate) json: Value,
    /// The same for a reader, without a line end.
    pub(crate) text: String,
    /// What went wrong with parts of it.
    pub(crate) faults: Vec<Fault>,
}

impl Answer {
    /// Makes a result without faults.
    pub(crate) fn new(json: Value, text: impl Into<String>) -> Self {
        Self {
            json,
            text: text.into(),
            faults: Vec::new(),
        }
    }
}

impl Shell {
    /// Makes a shell; a quiet one shows neither notes nor progress.
    pub(crate) fn new(form: Form, quiet: bool) -> Self {
        Self { form, quiet }
    }

    /// Says something on the way, on standard error, unless a program listens.
    pub(crate) fn note(self, text: &str) {
        if !self.quiet && self.form == Form::Text {
            // A reader who has gone misses nothing.
            let _ = writeln!(io::stderr(), "{text}");
        }
    }

    /// Prints a line on standard output before there is a result; nobody has to read it.
    pub(crate) fn tell(self, json: &Value, text: &str) {
        let mut out = io::stdout().lock();
        let _ = match self.form {
            Form::Json => writeln!(out, "{json}"),
            Form::Text => writeln!(out, "{text}"),
        };
        let _ = out.flush();
    }

    /// Begins a bar of bytes, which only a terminal shows; of unknown length without `total`.
    pub(crate) fn bar(self, what: &str, total: Option<u64>) -> Bar {
        match !self.quiet && self.form == Form::Text && io::stderr().is_terminal() {
            true => Bar::shown(what, total),
            false => Bar::hidden(),
        }
    }

    /// Prints the outcome of a command and returns the number that the tool ends with.
    pub(crate) fn end(self, outcome: Outcome<Answer>) -> u8 {
        let faults = match outcome {
            Ok(answer) => match self.print(&answer) {
                Ok(()) => answer.faults,
                Err(fault) => vec![fault],
            },
            Err(fault) => vec![fault],
        };
        for fault in &faults {
            self.complain(fault);
        }
        faults.first().map_or(0, |fault| fault.exit() as u8)
    }

    /// Prints a fault on standard error.
    pub(crate) fn complain(self, fault: &Fault) {
        let _ = match self.form {
            Form::Text => writeln!(io::stderr(), "{fault}"),
            Form::Json => writeln!(io::stderr(), "{}", fault.to_json()),
        };
    }

    fn print(self, answer: &Answer) -> Outcome {
        let mut out = io::stdout().lock();
        let printed = match self.form {
            Form::Json if answer.json.is_null() => Ok(()),
            Form::Json => writeln!(out, "{}", answer.json),
            Form::Text if answer.text.is_empty() => Ok(()),
            Form::Text => writeln!(out, "{}", answer.text),
        };
        match printed.and_then(|()| out.flush()) {
            // `smalti ls | head` is no failure.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            Err(error) => Err(Fault::io("print the result", &error)),
            Ok(()) => Ok(()),
        }
    }
}
