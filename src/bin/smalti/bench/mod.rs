//! `smalti bench`: how fast a place is, from here, with temporary images.

mod measure;
mod work;

use clap::Args;
use serde_json::json;

use crate::at::At;
use crate::fault::Outcome;
use crate::interrupt;
use crate::place::Need;
use crate::shell::{Answer, Shell};
use crate::size::Size;
use crate::table::table;
use measure::Measured;
use work::Work;

const AFTER: &str =
    "The data is incompressible and new, so all of it is stored. Temporary images are removed \
afterwards; in a directory `smalti gc` gives their space back. What a digest on this side costs is \
part of an upload to a server.

Examples:
  smalti bench --at /var/lib/images
  smalti bench --size 1GiB --connections 4 --at http://127.0.0.1:9292";

/// Measure a place: upload, download, ranges, create, show, list
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct Bench {
    /// Bytes to upload and download, over all connections
    #[arg(long, value_name = "SIZE", default_value = "256MiB")]
    size: Size,
    /// Work with so many at once
    #[arg(long, value_name = "NUMBER", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1024))]
    connections: u16,
    /// Repeat each small call for so long
    #[arg(long, value_name = "SECONDS", default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=3600))]
    seconds: u64,
    #[command(flatten)]
    at: At,
}

impl Bench {
    /// Answers with what was measured.
    pub(crate) fn run(&self, shell: Shell) -> Outcome<Answer> {
        interrupt::watch();
        let measured = self.at.on(Need::Write, |place| {
            let work = Work::new(place, self.size.0, self.connections, self.seconds);
            let measured = work.all(shell);
            let removed = work.remove_images();
            let measured = measured?;
            removed.map(|()| measured)
        })?;
        let json = json!({
            "size_bytes": self.size.0,
            "connections": self.connections,
            "results": measured.iter().map(Measured::to_json).collect::<Vec<_>>(),
        });
        let head = ["WHAT", "CALLS", "RATE", "P50", "P99"].map(str::to_owned);
        let rows: Vec<_> = std::iter::once(head)
            .chain(measured.iter().map(Measured::row))
            .collect();
        Ok(Answer::new(json, table(&rows)))
    }
}
