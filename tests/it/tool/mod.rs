//! The tool `smalti`, run as a program: what it prints, what it leaves, and how it ends.

mod directory;
mod ending;
mod near;
mod refusals;
mod round;
mod serve;
mod served;
mod server;
mod stores;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// The program, with a directory for files and a place to work on.
#[derive(Debug)]
pub(crate) struct Tool {
    dir: TempDir,
    at: String,
}

/// What became of one run.
#[derive(Debug)]
pub(crate) struct Ran {
    code: Option<i32>,
    stdout: Vec<u8>,
    stderr: String,
}

impl Tool {
    /// A tool that works on a directory which is not there yet.
    pub(crate) fn on_directory() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let at = dir.path().join("images").display().to_string();
        Self { dir, at }
    }

    /// The same files, and another place.
    pub(crate) fn at(self, place: impl Into<String>) -> Self {
        let at = place.into();
        Self { at, ..self }
    }

    /// A path beside the place.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes a file.
    pub(crate) fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, bytes).expect("written");
        path
    }

    /// Names of all files beside the place.
    pub(crate) fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.dir.path()).expect("there");
        let names = entries.map(|entry| entry.expect("an entry").file_name());
        let mut names: Vec<_> = names
            .map(|name| name.to_string_lossy().into_owned())
            .collect();
        names.retain(|name| name != "images");
        names.sort();
        names
    }

    /// The program, not run yet: in the directory of its files.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_smalti"));
        command
            .args(args)
            .current_dir(self.dir.path())
            .env_remove("SMALTI_TOKEN")
            .env("SMALTI_AT", &self.at);
        command
    }

    /// Runs it to its end.
    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        Ran::of(self.command(args).output().expect("it runs"))
    }

    /// Runs it with bytes on standard input.
    pub(crate) fn feed(&self, args: &[&str], input: &[u8]) -> Ran {
        let mut command = self.command(args);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("it runs");
        let mut stdin = child.stdin.take().expect("piped");
        // It may have ended before it took everything.
        let _ = stdin.write_all(input);
        drop(stdin);
        Ran::of(child.wait_with_output().expect("it ends"))
    }

    /// Runs it with `--json`, to success, and reads what it prints.
    #[track_caller]
    pub(crate) fn json(&self, args: &[&str]) -> Value {
        let ran = self.run(&[args, &["--json"]].concat());
        assert_eq!(ran.code, Some(0), "{args:?}: {}", ran.stderr);
        serde_json::from_slice(&ran.stdout).expect("one document")
    }

    /// Runs it to success.
    #[track_caller]
    pub(crate) fn text(&self, args: &[&str]) -> String {
        let ran = self.run(args);
        assert_eq!(ran.code, Some(0), "{args:?}: {}", ran.stderr);
        ran.stdout()
    }

    /// Runs it to a failure of this number, with this in its message.
    #[track_caller]
    pub(crate) fn refused(&self, args: &[&str], code: i32, message: &str) {
        let ran = self.run(args);
        assert_eq!(ran.code, Some(code), "{args:?}: {}", ran.stderr);
        assert!(ran.stderr.contains(message), "{args:?}: {}", ran.stderr);
        assert!(!ran.stderr.contains("panicked"), "{}", ran.stderr);
    }
}

impl Ran {
    fn of(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: output.stdout,
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Returns what it printed.
    fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }
}

/// Returns a path as an argument.
fn arg(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}
