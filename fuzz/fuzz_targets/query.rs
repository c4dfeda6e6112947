//! Queries of lists: parse, print and parse agree, nothing panics, and links lead where they say.
#![no_main]

use libfuzzer_sys::fuzz_target;
use smalti::ImageId;
use smalti::query::{ListQuery, PageLimits, SortKey};
use smalti_fuzz::query::Input;

/// Reads the query back from a link.
fn follow(link: &str) -> ListQuery {
    let text = link.strip_prefix("/v2/images").expect("the path");
    let text = text.strip_prefix('?').unwrap_or(text);
    text.parse().expect("a link is a sound query")
}

fuzz_target!(|input: Input| {
    let text = input.text();
    let query = match text.parse::<ListQuery>() {
        Ok(query) => query,
        Err(error) => return assert_eq!(error.http_status(), 400, "{error}"),
    };
    let printed = query.to_string();
    assert_eq!(printed.parse::<ListQuery>().as_ref().ok(), Some(&query));
    assert!(printed.is_ascii());

    let keys: Vec<SortKey> = query.order().iter().map(|(key, _)| *key).collect();
    assert!(keys.contains(&SortKey::CreatedAt) && keys.contains(&SortKey::Id));
    let distinct = |(at, key)| !keys[..at].contains(key);
    assert!(keys.iter().enumerate().all(distinct));
    assert!(query.page_len(&PageLimits::default()) <= 1000);

    let last = ImageId::from_bytes([0xab; 16]);
    let next = follow(&query.next_link("/v2/images", &last));
    assert_eq!(next, query.clone().with_marker(last));
    let first = follow(&next.first_link("/v2/images"));
    assert_eq!(first, follow(&query.first_link("/v2/images")));
    assert_eq!(first.marker(), None);
});
