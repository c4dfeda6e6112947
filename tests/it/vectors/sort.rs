//! Sorting and paging: query string to ids in order, and the marker of the next page.

use smalti::Caller;

use super::lists::{answer, holding};
use super::{File, same, text};

#[test]
fn lists_are_sorted_and_paged_as_the_vectors_say() {
    let file = File::new("sort", include_str!("../../vectors/sort.json"));
    file.run(|vector| {
        let engine = holding(file.part("dataset"), &vector["config"]);
        let found = answer(&engine, &Caller::project("p1"), text(vector, "query"));
        same(&found, &vector["expect"])
    });
}
