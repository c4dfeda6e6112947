//! Places: a directory or a server, behind one trait, so that commands are written once.
//!
//! What comes back are the documents of the API, whoever has made them.

mod dir;
mod known;
mod name;
mod stores;
mod task;
mod url;

use serde_json::Value;
use smalti::cache::ClearTarget;
use smalti::import::Request;
use smalti::{ByteRange, ImageId, ListQuery, MemberStatus, Patch, ProjectId};

use crate::fault::{Exit, Fault, Outcome};
use crate::files::{Sink, Source};

pub(crate) use dir::DirPlace;
pub(crate) use known::{Known, Listed};
pub(crate) use name::find;
pub(crate) use smalti::http::StoreDepth as Depth;
pub(crate) use url::UrlPlace;

/// The code of the fault of an answer that is longer than the tool takes.
pub(crate) const TOO_LONG: &str = "AnswerTooLong";

/// What a command wants of a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// To read what is there, beside other readers.
    Read,
    /// To change what is there.
    Write,
    /// To change what is there, or to make it.
    Create,
}

/// Where images are. Every call is one call of the API, with its rules and errors.
pub(crate) trait Place: Sync {
    /// Creates a record from the body of a request.
    fn create(&self, body: &Value) -> Outcome<Known>;

    /// Returns a record.
    fn show(&self, id: &ImageId) -> Outcome<Known>;

    /// Returns a page of a list.
    fn list(&self, query: &ListQuery) -> Outcome<Listed>;

    /// Changes a record, all of it or nothing.
    fn update(&self, id: &ImageId, patch: &Patch) -> Outcome<Known>;

    /// Deletes an image.
    fn delete(&self, id: &ImageId) -> Outcome;

    /// Closes the data of an image, or opens it again.
    fn switch(&self, id: &ImageId, switch: Switch) -> Outcome;

    /// Adds or removes a tag.
    fn tag(&self, id: &ImageId, tagging: Tagging<'_>) -> Outcome;

    /// Returns the document of the members of an image.
    fn members(&self, id: &ImageId) -> Outcome<Value>;

    /// Shares an image with a project, and returns the document of the member.
    fn add_member(&self, id: &ImageId, project: &ProjectId) -> Outcome<Value>;

    /// Sets what a member has decided, and returns its document.
    fn decide(&self, id: &ImageId, project: &ProjectId, status: MemberStatus) -> Outcome<Value>;

    /// Shares an image with a project no more.
    fn remove_member(&self, id: &ImageId, project: &ProjectId) -> Outcome;

    /// Fills a queued image, and tests that what is stored is what was sent. A store may be named
    /// that gets the data.
    fn upload(&self, id: &ImageId, source: &mut Source, store: Option<&str>) -> Outcome<Known>;

    /// Stages data of a queued image, to be imported.
    fn stage(&self, id: &ImageId, source: &mut Source) -> Outcome;

    /// Has data imported into an image, and waits for the end; `tell` hears how it goes.
    fn import(&self, id: &ImageId, request: &Request, tell: &dyn Fn(&str)) -> Outcome<Known>;

    /// Returns the document of the stores.
    fn stores(&self, depth: Depth) -> Outcome<Value>;

    /// Removes the copy of an image in one store.
    fn delete_copy(&self, id: &ImageId, store: &str) -> Outcome;

    /// Returns the document of what the project of the caller uses of its limits.
    fn usage(&self) -> Outcome<Value>;

    /// Returns the document of the image cache.
    fn cache(&self) -> Outcome<Value>;

    /// Changes the image cache; returns the document that comes of it, null for none.
    fn change_cache(&self, change: Caching<'_>) -> Outcome<Value>;

    /// Gives the data of an image, or a range of it, to a sink.
    fn download(&self, id: &ImageId, range: Option<ByteRange>, sink: &mut dyn Sink) -> Outcome;

    /// Tells whether nobody in particular asks: an administrator, or whoever a server takes it for.
    fn asks_for_all(&self) -> bool;

    /// Leaves the place; nothing may be asked of it afterwards.
    fn close(&self) -> Outcome;
}

/// What becomes of the data of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Switch {
    /// It is closed to all but administrators.
    Deactivate,
    /// It is open again.
    Reactivate,
}

/// What is done with the image cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Caching<'a> {
    /// An image waits to be cached.
    Queue(&'a ImageId),
    /// An image is cached no more, and does not wait.
    Remove(&'a ImageId),
    /// All copies go, all that wait, or both.
    Clear(ClearTarget),
    /// Copies go until the rest has the size that it may have.
    Prune,
}

/// What is done with a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tagging<'a> {
    /// It is added.
    Add(&'a str),
    /// It is removed.
    Remove(&'a str),
}

/// Makes the fault of an image that was created and never filled.
fn no_data(id: &ImageId) -> Fault {
    Fault::new(
        Exit::Conflict,
        "NoData",
        format!("image {id} has no data yet"),
    )
    .with_hint(format!("fill it: `smalti put FILE --image {id}`"))
}
