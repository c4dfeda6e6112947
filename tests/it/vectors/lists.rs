//! What filters and sorting share: an engine that holds a data set, and the page of a query.

use serde_json::{Value, json};
use smalti::{Caller, Engine};

use super::ask::{Ask, Face};
use super::{engine, settings, stored};

/// Opens an engine that holds the images of a data set, whose first is the oldest record.
pub(super) fn holding(dataset: &Value, config: &Value) -> Engine {
    let engine = engine(settings(config));
    for image in dataset.as_array().expect("a data set") {
        stored(&engine, image);
    }
    engine
}

/// Answers a query string: ids in order, and the marker of the link to the next page, or the
/// refusal.
pub(super) fn answer(face: &dyn Face, caller: &Caller, query: &str) -> Value {
    let page = match face.ask(caller, Ask::List(query)).done() {
        Ok(answer) => answer.document,
        Err(refusal) => return refusal,
    };
    assert_eq!(page["schema"], "/v2/schemas/images");
    let next = page["next"].as_str().map(marker);
    let images = page["images"].as_array().expect("a list").iter();
    let ids: Vec<&Value> = images.map(|image| &image["id"]).collect();
    json!({ "status": 200, "images": ids, "next_marker": next })
}

/// Returns the marker that a link names.
fn marker(link: &str) -> &str {
    let (_, marker) = link.split_once("marker=").expect("a marker");
    marker.split('&').next().expect("a value")
}
