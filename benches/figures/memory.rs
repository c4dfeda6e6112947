//! Memory of this process, and children that are measured from their first breath.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::{index, many};

/// Returns the memory that is this process's own, maps of files left out, in MiB.
pub(crate) fn own_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("RssAnon:"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1));
    kib.and_then(|kib| kib.parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
}

/// Watches the memory of this process until it is asked for the peak.
#[derive(Debug)]
pub(crate) struct Watch {
    before: f64,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<f64>,
}

impl Watch {
    pub(crate) fn start() -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let mut peak: f64 = 0.0;
            while !stopped.load(Ordering::Relaxed) {
                peak = peak.max(own_mib());
                std::thread::sleep(Duration::from_millis(3));
            }
            peak
        });
        let before = own_mib();
        Self {
            before,
            stop,
            thread,
        }
    }

    /// Returns how much more there was at the peak than at the start, in MiB.
    pub(crate) fn peak_mib(self) -> f64 {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("watched") - self.before
    }
}

/// Runs this program again as a child and returns the number that it prints, unless it dies on
/// purpose.
pub(crate) fn run_child(name: &str, dir: &Path, argument: &str) -> Option<f64> {
    let program = std::env::current_exe().expect("own path");
    let mut command = Command::new(program);
    command.arg("--child").arg(name).arg(dir).arg(argument);
    let output = command.output().expect("child");
    String::from_utf8_lossy(&output.stdout).trim().parse().ok()
}

/// What a child does.
pub(crate) fn child(name: &str, dir: &Path, argument: Option<&str>) {
    let count = argument.and_then(|text| text.parse().ok()).unwrap_or(0);
    match name {
        "idle" => println!("{}", many::idle_mib(dir, count as u64)),
        "upload" => println!("{}", index::upload_mib(dir, count)),
        "killed" => index::fill_and_die(dir, count),
        _ => panic!("no child {name}"),
    }
}
