//! `smalti stores`: the stores that images may be in.

use clap::Args;
use serde_json::Value;

use crate::at::At;
use crate::fault::{Outcome, plain};
use crate::place::{Depth, Need};
use crate::shell::Answer;
use crate::table::table;

const AFTER: &str = "Stores are tables [stores.NAME] of the configuration; a server that was given none has one that \
nobody sees.

Examples:
  smalti stores --at http://127.0.0.1:9292
  smalti stores --details --config smalti.toml     for administrators: types and weights, too";

/// List the stores that images may be in
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct Stores {
    /// Show types and weights, too, and with --json what types tell: for administrators
    #[arg(long)]
    details: bool,
    #[command(flatten)]
    at: At,
}

impl Stores {
    /// Answers with the document of the stores.
    pub(crate) fn run(&self) -> Outcome<Answer> {
        let depth = match self.details {
            true => Depth::Details,
            false => Depth::Names,
        };
        let stores = self.at.on(Need::Read, |place| place.stores(depth))?;
        let listed = stores["stores"].as_array().map_or(&[][..], Vec::as_slice);
        let rows: Vec<Vec<String>> = std::iter::once(head(depth))
            .chain(listed.iter().map(|store| row(store, depth)))
            .collect();
        let text = table(&rows);
        Ok(Answer::new(stores, text))
    }
}

fn head(depth: Depth) -> Vec<String> {
    let names: &[&str] = match depth {
        Depth::Names => &["STORE", "USE", "DESCRIPTION"],
        Depth::Details => &["STORE", "USE", "TYPE", "WEIGHT", "DESCRIPTION"],
    };
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn row(store: &Value, depth: Depth) -> Vec<String> {
    let text = |name: &str| plain(store[name].as_str().unwrap_or("-"));
    let used = match (&store["default"], &store["read-only"]) {
        (Value::String(_), _) => "default",
        (_, Value::String(_)) => "read only",
        _ => "-",
    };
    let mut row = vec![text("id"), used.to_owned()];
    if depth == Depth::Details {
        row.extend([text("type"), store["weight"].to_string()]);
    }
    row.push(text("description"));
    row
}
