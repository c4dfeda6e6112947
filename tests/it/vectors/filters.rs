//! Filters: caller and query string to the ids of a list.

use serde_json::Value;

use super::ask::Transport;
use super::by_calls::Calls;
use super::lists::{answer, holding};
use super::{File, caller, same};

#[test]
fn lists_are_filtered_as_the_vectors_say() {
    run(&Calls);
}

#[cfg(feature = "http")]
#[test]
fn lists_are_filtered_through_http_as_the_vectors_say() {
    run(&super::by_http::Http);
}

fn run(way: &dyn Transport) {
    let file = File::new("filters", include_str!("../../vectors/filters.json"));
    let engine = holding(file.part("dataset"), &Value::Null);
    let face = way.face(&engine);
    file.run(way, |vector| {
        let name = vector["actor"].as_str().or(vector["as"].as_str());
        let caller = caller(&file.part("actors")[name.expect("an actor")]);
        let mut found = answer(&*face, &caller, super::text(vector, "query"));
        if let Some(found) = found.as_object_mut() {
            // The pages of this file are the only ones.
            assert_eq!(found.remove("next_marker").unwrap_or_default(), Value::Null);
        }
        same(&found, &vector["expect"])
    });
}
