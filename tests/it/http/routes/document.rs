//! The OpenAPI document beside what the routes answer: it lists each outcome, and hardly others.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Line;

/// What no request brings about by itself: a fault of the service, one that is closed, a full disk.
const FAULTS: [u16; 3] = [500, 503, 413];
/// What the connection brings about: a transfer encoding that is unknown.
const CODING: u16 = 501;
/// The outcome that depends on a delete between two pieces of what is staged.
const RARE: (&str, &str, u16) = ("put", "/v2/images/{image_id}/stage", 410);

/// Returns the operations of the document: method, path, operation.
fn operations(document: &Value) -> Vec<(&str, &str, &Value)> {
    let paths = document["paths"].as_object().expect("paths");
    let each = paths.iter().flat_map(|(path, methods)| {
        let methods = methods.as_object().expect("methods").iter();
        let methods = methods.filter(|(name, _)| *name != "parameters");
        methods.map(move |(method, operation)| (method.as_str(), path.as_str(), operation))
    });
    each.collect()
}

fn statuses(operation: &Value) -> BTreeSet<u16> {
    let responses = operation["responses"].as_object().expect("responses");
    let status = |name: &String| name.parse().expect("a status, not a default");
    responses.keys().map(status).collect()
}

/// Tests that the document has each outcome that was seen, and no other but a few.
pub(super) fn check(seen: &BTreeSet<Line>) {
    let document = smalti::http::openapi();
    for (method, path, operation) in operations(&document) {
        let named = format!("{} {path}", method.to_uppercase());
        let seen = seen.iter().filter(|(route, outcome, _)| {
            // Other methods are other operations.
            *route == named && !["other method", "method HEAD"].contains(outcome)
        });
        let seen: BTreeSet<u16> = seen.map(|(_, _, status)| *status).collect();
        let listed = statuses(operation);
        let unlisted: Vec<_> = seen.difference(&listed).collect();
        assert!(unlisted.is_empty(), "{named} answers {unlisted:?}");
        let is_expected = |status: &&u16| {
            FAULTS.contains(status) || **status == CODING || RARE == (method, path, **status)
        };
        let unseen: Vec<_> = listed
            .difference(&seen)
            .filter(|it| !is_expected(it))
            .collect();
        assert!(unseen.is_empty(), "{named} never answers {unseen:?}");
    }
}

#[test]
fn operations_have_names_of_their_own_in_lower_camel_case() {
    let document = smalti::http::openapi();
    let operations = operations(&document);
    let mut names = BTreeSet::new();
    for (method, path, operation) in &operations {
        let name = operation["operationId"].as_str().expect("a name");
        let is_lower = name.starts_with(|first: char| first.is_ascii_lowercase());
        let is_camel = name.chars().all(|char| char.is_ascii_alphabetic());
        assert!(is_lower && is_camel, "{method} {path}: {name}");
        assert!(names.insert(name), "{method} {path}: {name} is another's");
    }
    assert_eq!(operations.len(), smalti::http::routes().count());
    assert!(names.contains("listImages") && names.contains("showImage"));
}

#[test]
fn every_reference_of_the_document_leads_somewhere() {
    let document = smalti::http::openapi();
    let mut references = BTreeSet::new();
    collect(&document, &mut references);
    assert!(references.len() > 20, "{references:?}");
    for reference in references {
        let pointer = reference.strip_prefix('#').expect("within the document");
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
}

fn collect<'v>(value: &'v Value, references: &mut BTreeSet<&'v str>) {
    match value {
        Value::Object(members) => {
            references.extend(members.get("$ref").and_then(Value::as_str));
            members.values().for_each(|it| collect(it, references));
        }
        Value::Array(items) => items.iter().for_each(|it| collect(it, references)),
        _ => {}
    }
}
