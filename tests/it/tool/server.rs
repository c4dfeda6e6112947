//! A server of the tool that runs while a test does.

use std::io::{BufRead, BufReader, PipeReader, Write, pipe};
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::Value;

use super::{Tool, arg};

/// A server that runs, and ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Served {
    child: Child,
    stdout: BufReader<ChildStdout>,
    pub(crate) url: String,
    /// The line that says it is ready, where that is a document.
    pub(crate) ready: Value,
}

impl Served {
    /// Starts one on the directory of a tool, and waits until it is ready.
    pub(crate) fn start(tool: &Tool, args: &[&str]) -> Self {
        Self::begin(command(tool, args))
    }

    /// Starts one whose standard error is full and not read.
    pub(crate) fn start_unread(tool: &Tool, args: &[&str]) -> (Self, PipeReader) {
        let (reader, mut writer) = pipe().expect("a pipe");
        let mut command = command(tool, args);
        command.stderr(writer.try_clone().expect("cloned"));
        // More than it holds: the thread waits until the reader is gone.
        std::thread::spawn(move || writer.write_all(&[b'.'; 2 << 20]));
        (Self::begin(command), reader)
    }

    /// Starts one, and returns its standard error, which a test may read when it has ended.
    pub(crate) fn start_logged(tool: &Tool, args: &[&str]) -> (Self, PipeReader) {
        let (reader, writer) = pipe().expect("a pipe");
        let mut command = command(tool, args);
        command.stderr(writer);
        (Self::begin(command), reader)
    }

    fn begin(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().expect("it starts");
        let mut stdout = BufReader::new(child.stdout.take().expect("piped"));
        let mut line = String::new();
        stdout.read_line(&mut line).expect("a line");
        let ready: Value = serde_json::from_str(&line).unwrap_or_default();
        let told = line.trim().strip_prefix("listening on ");
        let url = told.or_else(|| ready["listening"].as_str());
        let url = url.expect("its address").to_owned();
        Self {
            child,
            stdout,
            url,
            ready,
        }
    }

    /// Its address, to connect to.
    pub(crate) fn address(&self) -> &str {
        self.url.trim_start_matches("http://")
    }

    /// Asks it to end, and returns how it did.
    pub(crate) fn end(mut self) -> Option<i32> {
        self.signal("TERM");
        let code = self.wait();
        let mut rest = String::new();
        self.stdout.read_line(&mut rest).expect("readable");
        assert_eq!(rest, "", "it prints one line");
        code
    }

    /// Waits until it ends, and returns how it did.
    pub(crate) fn wait(&mut self) -> Option<i32> {
        self.child.wait().expect("it ends").code()
    }

    pub(crate) fn signal(&self, name: &str) {
        signal(self.child.id(), name);
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It has ended where the test has come so far.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a signal to a process that a test has started.
pub(crate) fn signal(id: u32, name: &str) {
    let id = id.to_string();
    let sent = Command::new("kill").args(["-s", name, &id]).status();
    assert!(sent.expect("kill runs").success());
}

fn command(tool: &Tool, args: &[&str]) -> Command {
    let data = tool.path("images");
    let fixed = ["serve", "--listen", "127.0.0.1:0", "--data", arg(&data)];
    let quiet = match args.contains(&"--log") {
        true => &[][..],
        false => &["--log", "warn"],
    };
    tool.command(&[&fixed, quiet, args].concat())
}
