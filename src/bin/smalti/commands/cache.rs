//! `smalti cache`: which images are kept near, and which wait to be.

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};
use smalti::ImageId;
use smalti::cache::ClearTarget;

use super::rm::each;
use crate::at::At;
use crate::fault::{Outcome, plain};
use crate::place::{Caching, Need, Place};
use crate::shell::{Answer, Shell};
use crate::size::Size;
use crate::table::table;

const AFTER: &str = "The cache keeps whole images of other stores in the directory of the engine, where the configuration says \
image_cache = true. It is for administrators.

Examples:
  smalti cache ls --at http://127.0.0.1:9292
  smalti cache queue debian.qcow2 --at http://127.0.0.1:9292     a worker of the server fetches it
  smalti cache clear --only queue --at http://127.0.0.1:9292
  smalti cache fill --config smalti.toml                         fetch what waits, here and now";

/// Show and change the image cache
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct Cache {
    #[command(subcommand)]
    deed: Deed,
}

#[derive(Debug, Subcommand)]
enum Deed {
    /// List what is cached, and what waits
    Ls(Whole),
    /// Let images wait to be cached, in this order
    Queue(Chosen),
    /// Remove images from the cache and from the queue
    Rm(Chosen),
    /// Remove all that is cached, all that waits, or both
    Clear(Clear),
    /// Remove what was read least recently, until the rest is no longer than image_cache_max_size
    Prune(Whole),
    /// Cache what waits now; on a directory only, since a server does it by itself
    Fill(Whole),
}

#[derive(Debug, Args)]
struct Whole {
    #[command(flatten)]
    at: At,
}

#[derive(Debug, Args)]
struct Chosen {
    /// Ids or names
    #[arg(required = true)]
    images: Vec<String>,
    #[command(flatten)]
    at: At,
}

#[derive(Debug, Args)]
struct Clear {
    /// Clear only this [default: both]
    #[arg(long, value_name = "WHAT")]
    only: Option<Only>,
    #[command(flatten)]
    at: At,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Only {
    Cache,
    Queue,
}

impl Cache {
    /// Answers with the document of the cache, or with what was done.
    pub(crate) fn run(&self, shell: Shell) -> Outcome<Answer> {
        match &self.deed {
            Deed::Ls(whole) => whole.list(),
            Deed::Queue(chosen) => chosen.each("queued", |id| Caching::Queue(id)),
            Deed::Rm(chosen) => chosen.each("removed", |id| Caching::Remove(id)),
            Deed::Clear(clear) => clear.run(),
            Deed::Prune(whole) => whole.prune(),
            Deed::Fill(whole) => whole.fill(shell),
        }
    }
}

impl Whole {
    fn list(&self) -> Outcome<Answer> {
        let state = self.at.on(Need::Write, |place| place.cache())?;
        let text = laid_out(&state);
        Ok(Answer::new(state, text))
    }

    fn prune(&self) -> Outcome<Answer> {
        let change = |place: &dyn Place| place.change_cache(Caching::Prune);
        let pruned = self.at.on(Need::Write, change)?;
        let bytes = pruned["total_bytes_pruned"].as_u64().unwrap_or_default();
        let text = format!(
            "removed {} images, {}",
            pruned["total_files_pruned"],
            Size(bytes)
        );
        Ok(Answer::new(pruned, text))
    }

    fn fill(&self, shell: Shell) -> Outcome<Answer> {
        shell.note("caching what waits");
        let run = self.at.on_engine("cache fill", Need::Write, |place| {
            let run = place.engine().run_cache_queue();
            run.map_err(|error| place.of_cache(error))
        })?;
        let (cached, failed) = (run.cached_count, run.failed_count);
        let text = format!("cached {cached} images; {failed} could not be, and wait");
        Ok(Answer::new(
            json!({ "cached": cached, "failed": failed }),
            text,
        ))
    }
}

impl Chosen {
    fn each(&self, done: &str, change: fn(&ImageId) -> Caching<'_>) -> Outcome<Answer> {
        self.at.on(Need::Write, |place| {
            let deed = |id: &ImageId| place.change_cache(change(id)).map(drop);
            Ok(each(place, &self.images, done, "", deed))
        })
    }
}

impl Clear {
    fn run(&self) -> Outcome<Answer> {
        let (target, text) = match self.only {
            Some(Only::Cache) => (ClearTarget::Cache, "the cache is empty"),
            Some(Only::Queue) => (ClearTarget::Queue, "nothing waits"),
            None => (ClearTarget::Both, "the cache is empty, and nothing waits"),
        };
        let change = |place: &dyn Place| place.change_cache(Caching::Clear(target));
        self.at.on(Need::Write, change)?;
        Ok(Answer::new(
            json!({ "cleared": target.word().unwrap_or("both") }),
            text,
        ))
    }
}

fn laid_out(state: &Value) -> String {
    let rows = |name: &str| state[name].as_array().cloned().unwrap_or_default();
    let text = |value: &Value| plain(value.as_str().unwrap_or("-"));
    let cached = rows("cached_images").into_iter().map(|it| {
        let size = Size(it["size"].as_u64().unwrap_or_default());
        [
            text(&it["image_id"]),
            size.to_string(),
            it["hits"].to_string(),
        ]
    });
    let queued = rows("queued_images").into_iter();
    let queued = queued.map(|it| [text(&it), "waits".to_owned(), "-".to_owned()]);
    let head = ["IMAGE", "CACHED", "HITS"].map(str::to_owned);
    table(
        &std::iter::once(head)
            .chain(cached)
            .chain(queued)
            .collect::<Vec<_>>(),
    )
}
