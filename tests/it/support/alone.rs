//! Tests that count what the process holds run in a process of their own.

use std::fs;
use std::process::Command;

/// Tells whether the test named `name` has this process to itself; if not, it was run in one that
/// it has, and passed.
#[track_caller]
pub(crate) fn is_alone(name: &str) -> bool {
    const MARK: &str = "SMALTI_TEST_ALONE";
    if std::env::var_os(MARK).is_some() {
        return true;
    }
    let itself = std::env::current_exe().expect("the path of the tests");
    let output = Command::new(itself)
        .args([name, "--exact", "--test-threads=1", "--nocapture"])
        .env(MARK, "1")
        .output()
        .expect("the tests run");
    let said = String::from_utf8_lossy(&output.stdout);
    let erred = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{erred}");
    assert!(said.contains("1 passed"), "no test has the name {name}");
    false
}

/// What the process holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) threads: usize,
    pub(crate) files: usize,
    pub(crate) maps_of_packs: usize,
}

impl Held {
    pub(crate) fn now() -> Self {
        let count = |path| fs::read_dir(path).expect("proc").count();
        let maps = fs::read_to_string("/proc/self/maps").expect("proc");
        Self {
            threads: count("/proc/self/task"),
            files: count("/proc/self/fd"),
            maps_of_packs: maps.lines().filter(|line| line.contains(".pack")).count(),
        }
    }
}

/// Counts the threads of this process whose names begin so.
pub(crate) fn threads_named(start: &str) -> usize {
    let threads = fs::read_dir("/proc/self/task").expect("proc");
    threads
        .filter_map(|thread| fs::read_to_string(thread.ok()?.path().join("comm")).ok())
        .filter(|name| name.starts_with(start))
        .count()
}
