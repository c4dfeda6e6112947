//! What does the front end cost beside the library, and beside a server that has its answers ready?
//!
//! Each kind of request runs over loopback against three: the library itself, a bare server of axum
//! with the same bytes ready in memory (the floor), and the front end; in turns, in one run. Client
//! and servers share the machine's cores, as in the floor. If a ratio falls below its goal, the
//! front end does something for each request that it should not.
//!
//! ```text
//! cargo bench --bench http --features http -- [WHAT]... [--dir DIR] [--size-mib N] [--seconds N]
//! ```
//! `WHAT` is one of `show`, `range`, `list`, `download`, `create`, `upload`.

#![expect(
    clippy::cast_precision_loss,
    reason = "numbers here are lengths and counts, on machines that run benches"
)]

mod client;
mod floor;
mod load;
mod site;
mod transfer;

use std::path::PathBuf;
use std::time::Duration;

/// What a run was asked for.
#[derive(Debug)]
pub(crate) struct Plan {
    what: Vec<String>,
    pub(crate) dir: PathBuf,
    pub(crate) size_mib: usize,
    pub(crate) turn: Duration,
}

impl Plan {
    fn from_args() -> Self {
        let mut plan = Self {
            what: Vec::new(),
            dir: std::env::temp_dir(),
            size_mib: 512,
            turn: Duration::from_secs(2),
        };
        let mut args = std::env::args().skip(1);
        while let Some(arg) = args.next() {
            let mut value = || args.next().unwrap_or_else(|| panic!("{arg} needs a value"));
            match arg.as_str() {
                "--dir" => plan.dir = value().into(),
                "--size-mib" => plan.size_mib = value().parse().expect("a number of MiB"),
                "--seconds" => {
                    plan.turn = Duration::from_secs(value().parse().expect("a number of seconds"));
                }
                // What cargo passes on its own.
                "--bench" => {}
                what => plan.what.push(what.to_owned()),
            }
        }
        plan
    }

    pub(crate) fn wants(&self, what: &str) -> bool {
        self.what.is_empty() || self.what.iter().any(|wanted| wanted == what)
    }
}

/// One row of the table: a number of the front end beside another.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) what: String,
    pub(crate) unit: &'static str,
    pub(crate) front: f64,
    pub(crate) beside: f64,
    pub(crate) named: &'static str,
    /// The ratio that is aimed for: at least, or at most where it begins with `<`.
    pub(crate) goal: &'static str,
}

impl Row {
    fn print(&self) {
        let Self {
            what,
            unit,
            front,
            beside,
            named,
            goal,
        } = self;
        let ratio = front / beside;
        println!(
            "| {what:36} | {front:>9.1} | {beside:>9.1} | {named:7} | {unit:5} | {ratio:>5.2} | {goal:7} |"
        );
    }
}

fn main() {
    let plan = Plan::from_args();
    println!(
        "| {:36} | {:>9} | {:>9} | {:7} | {:5} | {:>5} | {:7} |",
        "what", "front end", "beside", "of", "unit", "ratio", "goal"
    );
    println!("|---|---|---|---|---|---|---|");
    let site = site::Site::new(&plan);
    for row in load::rows(&plan, &site) {
        row.print();
    }
    for row in transfer::rows(&plan, &site) {
        row.print();
    }
}
