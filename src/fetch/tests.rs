//! The vectors of the specification for the method `web-download`.

use super::UriRules;
use super::ssrf_tests::Names;

#[test]
fn downloads_are_refused_as_the_vectors_say() {
    let text = include_str!("../../tests/vectors/import.json");
    let file: serde_json::Value = serde_json::from_str(text).unwrap();
    let mut count = (0, 0);
    for vector in file["vectors"].as_array().unwrap() {
        let id = vector["id"].as_str().unwrap();
        if !id.starts_with("import-wd") {
            continue;
        }
        let uri = vector["body"]["method"]["uri"].as_str().unwrap_or_default();
        let found = UriRules::default().check(uri, &Names);
        let is_refused = vector["expect"]["error"] == "UriNotAllowed";
        assert_eq!(found.is_err(), is_refused, "{id}: {found:?}");
        count = (count.0 + usize::from(is_refused), count.1 + 1);
    }
    assert_eq!(count, (13, 17), "refused, of all");
}
