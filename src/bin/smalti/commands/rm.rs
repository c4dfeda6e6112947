//! `smalti rm`: deletes images, or their copies in one store.

use clap::Args;
use serde_json::json;
use smalti::ImageId;

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
        let store = self.store.as_deref();
        let from = store.map(|store| format!(" from {}", plain(store)));
        let deed = |id: &ImageId| match store {
            Some(store) => place.delete_copy(id, store),
            None => place.delete(id),
        };
        each(
            place,
            &self.images,
            "deleted",
            &from.unwrap_or_default(),
            deed,
        )
    }
}

/// Does something with each of some images; what cannot be done is told, and the rest is done all
/// the same. What is `done` is a list of the answer, and a line for each, with `more` behind the id.
pub(super) fn each(
    place: &dyn Place,
    images: &[String],
    done: &str,
    more: &str,
    deed: impl Fn(&ImageId) -> Outcome,
) -> Answer {
    let (mut ids, mut faults) = (Vec::new(), Vec::new());
    for image in images {
        let one = place::find(place, image).map(|found| found.image.id);
        match one.and_then(|id| deed(&id).map(|()| id.to_string())) {
            Ok(id) => ids.push(id),
            Err(fault) => faults.push(fault.about(image)),
        }
    }
    let lines = ids.iter().map(|id| format!("{done} {id}{more}"));
    let text = lines.collect::<Vec<_>>().join("\n");
    Answer {
        json: json!({ done: ids }),
        text,
        faults,
    }
}
