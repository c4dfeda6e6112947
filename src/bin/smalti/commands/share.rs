//! `smalti share` and `smalti unshare`: the projects that an image is shared with.

use clap::Args;
use serde_json::{Value, json};
use smalti::{ImageId, MemberStatus, ProjectId};

use crate::at::At;
use crate::fault::{Fault, Outcome, plain};
use crate::place::{self, Need, Place};
use crate::shell::Answer;
use crate::table::table;
use crate::words::project;

const SHARE: &str = "The other project finds a shared image in its lists after it has accepted.

Examples:
  smalti share debian.qcow2 project-b            share it
  smalti share ID --accept --project project-b   accept it, as that project
  smalti share debian.qcow2                      list whom it is shared with";

const UNSHARE: &str = "Example:
  smalti unshare debian.qcow2 project-b";

/// Share an image with a project, decide on one, or list with whom it is shared
#[derive(Debug, Args)]
#[command(after_help = SHARE)]
pub(crate) struct Share {
    /// Id or name; to decide, the id
    image: String,
    /// The project; to decide, the own one unless another is named
    #[arg(value_name = "PROJECT", value_parser = project)]
    member: Option<ProjectId>,
    /// Accept the image, so that lists have it
    #[arg(long)]
    accept: bool,
    /// Reject the image, so that lists do not have it
    #[arg(long, conflicts_with = "accept")]
    reject: bool,
    #[command(flatten)]
    at: At,
}

/// Share an image with a project no more
#[derive(Debug, Args)]
#[command(after_help = UNSHARE)]
pub(crate) struct Unshare {
    /// Id or name
    image: String,
    /// The project
    #[arg(value_name = "PROJECT", value_parser = project)]
    member: ProjectId,
    #[command(flatten)]
    at: At,
}

impl Share {
    /// Answers with the member, or with all of them.
    pub(crate) fn run(&self) -> Outcome<Answer> {
        let decision = match (self.accept, self.reject) {
            (true, _) => Some(MemberStatus::Accepted),
            (_, true) => Some(MemberStatus::Rejected),
            _ => None,
        };
        let need = match (&self.member, decision) {
            (None, None) => Need::Read,
            _ => Need::Write,
        };
        self.at.on(need, |place| {
            let id = find(place, &self.image)?;
            match (&self.member, decision) {
                (None, None) => place.members(&id).map(all),
                (Some(member), None) => place.add_member(&id, member).map(one),
                (member, Some(status)) => {
                    let own = member.as_ref().or(self.at.project());
                    let own = own.ok_or_else(nobody)?;
                    place.decide(&id, own, status).map(one)
                }
            }
        })
    }
}

impl Unshare {
    /// Answers with what was ended.
    pub(crate) fn run(&self) -> Outcome<Answer> {
        self.at.on(Need::Write, |place| {
            let id = find(place, &self.image)?;
            place.remove_member(&id, &self.member)?;
            let text = format!(
                "{id} is no longer shared with {}",
                plain(self.member.as_str())
            );
            let json = json!({ "image_id": id, "unshared": self.member.as_str() });
            Ok(Answer::new(json, text))
        })
    }
}

fn find(place: &dyn Place, image: &str) -> Outcome<ImageId> {
    place::find(place, image).map(|known| known.image.id)
}

fn nobody() -> Fault {
    Fault::usage("nobody is named who decides").with_hint("add --project, or name the project")
}

fn one(member: Value) -> Answer {
    let text = table(&[head(), row(&member)]);
    Answer::new(member, text)
}

fn all(members: Value) -> Answer {
    let listed = members["members"].as_array().map_or(&[][..], Vec::as_slice);
    let rows: Vec<_> = std::iter::once(head())
        .chain(listed.iter().map(row))
        .collect();
    let text = table(&rows);
    Answer::new(members, text)
}

fn head() -> [String; 3] {
    ["PROJECT", "STATUS", "UPDATED"].map(str::to_owned)
}

fn row(member: &Value) -> [String; 3] {
    ["member_id", "status", "updated_at"].map(|name| plain(member[name].as_str().unwrap_or("-")))
}
