//! Documents as they came, beside what the tool reads of them.

use serde_json::Value;
use smalti::wire::{ImageAnswer, ListAnswer};

use crate::fault::{Exit, Fault, Outcome};

/// A record: its document, and the same with types.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Known {
    pub(crate) json: Value,
    pub(crate) image: ImageAnswer,
}

impl Known {
    /// Reads a document.
    pub(crate) fn read(json: Value) -> Outcome<Self> {
        let image = serde_json::from_value(json.clone()).map_err(|e| strange("an image", &e))?;
        Ok(Self { json, image })
    }
}

/// A page of a list: its document, and the same with types.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Listed {
    pub(crate) json: Value,
    pub(crate) list: ListAnswer,
}

impl Listed {
    /// Reads a document.
    pub(crate) fn read(json: Value) -> Outcome<Self> {
        let list = serde_json::from_value(json.clone()).map_err(|e| strange("a list", &e))?;
        Ok(Self { json, list })
    }
}

/// Makes the fault of a document that is not what it should be.
pub(super) fn strange(what: &str, error: &serde_json::Error) -> Fault {
    let message = format!("the answer is not the document of {what}: {error}");
    Fault::new(Exit::Failed, "StrangeAnswer", message)
        .with_hint("is this a server of the Images API v2?")
}
