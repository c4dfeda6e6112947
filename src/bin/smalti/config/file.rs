//! The configuration file: TOML, every value with its line.

use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::given::{Given, Origin, Value};
use crate::fault::{Exit, Fault, Outcome};

/// Longest configuration file, in bytes.
const MAX_BYTES: u64 = 1 << 20;

/// Reads a file: every key at its top, in the order of their names.
///
/// # Errors
/// If it cannot be read, or is not TOML; repeated keys are not.
pub(super) fn read(path: &Path) -> Outcome<Vec<Given>> {
    let fault = |error: std::io::Error| {
        Fault::io(format_args!("read {}", path.display()), &error)
            .ending_in(Exit::Usage)
            .with_hint("name a file that is there with --config, or leave it out")
    };
    let len = std::fs::metadata(path).map_err(fault)?.len();
    if len > MAX_BYTES {
        let message = format!("{} is {len} bytes, limit {MAX_BYTES}", path.display());
        return Err(Fault::usage(message).with_hint("is this the configuration?"));
    }
    parse(path, &std::fs::read_to_string(path).map_err(fault)?)
}

/// Reads the text of a file.
pub(super) fn parse(path: &Path, text: &str) -> Outcome<Vec<Given>> {
    let place = Place { path, text };
    let table = DeTable::parse(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        let what = error.message().lines().collect::<Vec<_>>().join(", ");
        let message = format!("{what} ({})", place.origin(at));
        Fault::new(Exit::Usage, "InvalidSettings", message)
            .with_hint("the file is TOML: KEY = VALUE")
    })?;
    Ok(place.table(table.get_ref()))
}

/// Reads one value, as a file has it.
pub(super) fn value(text: &str) -> Option<Value> {
    let value = DeValue::parse(text).ok()?;
    let place = Place {
        path: Path::new(""),
        text,
    };
    Some(place.value(&value))
}

struct Place<'a> {
    path: &'a Path,
    text: &'a str,
}

impl Place<'_> {
    fn table(&self, table: &DeTable<'_>) -> Vec<Given> {
        let given = table.iter().map(|(key, value)| Given {
            key: key.get_ref().to_string(),
            value: self.value(value),
            origin: self.origin(key.span().start),
        });
        given.collect()
    }

    fn value(&self, value: &Spanned<DeValue<'_>>) -> Value {
        let written = self.text.get(value.span()).unwrap_or_default();
        let other = || Value::Other(written.to_owned());
        match value.get_ref() {
            DeValue::String(text) => Value::Text(text.to_string()),
            DeValue::Boolean(value) => Value::Bool(*value),
            DeValue::Integer(value) => {
                let read = i64::from_str_radix(value.as_str(), value.radix());
                read.map_or_else(|_| other(), Value::Int)
            }
            DeValue::Array(values) => {
                Value::List(values.iter().map(|value| self.value(value)).collect())
            }
            DeValue::Table(table) => Value::Table(self.table(table)),
            DeValue::Float(_) | DeValue::Datetime(_) => other(),
        }
    }

    fn origin(&self, at: usize) -> Origin {
        let before = self.text.as_bytes().get(..at).unwrap_or_default();
        Origin::File {
            path: self.path.to_owned(),
            line: before.iter().filter(|byte| **byte == b'\n').count() + 1,
        }
    }
}
