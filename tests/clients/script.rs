//! A script that runs with a limit of time; what it prints is shown as it comes.

use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::process::{ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// How long a script may take: long enough for two cores that do much other work, as none ends by it
/// but one that hangs.
const LIMIT: Duration = Duration::from_secs(600);

/// Runs a script with the python of `bin`, in `work`, against the service at `url`.
///
/// # Panics
/// If it fails, or takes longer than [`LIMIT`].
#[track_caller]
pub(crate) fn run(script: &Path, bin: &Path, work: &Path, url: &str) {
    let mut child = Command::new(bin.join("python"))
        .arg("-u")
        .args([script.as_os_str(), url.as_ref()])
        .current_dir(work)
        // Settings of who runs the tests are none of the clients'.
        .envs([("HOME", work), ("XDG_CONFIG_HOME", work), ("TMPDIR", work)])
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("NO_PROXY", "*")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a script that starts");
    let stdout = child.stdout.take().expect("a pipe");
    let (shown, all_is_shown) = mpsc::channel();
    let show = thread::spawn(move || {
        let lines = show(stdout);
        let _ = shown.send(());
        lines
    });
    if all_is_shown.recv_timeout(LIMIT).is_err() {
        child.kill().expect("a child that runs");
    }
    let status = child.wait().expect("a child that ended");
    let lines = show.join().expect("no panic").expect("lines of text");
    let name = script.file_name().unwrap_or_default().display();
    assert!(status.success(), "{name}: {status}:\n{}", lines.join("\n"));
    let last = lines.last().map(String::as_str).unwrap_or_default();
    assert!(last.starts_with("done "), "{name} ended early: {last:?}");
}

/// Shows lines as they come, past what holds back the output of tests that succeed.
fn show(stdout: ChildStdout) -> io::Result<Vec<String>> {
    let mut lines = Vec::new();
    for line in BufReader::new(stdout).lines() {
        let line = line?;
        writeln!(io::stdout(), "{line}")?;
        lines.push(line);
    }
    Ok(lines)
}
