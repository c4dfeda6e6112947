//! What filters and sorting share: an engine that holds a data set, and the page of a query.

use serde_json::{Value, json};
use smalti::query::ListQuery;
use smalti::wire::{ImageDocument, ListDocument};
use smalti::{Caller, Engine, Result};

use super::{engine, refused, settings, stored};

/// Opens an engine that holds the images of a data set, whose first is the oldest record.
pub(super) fn holding(dataset: &Value, config: &Value) -> Engine {
    let engine = engine(settings(config));
    for image in dataset.as_array().expect("a data set") {
        stored(&engine, image);
    }
    engine
}

/// Answers a query string as a server does: ids in order, and the marker of the link to the next
/// page, or the refusal.
pub(super) fn answer(engine: &Engine, caller: &Caller, query: &str) -> Value {
    page(engine, caller, query).unwrap_or_else(|error| refused(&error))
}

fn page(engine: &Engine, caller: &Caller, query: &str) -> Result<Value> {
    let query: ListQuery = query.parse()?;
    let page = engine.images(caller).list(&query)?;
    let images = page.images().iter().map(ImageDocument::new).collect();
    let document = ListDocument::new(&query, &engine.settings().page, images);
    let document = serde_json::to_value(document).expect("JSON");
    assert_eq!(document["first"], page.first_link("/v2/images"));
    let next = document["next"].as_str().map(str::to_owned);
    assert_eq!(next, page.next_link("/v2/images"));
    let images = document["images"].as_array().expect("a list").iter();
    let ids: Vec<&Value> = images.map(|image| &image["id"]).collect();
    Ok(json!({ "status": 200, "images": ids, "next_marker": next.as_deref().map(marker) }))
}

/// Returns the marker that a link names.
fn marker(link: &str) -> &str {
    let (_, marker) = link.split_once("marker=").expect("a marker");
    marker.split('&').next().expect("a value")
}
