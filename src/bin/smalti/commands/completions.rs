//! `smalti completions`: what a shell needs to complete commands.

use clap::{Args, Command};
use clap_complete::Shell as Kind;
use serde_json::json;

use crate::shell::Answer;

const AFTER: &str = "Example:
  smalti completions bash > ~/.local/share/bash-completion/completions/smalti";

/// Print what a shell needs to complete commands
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct Completions {
    /// The shell
    shell: Kind,
}

impl Completions {
    /// Answers with the script for the whole command line.
    pub(crate) fn run(&self, mut command: Command) -> Answer {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut command, "smalti", &mut script);
        let script = String::from_utf8_lossy(&script).into_owned();
        let text = script.trim_end().to_owned();
        Answer::new(json!({ "script": script }), text)
    }
}
