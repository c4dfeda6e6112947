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
    // Some open more files than processes may by default.
    let output = Command::new("sh")
        .args(["-c", "ulimit -S -n 8192 2>/dev/null; exec \"$0\" \"$@\""])
        .arg(itself)
        .args([name, "--exact", "--test-threads=1", "--nocapture"])
        .env(MARK, "1")
        .output()
        .expect("the tests run");
    let said = String::from_utf8_lossy(&output.stdout);
    let erred = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{erred}");
    assert!(said.contains("1 passed"), "no test has the name {name}");
    println!("{said}");
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

/// Waits until the process holds no more threads and files than before.
#[cfg(all(feature = "http", feature = "testing"))]
#[track_caller]
pub(crate) fn expect_held(before: &Held) {
    let begun = std::time::Instant::now();
    loop {
        let (now, waited) = (Held::now(), begun.elapsed());
        if now.threads <= before.threads && now.files <= before.files {
            return;
        }
        assert!(waited.as_secs() < 30, "{now:?} held, {before:?} before");
        std::thread::yield_now();
    }
}

/// Returns how much memory of the machine this process uses, in bytes.
#[cfg(all(feature = "http", feature = "testing"))]
pub(crate) fn resident_bytes() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("proc");
    let mut lines = status.lines();
    let line = lines.find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next());
    1024 * kib
        .and_then(|kib| kib.parse::<u64>().ok())
        .expect("a number")
}

/// Counts the threads of this process whose names begin so.
pub(crate) fn threads_named(start: &str) -> usize {
    let threads = fs::read_dir("/proc/self/task").expect("proc");
    threads
        .filter_map(|thread| fs::read_to_string(thread.ok()?.path().join("comm")).ok())
        .filter(|name| name.starts_with(start))
        .count()
}
