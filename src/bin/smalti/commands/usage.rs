//! `smalti usage`: what a project uses of its limits.

use clap::Args;
use serde_json::Value;

use crate::at::At;
use crate::fault::{Outcome, plain};
use crate::place::Need;
use crate::shell::Answer;
use crate::table::table;

const AFTER: &str = "Limits are tables [limits.PROJECT] of the configuration, and [limits.default] for projects without one. \
image_size_total and image_stage_total are counted in MiB, rounded down. Bytes on their way are not in it.

Examples:
  smalti usage --project a --config smalti.toml
  smalti usage --project a --at http://127.0.0.1:9292";

/// Show what a project uses of its limits
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct Usage {
    #[command(flatten)]
    at: At,
}

impl Usage {
    /// Answers with the document of the limits of the caller's project.
    pub(crate) fn run(&self) -> Outcome<Answer> {
        let usage = self.at.on(Need::Read, |place| place.usage())?;
        let figures = usage["usage"].as_object();
        let text = match figures.filter(|figures| !figures.is_empty()) {
            None => "no limits are set".to_owned(),
            Some(figures) => {
                let head = ["LIMIT", "USED", "OF"].map(str::to_owned);
                let rows = figures.iter().map(|(name, figure)| row(name, figure));
                table(&std::iter::once(head).chain(rows).collect::<Vec<_>>())
            }
        };
        Ok(Answer::new(usage, text))
    }
}

fn row(name: &str, figure: &Value) -> [String; 3] {
    let unit = if name.contains("_size_") || name.contains("_stage_") {
        " MiB"
    } else {
        ""
    };
    let limit = match figure["limit"].as_i64() {
        Some(-1) => "no limit".to_owned(),
        _ => format!("{}{unit}", figure["limit"]),
    };
    [plain(name), format!("{}{unit}", figure["usage"]), limit]
}
