//! Sorting and paging: query string to ids in order, and the marker of the next page.

use smalti::Caller;

use super::ask::Transport;
use super::by_calls::Calls;
use super::lists::{answer, holding};
use super::{File, same, text};

#[test]
fn lists_are_sorted_and_paged_as_the_vectors_say() {
    run(&Calls);
}

#[cfg(feature = "http")]
#[test]
fn lists_are_sorted_and_paged_through_http_as_the_vectors_say() {
    run(&super::by_http::Http);
}

fn run(way: &dyn Transport) {
    let file = File::new("sort", include_str!("../../vectors/sort.json"));
    file.run(way, |vector| {
        let engine = holding(file.part("dataset"), &vector["config"]);
        let face = way.face(&engine);
        let found = answer(&*face, &Caller::project("p1"), text(vector, "query"));
        same(&found, &vector["expect"])
    });
}
