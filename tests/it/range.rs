//! Byte ranges against the vectors of the specification, `tests/vectors/range.json`.

use serde_json::Value;
use smalti::range::{ContentRange, select};

const VECTORS: &str = include_str!("../vectors/range.json");

/// Runs one vector; says how it failed.
fn run(vector: &Value) -> Result<(), String> {
    let bytes = |key: &str| vector[key].as_str().map(str::as_bytes);
    let size = vector["size"].as_u64();
    let answer = match select(size, bytes("range"), bytes("content_range")) {
        Ok(chosen) => {
            let range = chosen.range();
            let content_range = chosen.content_range().map(|range| range.to_string());
            match chosen.http_status() {
                204 => serde_json::json!({ "status": 204 }),
                status => serde_json::json!({
                    "status": status,
                    "offset": range.start,
                    "length": range.end - range.start,
                    "content_range": content_range,
                }),
            }
        }
        Err(error) => match (error.http_status(), size) {
            (416, Some(complete)) => serde_json::json!({
                "status": 416,
                "content_range": ContentRange::Unsatisfied { complete }.to_string(),
            }),
            (status, _) => serde_json::json!({ "status": status }),
        },
    };
    let expected = &vector["expect"];
    if answer == *expected {
        return Ok(());
    }
    Err(format!("{}: {answer}, expected {expected}", vector["id"]))
}

#[test]
fn every_vector_is_answered_as_the_specification_says() {
    let file: Value = serde_json::from_str(VECTORS).expect("vectors are JSON");
    let vectors = file["vectors"].as_array().expect("a list of vectors");
    let failed: Vec<String> = vectors.iter().filter_map(|v| run(v).err()).collect();
    println!(
        "range.json: {} vectors run, {} failed",
        vectors.len(),
        failed.len()
    );
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    assert_eq!(Some(vectors.len() as u64), file["count"].as_u64());
}
