//! `smalti rm`: deletes images, or their copies in one store.

use clap::Args;
use serde_json::json;

use crate::at::At;
use crate::fault::{Outcome, plain};
use crate::place::{self, Need, Place};
use crate::shell::Answer;

const AFTER: &str =
    "Space returns with the next `smalti gc`. What cannot be deleted is told, and the rest is \
deleted all the same.

Examples:
  smalti rm debian.qcow2 0b1f6fbe-5f0e-4e5b-a5b3-6d8a1b0a5c11
  smalti rm debian.qcow2 --store slow     remove the copy in one store; another must be left";

/// Delete images, or their copies in one store
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct Rm {
    /// Ids or names
    #[arg(required = true)]
    images: Vec<String>,
    /// Remove only the copies in this store: for administrators
    #[arg(long, value_name = "NAME")]
    store: Option<String>,
    #[command(flatten)]
    at: At,
}

impl Rm {
    /// Answers with the ids of what is deleted.
    pub(crate) fn run(&self) -> Outcome<Answer> {
        self.at.on(Need::Write, |place| Ok(self.delete(place)))
    }

    fn delete(&self, place: &dyn Place) -> Answer {
        let (mut deleted, mut faults) = (Vec::new(), Vec::new());
        for image in &self.images {
            match delete_one(place, image, self.store.as_deref()) {
                Ok(id) => deleted.push(id),
                Err(fault) => faults.push(fault.about(image)),
            }
        }
        let from = self
            .store
            .as_deref()
            .map(|store| format!(" from {}", plain(store)));
        let from = from.unwrap_or_default();
        let lines = deleted.iter().map(|id| format!("deleted {id}{from}"));
        let text = lines.collect::<Vec<_>>().join("\n");
        Answer {
            json: json!({ "deleted": deleted }),
            text,
            faults,
        }
    }
}

fn delete_one(place: &dyn Place, image: &str, store: Option<&str>) -> Outcome<String> {
    let id = place::find(place, image)?.image.id;
    match store {
        Some(store) => place.delete_copy(&id, store)?,
        None => place.delete(&id)?,
    }
    Ok(id.to_string())
}
