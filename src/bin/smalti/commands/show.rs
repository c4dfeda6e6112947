//! `smalti show`: the record of an image.

use clap::Args;
use serde_json::Value;

use crate::at::At;
use crate::fault::{Outcome, plain};
use crate::place::{self, Known, Need};
use crate::shell::Answer;
use crate::size::Size;
use crate::table::table;

const AFTER: &str = "Example:
  smalti show debian.qcow2 --json | jq -r .os_hash_value";

/// Show the record of an image
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct Show {
    /// Id or name
    image: String,
    #[command(flatten)]
    at: At,
}

impl Show {
    /// Answers with the record.
    pub(crate) fn run(&self) -> Outcome<Answer> {
        self.at
            .on(Need::Read, |place| place::find(place, &self.image))
            .map(answer)
    }
}

/// Makes the answer of a command that ends with one image.
pub(super) fn answer(known: Known) -> Answer {
    let text = text(&known.json);
    Answer::new(known.json, text)
}

/// Lays a record out for a reader: what is set, with what is read first above.
fn text(json: &Value) -> String {
    const FIRST: [&str; 8] = [
        "id",
        "name",
        "status",
        "size",
        "disk_format",
        "container_format",
        "visibility",
        "owner",
    ];
    const DULL: [&str; 3] = ["self", "file", "schema"];
    let Some(object) = json.as_object() else {
        return json.to_string();
    };
    let first = FIRST.iter().filter_map(|name| object.get_key_value(*name));
    let rest = object
        .iter()
        .filter(|(name, _)| !FIRST.contains(&name.as_str()));
    let shown = first
        .chain(rest)
        .filter(|(name, value)| !DULL.contains(&name.as_str()) && !value.is_null());
    let rows: Vec<[String; 2]> = shown
        .map(|(name, value)| [plain(name), cell(name, value)])
        .collect();
    table(&rows)
}

fn cell(name: &str, value: &Value) -> String {
    match value {
        Value::String(text) => plain(text),
        Value::Array(words) => {
            let words = words
                .iter()
                .map(|word| word.as_str().map_or_else(|| word.to_string(), plain));
            words.collect::<Vec<_>>().join(", ")
        }
        Value::Number(number) => match number.as_u64() {
            Some(bytes) if name.ends_with("size") && bytes >= 1024 => {
                format!("{bytes} ({})", Size(bytes))
            }
            _ => number.to_string(),
        },
        other => plain(&other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_record_is_laid_out_with_what_is_read_first_above() {
        let json = json!({
            "zone": "a\u{7}", "id": "1", "name": null, "size": 4096, "self": "/v2", "tags": ["x", "y"],
            "min_ram": 0, "protected": false,
        });
        let expected = "id         1\nsize       4096 (4.00 KiB)\nmin_ram    0\nprotected  false\n\
                        tags       x, y\nzone       a\\u{7}";
        assert_eq!(text(&json), expected);
    }
}
