//! The command line: what commands there are, and what all of them take.

use std::ffi::OsString;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory, Parser, Subcommand};

use crate::bench::Bench;
use crate::commands::{
    Cache, Completions, Deactivate, Gc, Get, Import, Ls, Put, Reactivate, Rm, Set, Share, Show,
    Stats, Stores, Unshare, Usage, Verify,
};
use crate::fault::{Fault, Outcome};
use crate::serve::Serve;
use crate::shell::{Answer, Form, Shell};

const ABOUT: &str = "Stores images of virtual machines in a directory, and serves them.

Commands work on a directory, or on a server of the Images API: --at PLACE, or SMALTI_AT, or \
./images. IMAGE is an id or a name that only one image has.";

const AFTER: &str = "Examples:
  smalti put debian.qcow2                    store a disk image in ./images
  smalti get debian.qcow2 copy.qcow2         read it back, and prove it
  smalti serve --single-user                 serve ./images on http://127.0.0.1:9292
  smalti ls --at http://127.0.0.1:9292       list what a server has

Exit codes:
  0 done   1 failed   2 wrong command, value or configuration   3 not found
  4 forbidden or not authenticated   5 conflict   6 limit, quota or full disk
  7 place locked, not reachable or failing   8 damaged bytes   130 interrupted";

/// The whole command line.
#[derive(Debug, Parser)]
#[command(name = "smalti", version, about = ABOUT, after_help = AFTER, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Common {
    /// Print results and errors as JSON, one document a line
    #[arg(long, global = true)]
    json: bool,
    /// Show neither notes nor progress
    #[arg(long, short, global = true)]
    quiet: bool,
}

impl Common {
    /// Returns the shell to print to.
    pub(crate) fn shell(self) -> Shell {
        Shell::new(form(self.json), self.quiet)
    }
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Serve(Box<Serve>),
    Put(Box<Put>),
    Get(Get),
    Import(Box<Import>),
    Stores(Stores),
    Cache(Cache),
    Usage(Usage),
    Ls(Ls),
    Show(Show),
    Set(Box<Set>),
    Share(Share),
    Unshare(Unshare),
    Deactivate(Deactivate),
    Reactivate(Reactivate),
    Rm(Rm),
    Gc(Gc),
    Verify(Verify),
    Stats(Stats),
    Bench(Bench),
    Completions(Completions),
}

impl Command {
    /// Runs the command.
    pub(crate) fn run(&self, shell: Shell) -> Outcome<Answer> {
        match self {
            Self::Serve(it) => it.run(shell),
            Self::Put(it) => it.run(shell),
            Self::Get(it) => it.run(shell),
            Self::Import(it) => it.run(shell),
            Self::Stores(it) => it.run(),
            Self::Cache(it) => it.run(shell),
            Self::Usage(it) => it.run(),
            Self::Ls(it) => it.run(shell),
            Self::Show(it) => it.run(),
            Self::Set(it) => it.run(),
            Self::Share(it) => it.run(),
            Self::Unshare(it) => it.run(),
            Self::Deactivate(it) => it.run(),
            Self::Reactivate(it) => it.run(),
            Self::Rm(it) => it.run(),
            Self::Gc(it) => it.run(shell),
            Self::Verify(it) => it.run(shell),
            Self::Stats(it) => it.run(),
            Self::Bench(it) => it.run(shell),
            Self::Completions(it) => Ok(it.run(Cli::command())),
        }
    }
}

/// Reads the command line. What is no command has been answered; its exit code comes back.
pub(crate) fn parse() -> Result<Cli, u8> {
    let args: Vec<OsString> = std::env::args_os().collect();
    Cli::try_parse_from(&args).map_err(|error| answer(&error, &args))
}

fn answer(error: &clap::Error, args: &[OsString]) -> u8 {
    let asked = matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
    );
    let json = args.iter().any(|arg| arg == "--json");
    if asked || !json {
        // Help goes to standard output, the rest to standard error; who has gone misses nothing.
        let _ = error.print();
        return if asked { 0 } else { 2 };
    }
    let text = error.render().to_string();
    let message = text.trim_start_matches("error: ").trim_end();
    Shell::new(Form::Json, true).end(Err(Fault::usage(message)))
}

fn form(json: bool) -> Form {
    if json { Form::Json } else { Form::Text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_teaches_by_an_example() {
        for command in Cli::command().get_subcommands_mut() {
            let name = command.get_name().to_owned();
            let help = command.render_long_help().to_string();
            assert!(help.contains(&format!("  smalti {name}")), "{help}");
        }
    }
}
