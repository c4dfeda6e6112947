//! The stores of a directory, as a server would show them.

use serde_json::{Value, json};
use smalti::policy::Action;
use smalti::{Engine, Images};

use super::Depth;
use crate::fault::{Exit, Fault, Outcome};

/// Returns the document of the stores of an engine.
///
/// # Errors
/// Where none was configured; for details, where the caller may not know them.
pub(super) fn document(engine: &Engine, images: &Images, depth: Depth) -> Outcome<Value> {
    if !engine.has_named_stores() {
        return Err(none());
    }
    if depth == Depth::Details {
        images.check_global(Action::StoresDetail)?;
    }
    let stores = engine.stores().into_iter().map(|store| {
        let mut shown = json!({ "id": store.name });
        if let Some(text) = store.description {
            shown["description"] = json!(text);
        }
        for (name, is_set) in [
            ("default", store.is_default),
            ("read-only", store.is_read_only),
        ] {
            if is_set {
                shown[name] = json!("true");
            }
        }
        if depth == Depth::Details {
            shown["type"] = json!(store.kind);
            shown["weight"] = json!(store.weight);
            shown["properties"] = json!(store.properties);
        }
        shown
    });
    Ok(json!({ "stores": stores.collect::<Vec<_>>() }))
}

/// Tests that a store may be named.
///
/// # Errors
/// Where none was configured.
pub(super) fn expect(engine: &Engine, _: &str) -> Outcome {
    match engine.has_named_stores() {
        true => Ok(()),
        false => Err(none()),
    }
}

fn none() -> Fault {
    Fault::new(Exit::NotFound, "NotFound", "no stores are configured")
        .with_hint("name them in tables [stores.NAME] of a file, and that with --config FILE")
}
