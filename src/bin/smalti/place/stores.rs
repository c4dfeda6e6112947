//! The stores of a directory, as a server would show them.

use smalti::http::{StoreDepth, StoresDocument};
use smalti::policy::Action;
use smalti::{Engine, Images};

use crate::fault::{Exit, Fault, Outcome};

/// Returns the document of the stores of an engine.
///
/// # Errors
/// Where none was configured; for details, where the caller may not know them.
pub(super) fn document(
    engine: &Engine,
    images: &Images,
    depth: StoreDepth,
) -> Outcome<StoresDocument> {
    if !engine.has_named_stores() {
        return Err(none());
    }
    if depth == StoreDepth::Details {
        images.check_global(Action::StoresDetail)?;
    }
    Ok(StoresDocument::new(engine, depth))
}

/// Tests that a store may be named.
///
/// # Errors
/// Where none was configured.
pub(super) fn expect(engine: &Engine) -> Outcome {
    match engine.has_named_stores() {
        true => Ok(()),
        false => Err(none()),
    }
}

fn none() -> Fault {
    Fault::new(Exit::NotFound, "NotFound", "no stores are configured")
        .with_hint("name them in tables [stores.NAME] of a file, and that with --config FILE")
}
