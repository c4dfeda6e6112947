//! The clients, installed by pip into a virtual environment below the directory of the build.

use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::{Hash, Hasher};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use crate::SCRATCH;

/// The clients and all they need, each with its version.
const REQUIREMENTS: &str = include_str!("requirements.txt");

/// What pip says when it gets no answer from the index.
const UNREACHED: [&str; 4] = [
    "connection broken by",
    "Could not fetch URL",
    "ConnectionError",
    "Connection to",
];

/// Returns where the commands of the environment are; nothing where pip reaches no index, which is
/// told, and is a failure where `CI` is set.
#[track_caller]
pub(crate) fn bin() -> Option<&'static Path> {
    static MADE: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    match MADE.get_or_init(make) {
        Ok(bin) => Some(bin),
        Err(why) => {
            let is_ci = std::env::var_os("CI").is_some();
            assert!(!is_ci, "CI is set, and clients cannot be installed: {why}");
            let _ = writeln!(io::stdout(), "SKIPPED, no clients can be installed: {why}");
            None
        }
    }
}

/// Makes the environment, unless it is there with the same requirements.
fn make() -> Result<PathBuf, String> {
    let mut hasher = DefaultHasher::new();
    REQUIREMENTS.hash(&mut hasher);
    let dir = Path::new(SCRATCH).join(format!("clients-{:016x}", hasher.finish()));
    let (bin, stamp) = (dir.join("bin"), dir.join("complete"));
    if stamp.exists() {
        return Ok(bin);
    }
    let begun = std::time::Instant::now();
    let _ = fs::remove_dir_all(&dir);
    let venv = ["-m".as_ref(), "venv".as_ref(), dir.as_os_str()];
    let made = Command::new("python3").args(venv).output();
    let made = made.map_err(|error| format!("python3 does not start: {error}"))?;
    if !made.status.success() {
        return Err(format!("python3 -m venv failed: {}", text(&made)));
    }
    install(&bin)?;
    fs::write(&stamp, REQUIREMENTS).expect("a file that can be written");
    let took = begun.elapsed().as_secs();
    let _ = writeln!(io::stdout(), "clients installed in {took} s");
    Ok(bin)
}

/// Installs the requirements.
///
/// # Panics
/// If pip fails for another reason than that it reaches no index.
fn install(bin: &Path) -> Result<(), String> {
    let requirements = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/requirements.txt");
    let options = ["install", "--disable-pip-version-check", "--no-input"];
    let installed = Command::new(bin.join("python"))
        .args(["-m", "pip"])
        .args(options)
        .args(["--retries", "2", "--no-deps", "--requirement"])
        .arg(requirements)
        .output()
        .expect("the python that was just made");
    if installed.status.success() {
        return Ok(());
    }
    let said = text(&installed);
    let is_unreached = |line: &&str| UNREACHED.iter().any(|words| line.contains(words));
    let Some(line) = said.lines().find(is_unreached) else {
        panic!("pip install failed:\n{said}");
    };
    Err(format!("pip reaches no index: {line}"))
}

fn text(output: &Output) -> String {
    let both = [&output.stdout[..], &output.stderr[..]].concat();
    String::from_utf8_lossy(&both).into_owned()
}
