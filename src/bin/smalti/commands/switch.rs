//! `smalti deactivate` and `smalti reactivate`: whether the data of an image is open.

use clap::Args;

use super::show;
use crate::at::At;
use crate::fault::Outcome;
use crate::place::{self, Need, Switch};
use crate::shell::Answer;

const DEACTIVATE: &str = "Example:
  smalti deactivate debian.qcow2";
const REACTIVATE: &str = "Example:
  smalti reactivate debian.qcow2";

/// Close the data of an image to all but administrators
#[derive(Debug, Args)]
#[command(after_help = DEACTIVATE)]
pub(crate) struct Deactivate {
    #[command(flatten)]
    which: Which,
}

/// Open the data of a deactivated image again
#[derive(Debug, Args)]
#[command(after_help = REACTIVATE)]
pub(crate) struct Reactivate {
    #[command(flatten)]
    which: Which,
}

#[derive(Debug, Args)]
struct Which {
    /// Id or name
    image: String,
    #[command(flatten)]
    at: At,
}

impl Deactivate {
    /// Answers with the image as it is then.
    pub(crate) fn run(&self) -> Outcome<Answer> {
        self.which.switch(Switch::Deactivate)
    }
}

impl Reactivate {
    /// Answers with the image as it is then.
    pub(crate) fn run(&self) -> Outcome<Answer> {
        self.which.switch(Switch::Reactivate)
    }
}

impl Which {
    fn switch(&self, switch: Switch) -> Outcome<Answer> {
        let known = self.at.on(Need::Write, |place| {
            let id = place::find(place, &self.image)?.image.id;
            place.switch(&id, switch)?;
            place.show(&id)
        })?;
        Ok(show::answer(known))
    }
}
