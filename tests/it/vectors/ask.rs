//! What vectors ask for, whatever carries it: an operation of a caller, and what is answered.

use serde_json::{Value, json};
use smalti::{Caller, Engine, Image, ImageId};

/// The media types of patches, the older one last.
pub(super) const PATCH: &str = "application/openstack-images-v2.1-json-patch";
pub(super) const PATCH_OLD: &str = "application/openstack-images-v2.0-json-patch";

/// An operation.
#[derive(Debug, Clone, Copy)]
pub(super) enum Ask<'a> {
    Create(Option<&'a [u8]>),
    Show(&'a ImageId),
    /// With a media type and a body.
    Patch(&'a ImageId, Option<&'a str>, &'a [u8]),
    Delete(&'a ImageId),
    Deactivate(&'a ImageId),
    Reactivate(&'a ImageId),
    /// With a query string.
    List(&'a str),
    Upload(&'a ImageId, &'a [u8]),
    Download(&'a ImageId),
    /// From a store before others.
    DownloadFrom(&'a ImageId, &'a str),
    Stage(&'a ImageId, &'a [u8]),
    /// With the store that a header names, and a body.
    Import(&'a ImageId, Option<&'a str>, &'a [u8]),
    /// The tasks of an image.
    Tasks(&'a ImageId),
    /// From a store.
    DeleteCopy(&'a ImageId, &'a str),
    /// With a method, a tag and a body.
    Tag(&'a ImageId, &'a str, &'a str, &'a [u8]),
    /// With a method, a member and a body.
    Members(&'a ImageId, &'a str, Option<&'a str>, Option<&'a [u8]>),
}

/// What is answered.
#[derive(Debug, Default)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// The code of a refusal.
    pub(super) error: Option<String>,
    /// The document, where there is one.
    pub(super) document: Value,
    /// The bytes of a download.
    pub(super) data: Vec<u8>,
    /// The image of the document, where it was handed out.
    pub(super) image: Option<Image>,
}

impl Answer {
    pub(super) fn new(status: u16) -> Self {
        Self {
            status,
            ..Self::default()
        }
    }

    pub(super) fn with(mut self, document: Value) -> Self {
        self.document = document;
        self
    }

    /// Returns itself, or the refusal as vectors show it.
    pub(super) fn done(self) -> Result<Self, Value> {
        match &self.error {
            Some(code) => Err(json!({ "status": self.status, "error": code })),
            None => Ok(self),
        }
    }

    /// Returns the id of the image that the document shows.
    pub(super) fn id(&self) -> ImageId {
        let id = self.document["id"].as_str().expect("an id");
        id.parse().expect("an id")
    }
}

/// An upload that has begun.
pub(super) trait Running {
    /// Sends more data.
    fn write(&mut self, data: &[u8]);

    /// Ends it.
    fn finish(self: Box<Self>) -> Answer;

    /// Makes its source fail.
    fn fail(self: Box<Self>) -> Answer;
}

/// A way to one engine.
pub(super) trait Face {
    fn ask(&self, caller: &Caller, ask: Ask<'_>) -> Answer;

    /// Begins an upload that is let in.
    fn begin(&self, caller: &Caller, id: &ImageId) -> Box<dyn Running>;

    /// Tells whether there are routes also to what engines have no calls for.
    fn has_routes(&self) -> bool {
        false
    }

    /// Asks for an operation that engines have no calls for, by the name that vectors give it.
    fn ask_by_route(&self, _: &Caller, operation: &str, _: &ImageId) -> Answer {
        panic!("no route to {operation}")
    }
}

/// A kind of way to engines.
pub(super) trait Transport {
    /// Returns its name, as in "through the engine".
    fn name(&self) -> &'static str;

    fn face(&self, engine: &Engine) -> Box<dyn Face + Send>;
}
